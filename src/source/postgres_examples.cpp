#include "source/postgres_examples.hpp"

#include <fmt/format.h>

#include "dagloop/record/record_reader.hpp"
#include "source/postgres_expressions.hpp"
#include "source/postgres_rows.hpp"
#include "source/row_examples.hpp"

namespace dagloop {
namespace {

constexpr int kNewestRows = 100'000;

// The rows of a table that `condition` holds for, of those that matter to the query.
std::string first_rows(const PostgresTable& table, const CountScope& scope, SearchedRows among,
                       const std::string& condition) {
  const Expressions row(table, scope.mapping);
  const std::string at = quoted_name(column_of(scope.mapping, Field::created_at));
  std::string since = time_literal(scope.query.range.start);
  if (among == SearchedRows::newest) {
    since = fmt::format(
        "greatest({0}, (SELECT {1} FROM {2} ORDER BY {1} DESC NULLS FIRST OFFSET {3} LIMIT 1))",
        since, at, table.name, kNewestRows);
  }
  // In the order of RowExamples. An index on the time gives it, too.
  const std::string place = fmt::format(
      "CASE WHEN {0} <> '' THEN 'run ' || {0} WHEN {1} <> '' THEN 'request ' || {1} ELSE {2} END",
      row.text(Field::pipeline_run_id), row.text(Field::request_id),
      table.is_plain ? "'ctid ' || ctid::text" : "''");
  return json_rows_query(
      table, scope.mapping,
      fmt::format(" WHERE ({0} >= {1} OR {0} IS NULL) AND {2} ORDER BY {0} DESC NULLS FIRST, ({3}) "
                  "COLLATE \"C\" LIMIT {4}",
                  at, since, condition, place, InputCounts::kMaxExamples));
}

}  // namespace

std::string examples_query(const std::vector<PostgresTable>& tables, const CountScope& scope,
                           SearchedRows among) {
  std::string text;
  for (std::size_t i = 0; i < tables.size(); ++i) {
    const Expressions row(tables[i], scope.mapping);
    const std::string malformed = row.malformed(scope.query);
    for (const std::string& condition :
         {malformed, row.any_mended() + " AND " + malformed + " IS NOT TRUE"}) {
      text += fmt::format("{}SELECT {}, q.* FROM ({}) AS q", text.empty() ? "" : " UNION ALL ", i,
                          first_rows(tables[i], scope, among, condition));
    }
  }
  return text;
}

void show_examples(pqxx::transaction_base& transaction, const std::vector<PostgresTable>& tables,
                   const CountScope& scope, SearchedRows among, InputCounts& input) {
  if (input.malformed == 0 && input.mended_by_field.empty()) return;
  RowExamples examples;
  RecordReader reader(scope.mapping, scope.query.latest);
  for (const pqxx::row& row : transaction.exec(examples_query(tables, scope, among))) {
    const PostgresTable& table = tables.at(row[0].as<std::size_t>());
    // The reader of lines says what is wrong: in the words that it has for a file.
    examples.add(row_name(table, row, 1), reader.read_copy(text_in(row, 1)), reader);
  }
  examples.show(input);
}

}  // namespace dagloop
