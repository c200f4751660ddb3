#include "source/row_reader.hpp"

#include <string>
#include <variant>

#include "source/table_options.hpp"

namespace dagloop {

RowReader::RowReader(const SourceOptions& options, const LogQuery& query)
    : reader_(options.mapping, query.latest), table_(table_options(options, query)) {}

void RowReader::add(const RowName& name, std::string_view row) {
  const ReadResult& result = reader_.read_copy(row);
  examples_.add(name, result, reader_);
  count(result, row);
}

void RowReader::add(std::string_view row) { count(reader_.read_copy(row), row); }

void RowReader::count(const ReadResult& result, std::string_view row) {
  if (std::holds_alternative<OtherLine>(result)) return table_.add_other();
  ++rows_;
  if (const auto* unread = std::get_if<UnreadLine>(&result)) {
    if (!unread->created_at) ++without_time_;
    // Rows that show no run may hide one each, also where they read alike.
    const std::string own = std::to_string(rows_);
    table_.reject({}, rows_, rejected_line(*unread, own), unread->fault);
  } else {
    table_.add(std::get<LogRecord>(result), row);
  }
}

PartialSet RowReader::finish() {
  PartialSet set = table_.finish();
  set.input.without_time = without_time_;
  examples_.show(set.input);
  return set;
}

}  // namespace dagloop
