#include "source/airflow_tables.hpp"

#include <fmt/format.h>

namespace dagloop {
namespace {

// Which of Airflow's tables a row stands in.
constexpr const char* kOrigin = "dagloop_table";

// Airflow has no slash in the name of a DAG, but its tables may: a run is known by its key alone.
constexpr const char* kRunKey =
    "replace(replace(dag_id, '%', '%25'), '/', '%2F') || '/' || run_id AS pipeline_run_id, "
    "dag_id::text AS pipeline_id, 'dag'::text AS execution_mode, '{table}'::text AS {origin}";

constexpr const char* kRuns = R"sql((
  SELECT {key}, coalesce(end_date, start_date, queued_at) AS created_at,
    CASE state WHEN 'success' THEN 'succeeded' WHEN 'queued' THEN 'pending'
      ELSE coalesce(state, 'pending') END::text AS status,
    run_type::text AS plan_source,
    (extract(epoch FROM end_date - start_date) * 1000)::float8 AS duration_ms
  FROM dag_run WHERE coalesce(end_date, start_date, queued_at) IS NOT NULL) AS dag_run)sql";

// A try that is over has a duration; without an end it would be that of the try before.
constexpr const char* kAirflowTries = R"sql(
  SELECT {key}, coalesce(end_date, start_date) AS created_at,
    CASE WHEN state = 'success' THEN 'succeeded'
      WHEN state IN ('failed', 'up_for_retry', 'upstream_failed') THEN 'failed'
      WHEN state IN ('skipped', 'removed') THEN 'skipped'
      WHEN state IN ('running', 'restarting', 'shutdown') THEN 'running'
      WHEN {waits} THEN 'pending' ELSE state END::text AS status,
    CASE state WHEN 'upstream_failed' THEN 'upstream_failed' END AS error_code,
    task_id::text AS node_id, coalesce(nullif(operator, 'pipeline'), 'task')::text AS node_type,
    greatest(try_number, 1)::int4 AS attempt, {map_index} AS fanout_index,
    CASE WHEN end_date IS NOT NULL THEN
      coalesce(duration, extract(epoch FROM end_date - start_date)::float8) * 1000
    END AS duration_ms
  FROM {from} WHERE coalesce(end_date, start_date) IS NOT NULL)sql";

constexpr const char* kWaits =
    "(state IS NULL OR state IN ('scheduled', 'queued', 'deferred', 'up_for_reschedule'))";

// Rescheduled, deferred or scheduled when somebody ended the run: it has the dates of before.
constexpr const char* kMayStillRun = R"sql( AND NOT ({waits} AND EXISTS (
    SELECT FROM dag_run d WHERE d.dag_id = t.dag_id AND d.run_id = t.run_id
      AND d.state IN ('success', 'failed'))))sql";

// A task that waits for its next try stands in both tables with the try that failed.
constexpr const char* kNotInHistory = R"sql( AND NOT EXISTS (
    SELECT FROM task_instance_history h WHERE h.dag_id = t.dag_id AND h.task_id = t.task_id
      AND h.run_id = t.run_id AND h.map_index = t.map_index AND h.try_number = t.try_number))sql";

std::string run_key_in(const std::string& table) {
  return fmt::format(kRunKey, fmt::arg("table", table), fmt::arg("origin", kOrigin));
}

// The tries that `table` has, which `alias` stands for.
std::string tries_of(const std::string& table, const std::string& alias,
                     const AirflowSchema& schema) {
  return fmt::format(
      kAirflowTries, fmt::arg("key", run_key_in(table)), fmt::arg("waits", kWaits),
      fmt::arg("from", table + " " + alias),
      fmt::arg("map_index", schema.has_map_index ? "CASE WHEN map_index >= 0 THEN map_index END"
                                                 : "NULL::int4"));
}

std::string nodes_of(const AirflowSchema& schema) {
  std::string tries =
      tries_of("task_instance", "t", schema) + fmt::format(kMayStillRun, fmt::arg("waits", kWaits));
  if (schema.has_history) {
    tries += kNotInHistory;
    tries += "\n  UNION ALL" + tries_of("task_instance_history", "h", schema);
  }
  return "(" + tries + ") AS task_instance";
}

}  // namespace

std::string airflow_schema_query() {
  return "SELECT to_regclass('task_instance_history') IS NOT NULL, EXISTS (SELECT FROM "
         "pg_attribute WHERE attrelid = to_regclass('task_instance') AND attname = 'map_index' AND "
         "NOT attisdropped)";
}

std::vector<PostgresTable> airflow_tables(const AirflowSchema& schema) {
  // Airflow's run ids are unique within a DAG alone, so the key is both. Its words become the
  // contract's in SQL, so that the rest need not know of Airflow.
  PostgresTable runs{fmt::format(kRuns, fmt::arg("key", run_key_in("dag_run"))),
                     {{"pipeline_run_id", "text"},
                      {"pipeline_id", "text"},
                      {"created_at", "timestamptz"},
                      {"status", "text"},
                      {"plan_source", "text"},
                      {"execution_mode", "text"},
                      {"duration_ms", "float8"}},
                     {"pipeline_run_id"},  // Airflow's own constraint: dag_id and run_id are unique
                     {},
                     false,
                     kOrigin};
  PostgresTable nodes{nodes_of(schema),
                      {{"pipeline_run_id", "text"},
                       {"pipeline_id", "text"},
                       {"created_at", "timestamptz"},
                       {"status", "text"},
                       {"error_code", "text"},
                       {"node_id", "text"},
                       {"node_type", "text"},
                       {"attempt", "int4"},
                       {"fanout_index", "int4"},
                       {"execution_mode", "text"},
                       {"duration_ms", "float8"}},
                      {},
                      {},
                      false,
                      kOrigin};
  return {std::move(runs), std::move(nodes)};
}

}  // namespace dagloop
