-- The tables that postgresql:// sources read by default. Idempotent.
CREATE TABLE IF NOT EXISTS command_logs (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  request_id text,
  user_id text,
  created_at timestamptz NOT NULL,
  status text NOT NULL,
  error_code text,
  pipeline_run_id text,
  duration_ms double precision,
  verification_reason text,
  fallback_reason text,
  execution_mode text,
  plan_source text,
  idempotency_key text,
  idempotent_reuse boolean,
  compensation_status text,
  fanout_total bigint,
  fanout_failed bigint,
  policy_version text,
  cohort text,
  pipeline_id text,
  fanout_index bigint,
  tokens_in bigint,
  tokens_out bigint,
  cost_micros bigint,
  CHECK (coalesce(pipeline_run_id, request_id, '') <> '')
);

CREATE TABLE IF NOT EXISTS dag_node_logs (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  request_id text,
  user_id text,
  created_at timestamptz NOT NULL,
  status text NOT NULL,
  error_code text,
  pipeline_run_id text,
  node_id text NOT NULL,
  node_type text,
  attempt integer,
  duration_ms double precision,
  verification_reason text,
  fallback_reason text,
  execution_mode text,
  plan_source text,
  idempotency_key text,
  idempotent_reuse boolean,
  compensation_status text,
  fanout_total bigint,
  fanout_failed bigint,
  policy_version text,
  cohort text,
  pipeline_id text,
  fanout_index bigint,
  tokens_in bigint,
  tokens_out bigint,
  cost_micros bigint,
  CHECK (coalesce(pipeline_run_id, request_id, '') <> '')
);

-- Tables that an earlier version made have none of these.
ALTER TABLE command_logs
  ADD COLUMN IF NOT EXISTS pipeline_id text, ADD COLUMN IF NOT EXISTS fanout_index bigint,
  ADD COLUMN IF NOT EXISTS tokens_in bigint, ADD COLUMN IF NOT EXISTS tokens_out bigint,
  ADD COLUMN IF NOT EXISTS cost_micros bigint;
ALTER TABLE dag_node_logs
  ADD COLUMN IF NOT EXISTS pipeline_id text, ADD COLUMN IF NOT EXISTS fanout_index bigint,
  ADD COLUMN IF NOT EXISTS tokens_in bigint, ADD COLUMN IF NOT EXISTS tokens_out bigint,
  ADD COLUMN IF NOT EXISTS cost_micros bigint;

-- Rows come nearly in the order of their time: a BRIN index is small and finds a window of days.
CREATE INDEX IF NOT EXISTS command_logs_created_at ON command_logs USING brin (created_at);
CREATE INDEX IF NOT EXISTS dag_node_logs_created_at ON dag_node_logs USING brin (created_at);
