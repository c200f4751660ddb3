#include "record/read_fault.hpp"

#include <fmt/format.h>

#include "base/utf8.hpp"
#include "dagloop/base/redaction.hpp"

namespace dagloop {
namespace {

constexpr std::size_t kMaxShown = 40;  // characters

// A word of a log as it may be printed.
std::string shown(std::string_view text) {
  const std::string masked = redact_label(text);
  std::size_t size = 0;
  for (std::size_t n = 0; n < kMaxShown && size < masked.size(); ++n) {
    size += std::max(character_length(std::string_view(masked).substr(size)), std::size_t{1});
  }
  return escape_controls(masked.substr(0, size)) + (size < masked.size() ? "..." : "");
}

// The value of such a field is printed; those of the others may be a user's.
bool has_words(Field field) {
  return type_of(field) != FieldType::text || field == Field::status || field == Field::cohort ||
         field == Field::compensation_status;
}

std::string time_text(const RawValue& value) {
  const auto instant = instant_of(value);
  return instant ? format_time(*instant) : shown(value.text);
}

std::string found_in(Field field, const RawValue& value) {
  switch (value.kind) {
    case ValueKind::absent:
      return "nothing";
    case ValueKind::text:
    case ValueKind::loose_text:
      return has_words(field) ? "the text \"" + shown(value.text) + "\""
                              : "text that is not Unicode";
    case ValueKind::number:
      if (type_of(field) == FieldType::whole || type_of(field) == FieldType::real) {
        return fmt::format("the number {}", value.number);
      }
      return "a number";
    case ValueKind::big_number:
      return "a number";
    case ValueKind::boolean:
      return value.truth ? "the truth value true" : "the truth value false";
    case ValueKind::compound:
      return "an array or an object";
    case ValueKind::instant:
      return "the time " + time_text(value);
    case ValueKind::odd_time:
      return "a time that cannot be read";
  }
  return "";
}

std::string_view wanted_in(Field field) {
  switch (field) {
    case Field::created_at:
      return "a time as text (RFC 3339), e.g. 2026-02-25T06:00:00Z";
    case Field::status:
      return "one of succeeded, failed, manual_required, cancelled, skipped, running, pending, "
             "compensating as text, or an alias";
    case Field::pipeline_run_id:
      return "the run's id as text, or a request_id";
    case Field::attempt:
      return "a whole number from 1";
    case Field::duration_ms:
      return "a number from 0";
    case Field::fanout_total:
    case Field::fanout_failed:
    case Field::fanout_index:
    case Field::tokens_in:
    case Field::tokens_out:
    case Field::cost_micros:
      return "a whole number from 0";
    case Field::idempotent_reuse:
      return "true or false";
    case Field::compensation_status:
      return "one of not_required, completed, failed, manual_required as text";
    case Field::cohort:
      return "canary or control as text";
    default:
      return "text";
  }
}

// Aliases translate words; another place of the log is named where the field is absent or of no
// use as it is. Optional fields are mended, which needs no mapping.
std::string mapping_of(Field field, const RawValue& value) {
  const std::string name(to_string(field));
  const bool is_text = value.kind == ValueKind::text || value.kind == ValueKind::loose_text;
  if (is_text && (field == Field::status || field == Field::cohort)) {
    return fmt::format(R"("{}": {{"aliases": {{"{}": "{}"}}}})", name, shown(value.text),
                       field == Field::status ? "failed" : "canary");
  }
  if (field == Field::created_at || field == Field::status || field == Field::pipeline_run_id) {
    return fmt::format(R"("{}": {{"column": "<where the log has it>"}})", name);
  }
  return "";
}

}  // namespace

std::string explain(const ReadFault& fault) {
  std::string text(fault.field ? to_string(*fault.field) : "the line");
  text += ": " + fault.found + "; wanted " + std::string(fault.wanted);
  if (!fault.mapping.empty()) text += "; a mapping can read it: " + fault.mapping;
  return text;
}

ReadFault field_fault(Field field, const RawValue& value) {
  return {field, found_in(field, value), wanted_in(field), mapping_of(field, value)};
}

ReadFault future_fault(const RawValue& created_at) {
  return {Field::created_at, "the time " + time_text(created_at) + ", which is in the future",
          "a time that is not later than the clock and input.future_skew", ""};
}

ReadFault line_fault(std::string found) {
  return {std::nullopt, std::move(found), "one JSON object a line, of at most 1 MiB", ""};
}

}  // namespace dagloop
