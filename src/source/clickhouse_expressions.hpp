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

/// Whether words are looked for without the spaces around them, which takes longer: only where
/// there are texts that are no words otherwise.
enum class WordSpaces { kept, trimmed };

/// A table as the server describes it.
struct ClickHouseTable {
  std::string name;                            // as the URI has it
  std::string here;                            // `database`.`table` on this server
  std::string local;                           // the same on every shard
  std::string cluster;                         // empty: the table is a local one
  std::map<std::string, std::string> columns;  // name -> type
  WordSpaces spaces = WordSpaces::kept;
};

/// Returns what no column of the table begins with, as the names of ours beside them do:
/// ClickHouse takes the name of a value in a SELECT for that value, also where a column has it.
std::string clickhouse_prefix(const ClickHouseTable& table);
/// A value in the table's columns, by a name of ours. Values beside it may call it
/// clickhouse_prefix() + name.
struct ClickHouseValue {
  std::string name;
  std::string value;
};
/// Returns the SELECT of such values, by their bare names. `from` stands behind FROM.
std::string clickhouse_values(const ClickHouseTable& table,
                              const std::vector<ClickHouseValue>& values, const std::string& from);

/// Returns a name, or a text, as ClickHouse's SQL wants it.
std::string clickhouse_name(const std::string& name);
std::string clickhouse_literal(const std::string& text);

/// Returns the column that a field stands in.
std::string clickhouse_column_of(const Mapping& mapping, Field field);
/// Returns whether a column of the type `column` can be read as `field`.
bool clickhouse_type_fits(Field field, const std::string& column);
/// Returns a time as microseconds since 1970.
std::string clickhouse_micros(TimePoint time);
/// Returns microseconds since 1970 as a text with its zone; NULL for 0, which is what ClickHouse
/// has for no time.
std::string clickhouse_shown_time(const std::string& at);
/// Returns the condition under which a row's time may matter.
std::string clickhouse_time_filter(const ClickHouseTable& table, const Mapping& mapping,
                                   const LogQuery& query);
/// Returns that of those of them that may be of a run, or malformed: not of what is set aside.
std::string clickhouse_run_filter(const ClickHouseTable& table, const Mapping& mapping,
                                  const LogQuery& query);
/// Returns the number of the span that a time lies in (slot_of_span).
std::string clickhouse_span(const std::string& at, const LogQuery& query);

/// How many columns name a row of the answer, behind its kind.
inline constexpr std::size_t kClickHouseKeys = 9;
/// Returns one row of the answer: its kind, what names it, and its counts. Every row has the same
/// types, whatever is left out.
std::string clickhouse_answer(const std::string& kind, const std::vector<std::string>& keys,
                              const std::vector<std::string>& counts);

/// Returns the words of the DAG path as literals with commas.
std::string clickhouse_dag_modes();
/// Returns the digit of a duration that is not absent: 1 + DurationHistogram::bucket_of.
std::string clickhouse_duration(const std::string& duration);

/// The columns of one table as expressions of the contract's words. What stands in columns of other
/// types is taken as build_record() takes it.
class ClickHouseExpressions {
 public:
  ClickHouseExpressions(const ClickHouseTable& table, const Mapping& mapping)
      : table_(table), mapping_(mapping) {}

  /// Returns whether the table has a column for the field, whether that holds texts, and whether it
  /// can be NULL.
  bool has(Field field) const;
  bool is_text(Field field) const;
  bool can_be_null(Field field) const;
  /// Returns a text; empty where it is absent.
  std::string text(Field field) const;
  /// Returns the digit of a word; 0 where it is absent.
  std::string word(Field field, const packed::WordForm& form) const;
  /// Returns a number as Float64; NaN where it is absent.
  std::string number(Field field) const;
  /// Returns a count as Int64; `missing` where it is absent or cannot be one.
  std::string count(Field field, std::int64_t missing) const;
  /// Returns whether there is a count.
  std::string is_count(Field field) const;
  /// Returns whether something is true.
  std::string truth(Field field) const;
  /// Returns the sum of tokens, and whether there is any.
  std::string tokens() const;
  std::string has_tokens() const;
  /// Returns what was mended that the digits of a word or a duration do not tell, as a number:
  /// field_bits().
  std::string mended() const;
  /// Returns whether something stands in a column that the table has.
  std::string is_present(Field field) const;
  /// Returns the decisive fields that are there, but cannot be read, as a number: UnreadBits.
  ///
  /// Shape: `duration` is the name of its number beside it.
  std::string unread(const std::string& duration) const;
  /// Returns microseconds since 1970; 0 where the time is absent.
  std::string at() const;
  /// Returns the hash of the run's key: runs of equal keys have equal ones.
  std::string hash() const;

 private:
  std::string type(Field field) const;
  std::string column(Field field) const;
  std::string or_missing(Field field, const std::string& value, const std::string& missing) const;
  std::string plain_text(Field field) const;
  std::string whole(Field field) const;
  std::string mended(Field field) const;
  std::string mended_name(Field field) const;
  std::string mended_text(Field field) const;
  bool is_mapped(Field field) const {
    return mapping_.fields.contains(std::string(to_string(field)));
  }
  std::string is_unread_word(Field field, const packed::WordForm& form) const;

  const ClickHouseTable& table_;
  const Mapping& mapping_;
};

}  // namespace dagloop
