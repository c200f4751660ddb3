-- A role that can read the logs and nothing else. Give it a way to log in with:
--   ALTER ROLE dagloop_reader LOGIN PASSWORD '...';
-- Idempotent.
DO $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'dagloop_reader') THEN
    CREATE ROLE dagloop_reader NOLOGIN;
  END IF;
END
$$;
GRANT SELECT ON command_logs, dag_node_logs TO dagloop_reader;
