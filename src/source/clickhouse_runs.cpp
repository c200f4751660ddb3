#include "source/clickhouse_runs.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <vector>

#include "source/packed_runs.hpp"
#include "source/told_ages.hpp"

namespace dagloop {
namespace {

std::string duration_of(const ClickHouseExpressions& row, const std::string& column) {
  if (!row.has(Field::duration_ms)) return "0";
  if (row.is_text(Field::duration_ms)) {
    return fmt::format("{} * ({})", clickhouse_duration(row.number(Field::duration_ms)),
                       row.is_present(Field::duration_ms));
  }
  if (!row.can_be_null(Field::duration_ms)) return clickhouse_duration(column);
  return clickhouse_duration("assumeNotNull(" + column + ")") + " * assumeNotNull(isNotNull(" +
         column + "))";
}

std::string clickhouse_node(const ClickHouseExpressions& row) {
  if (!row.has(Field::node_id)) return "0";
  return fmt::format("({} != '' AND {} != '{}') * toInt64({})", row.text(Field::node_id),
                     row.text(Field::node_type), kRunNodeType, std::int64_t{1} << packed::kNode);
}

std::string clickhouse_time(const LogQuery& query) {
  const std::string usual =
      fmt::format("{} + {}", clickhouse_span("at", query), packed::kFirstSpan);
  return fmt::format("multiIf(at = 0, 0, at > {}, {}, at >= {}, {}, {}) * toInt64({})",
                     clickhouse_micros(query.latest), packed::kFutureTime,
                     clickhouse_micros(query.range.end), packed::kAside, usual,
                     std::int64_t{1} << packed::kTime);
}

// 0 where the path is that of DAGs, 1 where it is another one, 2 where none is named.
std::string mode_of(const ClickHouseExpressions& row) {
  const std::vector<int> dags(kDagModes.size(), 0);
  return fmt::format("transform(lower({}), [{}, ''], [{}, 2], 1)", row.text(Field::execution_mode),
                     clickhouse_dag_modes(), fmt::join(dags, ", "));
}

// The digit of a run's age, behind others; nothing where no age is told.
std::string clickhouse_age(const std::string& duration, const LogQuery& query) {
  if (!told_ages(query)) return "";
  return fmt::format(" + {} * toInt64({})", clickhouse_age_class("at", duration, query),
                     std::int64_t{1} << packed::kAge);
}

// One row of the table, in what it is grouped by and what is counted of it.
std::string clickhouse_packed_rows(const ClickHouseTable& table, const CountScope& scope) {
  const ClickHouseExpressions row(table, scope.mapping);
  return fmt::format(
      "SELECT {at} AS at, {status} AS status_digit, status_digit + {cohort} + {compensation} + "
      "{node} + {duration}{age} AS digits, {run} = '' AS no_run, {request} = '' AS no_request, "
      "{mode} "
      "AS "
      "mode, {plan} AS plan, {code} AS code, {pipeline} AS pipeline, {mended} AS mended_fields, "
      "{verification} != '' AS unverified, {fallback} != '' AS fallback, {reused} AS reused, "
      "{failed} "
      "AS failed, {total} AS total, {tokens} AS tokens, {has_tokens} AS has_tokens, {cost} AS "
      "cost, "
      "{has_cost} AS has_cost, at AS newest_at, bitShiftRight(status_digit, {place}) AS state FROM "
      "{table}{filter}",
      fmt::arg("at", row.at()),
      fmt::arg("status", row.word(Field::status, packed::status_form(packed::kStatus))),
      fmt::arg("cohort", row.word(Field::cohort, packed::cohort_form(packed::kCohort))),
      fmt::arg("compensation", row.word(Field::compensation_status,
                                        packed::compensation_form(packed::kCompensation))),
      fmt::arg("node", clickhouse_node(row)),
      fmt::arg("duration", duration_of(row, clickhouse_name(clickhouse_column_of(
                                                scope.mapping, Field::duration_ms)))),
      fmt::arg("age", row.has(Field::duration_ms)
                          ? clickhouse_age(row.number(Field::duration_ms), scope.query)
                          : ""),
      fmt::arg("run", row.text(Field::pipeline_run_id)),
      fmt::arg("request", row.text(Field::request_id)), fmt::arg("mode", mode_of(row)),
      fmt::arg("plan", row.text(Field::plan_source)), fmt::arg("code", row.text(Field::error_code)),
      fmt::arg("pipeline", row.text(Field::pipeline_id)), fmt::arg("mended", row.mended()),
      fmt::arg("verification", row.text(Field::verification_reason)),
      fmt::arg("fallback", row.text(Field::fallback_reason)),
      fmt::arg("reused", row.truth(Field::idempotent_reuse)),
      fmt::arg("failed", row.count(Field::fanout_failed, 0)),
      fmt::arg("total", row.count(Field::fanout_total, 0)), fmt::arg("tokens", row.tokens()),
      fmt::arg("has_tokens", row.has_tokens()), fmt::arg("cost", row.count(Field::cost_micros, 0)),
      fmt::arg("has_cost", row.is_count(Field::cost_micros)), fmt::arg("place", packed::kStatus),
      fmt::arg("table", table.local),
      fmt::arg("filter", clickhouse_time_filter(table, scope.mapping, scope.query)));
}

// What packed rows are named and counted by besides; what no column tells is left out.
struct ClickHouseExtras {
  bool has_pipeline = true;
  bool has_tokens = true;
  bool has_cost = true;
  bool has_mended = true;
};

// The answer's rows of packed ones.
std::string packed_answer(PackedUse use, const std::string& kind, const std::string& rows,
                          const CountingRules& rules, const ClickHouseExtras& extras) {
  std::string names = "digits_of_all, open_us, plan, code";
  std::string sums;
  if (extras.has_pipeline) names += ", pipeline";
  if (extras.has_mended) names += ", mended_fields";
  if (extras.has_tokens) sums += "sum(tokens) AS token_sum, sum(has_tokens) AS token_runs, ";
  if (extras.has_cost) sums += "sum(cost) AS cost_sum, sum(has_cost) AS cost_runs, ";
  return clickhouse_answer(
             std::string(word_of(kPackedWords, use)),
             {"digits_of_all", "0", "0", "plan", "code", extras.has_pipeline ? "pipeline" : "''",
              "0", extras.has_mended ? "mended_fields" : "0", "open_us"},
             {"runs", "unverified_runs", "fallback_runs", "reused_runs", "failed_items", "items",
              extras.has_tokens ? "token_sum" : "0", extras.has_tokens ? "token_runs" : "0",
              extras.has_cost ? "cost_sum" : "0", extras.has_cost ? "cost_runs" : "0", "newest"}) +
         fmt::format(
             " FROM (SELECT {} AS digits_of_all, if(state IN ({}), newest_at, toInt64(-1)) AS "
             "open_us, {}count() AS runs, sum(unverified) AS unverified_runs, sum(fallback) AS "
             "fallback_runs, sum(reused != 0) AS reused_runs, sum(failed) AS failed_items, "
             "sum(total) AS items, {}max(at) AS newest FROM ({}) GROUP BY {})",
             kind, packed::open_statuses(rules),
             names.substr(std::string_view("digits_of_all, open_us, ").size()) + ", ", sums, rows,
             names);
}

}  // namespace

std::string clickhouse_age_class(const std::string& at, const std::string& duration,
                                 const LogQuery& query) {
  const auto told = told_ages(query);
  if (!told) return "toInt64(0)";
  const std::string is_told = fmt::format(
      "({d} > 0 AND NOT isInfinite({d}) AND {at} >= {first} AND ({at} < {without_short} OR {d} >= "
      "{short_ms}))",
      fmt::arg("d", duration), fmt::arg("at", at),
      fmt::arg("first", clickhouse_micros(told->first)),
      fmt::arg("without_short", clickhouse_micros(told->without_short)),
      fmt::arg("short_ms", ToldAges::kShort_ms));
  // Both branches of an if() are worked out for all rows. What is too long is in the last class.
  const std::string known =
      fmt::format("if({}, least({}, {}.), 0.)", is_told, duration, ToldAges::kLong_ms);
  const std::string slots = fmt::format(
      "intDiv({0}, 300000000) - intDiv({0} - toInt64(floor({1} * 1000 + 0.5)), 300000000)", at,
      known);
  // The classes end at powers of two. Halves keep what is rounded away from their limits, and 0.3
  // stands for no slot at all.
  return fmt::format("least(toInt64({}), toInt64(floor(log2(greatest({} - 0.5, 0.3)))) + 2)",
                     AgeClass::kLast, slots);
}

std::string clickhouse_packed_runs(const ClickHouseTable& table, const CountScope& scope) {
  const ClickHouseExpressions row(table, scope.mapping);
  const std::string kind = fmt::format(
      "digits + (mode = 1 OR mode = 2 AND no_run) * toInt64({}) + (no_run AND no_request) * "
      "toInt64({}) + {}",
      std::int64_t{1} << packed::kPopulation, std::int64_t{1} << packed::kNoKey,
      clickhouse_time(scope.query));
  return packed_answer(
      PackedUse::rows, kind, clickhouse_packed_rows(table, scope), scope.rules,
      {row.has(Field::pipeline_id), row.has(Field::tokens_in) || row.has(Field::tokens_out),
       row.has(Field::cost_micros), row.mended() != "toInt64(0)"});
}

std::string clickhouse_packed_settled(PackedUse use, const std::string& runs,
                                      const CountScope& scope) {
  const auto digit = [](const char* value, int place) {
    return fmt::format("{} * toInt64({})", value, std::int64_t{1} << place);
  };
  const std::string kind = fmt::format(
      "{} + {} + {} + {} + {} + if(duration < 0, toInt64(0), {}) + {}{}",
      digit("status", packed::kStatus), digit("cohort", packed::kCohort),
      digit("compensation", packed::kCompensation), digit("population", packed::kPopulation),
      digit("manual", packed::kManual), clickhouse_duration("duration"),
      clickhouse_time(scope.query), clickhouse_age("duration", scope.query));
  return packed_answer(
      use, kind,
      "SELECT *, toInt64(unread) AS mended_fields, status AS state, fanout_failed AS failed, "
      "fanout_total AS total FROM (" +
          runs + ")",
      scope.rules, {});
}

}  // namespace dagloop
