"""Measures PostgreSQL and ClickHouse: dagloop beside queries by hand on the same rows.

Starts the servers itself (those of tests/integration), makes the rows in them, runs every command
once a round, as whole processes, and prints the medians as tables. The first round warms up.
usage: databases.py ROWS ROUNDS BIN_DIR [postgres|clickhouse]
"""

import os
import pathlib
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "integration"))

from clickhouse_server import ClickHouseCluster  # noqa: E402
from postgres_server import PostgresServer  # noqa: E402

END = "2026-03-03T00:00:00Z"
DAYS = 30

POSTGRES_ROWS = """
INSERT INTO command_logs (request_id, user_id, created_at, status, error_code, pipeline_run_id,
  duration_ms, fallback_reason, execution_mode, plan_source, idempotency_key, idempotent_reuse,
  compensation_status, fanout_total, fanout_failed, policy_version, cohort)
SELECT 'req-' || md5(i::text), 'user-' || i % 500,
  timestamptz '2026-02-01T00:00:00Z' + i * (interval '30 days' / {rows}),
  CASE WHEN h % 20 = 0 THEN 'failed' ELSE 'succeeded' END,
  CASE WHEN h % 20 = 0 THEN (ARRAY['TOOL_TIMEOUT', '503', 'VERIFY_COUNT'])[1 + h % 3] END,
  'run-' || md5(i::text) || '-' || i % 7, (200 + h % 2300)::float8,
  CASE WHEN h % 33 = 0 THEN 'planner' END, CASE WHEN h % 21 = 0 THEN 'rule' ELSE 'dag' END,
  (ARRAY['llm', 'rule', 'dag_template'])[1 + h % 3], 'idem-' || i, h % 50 = 0, 'not_required', 8,
  CASE WHEN h % 20 = 0 THEN 1 ELSE 0 END, 'p1', CASE WHEN h % 10 = 0 THEN 'canary' ELSE 'control' END
FROM (SELECT i, abs(hashint4(i)) AS h FROM generate_series(1, {rows}) i) numbers
"""

CLICKHOUSE_ROWS = """
INSERT INTO command_logs (request_id, user_id, created_at, status, error_code, pipeline_run_id,
  duration_ms, fallback_reason, execution_mode, plan_source, idempotency_key, idempotent_reuse,
  compensation_status, fanout_total, fanout_failed, policy_version, cohort)
SELECT concat('req-', hex(intHash64(number))), concat('user-', toString(number % 500)),
  toDateTime('2026-02-01 00:00:00') + intDiv(number * 2592000, {rows}),
  if(h % 20 = 0, 'failed', 'succeeded'),
  if(h % 20 = 0, ['TOOL_TIMEOUT', '503', 'VERIFY_COUNT'][1 + h % 3], ''),
  concat('run-', hex(intHash64(number + 1)), '-', toString(number % 7)), 200 + h % 2300,
  if(h % 33 = 0, 'planner', ''), if(h % 21 = 0, 'rule', 'dag'),
  ['llm', 'rule', 'dag_template'][1 + h % 3], concat('idem-', toString(number)), h % 50 = 0,
  'not_required', 8, if(h % 20 = 0, 1, 0), 'p1', if(h % 10 = 0, 'canary', 'control')
FROM (SELECT number, intHash32(number) AS h FROM numbers({rows}))
"""

# What a careful person writes by hand. `runs` is the table, or the table without duplicates.
POSTGRES_KPIS = """
SELECT execution_mode = 'dag', cohort, count(*), count(*) FILTER (WHERE status = 'succeeded'),
  count(*) FILTER (WHERE verification_reason <> '' OR error_code LIKE 'VERIFY%%'),
  count(*) FILTER (WHERE fallback_reason <> ''),
  count(*) FILTER (WHERE compensation_status IN ('failed', 'manual_required')),
  count(*) FILTER (WHERE idempotent_reuse), sum(fanout_failed), sum(fanout_total),
  percentile_disc(ARRAY[0.5, 0.95, 0.99]) WITHIN GROUP (ORDER BY duration_ms)
FROM %s WHERE status NOT IN ('running', 'pending', 'compensating') GROUP BY 1, 2
"""
STANDING = ("(SELECT DISTINCT ON (pipeline_run_id) * FROM command_logs "
            "ORDER BY pipeline_run_id, created_at DESC) AS runs")
