#include "source/postgres_count.hpp"

#include <algorithm>

#include "source/postgres_aggregate.hpp"
#include "source/postgres_runs.hpp"

namespace dagloop {
namespace {

AnswerRow answer_row(const pqxx::row& row) {
  AnswerRow out;
  out.word = row[0].as<std::string>();
  out.number = row[1].as<std::int64_t>();
  out.population = row[2].as<std::int64_t>();
  out.cohort = row[3].as<std::int64_t>();
  out.name = row[4].as<std::string>("");
  out.error_code = row[5].as<std::string>("");
  out.pipeline = row[6].as<std::string>("");
  out.bucket = row[7].as<std::int64_t>(-1);
  out.mended = row[8].as<std::int64_t>();
  out.open_us = row[9].as<std::int64_t>();
  pqxx::row::size_type column = 10;
  for (std::int64_t& count : out.n) count = row[column++].as<std::int64_t>();
  return out;
}

}  // namespace

// Compiled where rows are many: then it takes a third off. To optimize what was compiled takes half
// a second, which pays from some five million rows on. One worker helps, for the search for
// repeated keys takes a process of its own.
bool count_runs(pqxx::transaction_base& transaction, const std::vector<PostgresTable>& tables,
                const CountScope& scope, const RowSink& sink) {
  const bool searches = std::ranges::any_of(
      tables, [&](const PostgresTable& table) { return !has_unique_runs(table, scope.mapping); });
  if (searches) {
    transaction.exec(
        "SELECT set_config('max_parallel_workers_per_gather', least(1, "
        "current_setting('max_parallel_workers_per_gather')::int)::text, true)");
  }
  transaction.exec(
      "SET LOCAL jit = on; SET LOCAL jit_above_cost = 250000; SET LOCAL jit_optimize_above_cost = "
      "3000000; SET LOCAL jit_inline_above_cost = 3000000");
  bool has_unread = false;
  for (const PostgresTable& table : tables) {
    for (const pqxx::row& row : transaction.exec(packed_runs_query(table, scope))) {
      add_answer(answer_row(row), scope, [&](const PartialRow& part) {
        has_unread = has_unread || part.kind == RowKind::reject;
        sink(part);
      });
    }
  }
  transaction.exec("SET LOCAL jit = off; SET LOCAL max_parallel_workers_per_gather TO DEFAULT");
  return has_unread;
}

void settle_runs(pqxx::transaction_base& transaction, const std::vector<PostgresTable>& tables,
                 const CountScope& scope, const Unsettled& unsettled, const RowSink& sink) {
  const bool is_settled = unsettled.repeated.empty() && !unsettled.has_unread;
  if (is_settled && !have_nodes(tables, scope.mapping)) return;
  for (const pqxx::row& row : transaction.exec(settling_query(tables, scope, unsettled))) {
    add_answer(answer_row(row), scope, sink);
  }
}

}  // namespace dagloop
