// Private to the record layer: says what was found in a line, what is wanted, and what mapping
// would read it. Pure.
#pragma once

#include <string>

#include "dagloop/record/unread_line.hpp"
#include "record/field.hpp"

namespace dagloop {

/// Returns the fault of a field that has, or lacks, a value.
ReadFault field_fault(Field field, const RawValue& value);

/// Returns the fault of a record that is later than the clock allows.
ReadFault future_fault(const RawValue& created_at);

/// Returns the fault of a line that is no JSON object: `found` says what it is instead.
ReadFault line_fault(std::string found);

}  // namespace dagloop