COPY = ("COPY (SELECT request_id, created_at, status, error_code, pipeline_run_id, duration_ms, "
        "verification_reason, fallback_reason, execution_mode, plan_source, idempotent_reuse, "
        "compensation_status, fanout_total, fanout_failed, cohort FROM command_logs) TO STDOUT")
CLICKHOUSE_KPIS = [
    """SELECT execution_mode = 'dag' AS is_dag, cohort, count(), countIf(status = 'succeeded'),
    countIf(verification_reason != '' OR error_code LIKE 'VERIFY%%'), countIf(fallback_reason != ''),
    countIf(compensation_status IN ('failed', 'manual_required')), sum(idempotent_reuse),
    sum(fanout_failed), sum(fanout_total), quantilesExact(0.5, 0.95, 0.99)(duration_ms) FROM %s
    WHERE status NOT IN ('running', 'pending', 'compensating') GROUP BY is_dag, cohort""",
    "SELECT execution_mode = 'dag' AS d, cohort, error_code, count() FROM %s GROUP BY d, cohort, "
    "error_code",
    "SELECT execution_mode = 'dag' AS d, cohort, plan_source, count(), countIf(status = 'succeeded') "
    "FROM %s GROUP BY d, cohort, plan_source",
]
CLICKHOUSE_STANDING = ("(SELECT pipeline_run_id, " + ", ".join(
    "argMax(%s, created_at) AS %s" % (c, c) for c in (
        "execution_mode", "cohort", "status", "verification_reason", "error_code",
        "fallback_reason", "compensation_status", "idempotent_reuse", "fanout_failed",
        "fanout_total", "duration_ms", "plan_source")) + " FROM command_logs GROUP BY "
    "pipeline_run_id)")


def measure(commands, rounds):
    results = {name: [] for name in commands}
    for number in range(rounds + 1):
        for name, command in commands.items():
            start = time.monotonic()
            command()
            if number > 0:
                results[name].append(time.monotonic() - start)
    return {name: statistics.median(walls) for name, walls in results.items()}


def show(title, results, base):
    print("\n### %s\n\n| what | wall, median | ratio |\n| --- | --- | --- |" % title)
    for name, wall in results.items():
        print("| %s | %.2f s | %.2f |" % (name, wall, wall / results[base]))
    sys.stdout.flush()


class Wire:
    """Counts the bytes that a server sends, between the client and the server."""

    def __init__(self, port):
        self.target, self.sent = port, 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            client, _ = self.listener.accept()
            server = socket.create_connection(("127.0.0.1", self.target))
            threading.Thread(target=self.pump, args=(client, server, False), daemon=True).start()
            threading.Thread(target=self.pump, args=(server, client, True), daemon=True).start()

    def pump(self, source, target, counts):
        while data := source.recv(1 << 16):
            self.sent += len(data) if counts else 0
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)


def evaluate(bin_dir, source, window, *flags, end=END):
    command = [str(bin_dir / "eval_dag_quality"), "--json", "--window", window, "--as-of", end,
               "--source", source, "--config", str(ROOT / "bench" / "databases.json"), *flags]
    command += ["--baseline", "control"] if window == "30d" else []
    return lambda: subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def ticks(bin_dir, source, store):
    """Every call is the next tick, 15 minutes later; the first one counts everything."""
    ends = ("2026-03-02T%02d:%02d:00Z" % divmod(minute, 60) for minute in range(0, 24 * 60, 15))

    def tick():
        evaluate(bin_dir, source, "3d", "--rollup", store, end=next(ends))()

    tick()
    return tick


