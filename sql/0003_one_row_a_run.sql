-- Optional, for a service that upserts its runs: with it nobody has to look for duplicates, which
-- halves the cost of a window. Fails where a run has two rows. Idempotent.
CREATE UNIQUE INDEX IF NOT EXISTS command_logs_pipeline_run_id ON command_logs (pipeline_run_id);
