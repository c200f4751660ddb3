#include "source/postgres_aggregate.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "source/postgres_expressions.hpp"
#include "source/postgres_runs.hpp"
#include "source/sql_countable.hpp"

namespace dagloop {
namespace {

std::string node_of(const Expressions& row) {
  if (!row.has(Field::node_id)) return "NULL::text";
  return fmt::format("CASE WHEN {} IS DISTINCT FROM '{}' THEN nullif({}, '') END",
                     row.text(Field::node_type), kRunNodeType, row.text(Field::node_id));
}

// The rows of a table in the words of the contract.
std::string counted_record_rows(const PostgresTable& table, const CountScope& scope) {
  const Expressions row(table, scope.mapping);
  const std::string run = row.text(Field::pipeline_run_id);
  const bool is_unique = has_unique_runs(table, scope.mapping);
  const std::string timed_out = fmt::format("{} = {}", row.status_digit(), packed::kTimedOut);
  const std::string duration = row.duration();
  return fmt::format(
      "SELECT {alone} AS alone, CASE WHEN {run} <> '' THEN hashtextextended({run}, 0) ELSE "
      "hashtextextended({request}, 1) END AS hash, {at} AS at, {fault} AS fault, ({run} <> '') IS "
      "NOT TRUE AS is_request, coalesce(nullif({run}, ''), {request}) AS key, {node} AS node, "
      "coalesce({item}, -1) AS item, {is_node} AND lower({type} COLLATE \"C\") "
      "IS NOT DISTINCT FROM '{undoing}' AS undoes, "
      "lower({code} COLLATE \"C\") = '{upstream}' AS is_upstream, coalesce({attempt}, 1) AS "
      "attempt, "
      "CASE WHEN {timed_out} THEN {failed_status} ELSE {status} END AS status, CASE WHEN ({code} "
      "<> "
      "'') IS NOT TRUE AND {timed_out} THEN '{timeout}' ELSE nullif({code}, '') END AS code, "
      "{plan} "
      "AS plan, nullif({pipeline}, '') AS pipeline, {compensation} AS compensation, {population} "
      "AS "
      "population, {cohort} AS cohort, {verification} <> '' AS unverified, {fallback} <> '' AS "
      "fallback, {reused} AS reused, CASE WHEN {duration} >= 0 AND {duration} < 'Infinity' "
      "THEN {duration} END AS duration, {total} AS fanout_total, {failed} AS fanout_failed, "
      "{tokens} AS tokens, {cost} AS cost, {unread} AS unread FROM {table}{filter}",
      fmt::arg("alone", is_unique ? "(" + run + " <> '') IS TRUE" : "false"), fmt::arg("run", run),
      fmt::arg("request", row.text(Field::request_id)), fmt::arg("at", row.time()),
      fmt::arg("fault", "CASE WHEN " + row.malformed(scope.query) + " THEN 1 END"),
      fmt::arg("node", node_of(row)), fmt::arg("item", row.count(Field::fanout_index)),
      fmt::arg("is_node", row.has(Field::node_id) ? node_of(row) + " IS NOT NULL" : "false"),
      fmt::arg("type", row.text(Field::node_type)), fmt::arg("undoing", kCompensationNodeType),
      fmt::arg("code", row.text(Field::error_code)), fmt::arg("upstream", kUpstreamFailedCode),
      fmt::arg("attempt", row.count(Field::attempt)), fmt::arg("timed_out", timed_out),
      fmt::arg("failed_status", packed::digit_of(Status::failed)),
      fmt::arg("status", row.status_digit()), fmt::arg("timeout", kTimeoutCode),
      fmt::arg("plan", row.text(Field::plan_source)),
      fmt::arg("pipeline", row.text(Field::pipeline_id)),
      fmt::arg("compensation",
               word_digit(row.text(Field::compensation_status), packed::compensation_form(0)) +
                   " % " + std::to_string(packed::kMendedCompensation)),
      fmt::arg("population", mode_digit(row.text(Field::execution_mode), 1,
                                        "CASE WHEN " + run + " <> '' THEN 0 ELSE 1 END")),
      fmt::arg("cohort", word_digit(row.text(Field::cohort), packed::cohort_form(0)) + " % " +
                             std::to_string(packed::kMendedCohort)),
      fmt::arg("verification", row.text(Field::verification_reason)),
      fmt::arg("fallback", row.text(Field::fallback_reason)),
      fmt::arg("reused", row.truth(Field::idempotent_reuse)), fmt::arg("duration", duration),
      fmt::arg("total", row.count(Field::fanout_total)),
      fmt::arg("failed", row.count(Field::fanout_failed)), fmt::arg("tokens", tokens_sql(row)),
      fmt::arg("cost", row.count(Field::cost_micros)), fmt::arg("unread", row.unread()),
      fmt::arg("table", table.name), fmt::arg("filter", run_filter(scope.mapping, scope.query)));
}

// The order in which records of one run stand: column for column the comparison of RunTable. Where
// the two differ, the same log gives other figures from a database than from a file.
std::string standing_order() {
  return fmt::format(
      "at DESC, (status <= {}) DESC, status DESC, coalesce(code, '') COLLATE \"C\" DESC, "
      "compensation DESC, population DESC, cohort DESC, coalesce(unverified, false) DESC, "
      "coalesce(fallback, false) DESC, coalesce(reused, false) DESC, coalesce(duration, -1) DESC, "
      "undoes DESC, coalesce(fanout_total, 0) DESC, coalesce(fanout_failed, 0) DESC, "
      "coalesce(tokens, 0) DESC, coalesce(cost, 0) DESC, tokens IS NOT NULL DESC, cost IS NOT NULL "
      "DESC, coalesce(plan, '') COLLATE \"C\" DESC, coalesce(pipeline, '') COLLATE \"C\" DESC, "
      "unread DESC",
      packed::kLastFinal);
}

// The keys of some run records.
std::string hashes(const std::string& condition) {
  return "SELECT hash FROM records WHERE node IS NULL AND " + condition;
}

// What logs with node records take besides: standing runs of nodes, derived runs, attempts.
constexpr const char* kNodeSteps = R"sql(,
attempts AS NOT MATERIALIZED (SELECT * FROM records WHERE node IS NOT NULL AND fault IS NULL),
standing AS MATERIALIZED (
  SELECT DISTINCT ON (is_request, key) *, status = {manual} AS manual, at AS newest_at
  FROM records WHERE node IS NULL AND fault IS NULL
    AND (is_request, key) IN (SELECT is_request, key FROM attempts)
  ORDER BY is_request, key, {order}),
told AS MATERIALIZED (
  SELECT is_request, key, max(a.at) AS newest_at, sum(a.tokens)::int8 AS tokens,
    sum(a.cost)::int8 AS cost,
    (array_agg(a.pipeline ORDER BY a.at DESC, a.pipeline COLLATE "C")
      FILTER (WHERE a.pipeline IS NOT NULL))[1] AS pipeline
  FROM attempts a JOIN standing s USING (is_request, key)
  WHERE s.status IN ({open}){wants}
  GROUP BY is_request, key),
changed AS (
  SELECT is_request, key, t.newest_at, t.tokens, t.cost, t.pipeline
  FROM standing s JOIN told t USING (is_request, key)
  WHERE s.status IN ({open}) AND t.newest_at > s.at OR s.pipeline IS NULL AND t.pipeline IS NOT NULL
    OR s.tokens IS NULL AND t.tokens IS NOT NULL OR s.cost IS NULL AND t.cost IS NOT NULL),
poorer AS (SELECT s.* FROM standing s JOIN changed USING (is_request, key)),
richer AS (
  SELECT s.at, s.status, s.code, s.compensation, s.population, s.cohort, s.unverified, s.fallback,
    s.reused, s.manual, s.duration, s.fanout_total, s.fanout_failed, s.plan, s.unread,
    coalesce(s.tokens, c.tokens) AS tokens, coalesce(s.cost, c.cost) AS cost,
    coalesce(s.pipeline, c.pipeline) AS pipeline, greatest(s.at, c.newest_at) AS newest_at
  FROM standing s JOIN changed c USING (is_request, key)),
orphans AS MATERIALIZED (
  SELECT a.*, max(a.at) OVER (PARTITION BY a.is_request, a.key) AS run_end
  FROM attempts a LEFT JOIN standing s ON s.is_request = a.is_request AND s.key = a.key
  WHERE s.key IS NULL),
last_attempts AS (
  SELECT DISTINCT ON (is_request, key, node, item) is_request, key, node, item, at, status, code,
    undoes, coalesce(is_upstream, false) AS is_upstream
  FROM orphans
  ORDER BY is_request, key, node, item, attempt DESC, at DESC, (status <= {final}) DESC,
    (status IN ({bad})) DESC, {order}),
telling AS (
  SELECT * FROM (
    SELECT *, bool_and(undoes) OVER (PARTITION BY is_request, key) AS all_undo FROM last_attempts
  ) l WHERE all_undo OR NOT undoes),
deciding AS (
  SELECT *, node = {outcome} OR NOT bool_or(node = {outcome}) OVER run AS decides,
    status IN ({bad}) OR is_upstream AND status <= {final} AS is_bad,
    status = {skipped} AND NOT is_upstream AS is_skipped
  FROM telling WINDOW run AS (PARTITION BY is_request, key)),
outcomes AS (
  SELECT is_request, key,
    CASE WHEN bool_or(status = {running}) THEN {running}
      WHEN bool_or(status = {compensating}) THEN {compensating}
      WHEN bool_or(status = {pending}) THEN {pending}
      WHEN bool_and(is_skipped) THEN {skipped}
      WHEN bool_or(decides AND is_bad) THEN {failed} ELSE {succeeded} END AS status,
    (array_agg(code ORDER BY at, node COLLATE "C", item)
      FILTER (WHERE decides AND is_bad AND code IS NOT NULL))[1] AS code
  FROM deciding GROUP BY is_request, key),
unions AS (
  SELECT is_request, key, max(at) AS at, min(population) AS population,
    CASE WHEN bool_or(cohort = {canary}) THEN {canary} ELSE max(cohort) END AS cohort,
    bool_or(unverified) AS unverified, bool_or(fallback) AS fallback, bool_or(reused) AS reused,
    bool_or(status = {manual}) AS manual, max(compensation) AS compensation,
    sum(fanout_total)::int8 AS fanout_total, sum(fanout_failed)::int8 AS fanout_failed,
    sum(tokens)::int8 AS tokens, sum(cost)::int8 AS cost, bit_or(unread) AS unread,
    (array_agg(plan ORDER BY at DESC, plan COLLATE "C") FILTER (WHERE plan <> ''))[1] AS plan,
    (array_agg(pipeline ORDER BY at DESC, pipeline COLLATE "C")
      FILTER (WHERE pipeline IS NOT NULL))[1] AS pipeline,
    CASE WHEN count(duration) > 0 THEN
      max((extract(epoch FROM run_end - at) * 1000000)::int8::float8 / 1000
          + greatest(coalesce(duration, 0), 0)) END AS duration
  FROM orphans GROUP BY is_request, key),
derived AS MATERIALIZED (
  SELECT u.*, u.at AS newest_at, o.status, o.code
  FROM unions u JOIN outcomes o ON o.is_request = u.is_request AND o.key = u.key),
runs_of_nodes AS (
  SELECT is_request, key, s.at, s.population, s.cohort, s.duration, s.plan,
    coalesce(s.pipeline, t.pipeline) AS pipeline
  FROM standing s LEFT JOIN told t USING (is_request, key)
  WHERE s.status IN ({rated}){of_standing}
  UNION ALL
  SELECT is_request, key, at, population, cohort, duration, plan, pipeline FROM derived
  WHERE status IN ({rated}){of_derived}))sql";

// Names with commas; none where all are selected.
std::string postgres_pipelines(const CountingRules& rules) {
  std::string list;
  for (const std::string& name : rules.pipelines) {
    list += (list.empty() ? "" : ", ") + sql_literal(name);
  }
  return list;
}

// Whether node records may say more of a run than its own does.
bool may_tell(const std::vector<PostgresTable>& tables, const Mapping& mapping) {
  return std::ranges::any_of(tables, [&](const PostgresTable& table) {
    const Expressions row(table, mapping);
    return row.has(Field::node_id) &&
           (has_tokens(row) || row.has(Field::cost_micros) || row.has(Field::pipeline_id));
  });
}

std::string node_steps(const std::vector<PostgresTable>& tables, const CountScope& scope) {
  const std::string pipelines = postgres_pipelines(scope.rules);
  const std::string of = pipelines.empty() ? "" : " IN (" + pipelines + ")";
  return fmt::format(
      kNodeSteps, fmt::arg("order", standing_order()), fmt::arg("bad", packed::bad_statuses()),
      fmt::arg("open", packed::open_statuses(scope.rules)),
      fmt::arg("rated", packed::rated_statuses(scope.rules)),
      fmt::arg("wants", may_tell(tables, scope.mapping)
                            ? " OR s.pipeline IS NULL OR s.tokens IS NULL OR s.cost IS NULL"
                            : ""),
      fmt::arg("of_standing", of.empty() ? "" : " AND coalesce(s.pipeline, t.pipeline)" + of),
      fmt::arg("of_derived", of.empty() ? "" : " AND pipeline" + of),
      fmt::arg("outcome", sql_literal(scope.mapping.outcome_node)),
      fmt::arg("final", packed::kLastFinal),
      fmt::arg("manual", packed::digit_of(Status::manual_required)),
      fmt::arg("canary", packed::digit_of(Cohort::canary)),
      fmt::arg("running", packed::digit_of(Status::running)),
      fmt::arg("compensating", packed::digit_of(Status::compensating)),
      fmt::arg("pending", packed::digit_of(Status::pending)),
      fmt::arg("skipped", packed::digit_of(Status::skipped)),
      fmt::arg("failed", packed::digit_of(Status::failed)),
      fmt::arg("succeeded", packed::digit_of(Status::succeeded)));
}

// Attempts of the nodes of runs, with what their run is told by, and behind them the pairs of run
// and item. What was not executed is no attempt.
std::string node_rows(const LogQuery& query) {
  const std::string join =
      " JOIN runs_of_nodes r ON r.is_request = a.is_request AND r.key = a.key GROUP BY ";
  return fmt::format(
      "\nUNION ALL SELECT 'node', {span}, r.population, r.cohort, a.node, r.plan, r.pipeline, "
      "bucket, "
      "{age}, -1, "
      "sum(count), sum(failed), sum(retries), sum(retries_succeeded), 0, 0, 0, 0, 0, 0, 0 FROM "
      "(SELECT "
      "is_request, key, node, nullif({duration}, 0) - 1 AS bucket, count(*) AS count, count(*) "
      "FILTER (WHERE status = {failed}) AS failed, count(*) FILTER (WHERE attempt > 1) AS retries, "
      "count(*) FILTER (WHERE attempt > 1 AND status = {succeeded}) AS retries_succeeded FROM "
      "attempts WHERE {executed} GROUP BY 1, 2, 3, 4) a{join}2, 3, 4, 5, 6, 7, 8, 9\nUNION ALL "
      "SELECT "
      "'node', "
      "{span}, r.population, r.cohort, a.node, r.plan, r.pipeline, NULL, {age}, -1, 0, 0, 0, 0, "
      "count(*), "
      "0, "
      "0, 0, "
      "0, 0, 0 FROM (SELECT DISTINCT is_request, key, node, item FROM attempts WHERE {executed}) "
      "a{join}2, 3, 4, 5, 6, 7, 9",
      fmt::arg("span", span_sql("r.at", query)),
      fmt::arg("age", age_class_sql("r.at", "r.duration", query)),
      fmt::arg("duration", duration_digit("duration")),
      fmt::arg("executed", fmt::format("status <> {} AND is_upstream IS NOT TRUE AND NOT undoes",
                                       packed::digit_of(Status::skipped))),
      fmt::arg("failed", packed::digit_of(Status::failed)),
      fmt::arg("succeeded", packed::digit_of(Status::succeeded)), fmt::arg("join", join));
}

// Runs of malformed rows: those that have no final run record. The rows of one run are one: the
// latest, of the canary where one of them shows that. Rows that show no run may hide one each, also
// where they read alike. `of` is what is said of their pipelines.
constexpr const char* kUnreadSteps = R"sql(,
faults AS NOT MATERIALIZED (
  SELECT is_request, nullif(key, '') AS key, cohort, node,
    CASE WHEN at >= {start} AND at < {end} THEN at ELSE {last} END AS at
  FROM records WHERE fault IS NOT NULL),
unread AS MATERIALIZED (
  SELECT is_request, key, max(at) AS at,
    CASE WHEN bool_or(cohort = {canary}) THEN {canary} ELSE max(cohort) END AS cohort,
    count(*) FILTER (WHERE node IS NOT NULL) AS attempts
  FROM faults WHERE key IS NOT NULL GROUP BY is_request, key
  UNION ALL
  SELECT is_request, key, at, cohort, CASE WHEN node IS NULL THEN 0 ELSE 1 END
  FROM faults WHERE key IS NULL),
same_runs AS MATERIALIZED (
  SELECT * FROM records
  WHERE fault IS NULL
    AND (is_request, key) IN (SELECT is_request, key FROM unread WHERE key IS NOT NULL)),
ends AS (
  SELECT DISTINCT ON (is_request, key) is_request, key, status, pipeline, at, population, cohort
  FROM same_runs WHERE node IS NULL ORDER BY is_request, key, {order}),
node_pipelines AS (
  SELECT DISTINCT ON (is_request, key) is_request, key, pipeline
  FROM same_runs WHERE node IS NOT NULL AND pipeline IS NOT NULL
  ORDER BY is_request, key, at DESC, pipeline COLLATE "C"),
unread_runs AS (
  SELECT u.at, 0 AS population, u.cohort, 1 AS runs, greatest(u.attempts - 1, 0) AS attempts
  FROM unread u
  LEFT JOIN ends e ON e.is_request = u.is_request AND e.key = u.key
  LEFT JOIN node_pipelines n ON n.is_request = u.is_request AND n.key = u.key
  WHERE (e.status <= {final}) IS NOT TRUE{of}
  UNION ALL
  SELECT e.at, e.population, CASE WHEN e.cohort = 0 THEN u.cohort ELSE e.cohort END, 0, u.attempts
  FROM unread u
  JOIN ends e ON e.is_request = u.is_request AND e.key = u.key
  LEFT JOIN node_pipelines n ON n.is_request = u.is_request AND n.key = u.key
  WHERE u.attempts > 0 AND e.status IN ({rated}){shown}))sql";