def postgres(rows, rounds, bin_dir):
    server = PostgresServer()
    try:
        server.sql((ROOT / "sql" / "0001_logs.sql").read_text())
        server.sql(POSTGRES_ROWS.format(rows=rows))
        server.sql("VACUUM ANALYZE command_logs")
        psql = [str(server.bin / "psql"), "-X", "-q", "-d", server.uri(), "-o", os.devnull, "-c"]

        def query(text):
            return lambda: subprocess.run([*psql, text], check=True)

        counted = server.uri(parameters="?nodes_table=")
        results = measure({
            "count(*)": query("SELECT count(*) FROM command_logs"),
            "KPIs by hand, duplicates left in": query(POSTGRES_KPIS % "command_logs"),
            "KPIs by hand": query(POSTGRES_KPIS % STANDING),
            "COPY of the rows out": query(COPY),
            "dagloop": evaluate(bin_dir, counted, "30d"),
            "dagloop, 3 of 30 days": evaluate(bin_dir, counted, "3d"),
            "dagloop, rows travel, 3 of 30 days":
                evaluate(bin_dir, counted + "&rows_at_most=1000000000", "3d"),
        }, rounds)
        server.sql((ROOT / "sql" / "0004_run_keys.sql").read_text())
        server.sql("VACUUM ANALYZE command_logs")
        with tempfile.TemporaryDirectory() as folder:
            results.update(measure({
                "dagloop, 3 of 30 days, a tick of 15 minutes":
                    ticks(bin_dir, counted, "sqlite:%s/rollup.db" % folder)}, rounds))
        server.sql((ROOT / "sql" / "0003_one_row_a_run.sql").read_text())
        results.update(measure({
            "dagloop, one row a run": evaluate(bin_dir, counted, "30d"),
            "dagloop, one row a run, 3 of 30 days": evaluate(bin_dir, counted, "3d"),
        }, rounds))
        show("PostgreSQL, %d rows" % rows, results, "dagloop")
    finally:
        server.close()


def clickhouse(rows, rounds, bin_dir):
    cluster = ClickHouseCluster(1)
    try:
        shard = cluster.shards[0]
        for statement in (ROOT / "sql" / "clickhouse" / "0001_logs.sql").read_text().split(";"):
            if "CREATE" in statement:
                shard.sql(statement)
        wire = Wire(shard.http)
        source = cluster.uri(parameters="?nodes_table=").replace(str(shard.http), str(wire.port))

        def queries(table):
            return lambda: [shard.sql(text.replace("%s", table).replace("%%", "%"),
                                      max_memory_usage=16_000_000_000)
                            for text in CLICKHOUSE_KPIS]

        shard.sql(CLICKHOUSE_ROWS.format(rows=rows // 10))
        evaluate(bin_dir, source, "30d")()
        few = wire.sent
        shard.sql("TRUNCATE TABLE command_logs")
        shard.sql(CLICKHOUSE_ROWS.format(rows=rows))
        wire.sent = 0
        evaluate(bin_dir, source, "30d")()
        many = wire.sent
        show("ClickHouse, %d rows" % rows, measure({
            "KPIs by hand, three queries, duplicates left in": queries("command_logs"),
            "KPIs by hand, three queries": queries(CLICKHOUSE_STANDING),
            "dagloop": evaluate(bin_dir, cluster.uri(parameters="?nodes_table="), "30d"),
            "dagloop, 3 of 30 days": evaluate(bin_dir, cluster.uri(parameters="?nodes_table="), "3d"),
        }, rounds), "dagloop")
        print("\nThe server sends %d KiB for %d rows and %d KiB for %d." % (
            few >> 10, rows // 10, many >> 10, rows))
    finally:
        cluster.close()


def main():
    rows, rounds, bin_dir = int(sys.argv[1]), int(sys.argv[2]), pathlib.Path(sys.argv[3])
    for name, database in (("postgres", postgres), ("clickhouse", clickhouse)):
        if name in sys.argv[4:] or len(sys.argv) == 4:
            database(rows, rounds, bin_dir)


main()
