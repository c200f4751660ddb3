// Private to the record layer: what a mapping makes of the values that stand in a line: times,
// durations, texts for numbers. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "dagloop/record/mapping.hpp"
#include "record/field.hpp"

namespace dagloop {

/// Returns text of a detail column or of a mapping: numbers and booleans are read from it.
RawValue loose_value(std::string_view text);

/// Returns the text that aliases are compared with.
std::string text_of(const RawValue& value);

/// Returns a value as a time (ValueKind::instant), absent as it is.
///
/// Shape: 0 as an epoch is absent, as in OpenTelemetry; what is no time comes back as it is.
RawValue time_value(const RawValue& value, const TimeForm& form);

/// Returns the milliseconds between two values of time_value(); absent where one is, odd_time where
/// one cannot be read.
RawValue between_value(const RawValue& from, const RawValue& to);

/// Returns a number, or its text, in milliseconds; what is none comes back as it is.
RawValue in_milliseconds(const RawValue& value, DurationUnit unit);

/// Returns a value in the form that its field wants: a number as its text, kept in `kept`, and the
/// text of a number as one that is no odd one.
RawValue fitting_value(Field field, const RawValue& value, std::string& kept);

/// Joins texts and numbers with slashes; those within a part are escaped (%2F), but in the last.
class JoinedText {
 public:
  /// Begins anew.
  void clear();
  /// Adds a part. Returns false, with the value to take instead in `instead`, where the whole is
  /// then absent or odd.
  bool add(const RawValue& part, RawValue& instead);
  /// Returns the whole, which lives until clear().
  RawValue value() const;

 private:
  std::string text_;
  std::size_t last_ = 0;  // where the last part begins
  bool is_first_ = true;
};

}  // namespace dagloop