std::string unread_steps(const CountScope& scope) {
  const std::string pipelines = postgres_pipelines(scope.rules);
  const std::string shown =
      pipelines.empty() ? "" : " AND (coalesce(e.pipeline, n.pipeline) IN (" + pipelines + "))";
  const std::string of = shown.empty() ? "" : shown + " IS NOT FALSE";
  return fmt::format(kUnreadSteps, fmt::arg("start", time_literal(scope.query.range.start)),
                     fmt::arg("end", time_literal(scope.query.range.end)),
                     fmt::arg("last", time_literal(scope.query.range.end - Microseconds{1})),
                     fmt::arg("canary", packed::digit_of(Cohort::canary)),
                     fmt::arg("order", standing_order()), fmt::arg("final", packed::kLastFinal),
                     fmt::arg("of", of), fmt::arg("shown", shown),
                     fmt::arg("rated", packed::rated_statuses(scope.rules)));
}

std::string unread_rows(const LogQuery& query) {
  return fmt::format(
      "SELECT '{}', {}, population, cohort, NULL, NULL, NULL, -1, 0, -1, sum(runs), sum(attempts), "
      "0, 0, 0, 0, 0, 0, 0, 0, 0 FROM unread_runs GROUP BY 2, 3, 4",
      kUnreadWord, span_sql("at", query));
}

