#include "source/airflow_tables.hpp"

namespace dagloop {
namespace {

constexpr const char* kRuns = R"sql((
  SELECT dag_id || '/' || run_id AS pipeline_run_id, coalesce(end_date, start_date) AS created_at,
    CASE state WHEN 'success' THEN 'succeeded' WHEN 'failed' THEN 'failed'
      WHEN 'running' THEN 'running' ELSE 'pending' END AS status,
    run_type::text AS plan_source, 'dag'::text AS execution_mode,
    (extract(epoch FROM end_date - start_date) * 1000)::float8 AS duration_ms
  FROM dag_run WHERE coalesce(end_date, start_date) IS NOT NULL) AS dag_run)sql";

constexpr const char* kNodes = R"sql((
  SELECT dag_id || '/' || run_id AS pipeline_run_id, coalesce(end_date, start_date) AS created_at,
    CASE WHEN state = 'success' THEN 'succeeded' WHEN state IN ('failed', 'up_for_retry') THEN 'failed'
      WHEN state IN ('skipped', 'upstream_failed', 'removed') THEN 'skipped'
      WHEN state = 'running' THEN 'running' ELSE 'pending' END AS status,
    task_id::text AS node_id, coalesce(nullif(operator, 'pipeline'), 'task')::text AS node_type,
    greatest(try_number, 1)::int4 AS attempt, 'dag'::text AS execution_mode,
    greatest(duration, 0) * 1000 AS duration_ms
  FROM task_instance WHERE coalesce(end_date, start_date) IS NOT NULL) AS task_instance)sql";

}  // namespace

std::vector<PostgresTable> airflow_tables() {
  // Airflow's run ids are unique within a DAG alone, so the key is both. Its words become the
  // contract's in SQL, so that the rest need not know of Airflow.
  PostgresTable runs{
      kRuns,
      {{"pipeline_run_id", "text"},
       {"created_at", "timestamptz"},
       {"status", "text"},
       {"plan_source", "text"},
       {"execution_mode", "text"},
       {"duration_ms", "float8"}},
      {"pipeline_run_id"}};  // Airflow's own constraint: dag_id and run_id are unique
  PostgresTable nodes{kNodes,
                      {{"pipeline_run_id", "text"},
                       {"created_at", "timestamptz"},
                       {"status", "text"},
                       {"node_id", "text"},
                       {"node_type", "text"},
                       {"attempt", "int4"},
                       {"execution_mode", "text"},
                       {"duration_ms", "float8"}},
                      {}};
  return {std::move(runs), std::move(nodes)};
}

}  // namespace dagloop
