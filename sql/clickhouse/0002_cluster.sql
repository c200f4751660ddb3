-- One table over all shards, for clickhouse://...?runs_table=command_logs_all&nodes_table=dag_node_logs_all
-- Put the name of the cluster and the database in. All rows of a run must lie on one shard, so the
-- sharding key is the run's key. Idempotent.
CREATE TABLE IF NOT EXISTS command_logs_all AS command_logs ENGINE = Distributed(
  cluster, default, command_logs, cityHash64(if(pipeline_run_id != '', pipeline_run_id, request_id)));

CREATE TABLE IF NOT EXISTS dag_node_logs_all AS dag_node_logs ENGINE = Distributed(
  cluster, default, dag_node_logs, cityHash64(if(pipeline_run_id != '', pipeline_run_id, request_id)));
