#include "source/postgres_users.hpp"

#include <fmt/format.h>

#include <string>

#include "source/postgres_expressions.hpp"
#include "source/postgres_rows.hpp"
#include "source/row_reader.hpp"
#include "source/user_rows.hpp"

namespace dagloop {
namespace {

std::string in_window(const Mapping& mapping, const Window& window) {
  const std::string time = quoted_name(column_of(mapping, Field::created_at));
  return fmt::format("{0} >= {1} AND {0} < {2}", time, time_literal(window.start),
                     time_literal(window.end));
}

// The keys of runs that have a row in one of the windows: all that end there do.
std::string user_keys(const std::vector<PostgresTable>& tables, const Mapping& mapping,
                      const std::vector<Window>& windows) {
  std::string near;
  for (const PostgresTable& table : tables) {
    const Expressions row(table, mapping);
    for (const Window& window : windows) {
      near += fmt::format("{}SELECT {} AS run, {} AS request FROM {} WHERE {}",
                          near.empty() ? "" : " UNION ALL ", row.text(Field::pipeline_run_id),
                          row.text(Field::request_id), table.name, in_window(mapping, window));
    }
  }
  return fmt::format(
      "WITH dagloop_near AS MATERIALIZED ({}), dagloop_runs AS MATERIALIZED (SELECT DISTINCT run "
      "AS dagloop_key FROM dagloop_near WHERE run <> ''), dagloop_requests AS MATERIALIZED (SELECT "
      "DISTINCT request AS dagloop_key FROM dagloop_near WHERE (run <> '') IS NOT TRUE AND request "
      "<> '') ",
      near);
}

// The rows of those runs, as a table.
PostgresTable rows_of_users(const PostgresTable& table, const Mapping& mapping,
                            const std::string& in_range) {
  const Expressions row(table, mapping);
  const std::string run = row.text(Field::pipeline_run_id);
  const std::string rows =
      fmt::format("(SELECT * FROM {} WHERE {}) AS dagloop_rows", table.name, in_range);
  PostgresTable part = table;
  part.name = fmt::format(
      "(SELECT dagloop_rows.* FROM dagloop_runs JOIN {0} ON {1} = dagloop_key UNION ALL SELECT "
      "dagloop_rows.* FROM dagloop_requests JOIN {0} ON {2} = dagloop_key WHERE ({1} <> '') IS NOT "
      "TRUE) AS dagloop_part",
      rows, run, row.text(Field::request_id));
  part.is_plain = false;
  return part;
}

}  // namespace

void add_postgres_users(pqxx::transaction_base& transaction,
                        const std::vector<PostgresTable>& tables, const SourceOptions& options,
                        const LogQuery& query, PartialSet& set) {
  const Mapping& mapping = options.mapping;
  const std::vector<Window> windows = user_windows(query);
  if (windows.empty()) return;
  const std::string in_range = in_window(mapping, query.range);
  const bool reads_all = are_most(windows, query);
  RowReader rows(options, query);
  for (const PostgresTable& table : tables) {
    const std::string asked =
        reads_all ? json_rows_query(table, mapping, " WHERE " + in_range)
                  : user_keys(tables, mapping, windows) +
                        json_rows_query(rows_of_users(table, mapping, in_range), mapping, "");
    fetch_rows(transaction, asked, [&](const pqxx::row& row) { rows.add(text_in(row, 0)); });
  }
  put_users(rows.finish(), query, set);
}

}  // namespace dagloop
