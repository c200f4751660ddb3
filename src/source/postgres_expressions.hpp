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

/// Returns whether a column's type, as in pg_type.typname, can be read as `field` by the server.
bool can_convert(Field field, const std::string& type);

/// Returns the digit of a word; 0 where it is absent. The usual words are compared in their order,
/// others behind them.
std::string word_digit(const std::string& text, const packed::WordForm& form);

/// Returns 0 where a path is that of DAGs and 1 where it is another one, times `other`; `otherwise`
/// where `mode` names none.
std::string mode_digit(const std::string& mode, std::int64_t other, const std::string& otherwise);

/// The columns of one table as expressions of the contract's words. What stands in columns of
/// other types is taken as build_record() takes it.
class Expressions {
 public:
  Expressions(const PostgresTable& table, const Mapping& mapping)
      : table_(table), mapping_(mapping) {}

  /// Returns whether the table has a column for the field, and of which type it is.
  bool has(Field field) const;
  std::string type(Field field) const;
  /// Returns the column of the field as it stands.
  std::string own_column(Field field) const { return quoted_name(column_of(mapping_, field)); }
  /// Returns a text; absent where it is NULL or empty.
  std::string text(Field field) const;
  /// Returns a time.
  std::string time() const;
  /// Returns a duration as float8, which may be negative or no number; NULL where it is absent.
  std::string duration() const;
  /// Returns a count as int8; NULL where it is absent or cannot be one.
  std::string count(Field field) const;
  /// Returns a truth as bool; NULL where it is absent.
  std::string truth(Field field) const;
  /// Returns the digit of the status.
  std::string status_digit() const;
  /// Returns the condition that the row is malformed, whatever the reason.
  std::string malformed(const LogQuery& query) const;
  /// Returns the condition that a field of a row was taken in another form, or left out.
  std::string any_mended() const;
  /// Returns the condition that something was mended that the digits of a word or a duration do not
  /// tell; empty where nothing can be.
  std::string has_mended() const;
  /// Returns the fields of which that is so, as a number: field_bits().
  std::string mended() const;
  /// Returns the decisive fields that are there, but cannot be read, as a number: UnreadBits.
  std::string unread() const;

 private:
  std::string number(Field field) const;
  std::string plain_text(Field field) const;
  std::string mended(Field field) const;
  std::string mended_count(Field field) const;
  std::string mended_name(Field field) const;
  std::string mended_text(Field field) const;
  bool is_mapped(Field field) const {
    return mapping_.fields.contains(std::string(to_string(field)));
  }
  std::string is_unread_word(Field field, const packed::WordForm& form) const;
  std::string is_unread_duration() const;

  const PostgresTable& table_;
  const Mapping& mapping_;
};

/// Returns the number of the span that a time lies in (slot_of_span).
std::string span_sql(const std::string& at, const LogQuery& query);

}  // namespace dagloop
