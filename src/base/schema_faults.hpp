// Private to the base layer: says in plain words where a document departs from a schema.
// Thread-safe.
#pragma once

#include <string>
#include <vector>

#include "dagloop/base/json.hpp"

namespace dagloop {

/// Returns what is wrong, each as "<path>: <fault> (<what to do>)", in the order of the document.
///
/// Shape:  not all keywords are known ("not" and "if" are passed over), so a document may be
///         invalid with no fault found here; values and keys are masked and cut.
/// Cost:   ends at the 20th fault.
std::vector<std::string> schema_faults(const Json& document, const Json& schema);

}  // namespace dagloop
