-- The tables that clickhouse:// sources read by default. Idempotent.
-- created_us holds the microseconds within the second. A table with DateTime64 needs no such column.
CREATE TABLE IF NOT EXISTS command_logs (
  request_id String,
  user_id String,
  created_at DateTime,
  created_us UInt32,
  status String,
  error_code String,
  pipeline_run_id String,
  duration_ms Nullable(Float64),
  verification_reason String,
  fallback_reason String,
  execution_mode String,
  plan_source String,
  idempotency_key String,
  idempotent_reuse UInt8,
  compensation_status String,
  fanout_total Int64,
  fanout_failed Int64,
  policy_version String,
  cohort String,
  pipeline_id String,
  fanout_index Nullable(Int64),
  tokens_in Nullable(Int64),
  tokens_out Nullable(Int64),
  cost_micros Nullable(Int64)
) ENGINE = MergeTree PARTITION BY toYYYYMM(created_at) ORDER BY created_at;

CREATE TABLE IF NOT EXISTS dag_node_logs (
  request_id String,
  user_id String,
  created_at DateTime,
  created_us UInt32,
  status String,
  error_code String,
  pipeline_run_id String,
  node_id String,
  node_type String,
  attempt Int32 DEFAULT 1,
  duration_ms Nullable(Float64),
  verification_reason String,
  fallback_reason String,
  execution_mode String,
  plan_source String,
  idempotency_key String,
  idempotent_reuse UInt8,
  compensation_status String,
  fanout_total Int64,
  fanout_failed Int64,
  policy_version String,
  cohort String,
  pipeline_id String,
  fanout_index Nullable(Int64),
  tokens_in Nullable(Int64),
  tokens_out Nullable(Int64),
  cost_micros Nullable(Int64)
) ENGINE = MergeTree PARTITION BY toYYYYMM(created_at) ORDER BY created_at;

-- Where an earlier version made the tables, the last five columns of each are to be added, for
-- example: ALTER TABLE command_logs ADD COLUMN pipeline_id String. Without them they are absent.
