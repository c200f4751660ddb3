// Private to the source layer: a table's columns as SQL of the contract's words.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>

#include "source/packed_runs.hpp"
#include "source/postgres_table.hpp"

namespace dagloop {

/// The form of DurationHistogram's buckets: how many an octave has, and the bias of a double.
inline constexpr int kBucketsAnOctave = 128;
inline constexpr int kExponentBias = 1023;

/// Returns a text as SQL.
std::string sql_literal(const std::string& text);

/// Returns the types that a column may have where a field holds values of `type`.
const std::set<std::string_view>& column_types_of(FieldType type);

/// Returns the digit of a word, shifted to its place; 0 where it is absent. The words are compared
/// in their order.
std::string word_digit(const std::string& text, const packed::WordDigits& words,
                       std::int64_t unknown, int place);

/// Returns 0 where a path is that of DAGs and 1 where it is another one, times `other`; `otherwise`
/// where `mode` names none.
std::string mode_digit(const std::string& mode, std::int64_t other, const std::string& otherwise);

/// The columns of one table as expressions of the contract's words.
class Expressions {
 public:
  Expressions(const PostgresTable& table, const Mapping& mapping)
      : table_(table), mapping_(mapping) {}

  /// Returns whether the table has a column for the field, and of which type it is.
  bool has(Field field) const;
  std::string type(Field field) const;
  /// Returns a text; absent where it is NULL or empty.
  std::string text(Field field) const;
  /// Returns a value of another type; NULL where it is absent.
  std::string value(Field field, const std::string& type) const;
  /// Returns the condition that a count is out of its range; empty where there is no count.
  std::string out_of_range() const;

 private:
  const PostgresTable& table_;
  const Mapping& mapping_;
};

/// Returns the number of the span that a time lies in (slot_of_span).
std::string span_sql(const std::string& at, const LogQuery& query);

}  // namespace dagloop
