// Private to the source layer: a table's columns as SQL of the contract's words.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "source/postgres_table.hpp"

namespace dagloop {

/// The largest fan-out count and attempt that a record may have, as SQL.
inline constexpr const char* kMaxCountSql = "9007199254740991";
inline constexpr const char* kMaxAttemptSql = "4294967295";

/// The form of DurationHistogram's buckets: how many an octave has, and the bias of a double.
inline constexpr int kBucketsAnOctave = 128;
inline constexpr int kExponentBias = 1023;

/// Returns a text as SQL.
std::string sql_literal(const std::string& text);

/// Returns the types that a field's column may have, and whether it is a text.
const std::set<std::string_view>& column_types_of(std::string_view field);
bool is_text_field(std::string_view field);

/// The words of a field with the numbers they stand for; the usual ones first, for they are
/// compared one after the other.
using WordNumbers = std::vector<std::pair<const char*, int>>;
/// Statuses, by their place in Status from 1: up to 5 they are final.
const WordNumbers& status_words();
/// By severity, from 1.
const WordNumbers& compensation_words();
const WordNumbers& cohort_words();

/// The columns of one table as expressions of the contract's words.
class Expressions {
 public:
  Expressions(const PostgresTable& table, const Mapping& mapping)
      : table_(table), mapping_(mapping) {}

  /// Returns whether the table has a column for the field, and of which type it is.
  bool has(const std::string& field) const;
  std::string type(const std::string& field) const;
  /// Returns a text; absent where it is NULL or empty.
  std::string text(const std::string& field) const;
  /// Returns a value of another type; NULL where it is absent.
  std::string value(const std::string& field, const std::string& type) const;

 private:
  const PostgresTable& table_;
  const Mapping& mapping_;
};

/// Returns the number of the span that a time lies in (slot_of_span).
std::string span_sql(const std::string& at, const LogQuery& query);

}  // namespace dagloop
