"""Puts records of a log into the tables of a database, as this project makes them."""

import json
import zlib

from awkward_tables import is_node
from support import SOURCE_DIR
from test_eval_oracle import oracle

# What names the tables of all shards.
DISTRIBUTED = "?runs_table=command_logs_all&nodes_table=dag_node_logs_all"


def as_run(record):
    """A record without what no table of runs has."""
    return {key: value for key, value in record.items()
            if key not in ("node_id", "node_type", "attempt")}


def load_postgres(server, table, records, database="postgres"):
    keys = sorted({key for record in records for key in record})
    text = json.dumps(records).replace("$json$", "")
    server.sql(
        "INSERT INTO {0} ({1}) SELECT {1} FROM json_populate_recordset(NULL::{0}, $json${2}$json$)"
        .format(table, ", ".join(keys), text), database)


def load_postgres_log(server, records, database="postgres"):
    load_postgres(server, "command_logs", [as_run(r) for r in records if not is_node(r)], database)
    load_postgres(server, "dag_node_logs", [r for r in records if is_node(r)], database)


def clickhouse_statements(name):
    text = (SOURCE_DIR / "sql" / "clickhouse" / name).read_text()
    lines = [line for line in text.splitlines() if not line.startswith("--")]
    return [each for each in "\n".join(lines).split(";") if each.strip()]


def load_clickhouse(shard, table, records):
    rows = []
    for record in records:
        row = {key: value for key, value in record.items() if value is not None}
        if table == "command_logs":
            row = as_run(row)
        at = oracle.micros(row["created_at"])
        row["created_at"], row["created_us"] = at // 1_000_000, at % 1_000_000
        if isinstance(row.get("idempotent_reuse"), bool):
            row["idempotent_reuse"] = int(row["idempotent_reuse"])
        rows.append(json.dumps(row))
    if rows:
        shard.sql("INSERT INTO %s FORMAT JSONEachRow" % table, "\n".join(rows).encode())


def load_clickhouse_log(shards, records):
    """Each run on the shard of its key."""
    def shard_of(record):
        key = record.get("pipeline_run_id") or record.get("request_id") or ""
        return zlib.crc32(key.encode()) % len(shards)

    for number, shard in enumerate(shards):
        mine = [r for r in records if shard_of(r) == number]
        load_clickhouse(shard, "command_logs", [r for r in mine if not is_node(r)])
        load_clickhouse(shard, "dag_node_logs", [r for r in mine if is_node(r)])