std::string postgres_records(const std::vector<PostgresTable>& tables, const CountScope& scope) {
  std::string records;
  for (const PostgresTable& table : tables) {
    records += (records.empty() ? "" : "\n  UNION ALL ") + counted_record_rows(table, scope);
  }
  return records;
}

}  // namespace

bool have_nodes(const std::vector<PostgresTable>& tables, const Mapping& mapping) {
  return std::ranges::any_of(tables, [&](const PostgresTable& table) {
    return table.columns.contains(column_of(mapping, Field::node_id));
  });
}

bool can_aggregate(const std::vector<PostgresTable>& tables, const SourceOptions& options) {
  if (!can_count_in_sql(options)) return false;
  for (const PostgresTable& table : tables) {
    for (std::size_t i = 0; i < kFieldCount; ++i) {
      const auto field = static_cast<Field>(i);
      const auto column = table.columns.find(column_of(options.mapping, field));
      if (column == table.columns.end()) continue;
      if (!can_convert(field, column->second)) return false;
    }
  }
  return true;
}

std::string repetition_query(const std::vector<PostgresTable>& tables, const CountScope& scope) {
  return "WITH records AS NOT MATERIALIZED (" + postgres_records(tables, scope) +
         ") SELECT count(hash) > count(DISTINCT hash) FROM (" + hashes("true") + ") AS keys";
}

