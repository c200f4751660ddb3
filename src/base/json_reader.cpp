#include "dagloop/base/json_reader.hpp"

#include <algorithm>

namespace dagloop {
namespace {

std::string kind_of(const Json& value) {
  if (value.is_null()) return "null";
  if (value.is_bool()) return "true or false";
  if (value.is_number()) return "a number";
  if (value.is_string()) return "a string";
  return value.is_array() ? "an array" : "an object";
}

std::string child_path(const std::string& path, std::string_view key) {
  return path.empty() ? std::string(key) : path + "." + std::string(key);
}

}  // namespace

JsonReader::JsonReader(const Json& value, std::string where, std::string path)
    : value_(&value), where_(std::move(where)), path_(std::move(path)) {}

void JsonReader::fail(std::string_view what, std::string_view remedy) const {
  throw Error(ErrorKind::config, path_.empty() ? where_ : where_ + ": " + path_, what, remedy);
}

JsonReader JsonReader::at(std::string_view key) const {
  if (!value_->is_object()) fail("expected an object, found " + kind_of(*value_), "mend the file");
  const Json* found = value_->find(key);
  if (found == nullptr) {
    fail("the key \"" + std::string(key) + "\" is missing", "add it");
  }
  return {*found, where_, child_path(path_, key)};
}

std::optional<JsonReader> JsonReader::find(std::string_view key) const {
  if (!value_->is_object()) fail("expected an object, found " + kind_of(*value_), "mend the file");
  const Json* found = value_->find(key);
  // null and absent mean the same: writers may print what they do not have.
  if (found == nullptr || found->is_null()) return std::nullopt;
  return JsonReader(*found, where_, child_path(path_, key));
}

std::optional<double> JsonReader::find_number(std::string_view key) const {
  const auto found = find(key);
  return found ? std::optional(found->number()) : std::nullopt;
}

std::optional<TimePoint> JsonReader::find_time(std::string_view key) const {
  const auto found = find(key);
  return found ? std::optional(found->time()) : std::nullopt;
}

std::vector<JsonReader> JsonReader::elements() const {
  if (!value_->is_array()) fail("expected an array, found " + kind_of(*value_), "mend the file");
  std::vector<JsonReader> all;
  for (std::size_t i = 0; i < value_->as_array().size(); ++i) {
    all.emplace_back(value_->as_array()[i], where_, path_ + "[" + std::to_string(i) + "]");
  }
  return all;
}

std::vector<std::pair<std::string, JsonReader>> JsonReader::members() const {
  if (!value_->is_object()) fail("expected an object, found " + kind_of(*value_), "mend the file");
  std::vector<std::pair<std::string, JsonReader>> all;
  for (const auto& [key, member] : value_->as_object()) {
    all.emplace_back(key, JsonReader(member, where_, child_path(path_, key)));
  }
  return all;
}

std::string JsonReader::string() const {
  if (!value_->is_string()) fail("expected a string, found " + kind_of(*value_), "mend the value");
  return value_->as_string();
}

bool JsonReader::boolean() const {
  if (!value_->is_bool()) {
    fail("expected true or false, found " + kind_of(*value_), "mend the value");
  }
  return value_->as_bool();
}

std::int64_t JsonReader::integer() const {
  if (!value_->is_integer()) {
    fail("expected an integer, found " + kind_of(*value_), "mend the value");
  }
  return value_->as_integer();
}

double JsonReader::number() const {
  if (!value_->is_number()) fail("expected a number, found " + kind_of(*value_), "mend the value");
  return value_->as_number();
}

TimePoint JsonReader::time() const {
  const auto parsed = parse_time(string());
  if (!parsed) fail("no RFC 3339 time", "give e.g. \"2026-02-25T06:00:00Z\"");
  return *parsed;
}

Microseconds JsonReader::duration() const {
  const auto parsed = parse_duration(string());
  if (!parsed) fail("no duration", "give a number and a unit, e.g. \"90m\", \"6h\", \"1d\"");
  return *parsed;
}

void JsonReader::allow_only(const std::vector<std::string_view>& known) const {
  for (const auto& [key, member] : members()) {
    if (std::find(known.begin(), known.end(), key) == known.end()) {
      member.fail("unknown key", "remove it, or mend its spelling");
    }
  }
}

Json or_null(const std::optional<double>& number) { return number ? Json(*number) : Json(); }

Json or_null(const std::optional<TimePoint>& time) {
  return time ? Json(format_time(*time)) : Json();
}

}  // namespace dagloop
