// Private to the source layer: rows of a database that are read here, as the lines of a file are.
#pragma once

#include <cstdint>
#include <string_view>

#include "dagloop/kpi/run_table.hpp"
#include "dagloop/record/record_reader.hpp"
#include "dagloop/source/log_source.hpp"
#include "source/row_examples.hpp"

namespace dagloop {

/// Turns rows into runs.
class RowReader {
 public:
  /// Borrows the options.
  RowReader(const SourceOptions& options, const LogQuery& query);

  /// Takes a row, as a JSON object, which may be an example.
  void add(const RowName& name, std::string_view row);
  /// Takes a row that is shown to nobody.
  void add(std::string_view row);
  /// Returns what the rows count as. Order: last.
  PartialSet finish();

 private:
  void count(const ReadResult& result, std::string_view row);

  RecordReader reader_;
  RunTable table_;
  RowExamples examples_;
  std::uint64_t rows_ = 0;
  std::uint64_t without_time_ = 0;
};

}  // namespace dagloop
