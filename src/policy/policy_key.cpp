#include "dagloop/policy/policy_key.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <limits>

#include "dagloop/base/assert.hpp"

namespace dagloop {

namespace {

constexpr std::int64_t kMaxExactInteger = std::int64_t{1} << 53;  // a double holds it exactly
constexpr double kRelativeSlack = 1e-9;  // of a step between two decimal fractions
constexpr double kUnbounded = std::numeric_limits<double>::infinity();

bool is_integer_type(KeyType type) { return type == KeyType::int_ || type == KeyType::duration_ms; }

bool is_numeric_type(KeyType type) { return is_integer_type(type) || type == KeyType::float_; }

template <typename Number>
std::optional<Number> parse_whole(std::string_view text) {
  Number number{};
  const char* const end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc{} || stopped != end) return std::nullopt;
  return number;
}

std::optional<KeyFault> word_fault(const KeySpec& spec, std::string_view text) {
  static const std::vector<std::string> kBools{"true", "false", "1", "0"};
  const std::vector<std::string>& words = spec.type == KeyType::bool_ ? kBools : spec.values;
  if (std::find(words.begin(), words.end(), text) != words.end()) return std::nullopt;
  return KeyFault{spec.name, KeyFault::Kind::value_not_listed, std::string(text),
                  fmt::format("{}", fmt::join(words, ", "))};
}

}  // namespace

std::string_view to_string(KeyType type) {
  constexpr std::array<std::string_view, 5> kWords{"bool", "int", "float", "enum", "duration_ms"};
  return kWords.at(static_cast<std::size_t>(type));
}

std::string_view to_string(KeyFault::Kind kind) {
  constexpr std::array<std::string_view, 6> kWords{"key_not_allowlisted", "value_of_other_type",
                                                   "value_not_listed",    "value_below_minimum",
                                                   "value_above_maximum", "step_above_maximum"};
  return kWords.at(static_cast<std::size_t>(kind));
}

std::optional<double> numeric_value(const KeySpec& spec, std::string_view text) {
  if (spec.type == KeyType::float_) {
    const auto number = parse_whole<double>(text);
    return number && std::isfinite(*number) ? number : std::nullopt;
  }
  if (!is_integer_type(spec.type)) return std::nullopt;
  const auto integer = parse_whole<std::int64_t>(text);
  // Bounds and steps are reckoned in doubles: a larger integer would be compared as its neighbour.
  if (!integer || *integer > kMaxExactInteger || *integer < -kMaxExactInteger) return std::nullopt;
  if (spec.type == KeyType::duration_ms && *integer < 0) return std::nullopt;
  return static_cast<double>(*integer);
}

std::string format_value(const KeySpec& spec, double value) {
  DAGLOOP_ASSERT(is_numeric_type(spec.type) && std::isfinite(value));
  if (spec.type == KeyType::float_) return fmt::format("{}", value);
  return fmt::format("{}", std::llround(value));
}

std::optional<KeyFault> value_fault(const KeySpec& spec, std::string_view text) {
  if (!is_numeric_type(spec.type)) return word_fault(spec, text);
  const auto number = numeric_value(spec, text);
  const std::string value(text);
  if (!number) {
    return KeyFault{spec.name, KeyFault::Kind::value_of_other_type, value,
                    std::string(to_string(spec.type))};
  }
  if (spec.min && *number < *spec.min) {
    return KeyFault{spec.name, KeyFault::Kind::value_below_minimum, value, "", *spec.min};
  }
  if (spec.max && *number > *spec.max) {
    return KeyFault{spec.name, KeyFault::Kind::value_above_maximum, value, "", *spec.max};
  }
  return std::nullopt;
}

std::optional<KeyFault> step_fault(const KeySpec& spec, std::string_view before,
                                   std::string_view after) {
  if (auto fault = value_fault(spec, after)) return fault;
  // A change whose old value is out of bounds could never be undone, so it is not begun.
  if (auto fault = value_fault(spec, before)) {
    fault->at = KeyFault::At::present;
    return fault;
  }
  if (!is_numeric_type(spec.type) || !spec.max_step) return std::nullopt;
  const double step = std::abs(*numeric_value(spec, after) - *numeric_value(spec, before));
  // 0.3 - 0.2 is a little more than 0.1: without the slack a step of exactly max_step is refused.
  if (step <= *spec.max_step * (1 + kRelativeSlack)) return std::nullopt;
  return KeyFault{spec.name,          KeyFault::Kind::step_above_maximum,
                  std::string(after), "",
                  *spec.max_step,     std::string(before)};
}

Clipped clip_value(const KeySpec& spec, double current, double suggested) {
  DAGLOOP_ASSERT(is_numeric_type(spec.type) && std::isfinite(current) && std::isfinite(suggested));
  const double step = spec.max_step.value_or(kUnbounded);
  double low = std::max(spec.min.value_or(-kUnbounded), current - step);
  double high = std::min(spec.max.value_or(kUnbounded), current + step);
  if (is_integer_type(spec.type)) {
    // Inwards, so that rounding never leaves the bounds or the step.
    low = std::ceil(low);
    high = std::floor(high);
    suggested = std::round(suggested);
  }
  if (low > high) return {current, ClippedBy::no_room, suggested};
  const double value = std::clamp(suggested, low, high);
  if (value == suggested) return {value, std::nullopt, suggested};
  const auto& bound = value < suggested ? spec.max : spec.min;
  // Where both would cut, the nearer one is named: that is the one that the operator would have to
  // move.
  const bool by_bound = bound && std::abs(*bound - current) <= step;
  return {value, by_bound ? ClippedBy::bounds : ClippedBy::maximum_step, suggested};
}

const KeySpec* find_key(const std::vector<KeySpec>& specs, std::string_view name) {
  const auto found = std::find_if(specs.begin(), specs.end(),
                                  [&](const KeySpec& spec) { return spec.name == name; });
  return found == specs.end() ? nullptr : &*found;
}

Json patch_to_json(const Patch& patch) {
  Json document = Json::object();
  for (const auto& [key, change] : patch) {
    document[key] = Json::object({{"before", change.before}, {"after", change.after}});
  }
  return document;
}

Patch patch_from_json(const JsonReader& reader) {
  Patch patch;
  for (const auto& [key, change] : reader.members()) {
    change.allow_only({"before", "after"});
    patch[key] = {change.at("before").string(), change.at("after").string()};
  }
  return patch;
}

Json values_to_json(const PolicyValues& values) {
  Json document = Json::object();
  for (const auto& [key, value] : values) document[key] = value;
  return document;
}

PolicyValues values_from_json(const JsonReader& reader) {
  PolicyValues values;
  for (const auto& [key, value] : reader.members()) values[key] = value.string();
  return values;
}

}  // namespace dagloop
