// Private to the source layer: the rows of a database that say whose its new runs are. What a
// server counts does not, so these few rows are read as those of a file are.
#pragma once

#include <vector>

#include "dagloop/kpi/partial.hpp"
#include "dagloop/source/log_source.hpp"

namespace dagloop {

/// Returns the parts of LogQuery::users_in that lie in its range.
std::vector<Window> user_windows(const LogQuery& query);

/// Returns whether they are so much of the range that it is cheaper to read all of it than to look
/// for the runs that end in them.
bool are_most(const std::vector<Window>& windows, const LogQuery& query);

/// Puts the users of runs that ended in one of the windows into the partials of these. `rows` is
/// what a RowReader makes of all rows of those runs.
void put_users(const PartialSet& rows, const LogQuery& query, PartialSet& set);

}  // namespace dagloop
