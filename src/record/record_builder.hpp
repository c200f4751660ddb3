// Private to the record layer: values of a line -> a normalised record. Pure.
#pragma once

#include "dagloop/record/mapping.hpp"
#include "dagloop/record/unread_line.hpp"
#include "record/field.hpp"

namespace dagloop {

/// How times are read.
struct TimeRules {
  CreatedAtMarks created_at_marks = CreatedAtMarks::end;
  TimePoint latest;  // a later record is from the future
};

/// Makes the record, or finds the first reason of kRejectOrder that applies to any field.
///
/// Order: the result borrows from the values and from `texts`.
void build_record(const RawFields& raw, const TimeRules& rules, NumberTexts& texts,
                  ReadResult& result);

}  // namespace dagloop