std::string repeated_query(const std::vector<PostgresTable>& tables, const CountScope& scope) {
  return "WITH records AS NOT MATERIALIZED (" + postgres_records(tables, scope) +
         ") SELECT hash FROM (" + hashes("NOT alone") +
         ") AS others GROUP BY hash HAVING count(*) > 1 UNION ALL SELECT hash FROM (" +
         hashes("alone") + ") AS most WHERE hash IN (" + hashes("NOT alone AND NOT is_request") +
         ")";
}

std::string settling_query(const std::vector<PostgresTable>& tables, const CountScope& scope,
                           const Unsettled& unsettled) {
  const bool has_nodes = have_nodes(tables, scope.mapping);
  // Hashes are compared before anything else is looked at. OFFSET 0 keeps that apart.
  const std::string again = unsettled.repeated.empty() ? "SELECT * FROM records WHERE false"
                                                       : "SELECT * FROM records WHERE hash IN (" +
                                                             unsettled.repeated + ") OFFSET 0";
  std::string text = "WITH records AS NOT MATERIALIZED (" + postgres_records(tables, scope) +
                     "),\nlosers AS MATERIALIZED (SELECT * FROM (SELECT *, false AS manual, at AS "
                     "newest_at, row_number() OVER (PARTITION BY is_request, key ORDER BY " +
                     standing_order() + ") AS place FROM (" + again +
                     ") AS again WHERE node IS NULL AND fault IS NULL) p WHERE place > 1)";
  if (has_nodes) text += node_steps(tables, scope);
  if (unsettled.has_unread) text += unread_steps(scope);
  text += "\n" + packed_settled_query(PackedUse::lost, "losers", scope);
  if (unsettled.has_unread) text += "\nUNION ALL " + unread_rows(scope.query);
  if (!has_nodes) return text;
  for (const auto& [use, runs] :
       {std::pair(PackedUse::derived, "derived"), std::pair(PackedUse::poorer, "poorer"),
        std::pair(PackedUse::richer, "richer")}) {
    text += "\nUNION ALL " + packed_settled_query(use, runs, scope);
  }
  return text + node_rows(scope.query);
}

}  // namespace dagloop
