"""Logs in ClickHouse: on one server and on two shards the same records give the same report as from
a file, and a shard that is lost ends in exit code 4, never in a report about the rest."""

import json
import pathlib
import random
import subprocess
import sys
import tempfile
import threading
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "cli"))

from awkward_tables import in_buckets, labelled_log, odd_log, placed, table_log  # noqa: E402
from clickhouse_server import PASSWORD, ClickHouseCluster  # noqa: E402
from load_tables import (DISTRIBUTED, clickhouse_statements, load_clickhouse,  # noqa: E402
                         load_clickhouse_log)
from support import BIN_DIR, clean_environment, run_tool  # noqa: E402
from test_eval_oracle import AS_OF, END, HOUR, stamp  # noqa: E402


class ClickHouseTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.cluster = ClickHouseCluster(2)
        cls.addClassCleanup(cls.cluster.close)
        for _ in range(2):  # twice: they are idempotent
            for name in ("0001_logs.sql", "0002_cluster.sql"):
                for statement in clickhouse_statements(name):
                    cls.cluster.sql(statement)

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        for table in ("command_logs", "dag_node_logs"):
            self.cluster.sql("TRUNCATE TABLE " + table)

    def write(self, records):
        path = self.folder / "log.jsonl"
        path.write_text("".join(json.dumps(record) + "\n" for record in placed(records)))
        return path

    def evaluate(self, source, *flags):
        return run_tool("eval_dag_quality", "--window", "1d", "--as-of", AS_OF, "--json", "--source",
                        source, *flags, cwd=self.folder)

    def figures(self, source, *flags):
        result = self.evaluate(source, *flags)
        self.assertIn(result.code, (0, 4), str(result))
        self.assertTrue(result.stdout, str(result))
        document = result.document()
        document.pop("generated_at")
        for examples in ("examples", "mended_examples", "without_time"):  # a table has no order
            document["input"].pop(examples, None)
        compared = document["attribution"] and document["attribution"]["stratified"]
        for each in [c for c in compared or [] if c["by"] == "hour_of_day"]:
            compared.remove(each)  # a database does not keep hours apart
        return document

    def test_the_same_records_give_the_same_report_from_one_server_and_from_two_shards(self):
        malformed, derived, duplicates = 0, 0, 0
        for seed in range(300, 306):
            for shards, parameters in ((1, ""), (2, DISTRIBUTED)):
                with self.subTest(seed=seed, shards=shards):
                    self.setUp()
                    records = table_log(random.Random(seed), 200)
                    load_clickhouse_log(self.cluster.shards[:shards], records)
                    expected = self.figures(self.write(records))
                    malformed += expected["input"]["malformed"]
                    derived += expected["input"]["derived_runs"]
                    duplicates += expected["input"]["duplicates"]
                    in_buckets(self, expected, self.figures(self.cluster.uri(parameters=parameters)))
        self.assertGreater(malformed, 0)
        self.assertGreater(derived, 0)
        self.assertGreater(duplicates, 0)

    def test_labels_are_bounded_as_those_of_a_file(self):
        records = labelled_log(random.Random(600), 4000)
        load_clickhouse_log(self.cluster.shards, records)
        expected = self.figures(self.write(records))
        labels = expected["populations"]["dag"]
        self.assertIn("(other)", labels["error_codes"])
        self.assertIn("timeout for req-<id>", labels["error_codes"])
        in_buckets(self, expected, self.figures(self.cluster.uri(parameters=DISTRIBUTED)))

    def test_tables_of_odd_columns_say_what_a_file_says(self):
        numbers = ("request_id", "user_id", "error_code", "fanout_total", "fanout_failed", "tokens_in",
                   "tokens_out", "cost_micros", "fanout_index")
        server = self.cluster.shards[0]
        server.sql(
            "CREATE TABLE odd_columns (created_at DateTime, created_us UInt32, pipeline_run_id String, "
            "status String, duration_ms Nullable(Float64), cohort Nullable(String), "
            "compensation_status Nullable(String), execution_mode Nullable(String), pipeline_id "
            "Nullable(String), fallback_reason Nullable(String), plan_source Nullable(String), "
            "idempotent_reuse Nullable(String), attempt Nullable(String), node_id Nullable(String), "
            "node_type Nullable(String)%s) ENGINE = MergeTree ORDER BY created_at"
            % "".join(", %s Nullable(Int64)" % name for name in numbers))
        for seed in range(500, 504):
            with self.subTest(seed=seed):
                server.sql("TRUNCATE TABLE odd_columns")
                records = odd_log(random.Random(seed), 120)
                load_clickhouse(server, "odd_columns", records)
                expected = self.figures(self.write(records))
                in_buckets(self, expected, self.figures(
                    self.cluster.uri(parameters="?runs_table=odd_columns&nodes_table=")))

    def test_records_that_tie_are_settled_alike(self):
        mapping = self.folder / "mapping.json"
        mapping.write_text(json.dumps({
            "schema": "dagloop.mapping/1", "outcome_node": "evaluate",
            "fields": {"plan_source": {"column": "plan_source", "aliases": {"llm": "it's a model"}}}}))
        for seed in range(400, 406):
            with self.subTest(seed=seed):
                rng = random.Random(seed)
                records = table_log(rng, 200)
                for record in records:
                    record["created_at"] = stamp(END - HOUR * (1 + rng.randrange(70)))
                for table in ("command_logs", "dag_node_logs"):
                    self.cluster.sql("TRUNCATE TABLE " + table)
                load_clickhouse_log(self.cluster.shards, records)
                expected = self.figures(self.write(records), "--mapping", mapping)
                in_buckets(self, expected, self.figures(
                    self.cluster.uri(parameters=DISTRIBUTED), "--mapping", mapping))

    def test_rows_that_show_no_run_count_one_by_one_and_the_first_faulty_ones_are_named(self):
        server = self.cluster.shards[0]
        server.sql("DROP TABLE IF EXISTS faulty")
        server.sql("CREATE TABLE faulty (created_at DateTime, created_us UInt32, pipeline_run_id String,"
                   " request_id String, status String, cohort String, duration_ms Nullable(Float64), "
                   "fanout_total Nullable(Int64), idempotent_reuse UInt8, node_id String) ENGINE = MergeTree ORDER BY "
                   "created_at")
        usual = [{"pipeline_run_id": "r%d" % i, "status": "ok", "created_at": stamp(END - i * HOUR // 60)}
                 for i in range(1, 1000)]
        same = {"status": "failed", "created_at": stamp(END - HOUR), "cohort": "canary"}
        faulty = [same] * 3 + [
            {"pipeline_run_id": "m", "status": "half done", "created_at": stamp(END - HOUR // 2)},
            {"request_id": "ahead", "status": "ok", "created_at": "2099-01-01T00:00:00.000000Z"},
            {"pipeline_run_id": "big", "status": "ok", "created_at": stamp(END - 7), "cohort": "Canary",
             "fanout_total": -1, "idempotent_reuse": 1},
            {"pipeline_run_id": "back", "status": "ok", "created_at": stamp(END - 9), "duration_ms": -7}]
        attempt = {"status": "failed", "node_id": "n", "created_at": "2098-01-01T00:00:00.000000Z"}
        attempts = ([dict(attempt, pipeline_run_id="r5")] * 4 + [dict(attempt, pipeline_run_id="u")] * 3 +
                    [attempt] * 2)
        load_clickhouse(server, "faulty", usual + faulty)
        source = self.cluster.uri(parameters="?runs_table=faulty&nodes_table=")
        report = self.evaluate(source).document()
        figures = report["populations"]["dag"]
        self.assertEqual((figures["unread_runs"], figures["unread_values"]), (5, 1))
        counts = report["input"]
        self.assertEqual((counts["malformed"], counts["without_time"]), (5, 1))
        self.assertEqual(
            [(e["file"], e["line"], e["reason"], e["found"]) for e in counts["examples"]],
            [("faulty request ahead", 0, "future_time",
              "the time 2099-01-01T00:00:00.000000Z, which is in the future"),
             ("faulty run m", 0, "unknown_status", 'the text "half done"'),
             ("faulty row of " + stamp(END - HOUR), 0, "missing_run_id", "nothing")])
        self.assertEqual(
            [(e["file"], e["field"], e["found"]) for e in counts["mended_examples"]],
            [("faulty run big", "fanout_total", "the number -1"),
             ("faulty run big", "cohort", 'the text "Canary"'),
             ("faulty run back", "duration_ms", "the number -7")])
        load_clickhouse(server, "faulty", attempts)
        figures = self.evaluate(source).document()["populations"]["dag"]
        self.assertEqual((figures["unread_runs"], figures["unread_attempts"]), (8, 6))
        server.sql("INSERT INTO faulty (created_at, pipeline_run_id, status, node_id, duration_ms) "
                   "SELECT toDateTime(%d), concat(n, toString(d)), 'ok', n, d FROM (SELECT arrayJoin("
                   "['', 'n']) AS n, arrayJoin([nan, inf, -inf]) AS d)" % ((END - HOUR) // 1_000_000))
        figures = self.evaluate(source).document()["populations"]["dag"]
        self.assertEqual(figures["unread_values"], 1 + 6)

    def fault(self, result, *words):
        self.assertEqual(result.code, 4, str(result))
        self.assertEqual(result.stdout, "")
        self.assertNotIn(PASSWORD, result.stderr)
        for word in ("source: clickhouse://", "127.0.0.1", "; ", *words):
            self.assertIn(word, result.stderr)

    def test_a_missing_table_or_column_or_a_wrong_type_is_named_with_a_remedy(self):
        self.fault(self.evaluate(self.cluster.uri(parameters="?runs_table=nowhere")),
                   "table nowhere: does not exist", "sql/clickhouse/0001_logs.sql")
        self.cluster.sql("CREATE TABLE IF NOT EXISTS bare (x String) ENGINE = Memory")
        result = self.evaluate(self.cluster.uri(parameters="?runs_table=bare&nodes_table="))
        self.assertEqual(result.code, 4)
        self.assertIn("table bare: has no column created_at; name another", result.stderr)
        self.cluster.sql("CREATE TABLE IF NOT EXISTS odd (created_at String, status String) "
                         "ENGINE = Memory")
        result = self.evaluate(self.cluster.uri(parameters="?runs_table=odd&nodes_table="))
        self.assertEqual(result.code, 4)
        self.assertIn("column created_at is of type String", result.stderr)

    def test_a_table_that_is_not_sharded_by_run_is_refused(self):
        self.cluster.sql("CREATE TABLE IF NOT EXISTS anyhow AS command_logs ENGINE = "
                         "Distributed(cluster, default, command_logs, rand())")
        self.fault(self.evaluate(self.cluster.uri(parameters="?runs_table=anyhow&nodes_table=")),
                   "is not sharded by pipeline_run_id", "0002_cluster.sql")

    def test_a_wrong_password_database_port_or_parameter_is_told(self):
        wrong = self.evaluate(self.cluster.uri(password="wrong-Secret-2"))
        self.fault(wrong, "CLICKHOUSE_PASSWORD")
        self.assertNotIn("wrong-Secret-2", wrong.stderr)
        self.fault(self.evaluate(self.cluster.uri("none_such")), "none_such")
        self.fault(self.evaluate("clickhouse://default@127.0.0.1:1/default"),
                   "check that the server runs")
        result = self.evaluate(self.cluster.uri(parameters="?table=x"))
        self.assertEqual(result.code, 2)
        self.assertNotIn(PASSWORD, result.stderr)

    def test_many_duplicates_are_found_by_the_shards_themselves(self):
        for shard in self.cluster.shards[:1] * 2:
            self.fill(shard, 24_000)
        counts = self.figures(self.cluster.uri(parameters=DISTRIBUTED))
        self.assertEqual(counts["input"]["records"], 48_000)
        self.assertEqual(counts["input"]["duplicates"], 24_000)
        self.assertEqual(counts["populations"]["dag"]["total_runs"], 24_000)

    def test_last_is_right_after_the_newest_row_of_all_shards(self):
        newest = END - 70 * 24 * HOUR + 7
        for shard, at in zip(self.cluster.shards, (newest, newest - HOUR)):
            load_clickhouse(shard, "command_logs", [
                {"request_id": "r%d" % at, "status": "ok", "created_at": stamp(at)}])
        result = run_tool("eval_dag_quality", "--as-of", "last", "--json", "--source",
                          self.cluster.uri(parameters=DISTRIBUTED), cwd=self.folder)
        self.assertEqual(result.code, 0, str(result))
        self.assertEqual(result.document()["as_of"], stamp(newest + 1))

    def test_user_and_password_come_from_the_environment(self):
        source = "clickhouse://127.0.0.1:%d" % self.cluster.shards[0].http
        result = run_tool("eval_dag_quality", "--as-of", AS_OF, "--json", "--source", source,
                          cwd=self.folder, env={"CLICKHOUSE_USER": "default",
                                                "CLICKHOUSE_PASSWORD": PASSWORD})
        self.assertEqual(result.code, 0, str(result))

    def test_a_statement_over_the_timeout_is_cancelled(self):
        self.fill(self.cluster.shards[0], 300_000)
        config = self.folder / "config.json"
        config.write_text('{"input": {"statement_timeout": "1s"}}')
        self.cluster.shards[0].sql(  # the server sleeps before every block of rows
            "CREATE VIEW IF NOT EXISTS slow AS SELECT * FROM command_logs WHERE sleep(0.9) = 0")
        result = self.evaluate(self.cluster.uri(parameters="?runs_table=slow&nodes_table="),
                               "--config", config)
        self.fault(result, "input.statement_timeout")

    def fill(self, shard, rows):
        shard.sql("INSERT INTO command_logs (request_id, pipeline_run_id, created_at, status, "
                  "duration_ms) SELECT toString(number), concat('run-', toString(number)), "
                  "toDateTime(%d - number %% 80000), 'succeeded', number %% 1000 FROM numbers(%d)"
                  % (END // 1_000_000 - 1, rows))


class LostShardTest(unittest.TestCase):
    """Has a cluster of its own, whose shards are killed."""

    def setUp(self):
        self.cluster = ClickHouseCluster(2)
        self.addCleanup(self.cluster.close)
        for statement in [*clickhouse_statements("0001_logs.sql"),
                          *clickhouse_statements("0002_cluster.sql")]:
            self.cluster.sql(statement)
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def command(self):
        return [str(BIN_DIR / "dag_quality_gate"), "--as-of", AS_OF, "--out", str(self.folder / "out"),
                "--source", self.cluster.uri(parameters=DISTRIBUTED)]

    def expect_nothing_decided(self, process):
        output, errors = process.communicate(timeout=120)
        self.assertEqual(process.returncode, 4, output + errors)
        self.assertIn("shard", errors)
        self.assertIn("; ", errors)
        self.assertNotIn(PASSWORD, errors)
        self.assertEqual(output, "")

    def start(self):
        return subprocess.Popen(self.command(), cwd=self.folder, env=clean_environment(), text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def test_a_shard_that_is_down(self):
        self.cluster.shards[1].kill()
        self.expect_nothing_decided(self.start())

    def test_a_shard_that_dies_during_the_query(self):
        ClickHouseTest.fill(self, self.cluster.shards[1], 4_000_000)
        victim = self.cluster.shards[1]
        process = self.start()

        def kill():
            deadline = time.monotonic() + 60
            while time.monotonic() < deadline and process.poll() is None:
                running = victim.sql("SELECT count() FROM system.processes WHERE query LIKE "
                                     "'%cityHash64%' AND query NOT LIKE '%system.processes%'")
                if int(running) > 0:
                    break
            victim.kill()

        killer = threading.Thread(target=kill)
        killer.start()
        self.expect_nothing_decided(process)
        killer.join()


if __name__ == "__main__":
    unittest.main()
