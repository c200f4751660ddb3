// How a struct stands in a JSON document: a list of its members, said once. Pure; thread-safe.
//
//     constexpr auto kChange = fields_of<Change>(field("before", &Change::before),
//                                                field("after", &Change::after));
//     Json document = write_json(kChange, change);
//     Change change = read_json<Change>(kChange, JsonReader(document, "change.json"));
//
// A codec says how one kind of value is written and read: any struct that has
// `Json write(const T&) const` and `void read(const JsonReader& place, T& into) const`. A list is
// one, so lists nest. The type of a member says the rest: with a codec of T, an optional<T> is null
// where it is empty, a vector<T> is an array, a map from strings to T is an object.
// Members that a list does not name are passed over.
#pragma once

#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>

#include "dagloop/base/json_reader.hpp"

namespace dagloop {

/// Whether `Codec` takes a T as it is; else it takes what a T holds.
template <typename Codec, typename T>
concept Takes = requires(const Codec& codec, const T& value) {
  codec.write(value);
};

/// Writes `value` by `codec`.
template <typename Codec, typename T>
Json write_json(const Codec& codec, const T& value) {
  if constexpr (Takes<Codec, T>) {
    return codec.write(value);
  } else if constexpr (requires { value.has_value(); }) {
    return value ? write_json(codec, *value) : Json();
  } else if constexpr (requires { typename T::mapped_type; }) {
    Json::Object members;
    for (const auto& [key, each] : value) members.emplace_back(key, write_json(codec, each));
    return Json(std::move(members));
  } else {
    Json::Array elements;
    for (const auto& each : value) elements.push_back(write_json(codec, each));
    return Json(std::move(elements));
  }
}

/// Reads what stands at `place` into `into`, which is new. Errors: as of JsonReader.
template <typename Codec, typename T>
void read_json(const Codec& codec, const JsonReader& place, T& into) {
  if constexpr (Takes<Codec, T>) {
    codec.read(place, into);
  } else if constexpr (requires { into.has_value(); }) {
    if (!place.value().is_null()) read_json(codec, place, into.emplace());
  } else if constexpr (requires { typename T::mapped_type; }) {
    for (const auto& [key, each] : place.members()) read_json(codec, each, into[key]);
  } else {
    for (const JsonReader& each : place.elements()) read_json(codec, each, into.emplace_back());
  }
}

/// The same, returned.
template <typename T, typename Codec>
T read_json(const Codec& codec, const JsonReader& place) {
  T value;
  read_json(codec, place, value);
  return value;
}

/// What JSON has a form for; a time is RFC 3339 text. No counts: see Count.
struct Plain {
  Json write(const std::same_as<Json> auto& value) const { return value; }
  Json write(const std::same_as<std::string> auto& value) const { return value; }
  Json write(const std::same_as<double> auto& value) const { return value; }
  Json write(const std::same_as<bool> auto& value) const { return value; }
  Json write(const std::same_as<std::int64_t> auto& value) const { return value; }
  Json write(const std::same_as<TimePoint> auto& value) const { return format_time(value); }
  void read(const JsonReader& place, Json& into) const { into = place.value(); }
  void read(const JsonReader& place, std::string& into) const { into = place.string(); }
  void read(const JsonReader& place, double& into) const { into = place.number(); }
  void read(const JsonReader& place, bool& into) const { into = place.boolean(); }
  void read(const JsonReader& place, std::int64_t& into) const { into = place.integer(); }
  void read(const JsonReader& place, TimePoint& into) const { into = place.time(); }
};

/// A whole number from 0 to `most`; others are refused with these words.
struct Count {
  std::string_view fault;
  std::string_view remedy;
  std::int64_t most = INT64_MAX;
  Json write(std::integral auto value) const { return value; }
  void read(const JsonReader& place, std::integral auto& into) const {
    const std::int64_t count = place.integer();
    if (count < 0 || count > most) place.fail(fault, remedy);
    into = static_cast<std::remove_reference_t<decltype(into)>>(count);
  }
};

/// An enumerator as the word that to_string() prints; `parse` reads it, others are refused.
template <typename Enum>
struct WordOf {
  std::optional<Enum> (*parse)(std::string_view word);
  std::string_view fault;
  std::string_view remedy;
  Json write(Enum value) const { return to_string(value); }
  void read(const JsonReader& place, Enum& into) const {
    const auto found = parse(place.string());
    if (!found) place.fail(fault, remedy);
    into = *found;
  }
};

/// What has rules that no list says: two functions.
template <typename T>
struct ByHand {
  Json (*to_json)(const T& value);
  T (*from_json)(const JsonReader& place);
  Json write(const T& value) const { return to_json(value); }
  void read(const JsonReader& place, T& into) const { into = from_json(place); }
};

/// An entry of a list, from how it is written and how it is read.
template <typename Write, typename Read>
struct Entry {
  Write write;
  Read read;
};
template <typename Write, typename Read>
Entry(Write, Read) -> Entry<Write, Read>;

/// The member `name` of the document, which must have it.
template <typename S, typename T, typename Codec = Plain>
constexpr auto field(std::string_view name, T S::*member, Codec codec = {}) {
  return Entry{
      [=](const S& from, Json::Object& into) {
        into.emplace_back(name, write_json(codec, from.*member));
      },
      [=](const JsonReader& place, S& into) { read_json(codec, place.at(name), into.*member); }};
}

/// The same where a document may lack it (as older ones do) or say null: it stays as it was then.
template <typename S, typename T, typename Codec = Plain>
constexpr auto field_or_default(std::string_view name, T S::*member, Codec codec = {}) {
  return Entry{field(name, member, codec).write, [=](const JsonReader& place, S& into) {
                 if (const auto found = place.find(name)) read_json(codec, *found, into.*member);
               }};
}

/// The members of a struct inside this one, among its own.
template <typename S, typename T, typename List>
constexpr auto inlined(T S::*member, List list) {
  return Entry{[=](const S& from, Json::Object& into) { list.write(from.*member, into); },
               [=](const JsonReader& place, S& into) { list.read(place, into.*member); }};
}

/// What follows from the others and is written for readers of the document: never read.
template <typename Function>
constexpr auto shown(std::string_view name, Function json_of) {
  return Entry{
      [=](const auto& from, Json::Object& into) { into.emplace_back(name, json_of(from)); },
      [](const JsonReader&, const auto&) {}};
}

/// A rule of what was read so far; a breach is told of the member `name` (or, "", of the struct).
template <typename S>
constexpr auto must_hold(bool (*rule)(const S& value), std::string_view name,
                         std::string_view fault, std::string_view remedy) {
  return Entry{[](const S&, Json::Object&) {},
               [=](const JsonReader& place, const S& value) {
                 if (!rule(value)) (name.empty() ? place : place.at(name)).fail(fault, remedy);
               }};
}

/// The list: a codec, and an entry of other lists of the same struct.
template <typename S, typename... Entries>
struct Fields {
  std::tuple<Entries...> entries;
  Json write(const S& from) const {
    Json::Object object;
    write(from, object);
    return Json(std::move(object));
  }
  void write(const S& from, Json::Object& into) const {
    std::apply([&](const Entries&... each) { (each.write(from, into), ...); }, entries);
  }
  void read(const JsonReader& place, S& into) const {
    std::apply([&](const Entries&... each) { (each.read(place, into), ...); }, entries);
  }
};

/// Makes a list; its entries are written and read in this order.
template <typename S, typename... Entries>
constexpr auto fields_of(Entries... entries) {
  return Fields<S, Entries...>{{entries...}};
}

}  // namespace dagloop
