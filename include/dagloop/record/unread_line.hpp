// A line that is no record: why, and what it shows all the same. Value types without behaviour.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "dagloop/base/time.hpp"
#include "dagloop/record/contract_words.hpp"
#include "dagloop/record/record.hpp"

namespace dagloop {

/// What stands in a line where something else is wanted.
///
/// Owns: its text. What was found is masked and cut: it may be printed.
struct ReadFault {
  std::optional<Field> field;  // none: the line as a whole
  std::string found;           // "a number", "the text \"sideways\""
  std::string_view wanted;     // "a time as text (RFC 3339)"; lives for ever
  std::string mapping;         // that would read it; empty where none can
};

/// Returns a fault for people: "created_at: a number; wanted a time as text (RFC 3339), ...".
std::string explain(const ReadFault& fault);

/// A malformed line.
///
/// Owns: all but `run_key`, which is borrowed as the text of a LogRecord is: it dies with the line
///       or the reader's next read.
struct UnreadLine {
  RejectReason reason = RejectReason::not_json_object;
  ReadFault fault;
  std::string_view run_key;  // pipeline_run_id, else request_id; empty: the line shows neither
  bool run_key_is_request = false;
  Cohort cohort = Cohort::none;         // none: the line shows none
  std::optional<TimePoint> created_at;  // none: no time can be read, or it is one of the future
  bool is_of_future = false;            // the latter: one day the line shows it
  bool may_be_attempt = true;  // it shows a node, or is too broken to show that it has none
};

/// A line that is no record, as the mapping says (Mapping::only).
struct OtherLine {};

/// What a line is.
using ReadResult = std::variant<LogRecord, UnreadLine, OtherLine>;

}  // namespace dagloop
