// The KPIs of a window by DuckDB, in one pass over JSON lines or over a native table.
// usage: node duckdb.mjs MODULES json|load|table FILE.jsonl DATABASE START END THREADS
import { createRequire } from 'node:module';

const [modules, mode, file, database, start, end, threads] = process.argv.slice(2);
const { DuckDBInstance } = createRequire(`${modules}/`)('@duckdb/node-api');

// Types are named, so that no second pass has to guess them.
const rows = `read_json('${file}', format = 'newline_delimited', columns = {
  request_id: 'VARCHAR', created_at: 'TIMESTAMP', status: 'VARCHAR', error_code: 'VARCHAR',
  pipeline_run_id: 'VARCHAR', duration_ms: 'DOUBLE', verification_reason: 'VARCHAR',
  fallback_reason: 'VARCHAR', execution_mode: 'VARCHAR', plan_source: 'VARCHAR',
  idempotent_reuse: 'BOOLEAN', compensation_status: 'VARCHAR', fanout_total: 'BIGINT',
  fanout_failed: 'BIGINT', cohort: 'VARCHAR'})`;

// Duplicates are left in, which is in DuckDB's favour.
const kpis = (source) => `
  SELECT execution_mode = 'dag' AS is_dag, cohort, count(*) AS runs,
         count(*) FILTER (status = 'succeeded') AS succeeded,
         count(*) FILTER (verification_reason <> '' OR error_code LIKE 'VERIFY%') AS unverified,
         count(*) FILTER (fallback_reason <> '') AS fallback,
         count(*) FILTER (compensation_status IN ('failed', 'manual_required')) AS compensation,
         count(*) FILTER (idempotent_reuse) AS reused,
         sum(fanout_failed) AS fanout_failed, sum(fanout_total) AS fanout_total,
         quantile_disc(duration_ms, [0.5, 0.95, 0.99]) AS latency,
         histogram(error_code) AS error_codes, histogram(plan_source) AS plan_sources
  FROM ${source}
  WHERE created_at >= '${start}' AND created_at < '${end}'
    AND status NOT IN ('running', 'pending', 'compensating')
  GROUP BY ALL`;

const instance = await DuckDBInstance.create(mode === 'json' ? ':memory:' : database, { threads });
const connection = await instance.connect();
if (mode === 'load') {
  await connection.run(`CREATE OR REPLACE TABLE runs AS SELECT * FROM ${rows}`);
} else {
  const result = await connection.runAndReadAll(kpis(mode === 'json' ? rows : 'runs'));
  console.log(result.getRowsJson().length);
}
