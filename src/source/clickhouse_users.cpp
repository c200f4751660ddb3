#include "source/clickhouse_users.hpp"

#include <fmt/format.h>

#include "source/clickhouse_examples.hpp"
#include "source/user_rows.hpp"

namespace dagloop {
namespace {

// The first condition is on the bare column, for the index.
std::string clickhouse_in_window(const ClickHouseTable& table, const Mapping& mapping,
                                 const Window& window) {
  const ClickHouseExpressions row(table, mapping);
  const auto seconds = std::chrono::floor<std::chrono::seconds>(window.start).time_since_epoch();
  return fmt::format("({} >= toDateTime({}) AND {} >= {} AND {} < {})",
                     clickhouse_name(clickhouse_column_of(mapping, Field::created_at)),
                     seconds.count(), row.at(), clickhouse_micros(window.start), row.at(),
                     clickhouse_micros(window.end));
}

std::string clickhouse_user_clauses(const std::vector<ClickHouseTable>& tables,
                                    const ClickHouseTable& table, const CountScope& scope) {
  const std::vector<Window> windows = user_windows(scope.query);
  std::string clauses = "WHERE " + clickhouse_in_window(table, scope.mapping, scope.query.range);
  if (are_most(windows, scope.query)) return clauses;
  std::string near;
  for (const ClickHouseTable& each : tables) {
    std::string in_any;
    for (const Window& window : windows) {
      in_any += (in_any.empty() ? "" : " OR ") + clickhouse_in_window(each, scope.mapping, window);
    }
    near += (near.empty() ? "" : " UNION ALL ") +
            clickhouse_values(each, {{"h", ClickHouseExpressions(each, scope.mapping).hash()}},
                              each.here + " WHERE " + in_any);
  }
  // Runs of equal hashes are two all the same: a row too many does no harm.
  return clauses + fmt::format(" AND {} GLOBAL IN (SELECT h FROM ({}))",
                               ClickHouseExpressions(table, scope.mapping).hash(), near);
}

}  // namespace

std::string clickhouse_user_rows(const std::vector<ClickHouseTable>& tables,
                                 const ClickHouseTable& table, const CountScope& scope,
                                 const RunsPart& part) {
  std::string clauses = clickhouse_user_clauses(tables, table, scope);
  if (part.parts > 1) {
    clauses += fmt::format(" AND {} % {} = {}", ClickHouseExpressions(table, scope.mapping).hash(),
                           part.parts, part.number);
  }
  return clickhouse_json_rows(table, scope, RowTruths::kept, clauses);
}

std::string clickhouse_user_count(const std::vector<ClickHouseTable>& tables,
                                  const ClickHouseTable& table, const CountScope& scope) {
  return fmt::format("SELECT count() FROM {} {} FORMAT TabSeparated", table.here,
                     clickhouse_user_clauses(tables, table, scope));
}

}  // namespace dagloop
