-- Indexes on the keys of runs, for ticks with a rollup store: the rows of the runs that are new, or
-- leave the window, are found by them. Idempotent. Takes a lock; on a large table that is written to,
-- make the indexes by hand with CREATE INDEX CONCURRENTLY.
CREATE INDEX IF NOT EXISTS command_logs_run_key ON command_logs (pipeline_run_id);
CREATE INDEX IF NOT EXISTS dag_node_logs_run_key ON dag_node_logs (pipeline_run_id);
-- A request's id is the key of a run where there is no other.
CREATE INDEX IF NOT EXISTS command_logs_request_key ON command_logs (request_id)
  WHERE pipeline_run_id IS NULL OR pipeline_run_id = '';
CREATE INDEX IF NOT EXISTS dag_node_logs_request_key ON dag_node_logs (request_id)
  WHERE pipeline_run_id IS NULL OR pipeline_run_id = '';
