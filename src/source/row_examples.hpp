// Private to the source layer: the few rows of a database that are shown to the operator, malformed
// and mended ones.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <tuple>

#include "dagloop/kpi/partial.hpp"
#include "dagloop/record/record_reader.hpp"

namespace dagloop {

/// What a row is known by in its database.
struct RowName {
  std::string_view table;
  std::string_view row;  // where it lies in the table, e.g. "ctid (0,7)"; empty: not known
};

/// Keeps the first InputCounts::kMaxExamples of each kind. A table has no order of its own: first
/// stand rows without a time of the past, which count until they are mended, then the newest.
class RowExamples {
 public:
  /// Takes a row, which may be neither. `reader` has read it last.
  void add(const RowName& name, const ReadResult& row, const RecordReader& reader);
  /// Puts them in the place of those of `input`. A row is named by its table and its run, else by
  /// what it is known by; it has no line.
  void show(InputCounts& input) const;

 private:
  void add_malformed(const RowName& name, const UnreadLine& unread);
  void add_mended(const RowName& name, const LogRecord& record, const RecordReader& reader);

  // Microseconds before the end of time, the place, the field.
  using Order = std::tuple<std::int64_t, std::string, Field>;

  std::map<Order, MalformedExample> malformed_;
  std::map<Order, MendedExample> mended_;
};

}  // namespace dagloop
