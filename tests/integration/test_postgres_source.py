"""Logs in PostgreSQL: the same records give the same report as from a file, and every fault of the
server ends in exit code 4 with a remedy."""

import json
import math
import pathlib
import random
import sys
import tempfile
import threading
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "cli"))

from awkward_tables import (in_buckets, is_node, labelled_log, odd_log, placed,  # noqa: E402
                            table_log)
from load_tables import load_postgres, load_postgres_log  # noqa: E402
from postgres_server import PASSWORD, PostgresServer  # noqa: E402
from support import SOURCE_DIR, run_tool  # noqa: E402
from test_eval_oracle import AS_OF, END, HOUR, stamp  # noqa: E402

class SourceTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = PostgresServer()
        cls.addClassCleanup(cls.server.close)
        cls.databases = 0

    def setUp(self):
        SourceTest.databases += 1
        self.database = "logs%d" % self.databases
        self.server.sql("CREATE DATABASE " + self.database)
        for name in ("0001_logs.sql", "0002_reader_role.sql") * 2:  # twice: they are idempotent
            self.server.sql((SOURCE_DIR / "sql" / name).read_text(), self.database)
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def load(self, table, records):
        load_postgres(self.server, table, records, self.database)

    def load_both(self, records):
        load_postgres_log(self.server, records, self.database)

    def write(self, records):
        path = self.folder / "log.jsonl"
        path.write_text("".join(json.dumps(record) + "\n" for record in placed(records)))
        return path

    def evaluate(self, source, *flags):
        return run_tool("eval_dag_quality", "--window", "1d", "--as-of", AS_OF, "--json", "--source",
                        source, *flags, cwd=self.folder)

    def figures(self, source, *flags):
        result = self.evaluate(source, *flags)
        self.assertIn(result.code, (0, 4), str(result))  # 4: too many malformed rows, and printed
        self.assertTrue(result.stdout, str(result))
        document = result.document()
        document.pop("generated_at")
        for examples in ("examples", "mended_examples", "without_time"):  # a table has no order
            document["input"].pop(examples, None)
        compared = document["attribution"] and document["attribution"]["stratified"]
        for each in [c for c in compared or [] if c["by"] == "hour_of_day"]:
            compared.remove(each)  # a database does not keep hours apart
        return document

    def same_but_in_buckets(self, expected, found):
        in_buckets(self, expected, found)

    def uri(self, parameters="", **who):
        return self.server.uri(self.database, parameters=parameters, **who)

    def test_the_same_records_give_the_same_report_from_tables_and_from_a_file(self):
        malformed, derived = 0, 0
        for seed in range(12):
            with self.subTest(seed=seed):
                records = table_log(random.Random(seed), 150)
                self.server.sql("TRUNCATE command_logs, dag_node_logs", self.database)
                self.load_both(records)
                expected = self.figures(self.write(records))
                malformed += expected["input"]["malformed"]
                derived += expected["input"]["derived_runs"]
                self.assertEqual(self.figures(self.uri()), expected)
                self.same_but_in_buckets(expected, self.figures(self.uri("?rows_at_most=0")))
        self.assertGreater(malformed, 0)
        self.assertGreater(derived, 0)

    def test_labels_are_bounded_as_those_of_a_file(self):
        records = labelled_log(random.Random(600), 4000)
        self.load_both(records)
        expected = self.figures(self.write(records))
        labels = expected["populations"]["dag"]
        self.assertIn("(other)", labels["error_codes"])
        self.assertIn("timeout for req-<id>", labels["error_codes"])
        self.assertEqual(self.figures(self.uri()), expected)
        self.same_but_in_buckets(expected, self.figures(self.uri("?rows_at_most=0")))

    ODD_TABLE = (
        "CREATE TABLE odd (request_id bigint, user_id bigint, pipeline_run_id varchar, created_at "
        "timestamp, status text, error_code integer, duration_ms numeric, cohort text, "
        "compensation_status text, execution_mode text, pipeline_id text, fallback_reason text, "
        "plan_source text, fanout_total int, fanout_failed bigint, tokens_in int, tokens_out bigint, "
        "cost_micros bigint, idempotent_reuse text, attempt text, fanout_index int, node_id text, "
        "node_type text)")

    def test_tables_of_odd_columns_say_what_a_file_says(self):
        mended, unread = 0, 0
        self.server.sql(self.ODD_TABLE, self.database)
        for seed in range(500, 508):
            with self.subTest(seed=seed):
                records = odd_log(random.Random(seed), 120)
                self.server.sql("TRUNCATE odd", self.database)
                self.load("odd", records)
                expected = self.figures(self.write(records))
                mended += sum(expected["input"]["mended_by_field"].values())
                unread += expected["populations"]["dag"]["unread_runs"]
                odd = "?runs_table=odd&nodes_table="
                self.assertEqual(self.figures(self.uri(odd)), expected)
                self.same_but_in_buckets(expected, self.figures(self.uri(odd + "&rows_at_most=0")))
        self.assertGreater(mended, 0)
        self.assertGreater(unread, 0)

    BOTH_WAYS = ("", "&rows_at_most=0")

    def faulty_table(self, table="faulty"):
        """200 rows that can be read, and below 2 % of faults of every kind."""
        self.server.sql(
            "CREATE TABLE {0} (pipeline_run_id text, request_id text, created_at timestamptz, status "
            "text, cohort text, duration_ms numeric, attempt text, node_id text); INSERT INTO {0} SELECT 'r' || i, "
            "NULL, timestamptz '{1}' - i * interval '1 min', 'succeeded', 'canary', 10 FROM "
            "generate_series(1, 1000) i".format(table, AS_OF), self.database)
        return "?runs_table=%s&nodes_table=" % table

    def insert(self, rows, table="faulty"):
        for row in rows:
            names = ", ".join(row)
            values = ", ".join("'%s'" % value if value is not None else "NULL" for value in row.values())
            self.server.sql("INSERT INTO %s (%s) VALUES (%s)" % (table, names, values), self.database)

    def test_rows_that_show_no_run_count_one_by_one_as_lines_do(self):
        uri = self.faulty_table()
        same = {"created_at": stamp(END - HOUR), "status": "failed", "cohort": "canary"}
        self.insert([same] * 4 + [dict(same, created_at=None)] * 2)
        path = self.folder / "log.jsonl"
        lines = [{"pipeline_run_id": "r%d" % i, "status": "succeeded", "cohort": "canary",
                  "duration_ms": 10, "created_at": stamp(END - i * HOUR // 60)}
                 for i in range(1000, 0, -1)] + [same] * 4 + [dict(same, created_at=None)] * 2
        path.write_text("".join(json.dumps(line) + "\n" for line in lines))
        expected = self.figures(path)
        self.assertEqual(expected["populations"]["dag"]["unread_runs"], 6)
        self.assertEqual(self.figures(self.uri(uri)), expected)
        in_buckets(self, expected, self.figures(self.uri(uri + "&rows_at_most=0")))

    def test_rows_of_nodes_that_cannot_be_read_are_attempts_as_lines_are(self):
        uri = self.faulty_table()
        attempt = {"status": "half done", "node_id": "n", "created_at": stamp(END - HOUR)}
        rows = ([dict(attempt, pipeline_run_id="r5")] * 4 + [dict(attempt, pipeline_run_id="u")] * 3 +
                [attempt] * 2 + [dict(attempt, pipeline_run_id="r7", node_id=None)])
        self.insert(rows)
        path = self.folder / "log.jsonl"
        lines = [{"pipeline_run_id": "r%d" % i, "status": "succeeded", "cohort": "canary",
                  "duration_ms": 10, "created_at": stamp(END - i * HOUR // 60)}
                 for i in range(1000, 0, -1)] + rows
        path.write_text("".join(json.dumps(line) + "\n" for line in lines))
        expected = self.figures(path)
        figures = expected["populations"]["dag"]
        self.assertEqual((figures["unread_runs"], figures["unread_attempts"]), (3, 6))
        self.assertEqual(self.figures(self.uri(uri)), expected)
        in_buckets(self, expected, self.figures(self.uri(uri + "&rows_at_most=0")))

    def report(self, uri, *flags):
        return run_tool("eval_dag_quality", "--window", "1d", "--as-of", AS_OF, "--source", uri,
                        *flags, cwd=self.folder)

    def test_rows_without_a_time_are_told_to_count_until_they_are_mended(self):
        uri = self.faulty_table()
        now = stamp(END - HOUR)
        self.insert([
            {"pipeline_run_id": "lost", "status": "failed", "created_at": None},
            {"pipeline_run_id": "ahead", "status": "failed", "created_at": "2099-01-01T00:00:00Z"},
            {"pipeline_run_id": "odd", "status": "half done", "created_at": "2099-01-01T00:00:00Z"},
            {"pipeline_run_id": "wrong", "status": "half done", "created_at": now}])
        for more in self.BOTH_WAYS:
            counts = self.evaluate(self.uri(uri + more)).document()["input"]
            self.assertEqual((counts["without_time"], counts["malformed"]), (3, 4))
            told = self.report(self.uri(uri + more)).stdout
            self.assertIn("3 rows without a time of the past count in every window until they are "
                          "mended or deleted; for example faulty run ahead: created_at: the time "
                          "2099-01-01T00:00:00+00:00, which is in the future", told)
        self.server.sql("DELETE FROM faulty WHERE created_at IS NULL OR created_at > '2098-01-01'",
                        self.database)
        for more in self.BOTH_WAYS:
            counts = self.evaluate(self.uri(uri + more)).document()["input"]
            self.assertNotIn("without_time", counts)
            self.assertEqual(counts["malformed"], 1)

    def test_the_first_faulty_rows_are_named_with_field_and_type_as_lines_are(self):
        uri = self.faulty_table()
        def at(minutes):
            return stamp(END - minutes * HOUR // 60)
        rows = [{"pipeline_run_id": "m%d" % i, "status": "half done", "created_at": at(10 * i)}
                for i in range(1, 9)]
        self.insert(rows + [
            {"status": "ok", "created_at": None},
            {"request_id": "q", "status": None, "created_at": at(1)},
            {"pipeline_run_id": "late", "status": "ok", "created_at": at(2), "cohort": "Canary"},
            {"pipeline_run_id": "back", "status": "ok", "created_at": at(3), "duration_ms": -7},
            {"pipeline_run_id": "both", "status": "ok", "created_at": at(4), "attempt": "two",
             "cohort": "x"}])
        status = ("one of succeeded, failed, manual_required, cancelled, skipped, running, pending, "
                  "compensating as text, or an alias")
        shown = []
        for more in self.BOTH_WAYS:
            counts = self.evaluate(self.uri(uri + more)).document()["input"]
            shown.append((counts["examples"], counts["mended_examples"]))
            places = [(e["file"], e["line"], e["reason"], e["field"]) for e in counts["examples"]]
            self.assertRegex(places.pop(0)[0], r"^faulty ctid \(\d+,\d+\)$")
            self.assertEqual(places, [("faulty request q", 0, "missing_status", "status")] + [
                ("faulty run m%d" % i, 0, "unknown_status", "status") for i in (1, 2, 3)])
            self.assertEqual((counts["examples"][2]["found"], counts["examples"][2]["wanted"]),
                             ('the text "half done"', status))
            self.assertEqual(
                [(e["file"], e["field"], e["found"]) for e in counts["mended_examples"]],
                [("faulty run late", "cohort", 'the text "Canary"'),
                 ("faulty run back", "duration_ms", "the number -7"),
                 ("faulty run both", "attempt", 'the text "two"'),
                 ("faulty run both", "cohort", 'the text "x"')])
            refused = self.report(self.uri(uri + more))
            self.assertIn("faulty run m1", refused.stdout)
        self.assertEqual(shown[0], shown[1])

    def test_numbers_that_are_none_are_durations_that_cannot_be_read_as_in_a_file(self):
        for table, of in (("exact", "numeric"), ("inexact", "float8")):
            uri = self.faulty_table(table)
            self.server.sql("ALTER TABLE %s ALTER duration_ms TYPE %s" % (table, of), self.database)
            path = self.folder / "log.jsonl"
            lines = ['{"pipeline_run_id": "r%d", "status": "succeeded", "cohort": "canary", '
                     '"duration_ms": 10, "created_at": "%s"}' % (i, stamp(END - i * HOUR // 60))
                     for i in range(1000, 0, -1)]
            for i, text in enumerate(("NaN", "Infinity", "-Infinity")):
                for name, node in (("n", None), ("of_nodes", "n")):
                    row = {"pipeline_run_id": "%s%d" % (name, i), "status": "ok", "node_id": node,
                           "created_at": stamp(END - HOUR)}
                    self.insert([dict(row, duration_ms=text)], table)
                    lines.append(json.dumps(row)[:-1] + ', "duration_ms": %s}' % text)
            path.write_text("\n".join(lines) + "\n")
            expected = self.figures(path)
            self.assertEqual(expected["populations"]["dag"]["unread_values"], 6)
            self.assertNotIn("duration_ms", expected["input"]["mended_by_field"])
            self.assertEqual(self.figures(self.uri(uri)), expected)
            in_buckets(self, expected, self.figures(self.uri(uri + "&rows_at_most=0")))

    def test_rows_that_are_as_they_should_be_are_looked_at_no_more(self):
        uri = self.faulty_table()
        for more in self.BOTH_WAYS:
            counts = self.evaluate(self.uri(uri + more)).document()["input"]
            self.assertEqual((counts["examples"], counts["mended_examples"]), ([], []))

    def test_numbers_beyond_what_a_double_holds_are_mended_as_in_a_file(self):
        uri = self.faulty_table()
        texts = ["1e300", "-1e300", "1e400", "-1e400", "1e-400", "5e-324", "1.7976931348623157e308",
                 "1.8e308", "NaN", "12345678901234567890", "1e18", "0.1"]
        path = self.folder / "log.jsonl"
        lines = ['{"pipeline_run_id": "r%d", "status": "succeeded", "cohort": "canary", "duration_ms": '
                 '10, "created_at": "%s"}' % (i, stamp(END - i * HOUR // 60))
                 for i in range(1000, 0, -1)]
        for i, text in enumerate(texts):
            self.insert([{"pipeline_run_id": "n%d" % i, "status": "ok", "duration_ms": text,
                          "created_at": stamp(END - HOUR)}])
            written = "12345678901234567890.0" if text.startswith("123") else text
            lines.append('{"pipeline_run_id": "n%d", "status": "ok", "duration_ms": %s, "created_at": '
                         '"%s"}' % (i, written, stamp(END - HOUR)))
        path.write_text("\n".join(lines) + "\n")
        expected = self.figures(path)
        self.assertEqual(expected["input"]["mended_by_field"], {"duration_ms": 4})
        self.assertEqual(expected["populations"]["dag"]["unread_values"], 5)
        self.assertEqual(self.figures(self.uri(uri)), expected)
        in_buckets(self, expected, self.figures(self.uri(uri + "&rows_at_most=0")))

    def test_records_that_tie_are_settled_alike(self):
        mapping = self.folder / "mapping.json"
        mapping.write_text(json.dumps({
            "schema": "dagloop.mapping/1", "outcome_node": "evaluate",
            "fields": {"plan_source": {"column": "plan_source", "aliases": {"llm": "it's a model"}}}}))
        for seed in range(100, 112):
            with self.subTest(seed=seed):
                rng = random.Random(seed)
                records = table_log(rng, 200)
                for record in records:
                    record["created_at"] = stamp(END - HOUR * (1 + rng.randrange(70)))
                self.server.sql("TRUNCATE command_logs, dag_node_logs", self.database)
                self.load_both(records)
                expected = self.figures(self.write(records), "--mapping", mapping)
                for parameters, same in (("", self.assertEqual),
                                         ("?rows_at_most=0", self.same_but_in_buckets)):
                    same(expected, self.figures(self.uri(parameters), "--mapping", mapping))

    def test_with_one_row_a_run_duplicates_are_found_where_they_can_be(self):
        self.server.sql((SOURCE_DIR / "sql" / "0003_one_row_a_run.sql").read_text(), self.database)
        duplicates = 0
        for seed in range(200, 208):
            with self.subTest(seed=seed):
                records, seen = [], set()
                for record in table_log(random.Random(seed), 200):
                    run = record.get("pipeline_run_id")
                    if not is_node(record) and run and run in seen:
                        record = dict(record, node_id="whole", node_type="pipeline")
                    elif not is_node(record) and run:
                        seen.add(run)
                    records.append(record)
                self.server.sql("TRUNCATE command_logs, dag_node_logs", self.database)
                in_nodes = [r for r in records if is_node(r) or r.get("node_id") == "whole"]
                runs = [{k: v for k, v in r.items() if k not in ("node_id", "node_type", "attempt")}
                        for r in records if r not in in_nodes]
                self.load("dag_node_logs", in_nodes)
                self.load("command_logs", runs)
                expected = self.figures(self.write(in_nodes + runs))
                duplicates += expected["input"]["duplicates"]
                self.same_but_in_buckets(expected, self.figures(self.uri("?rows_at_most=0")))
        self.assertGreater(duplicates, 0)

    def test_many_duplicates_are_found_by_the_server_itself(self):
        self.server.sql(
            "INSERT INTO command_logs (request_id, pipeline_run_id, status, created_at) "
            "SELECT 'q' || i, 'r' || mod(i, 110000), 'succeeded', timestamptz '%s' - i * interval "
            "'100 ms' FROM generate_series(1, 220000) i" % AS_OF, self.database)
        found = self.figures(self.uri())
        self.assertEqual(found["input"]["duplicates"], 110000)
        self.assertEqual(found["populations"]["dag"]["total_runs"], 110000)

    def test_every_duration_has_one_bucket_however_it_is_counted(self):
        edges = [0.0, 5e-324, 1e-300, 1e308, 0.1, 1234.5]
        for power in range(-12, 36):
            edge = 2.0 ** power
            edges += [edge, math.nextafter(edge, 0), math.nextafter(edge, 1e9), edge * 1.3]
            edges += [edge + edge * k / 128 for k in (1, 64, 127)]
            edges += [math.nextafter(edge + edge * k / 128, 0) for k in (1, 64, 127)]
        # Every run stands twice: what is taken back has to lie where it was counted.
        rows = [{"pipeline_run_id": "r%d" % i, "status": "ok", "duration_ms": d,
                 "created_at": stamp(END - HOUR - i * 1000)} for i, d in enumerate(edges)]
        self.load("command_logs", rows + rows)
        for column in ("float8", "numeric"):
            self.server.sql("ALTER TABLE command_logs ALTER duration_ms TYPE " + column, self.database)
            found = self.figures(self.uri("?rows_at_most=0"))
            self.assertEqual(found["input"]["duplicates"], len(edges))
            if column == "numeric":  # was made of float8 with 15 digits
                rows = [{**row, "duration_ms": float("%.15g" % row["duration_ms"])} for row in rows]
            self.same_but_in_buckets(self.figures(self.write(rows + rows)), found)

    def test_a_long_log_is_counted_by_the_server_and_a_short_one_read(self):
        self.server.sql(
            "INSERT INTO command_logs (request_id, pipeline_run_id, status, created_at, duration_ms) "
            "SELECT 'q' || i, 'r' || i, CASE WHEN mod(i, 10) = 0 THEN 'failed' ELSE 'succeeded' END, "
            "timestamptz '%s' - i * interval '1 s', i * 0.37 FROM generate_series(1, 60000) i"
            % AS_OF, self.database)
        long = self.figures(self.uri())["populations"]["dag"]
        self.assertEqual(long["total_runs"], 60000)
        self.assertEqual(long["kpis"]["pipeline_success_rate"]["numerator"], 54000)
        p95 = long["kpis"]["p95_latency_ms"]
        self.assertEqual((p95["n"], p95["method"]), (60000, "histogram"))
        self.assertAlmostEqual(p95["value"], 57000 * 0.37, delta=0.004 * 57000 * 0.37)
        short = run_tool("eval_dag_quality", "--window", "1h", "--baseline", "control", "--as-of",
                         AS_OF, "--json", "--source", self.uri(), "--config", self.short_horizon(),
                         cwd=self.folder).document()["populations"]["dag"]
        self.assertEqual(short["kpis"]["p95_latency_ms"],
                         {"value": 3420 * 0.37, "n": 3600, "method": "exact"})

    def short_horizon(self):
        config = self.folder / "config.json"
        config.write_text('{"input": {"run_horizon": "1h"}}')
        return config

    def test_one_table_for_both_and_identical_rows(self):
        self.server.sql("CREATE TABLE logs (LIKE dag_node_logs); ALTER TABLE logs DROP COLUMN id, "
                        "ALTER node_id DROP NOT NULL", self.database)
        records = table_log(random.Random(50), 400)
        self.load("logs", records)
        path = self.write(records)
        for dedupe in ("runs", "records"):
            expected = self.figures(path, "--dedupe", dedupe)
            self.assertGreater(expected["input"]["duplicates"], 0)
            found = self.figures(self.uri("?runs_table=logs&nodes_table="), "--dedupe", dedupe)
            self.assertEqual(found, expected)
            counted = self.figures(self.uri("?runs_table=logs&nodes_table=&rows_at_most=0"),
                                   "--dedupe", dedupe)
            if dedupe == "runs":
                self.same_but_in_buckets(expected, counted)
            else:  # identical rows are found where rows are read
                self.assertEqual(counted, expected)

    def test_a_foreign_table_with_a_detail_column_is_read_through_the_shipped_mapping(self):
        self.server.sql(
            "CREATE SCHEMA old; CREATE TABLE old.\"command logs\" (created_at timestamp, status text,"
            " request_id text, error_code varchar(40), detail text, "
            "autonomous_fallback_reason text, prompt text)", self.database)
        lines = []
        for i in range(300):
            at = stamp(END - (i + 1) * 600_000_000)
            lines.append({"created_at": at, "status": "success" if i % 9 else "error",
                          "request_id": "q%d" % i, "error_code": None if i % 9 else "TOOL_TIMEOUT",
                          "detail": "dag_pipeline=%d;pipeline_run_id=r%d;duration_ms=%d" % (
                              i // 2 % 2, i // 2, i), "prompt": "a person's words",
                          "autonomous_fallback_reason": "planner" if i % 7 == 0 else ""})
        self.load('old."command logs"', lines)
        mapping = SOURCE_DIR / "config" / "mappings" / "command_logs.json"
        found = self.figures(self.uri('?runs_table=old."command logs"&nodes_table='), "--mapping",
                             mapping)
        self.assertEqual(found, self.figures(self.write(lines), "--mapping", mapping))
        self.assertGreater(found["populations"]["dag"]["total_runs"], 20)

    def test_rows_outside_the_range_are_left_to_the_server(self):
        self.load("command_logs", [{"request_id": "old", "status": "ok",
                                    "created_at": stamp(END - 90 * HOUR)},
                                   {"request_id": "new", "status": "ok",
                                    "created_at": stamp(END - HOUR)}])
        counts = self.figures(self.uri())["input"]
        self.assertEqual((counts["records"], counts["out_of_range"]), (1, 0))

    def test_last_is_right_after_the_newest_row_however_long_ago_it_was_written(self):
        newest = END - 70 * 24 * HOUR + 7
        self.load("command_logs", [
            {"request_id": "a", "status": "ok", "created_at": stamp(newest - 40 * HOUR)},
            {"request_id": "b", "status": "ok", "created_at": stamp(newest - 3_000_000)}])
        self.load("dag_node_logs", [
            {"request_id": "b", "node_id": "n", "status": "ok", "created_at": stamp(newest)}])
        for rows in ("0", "50000"):
            result = run_tool("eval_dag_quality", "--as-of", "last", "--json", "--source",
                              self.uri("?rows_at_most=" + rows), cwd=self.folder)
            self.assertEqual(result.code, 0, str(result))
            self.assertEqual(result.document()["as_of"], stamp(newest + 1))
            self.assertEqual(result.document()["input"]["records"], 3)
        self.server.sql("TRUNCATE command_logs, dag_node_logs", self.database)
        empty = run_tool("eval_dag_quality", "--as-of", "last", "--source", self.uri(),
                         cwd=self.folder)
        self.assertEqual(empty.code, 4)
        self.assertIn("--as-of last: postgresql://", empty.stderr)
        self.assertIn("holds no record", empty.stderr)

    def test_a_bare_uri_means_the_variables(self):
        self.load("command_logs", [{"request_id": "a", "status": "ok",
                                    "created_at": stamp(END - HOUR)}])
        for source in ("postgresql://", "postgresql://?nodes_table="):
            result = run_tool("eval_dag_quality", "--as-of", AS_OF, "--json", "--source", source,
                              cwd=self.folder, env={"DATABASE_URL": self.uri()})
            self.assertEqual(result.code, 0, str(result))
            self.assertEqual(result.document()["input"]["records"], 1)

    def test_the_reader_role_can_read_and_nothing_else(self):
        self.server.sql("ALTER ROLE dagloop_reader LOGIN PASSWORD '%s'" % PASSWORD)
        self.load("command_logs", [{"request_id": "a", "status": "ok",
                                    "created_at": stamp(END - HOUR)}])
        figures = self.figures(self.uri(user="dagloop_reader"))
        self.assertEqual(figures["populations"]["non_dag"]["total_runs"], 1)
        rights = self.server.sql(
            "SELECT string_agg(DISTINCT privilege_type, ',') FROM information_schema.table_privileges"
            " WHERE grantee = 'dagloop_reader'", self.database)
        self.assertEqual(rights.strip(), "SELECT")

    def fault(self, result, *words):
        self.assertEqual(result.code, 4, str(result))
        self.assertEqual(result.stdout, "")
        self.assertNotIn(PASSWORD, result.stderr)
        for word in ("source: postgresql://", "127.0.0.1", self.database, "; ", *words):
            self.assertIn(word, result.stderr)

    def test_a_missing_table_or_column_or_permission_is_named_with_a_remedy(self):
        table = self.evaluate(self.uri("?runs_table=nowhere"))
        self.assertEqual(table.code, 4)
        self.assertIn("table nowhere: does not exist in this database; make it", table.stderr)
        self.server.sql("CREATE TABLE other (status text, request_id text)", self.database)
        column = self.evaluate(self.uri("?runs_table=other"))
        self.assertEqual(column.code, 4)
        self.assertIn("table other: has no column created_at; name another", column.stderr)
        self.server.sql("CREATE ROLE stranger%s LOGIN PASSWORD '%s'" % (self.database, PASSWORD))
        self.fault(self.evaluate(self.uri(user="stranger" + self.database)), "permission denied",
                   "grant this user SELECT")

    def test_a_wrong_password_or_database_or_server_is_told_at_once(self):
        self.fault(self.evaluate(self.uri(password="wrong-Secret-1")), "password authentication failed",
                   "check that the server runs")
        self.assertNotIn("wrong-Secret-1", self.evaluate(self.uri(password="wrong-Secret-1")).stderr)
        missing = self.evaluate(self.server.uri("none_such"))
        self.assertEqual(missing.code, 4)
        self.assertIn("none_such", missing.stderr)
        self.server.stop()
        try:
            self.fault(self.evaluate(self.uri()), "check that the server runs")
        finally:
            self.server.start()

    def slow_view(self):
        self.server.sql(
            "CREATE VIEW slow AS SELECT 'q' || i AS request_id, 'ok' AS status, "
            "timestamptz '2026-02-25T00:00:00Z' + CASE WHEN pg_sleep(0.002) IS NULL THEN interval '0' "
            "ELSE interval '1 s' END AS created_at FROM generate_series(1, 100000) i", self.database)
        return self.uri("?runs_table=slow&nodes_table=")

    def test_a_statement_over_the_timeout_is_cancelled(self):
        config = self.folder / "config.json"
        config.write_text('{"input": {"statement_timeout": "300ms"}}')
        self.fault(self.evaluate(self.slow_view(), "--config", config), "statement timeout",
                   "input.statement_timeout")

    def test_a_server_that_is_lost_in_the_middle_is_asked_again_and_then_given_up(self):
        stop = threading.Event()

        def kill():
            while not stop.is_set():
                self.server.kill_sessions()
                time.sleep(0.05)

        source = self.slow_view()
        killer = threading.Thread(target=kill)
        killer.start()
        try:
            self.fault(self.evaluate(source), "check that the server runs")
        finally:
            stop.set()
            killer.join()

    def test_a_database_is_named_alone(self):
        result = run_tool("eval_dag_quality", "--source", self.uri(), "--source", "log.jsonl",
                          cwd=self.folder)
        self.assertEqual(result.code, 2)
        self.assertNotIn(PASSWORD, result.stderr)


if __name__ == "__main__":
    unittest.main()
