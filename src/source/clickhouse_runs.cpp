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
std::string clickhouse_age(const std::string& at, const std::string& duration,
                           const LogQuery& query) {
  if (!told_ages(query)) return "";
  return fmt::format(" + {} * toInt64({})", clickhouse_age_class(at, duration, query),
                     std::int64_t{1} << packed::kAge);
}

// What a row is counted for.
std::string clickhouse_digits(const ClickHouseTable& table, const CountScope& scope) {
  const ClickHouseExpressions row(table, scope.mapping);
  const std::string prefix = clickhouse_prefix(table);
  const std::string duration =
      duration_of(row, clickhouse_name(clickhouse_column_of(scope.mapping, Field::duration_ms)));
  const bool has_age = row.has(Field::duration_ms);
  return fmt::format(
      "{}status_digit + {} + {} + {} + {}{}", prefix,
      row.word(Field::cohort, packed::cohort_form(packed::kCohort)),
      row.word(Field::compensation_status, packed::compensation_form(packed::kCompensation)),
      clickhouse_node(row), duration,
      has_age ? clickhouse_age(prefix + "at", row.number(Field::duration_ms), scope.query) : "");
}

// One row of the table, in what it is grouped by and what is counted of it.
std::string clickhouse_packed_rows(const ClickHouseTable& table, const CountScope& scope) {
  const ClickHouseExpressions row(table, scope.mapping);
  const std::string prefix = clickhouse_prefix(table);
  return clickhouse_values(
      table,
      {{"at", row.at()},
       {"status_digit", row.word(Field::status, packed::status_form(packed::kStatus))},
       {"digits", clickhouse_digits(table, scope)},
       {"no_run", row.text(Field::pipeline_run_id) + " = ''"},
       {"no_request", row.text(Field::request_id) + " = ''"},
       {"mode", mode_of(row)},
       {"plan", row.text(Field::plan_source)},
       {"code", row.text(Field::error_code)},
       {"pipeline", row.text(Field::pipeline_id)},
       {"mended_fields", row.mended()},
       {"unverified", row.text(Field::verification_reason) + " != ''"},
       {"fallback", row.text(Field::fallback_reason) + " != ''"},
       {"reused", row.truth(Field::idempotent_reuse)},
       {"failed", row.count(Field::fanout_failed, 0)},
       {"total", row.count(Field::fanout_total, 0)},
       {"tokens", row.tokens()},
       {"has_tokens", row.has_tokens()},
       {"cost", row.count(Field::cost_micros, 0)},
       {"has_cost", row.is_count(Field::cost_micros)},
       {"newest_at", prefix + "at"},
       {"state", fmt::format("bitShiftRight({}status_digit, {})", prefix, packed::kStatus)}},
      table.local + clickhouse_time_filter(table, scope.mapping, scope.query));
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
      clickhouse_time(scope.query), clickhouse_age("at", "duration", scope.query));
  return packed_answer(
      use, kind,
      "SELECT *, toInt64(unread) AS mended_fields, status AS state, fanout_failed AS failed, "
      "fanout_total AS total FROM (" +
          runs + ")",
      scope.rules, {});
}

}  // namespace dagloop
