// Says what a mapping makes of the first records of a log: which field came from where, what is
// missing, and what looks odd. Pure.
#pragma once

#include <string>
#include <vector>

#include "dagloop/base/time.hpp"
#include "dagloop/record/mapping.hpp"

namespace dagloop {

/// Returns the explanation, line by line.
///
/// Shape: `lines` are the first lines of a log (or its records, where the mapping has `records`);
///        of their values only words of the contract, numbers and times are told, never a text.
std::vector<std::string> explain_mapping(const Mapping& mapping,
                                         const std::vector<std::string>& lines, TimePoint latest);

}  // namespace dagloop
