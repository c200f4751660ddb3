// Private to the source layer: the rows of a database that say whose its new runs are. What a
// server counts does not, so these few rows are read as those of a file are.
#pragma once

#include <string_view>
#include <vector>

#include "dagloop/kpi/run_table.hpp"
#include "dagloop/record/record_reader.hpp"
#include "dagloop/source/log_source.hpp"

namespace dagloop {

/// Returns the windows in which users are asked for (LogQuery::users_in); none: nowhere.
std::vector<Window> user_windows(const LogQuery& query);

/// Returns whether they are so much of the range that it is cheaper to read all of it than to look
/// for the runs that end in them.
bool are_most(const std::vector<Window>& windows, const LogQuery& query);

/// Reads rows of whole runs, as JSON objects, and tells their users.
class UserRows {
 public:
  UserRows(const SourceOptions& options, const LogQuery& query);

  /// Takes a row. One that is malformed is no record of anybody's.
  void add(std::string_view row);
  /// Puts the users of runs that ended in one of the windows into their partials. Order: last.
  void put_into(PartialSet& set);

 private:
  const SourceOptions& options_;
  std::vector<Window> windows_;
  RecordReader reader_;
  RunTable table_;
};

}  // namespace dagloop
