// Private to the report layer: quality reports of earlier versions.
#pragma once

#include "dagloop/base/json.hpp"

namespace dagloop {

/// Returns whether a version wrote the report that did not yet say which lines of the window could
/// not be read.
bool is_of_earlier_version(const Json& report);

/// Returns such a report with the members that came later: nothing counted, and KPIs without data.
///
/// Shape: whatever is no report stays as it is, for the reader to tell.
Json with_later_members(Json report);

}  // namespace dagloop
