#include "record/value_census.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <functional>
#include <map>
#include <system_error>

#include "dagloop/base/ascii.hpp"
#include "dagloop/base/time.hpp"
#include "record/mapped_values.hpp"

namespace dagloop {
namespace {

constexpr std::size_t kMostValues = 24;
constexpr std::size_t kDeepest = 5;

bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }

std::vector<std::string> name_words(std::string_view name) {
  std::vector<std::string> words(1);
  for (std::size_t i = 0; i < name.size(); ++i) {
    const bool begins = is_upper(name[i]) && i > 0 && !is_upper(name[i - 1]);
    const bool separates = std::string_view("_.- /:@").find(name[i]) != std::string_view::npos;
    if ((begins || separates) && !words.back().empty()) words.emplace_back();
    const char c = is_upper(name[i]) ? static_cast<char>(name[i] - 'A' + 'a') : name[i];
    if (!separates) words.back() += c;
  }
  return words;
}

std::string escaped(const std::string& token) {
  std::string text;
  for (const char c : token) text += c == '~' ? "~0" : c == '/' ? "~1" : std::string(1, c);
  return text;
}

// The key of a pair, as OpenTelemetry writes attributes.
const Json* key_of(const Json& pair) {
  const Json* key = pair.find("key");
  return key != nullptr && key->is_string() && pair.find("value") != nullptr ? key : nullptr;
}

const Json& unwrapped_json(const Json& value) {
  if (!value.is_object() || value.as_object().size() != 1) return value;
  const auto& [name, wrapped] = value.as_object().front();
  return name.ends_with("Value") && !wrapped.is_object() && !wrapped.is_array() ? wrapped : value;
}

class Counter {
 public:
  void count(const Json& value, std::vector<std::string>& tokens) {
    if (tokens.size() > kDeepest) return;
    if (value.is_object()) {
      for (const auto& [name, member] : value.as_object()) count_at(name, member, tokens);
    } else if (value.is_array()) {
      for (const Json& element : value.as_array()) {
        if (const Json* key = key_of(element)) {
          count_at(key->as_string(), unwrapped_json(*element.find("value")), tokens);
        }
      }
    } else if (!tokens.empty()) {
      add(value, tokens);
    }
  }

  std::vector<PlaceCensus> take() { return std::move(places_); }

 private:
  void count_at(const std::string& name, const Json& value, std::vector<std::string>& tokens) {
    tokens.push_back(name);
    count(value, tokens);
    tokens.pop_back();
  }

  PlaceCensus& place_of(const std::vector<std::string>& tokens) {
    const auto [found, is_new] = numbers_.emplace(tokens, places_.size());
    if (is_new) {
      places_.emplace_back();
      places_.back().tokens = tokens;
      places_.back().words = name_words(tokens.back());
    }
    return places_[found->second];
  }

  void add(const Json& value, const std::vector<std::string>& tokens) {
    PlaceCensus& place = place_of(tokens);
    const std::string text = text_of_json(value);
    if (text.empty()) return;
    ++place.records;
    place.longest = std::max(place.longest, text.size());
    place.different.insert(std::hash<std::string>()(text));
    if (place.values.size() < kMostValues) place.values.insert(text);
    if (value.is_bool()) ++place.truths;
    if (value.is_number()) ++place.numbers;
    if (value.is_string()) add_text(text, place);
    add_number(value, text, place);
  }

  static void add_text(const std::string& text, PlaceCensus& place) {
    ++place.texts;
    if (parse_time(text)) {
      ++place.times;
    } else if (time_value(loose_value(text), {std::nullopt, "Z"}).kind == ValueKind::instant) {
      ++place.zoneless;
    }
  }

  static void add_number(const Json& value, const std::string& text, PlaceCensus& place) {
    double number = 0;
    const char* const end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, number);
    if (value.is_bool() || stop != end || error != std::errc{}) {
      place.are_numbers = false;
      return;
    }
    if (place.records == 1) place.least = place.most = number;
    place.least = std::min(place.least, number);
    place.most = std::max(place.most, number);
    place.has_fractions = place.has_fractions || std::trunc(number) != number;
  }

  std::vector<PlaceCensus> places_;
  std::map<std::vector<std::string>, std::size_t> numbers_;
};

}  // namespace

bool PlaceCensus::is_called(const std::vector<std::string_view>& all) const {
  return std::ranges::all_of(
      all, [&](std::string_view word) { return std::ranges::find(words, word) != words.end(); });
}

std::optional<Epoch> PlaceCensus::epoch() const {
  if (records == 0 || !are_numbers) return std::nullopt;
  double unit = 1;
  for (const Epoch epoch : {Epoch::s, Epoch::ms, Epoch::us, Epoch::ns}) {
    if (least >= 9e8 * unit && most <= 5e9 * unit) return epoch;  // the years 1998 to 2128
    unit *= 1000;
  }
  return std::nullopt;
}

bool PlaceCensus::is_time() const {
  return records > 0 && (times + zoneless == records || epoch().has_value());
}

Json PlaceCensus::as_place() const {
  if (tokens.size() == 1) return Json::object({{"column", Json(tokens.front())}});
  std::string pointer;
  for (const std::string& token : tokens) pointer += "/" + escaped(token);
  return Json::object({{"pointer", Json(pointer)}});
}

std::vector<PlaceCensus> census_of(const std::vector<Json>& records) {
  Counter counter;
  std::vector<std::string> tokens;
  for (const Json& record : records) counter.count(record, tokens);
  return counter.take();
}

const Json* value_at(const Json& record, const std::vector<std::string>& tokens) {
  const Json* at = &record;
  for (const std::string& token : tokens) {
    const Json* next = at->find(token);
    if (next == nullptr && at->is_array()) {
      for (const Json& element : at->as_array()) {
        const Json* key = key_of(element);
        if (key != nullptr && key->as_string() == token) {
          next = &unwrapped_json(*element.find("value"));
        }
      }
    }
    if (next == nullptr) return nullptr;
    at = next;
  }
  return at->is_null() ? nullptr : at;
}

std::string text_of_json(const Json& value) {
  if (value.is_string()) return value.as_string();
  if (value.is_bool() || value.is_number()) return to_compact_json(value);
  return {};
}

}  // namespace dagloop
