#include "record/mapped_values.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <system_error>

#include "dagloop/base/ascii.hpp"

namespace dagloop {
namespace {

bool is_text_value(const RawValue& value) {
  return value.kind == ValueKind::text || value.kind == ValueKind::loose_text;
}

bool is_number_value(const RawValue& value) {
  return value.kind == ValueKind::number || value.kind == ValueKind::big_number;
}

template <typename Number>
std::optional<Number> number_in(std::string_view text) {
  const std::string_view digits = trim_spaces(text);
  Number number{};
  const char* const end = digits.data() + digits.size();
  const auto [stop, error] = std::from_chars(digits.data(), end, number);
  if (digits.empty() || stop != end || error != std::errc{}) return std::nullopt;
  return number;
}

std::int64_t units_in_a_second(Epoch epoch) {
  switch (epoch) {
    case Epoch::s:
      return 1;
    case Epoch::ms:
      return 1'000;
    case Epoch::us:
      return 1'000'000;
    case Epoch::ns:
      return 1'000'000'000;
  }
  return 1;
}

// Microseconds since 1970; whole numbers are divided as such, for a double does not hold today's
// nanoseconds.
std::optional<double> microseconds_in(const RawValue& value, Epoch epoch) {
  const std::int64_t units = units_in_a_second(epoch);
  constexpr std::int64_t kSecond = 1'000'000;
  if (value.kind != ValueKind::number) {
    if (const auto whole = number_in<std::int64_t>(value.text)) {
      const std::int64_t units_a_us = units / kSecond;
      if (units_a_us > 0) {
        const std::int64_t us = *whole / units_a_us;
        return static_cast<double>(us);
      }
      const std::int64_t us_a_unit = kSecond / units;
      return static_cast<double>(*whole) * static_cast<double>(us_a_unit);
    }
  }
  const auto number =
      value.kind == ValueKind::number ? std::optional(value.number) : number_in<double>(value.text);
  if (!number) return std::nullopt;
  return std::round(*number * (static_cast<double>(kSecond) / static_cast<double>(units)));
}

RawValue instant_value(double microseconds) {
  RawValue value;
  value.kind = ValueKind::instant;
  value.number = microseconds;
  return value;
}

RawValue epoch_value(const RawValue& value, Epoch epoch) {
  // The range of parse_time(): years 1970 to 2261.
  constexpr double kPastMicroseconds = 9.2e15;
  const auto microseconds = microseconds_in(value, epoch);
  if (!microseconds) return value;
  if (*microseconds == 0) return {};
  const bool is_time = *microseconds > 0 && *microseconds < kPastMicroseconds;
  return is_time ? instant_value(*microseconds) : value;
}

// Of times that differ from RFC 3339 in their zone alone: none, "+0000", "+00", or " UTC".
std::optional<TimePoint> time_with_zone(std::string_view text, std::string_view zone) {
  std::string whole(trim_spaces(text));
  if (whole.ends_with("UTC")) {
    return parse_time(std::string(trim_spaces(text.substr(0, text.rfind("UTC")))) + "Z");
  }
  const std::size_t sign = whole.find_last_of("+-");
  const bool has_offset = sign != std::string::npos && sign > 10;  // behind the date
  if (!has_offset) return parse_time(whole + std::string(zone));
  const std::size_t digits = whole.size() - sign - 1;
  if (digits == 4) whole.insert(sign + 3, ":");
  if (digits == 2) whole += ":00";
  return parse_time(whole);
}

double milliseconds_in(DurationUnit unit) {
  switch (unit) {
    case DurationUnit::ns:
      return 1e-6;
    case DurationUnit::us:
      return 1e-3;
    case DurationUnit::ms:
      return 1;
    case DurationUnit::s:
      return 1e3;
    case DurationUnit::m:
      return 6e4;
  }
  return 1;
}

std::string text_of_name(const RawValue& value) {
  const bool is_whole = std::abs(value.number) <= static_cast<double>(kMaxCount) &&
                        std::trunc(value.number) == value.number;
  if (value.kind != ValueKind::number || is_whole) return text_of(value);
  std::array<char, 32> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value.number);
  return {digits.data(), end.ptr};
}

}  // namespace

RawValue loose_value(std::string_view text) {
  RawValue value;
  value.kind = text.empty() ? ValueKind::absent : ValueKind::loose_text;
  value.text = text;
  return value;
}

std::string text_of(const RawValue& value) {
  if (value.kind == ValueKind::boolean) return value.truth ? "true" : "false";
  if (value.kind != ValueKind::number) return std::string(value.text);
  std::array<char, 512> digits{};  // the longest double in fixed notation has fewer
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value.number,
                                 std::chars_format::fixed);
  return {digits.data(), end.ptr};
}

RawValue time_value(const RawValue& value, const TimeForm& form) {
  if (!is_text_value(value) && !is_number_value(value)) return value;
  if (form.epoch) return epoch_value(value, *form.epoch);
  if (is_number_value(value)) return value;
  auto time = parse_time(value.text);
  if (!time && form.zone) time = time_with_zone(value.text, *form.zone);
  if (!time) return value;
  return instant_value(static_cast<double>(time->time_since_epoch().count()));
}

RawValue between_value(const RawValue& from, const RawValue& to) {
  for (const RawValue* time : {&from, &to}) {
    if (time->kind == ValueKind::absent) return *time;
  }
  RawValue value;
  if (from.kind != ValueKind::instant || to.kind != ValueKind::instant) {
    value.kind = ValueKind::odd_time;
    return value;
  }
  value.kind = ValueKind::number;
  value.number = (to.number - from.number) / 1000;
  return value;
}

RawValue in_milliseconds(const RawValue& value, DurationUnit unit) {
  std::optional<double> number;
  if (is_number_value(value)) number = value.number;
  if (is_text_value(value)) number = number_in<double>(value.text);
  if (!number) return value;
  RawValue result;
  result.kind = ValueKind::number;
  result.number = *number * milliseconds_in(unit);
  return result;
}

RawValue fitting_value(Field field, const RawValue& value, std::string& kept) {
  RawValue result = value;
  const FieldType type = type_of(field);
  if (type == FieldType::text) {
    if (!is_number_value(value) || !takes_numbers(field)) return value;
    kept = text_of_name(value);
    return loose_value(kept);
  }
  if (type != FieldType::time && value.kind == ValueKind::text) result.kind = ValueKind::loose_text;
  return result;
}

void JoinedText::clear() {
  text_.clear();
  is_first_ = true;
}

bool JoinedText::add(const RawValue& part, RawValue& instead) {
  if (!is_text_value(part) && !is_number_value(part)) {
    instead = part;
    return false;
  }
  if (!is_first_) {
    for (std::size_t i = last_; i < text_.size(); ++i) {
      if (text_[i] != '%' && text_[i] != '/') continue;
      text_.replace(i, 1, text_[i] == '%' ? "%25" : "%2F");
      i += 2;
    }
    text_ += '/';
  }
  is_first_ = false;
  last_ = text_.size();
  text_ += text_of_name(part);
  return true;
}

RawValue JoinedText::value() const { return loose_value(text_); }

}  // namespace dagloop
