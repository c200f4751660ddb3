#include "source/postgres_count.hpp"

#include <algorithm>

#include "source/postgres_aggregate.hpp"
#include "source/postgres_runs.hpp"

namespace dagloop {
namespace {

PartialRow partial_row(const pqxx::row& row, const LogQuery& query) {
  PartialRow out;
  out.kind = parse_row_kind(row[0].as<std::string>());
  out.slot = slot_of_span(row[1].as<std::int64_t>(), query);
  out.population = row[2].as<int>() == 0 ? Population::dag : Population::non_dag;
  out.cohort = static_cast<Cohort>(row[3].as<int>());
  out.name = row[4].as<std::string>("");
  out.error_code = row[5].as<std::string>("");
  if (!row[6].is_null()) out.bucket = row[6].as<std::int32_t>();
  for (std::size_t i = 0; i < out.n.size(); ++i) {
    out.n[i] = row[static_cast<pqxx::row::size_type>(7 + i)].as<std::int64_t>();
  }
  return out;
}

PackedRuns packed_runs(const pqxx::row& row) {
  PackedRuns out;
  out.kind = row[0].as<std::int64_t>();
  out.plan_source = row[1].as<std::string>("");
  out.error_code = row[2].as<std::string>("");
  pqxx::row::size_type column = 3;
  for (std::int64_t* count : {&out.runs, &out.unverified, &out.fallback, &out.reused,
                              &out.fanout_failed, &out.fanout_total, &out.newest_us}) {
    *count = row[column++].as<std::int64_t>();
  }
  return out;
}

}  // namespace

// Compiled where rows are many: then it takes a third off. One worker helps, for the search for
// repeated keys takes a process of its own.
void count_runs(pqxx::transaction_base& transaction, const std::vector<PostgresTable>& tables,
                const Mapping& mapping, const LogQuery& query, const RowSink& sink) {
  const bool searches = std::ranges::any_of(
      tables, [&](const PostgresTable& table) { return !has_unique_runs(table, mapping); });
  if (searches) {
    transaction.exec(
        "SELECT set_config('max_parallel_workers_per_gather', least(1, "
        "current_setting('max_parallel_workers_per_gather')::int)::text, true)");
  }
  transaction.exec(
      "SET LOCAL jit = on; SET LOCAL jit_above_cost = 250000; SET LOCAL jit_optimize_above_cost = "
      "250000; SET LOCAL jit_inline_above_cost = 1000000");
  for (const PostgresTable& table : tables) {
    for (const pqxx::row& row : transaction.exec(packed_runs_query(table, mapping, query))) {
      add_packed(packed_runs(row), query, sink);
    }
  }
  transaction.exec("SET LOCAL jit = off; SET LOCAL max_parallel_workers_per_gather TO DEFAULT");
}

void settle_runs(pqxx::transaction_base& transaction, const std::vector<PostgresTable>& tables,
                 const Mapping& mapping, const LogQuery& query, const std::string& repeated,
                 const RowSink& sink) {
  if (repeated.empty() && !have_nodes(tables, mapping)) return;
  for (const pqxx::row& row : transaction.exec(settling_query(tables, mapping, query, repeated))) {
    sink(partial_row(row, query));
  }
}

}  // namespace dagloop
