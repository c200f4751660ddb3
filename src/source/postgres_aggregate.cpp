#include "source/postgres_aggregate.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "source/postgres_expressions.hpp"
#include "source/postgres_runs.hpp"

namespace dagloop {
namespace {

std::string status_of(const Expressions& row) {
  return word_digit(row.text(Field::status), packed::digits_of(kStatusWords),
                    packed::kUnknownStatus, 0);
}

std::string compensation_of(const Expressions& row) {
  return word_digit(row.text(Field::compensation_status), packed::digits_of(kCompensationWords),
                    packed::kUnknownCompensation, 0);
}

std::string cohort_of(const Expressions& row) {
  return word_digit(row.text(Field::cohort), packed::digits_of(kCohortWords),
                    packed::kUnknownCohort, 0);
}

// Something where a row is malformed, whatever the reason; else NULL.
std::string fault_of(const Expressions& row, const LogQuery& query) {
  return fmt::format(
      "CASE WHEN {at} IS NULL OR {at} > {latest} OR {status} IN (0, {unknown_status}) OR "
      "{compensation} = {unknown_compensation} OR {cohort} = {unknown_cohort} OR ({run} <> '') IS "
      "NOT TRUE AND ({request} <> '') IS NOT TRUE OR "
      "{duration} < 0 OR {duration} >= 'Infinity' OR {bad_number} THEN 1 END",
      fmt::arg("at", row.value(Field::created_at, "timestamptz")),
      fmt::arg("latest", time_literal(query.latest)), fmt::arg("status", status_of(row)),
      fmt::arg("unknown_status", packed::kUnknownStatus),
      fmt::arg("compensation", compensation_of(row)),
      fmt::arg("unknown_compensation", packed::kUnknownCompensation),
      fmt::arg("cohort", cohort_of(row)), fmt::arg("unknown_cohort", packed::kUnknownCohort),
      fmt::arg("run", row.text(Field::pipeline_run_id)),
      fmt::arg("request", row.text(Field::request_id)),
      fmt::arg("duration", row.value(Field::duration_ms, "float8")),
      fmt::arg("bad_number", row.out_of_range().empty() ? "false" : row.out_of_range()));
}

// The rows of a table in the words of the contract.
std::string counted_record_rows(const PostgresTable& table, const Mapping& mapping,
                                const LogQuery& query) {
  const Expressions row(table, mapping);
  const std::string run_id = row.text(Field::pipeline_run_id);
  const bool has_nodes = table.columns.contains(column_of(mapping, Field::node_id));
  const std::string node = has_nodes ? "CASE WHEN " + row.text(Field::node_type) +
                                           " IS DISTINCT FROM '" + std::string(kRunNodeType) +
                                           "' THEN nullif(" + row.text(Field::node_id) + ", '') END"
                                     : "NULL::text";
  // Where the server holds run ids unique, rows need not be sorted to find repeated keys.
  const bool is_unique = table.unique.contains(column_of(mapping, Field::pipeline_run_id));
  const std::string alone = is_unique ? "(" + run_id + " <> '') IS TRUE" : "false";
  return "SELECT " + alone + " AS alone, CASE WHEN " + run_id + " <> '' THEN hashtextextended(" +
         run_id + ", 0) ELSE hashtextextended(" + row.text(Field::request_id) +
         ", 1) END AS hash, " + row.value(Field::created_at, "timestamptz") + " AS at, " +
         fault_of(row, query) + " AS fault, (" + run_id +
         " <> '') IS NOT TRUE AS is_request, coalesce(nullif(" + run_id + ", ''), " +
         row.text(Field::request_id) + ") AS key, " + node + " AS node, coalesce(" +
         row.value(Field::attempt, "int8") + ", 1) AS attempt, " + status_of(row) +
         " AS status, nullif(" + row.text(Field::error_code) + ", '') AS code, " +
         row.text(Field::plan_source) + " AS plan, " + compensation_of(row) + " AS compensation, " +
         mode_digit(row.text(Field::execution_mode), 1,
                    "CASE WHEN " + run_id + " <> '' THEN 0 ELSE 1 END") +
         " AS population, " + cohort_of(row) + " AS cohort, " +
         row.text(Field::verification_reason) + " <> '' AS unverified, " +
         row.text(Field::fallback_reason) + " <> '' AS fallback, " +
         row.value(Field::idempotent_reuse, "bool") + " AS reused, " +
         row.value(Field::duration_ms, "float8") + " AS duration, " +
         row.value(Field::fanout_total, "int8") + " AS fanout_total, " +
         row.value(Field::fanout_failed, "int8") + " AS fanout_failed FROM " + table.name +
         time_filter(table, mapping, query);
}

// The order in which records of one run stand: column for column the comparison of RunTable. Where
// the two differ, the same log gives other figures from a database than from a file.
std::string standing_order() {
  return fmt::format(
      "at DESC, (status <= {}) DESC, status DESC, coalesce(code, '') COLLATE \"C\" DESC, "
      "compensation DESC, population DESC, cohort DESC, coalesce(unverified, false) DESC, "
      "coalesce(fallback, false) DESC, coalesce(reused, false) DESC, coalesce(duration, -1) DESC, "
      "coalesce(fanout_total, 0) DESC, coalesce(fanout_failed, 0) DESC, coalesce(plan, '') COLLATE "
      "\"C\" DESC",
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
  SELECT DISTINCT ON (is_request, key) is_request, key, at, population, cohort, status
  FROM records WHERE node IS NULL AND fault IS NULL
    AND (is_request, key) IN (SELECT is_request, key FROM attempts)
  ORDER BY is_request, key, {order}),
orphans AS MATERIALIZED (
  SELECT a.*, max(a.at) OVER (PARTITION BY a.is_request, a.key) AS run_end
  FROM attempts a LEFT JOIN standing s ON s.is_request = a.is_request AND s.key = a.key
  WHERE s.key IS NULL),
last_attempts AS (
  SELECT DISTINCT ON (is_request, key, node) is_request, key, node, at, status, code
  FROM orphans
  ORDER BY is_request, key, node, attempt DESC, at DESC, (status <= {final}) DESC,
    (status IN ({bad})) DESC, {order}),
deciding AS (
  SELECT *, bool_or(status > {final}) OVER run AS in_flight,
    node = {outcome} OR NOT bool_or(node = {outcome}) OVER run AS decides
  FROM last_attempts WINDOW run AS (PARTITION BY is_request, key)),
outcomes AS (
  SELECT is_request, key, bool_or(in_flight) AS in_flight,
    bool_or(decides AND status IN ({bad})) AS failed,
    (array_agg(code ORDER BY at, node COLLATE "C")
      FILTER (WHERE decides AND status IN ({bad}) AND code IS NOT NULL))[1] AS code
  FROM deciding GROUP BY is_request, key),
unions AS (
  SELECT is_request, key, max(at) AS at, min(population) AS population,
    CASE WHEN bool_or(cohort = {canary}) THEN {canary} ELSE max(cohort) END AS cohort,
    bool_or(unverified) AS unverified, bool_or(fallback) AS fallback, bool_or(reused) AS reused,
    bool_or(status = {manual}) AS manual, max(compensation) AS compensation,
    sum(fanout_total)::int8 AS fanout_total, sum(fanout_failed)::int8 AS fanout_failed,
    (array_agg(plan ORDER BY at DESC, plan COLLATE "C") FILTER (WHERE plan <> ''))[1] AS plan,
    CASE WHEN count(duration) > 0 THEN
      max((extract(epoch FROM run_end - at) * 1000000)::int8::float8 / 1000
          + greatest(coalesce(duration, 0), 0)) END AS duration
  FROM orphans GROUP BY is_request, key),
derived AS MATERIALIZED (
  SELECT u.is_request, u.key, u.at, u.population, u.cohort,
    CASE WHEN o.in_flight THEN {running} WHEN o.failed THEN {failed} ELSE {succeeded} END AS status,
    o.code, u.plan, u.compensation, u.unverified, u.fallback, u.reused, u.manual, u.duration,
    u.fanout_total, u.fanout_failed
  FROM unions u JOIN outcomes o ON o.is_request = u.is_request AND o.key = u.key),
runs_of_nodes AS (
  SELECT is_request, key, at, population, cohort FROM standing WHERE status <= {final}
  UNION ALL
  SELECT is_request, key, at, population, cohort FROM derived WHERE status <= {final}))sql";

std::string node_steps(const Mapping& mapping) {
  return fmt::format(
      kNodeSteps, fmt::arg("order", standing_order()), fmt::arg("bad", packed::bad_statuses()),
      fmt::arg("outcome", sql_literal(mapping.outcome_node)), fmt::arg("final", packed::kLastFinal),
      fmt::arg("manual", packed::digit_of(Status::manual_required)),
      fmt::arg("canary", packed::digit_of(Cohort::canary)),
      fmt::arg("running", packed::digit_of(Status::running)),
      fmt::arg("failed", packed::digit_of(Status::failed)),
      fmt::arg("succeeded", packed::digit_of(Status::succeeded)));
}

// Attempts of the nodes of runs, and behind them the pairs of run and node.
std::string node_rows(const LogQuery& query) {
  const std::string join =
      " JOIN runs_of_nodes r ON r.is_request = a.is_request AND r.key = a.key GROUP BY ";
  return fmt::format(
      "\nUNION ALL SELECT 'node', {span}, r.population, r.cohort, a.node, NULL, bucket, "
      "sum(count), sum(failed), sum(retries), sum(retries_succeeded), 0, 0, 0 FROM (SELECT "
      "is_request, key, node, nullif({duration}, 0) - 1 AS bucket, count(*) AS count, count(*) "
      "FILTER (WHERE status = {failed}) AS failed, count(*) FILTER (WHERE attempt > 1) AS retries, "
      "count(*) FILTER (WHERE attempt > 1 AND status = {succeeded}) AS retries_succeeded FROM "
      "attempts GROUP BY 1, 2, 3, 4) a{join}2, 3, 4, 5, 7\nUNION ALL SELECT 'node', {span}, "
      "r.population, r.cohort, a.node, NULL, NULL, 0, 0, 0, 0, count(*), 0, 0 FROM (SELECT "
      "DISTINCT is_request, key, node FROM attempts) a{join}2, 3, 4, 5",
      fmt::arg("span", span_sql("r.at", query)), fmt::arg("duration", duration_digit("duration")),
      fmt::arg("failed", packed::digit_of(Status::failed)),
      fmt::arg("succeeded", packed::digit_of(Status::succeeded)), fmt::arg("join", join));
}

std::string records_of(const std::vector<PostgresTable>& tables, const Mapping& mapping,
                       const LogQuery& query) {
  std::string records;
  for (const PostgresTable& table : tables) {
    records +=
        (records.empty() ? "" : "\n  UNION ALL ") + counted_record_rows(table, mapping, query);
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
  const Mapping& mapping = options.mapping;
  if (options.dedupe != Dedupe::runs || mapping.created_at_marks != CreatedAtMarks::end) {
    return false;
  }
  for (const auto& [field, place] : mapping.fields) {
    if (place.source != FieldSource::column) return false;
    const auto known = field_named(field);
    if (!known || (!place.aliases.empty() && type_of(*known) != FieldType::text)) return false;
  }
  for (const PostgresTable& table : tables) {
    for (std::size_t i = 0; i < kFieldCount; ++i) {
      const auto field = static_cast<Field>(i);
      const auto column = table.columns.find(column_of(mapping, field));
      if (column == table.columns.end()) continue;
      if (!column_types_of(type_of(field)).contains(column->second)) return false;
    }
  }
  return true;
}

std::string repetition_query(const std::vector<PostgresTable>& tables, const Mapping& mapping,
                             const LogQuery& query) {
  return "WITH records AS NOT MATERIALIZED (" + records_of(tables, mapping, query) +
         ") SELECT count(hash) > count(DISTINCT hash) FROM (" + hashes("true") + ") AS keys";
}

std::string repeated_query(const std::vector<PostgresTable>& tables, const Mapping& mapping,
                           const LogQuery& query) {
  return "WITH records AS NOT MATERIALIZED (" + records_of(tables, mapping, query) +
         ") SELECT hash FROM (" + hashes("NOT alone") +
         ") AS others GROUP BY hash HAVING count(*) > 1 UNION ALL SELECT hash FROM (" +
         hashes("alone") + ") AS most WHERE hash IN (" + hashes("NOT alone AND NOT is_request") +
         ")";
}

std::string settling_query(const std::vector<PostgresTable>& tables, const Mapping& mapping,
                           const LogQuery& query, const std::string& repeated) {
  const bool has_nodes = have_nodes(tables, mapping);
  // Hashes are compared before anything else is looked at. OFFSET 0 keeps that apart.
  const std::string again = repeated.empty()
                                ? "SELECT * FROM records WHERE false"
                                : "SELECT * FROM records WHERE hash IN (" + repeated + ") OFFSET 0";
  std::string text = "WITH records AS NOT MATERIALIZED (" + records_of(tables, mapping, query) +
                     "),\nlosers AS MATERIALIZED (SELECT * FROM (SELECT *, false AS manual, "
                     "row_number() OVER (PARTITION BY is_request, key ORDER BY " +
                     standing_order() + ") AS place FROM (" + again +
                     ") AS again WHERE node IS NULL AND fault IS NULL) p WHERE place > 1)";
  if (has_nodes) text += node_steps(mapping);
  text += "\n" + packed_settled_query(PackedUse::lost, "losers", query);
  if (has_nodes) {
    text += "\nUNION ALL " + packed_settled_query(PackedUse::derived, "derived", query) +
            node_rows(query);
  }
  return text;
}

}  // namespace dagloop
