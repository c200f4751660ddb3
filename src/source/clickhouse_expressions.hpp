// Private to the source layer: a table's columns as ClickHouse's SQL of the contract's words.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "dagloop/record/contract_words.hpp"
#include "dagloop/record/mapping.hpp"
#include "dagloop/source/log_source.hpp"
#include "source/packed_runs.hpp"

namespace dagloop {

/// A table as the server describes it.
struct ClickHouseTable {
  std::string name;                            // as the URI has it
  std::string local;                           // `database`.`table` on every shard
  std::string cluster;                         // empty: the table is a local one
  std::map<std::string, std::string> columns;  // name -> type
};

/// Returns a name, or a text, as ClickHouse's SQL wants it.
std::string clickhouse_name(const std::string& name);
std::string clickhouse_literal(const std::string& text);

/// Returns the column that a field stands in.
std::string clickhouse_column_of(const Mapping& mapping, Field field);
/// Returns whether a column of the type `column` can hold nothing that a field of a file's record
/// could not.
bool clickhouse_type_fits(FieldType type, const std::string& column);
/// Returns a time as microseconds since 1970.
std::string clickhouse_micros(TimePoint time);
/// Returns the condition under which a row's time may matter.
std::string clickhouse_time_filter(const ClickHouseTable& table, const Mapping& mapping,
                                   const LogQuery& query);
/// Returns the number of the span that a time lies in (slot_of_span).
std::string clickhouse_span(const std::string& at, const LogQuery& query);

/// Returns one row of the answer: its kind, what names it, and its counts. Every row has the same
/// types, whatever is left out.
std::string clickhouse_answer(const std::string& kind, const std::vector<std::string>& keys,
                              const std::vector<std::string>& counts);

/// Returns the digit of a word, shifted to its place; 0 where it is absent.
std::string clickhouse_word(const std::string& text, const packed::WordDigits& words,
                            std::int64_t unknown, int place);
/// Returns the words of the DAG path as literals with commas.
std::string clickhouse_dag_modes();
/// Returns the digit of a duration that is not absent: 1 + DurationHistogram::bucket_of.
std::string clickhouse_duration(const std::string& duration);

/// The columns of one table as expressions of the contract's words.
class ClickHouseExpressions {
 public:
  ClickHouseExpressions(const ClickHouseTable& table, const Mapping& mapping)
      : table_(table), mapping_(mapping) {}

  /// Returns whether the table has a column for the field, and whether that can be NULL.
  bool has(Field field) const;
  bool can_be_null(Field field) const;
  /// Returns a text; empty where it is absent.
  std::string text(Field field) const;
  /// Returns a number as `type`; `missing` where it is absent.
  std::string number(Field field, const std::string& type, const std::string& missing) const;
  /// Returns microseconds since 1970; 0 where the time is absent.
  std::string at() const;
  /// Returns the hash of the run's key: runs of equal keys have equal ones.
  std::string hash() const;

 private:
  const ClickHouseTable& table_;
  const Mapping& mapping_;
};

}  // namespace dagloop
