"""Tables of other programs, with JSON columns, through the mappings that ship: PostgreSQL and
ClickHouse give the report of the contract's own records in a file."""

import json
import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "cli"))

import mapping_logs  # noqa: E402
from awkward_tables import in_buckets  # noqa: E402
from clickhouse_server import PASSWORD as CLICKHOUSE_PASSWORD  # noqa: E402
from clickhouse_server import ClickHouseCluster  # noqa: E402
from mapping_logs import AS_OF, FORMATS, SECRET_TEXT  # noqa: E402
from postgres_server import PostgresServer  # noqa: E402
from support import run_tool  # noqa: E402
from test_mappings import without_own  # noqa: E402

RUNS = mapping_logs.runs


def kinds(records):
    """Returns by column what its values are: json, number or text."""
    found = {}
    for record in records:
        for key, value in record.items():
            if isinstance(value, (dict, list)):
                found[key] = "json"
            elif isinstance(value, int) and not isinstance(value, bool):
                found.setdefault(key, "number")
            else:
                found.setdefault(key, "text")
    return found


class MappedTables(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.postgres = PostgresServer()
        cls.addClassCleanup(cls.postgres.close)
        cls.clickhouse = ClickHouseCluster(1)
        cls.addClassCleanup(cls.clickhouse.close)

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def figures(self, source, *flags):
        result = run_tool("eval_dag_quality", "--as-of", AS_OF, "--json", "--source", source, *flags,
                          cwd=self.folder)
        self.assertEqual(result.code, 0, str(result))
        self.assertNotIn(SECRET_TEXT, result.stdout + result.stderr)
        return without_own(result.document())

    def native(self, name, runs):
        records = [r for run in runs for r in run.native(mapping_logs.has_steps(name))]
        if name == "openai-evals":
            for run, record in zip(runs, records):
                record.update(status="succeeded" if run.ok else "failed",
                              created_at=mapping_logs.iso(run.end))
                record.pop("duration_ms", None)
        path = self.folder / "native.jsonl"
        path.write_text("".join(json.dumps(r) + "\n" for r in records))
        return path

    def in_postgres(self, records, times="text"):
        types = {"json": "jsonb", "number": "int8", "text": "text"}
        columns = {key: types[kind] for key, kind in kinds(records).items()}
        columns.update({key: times for key in columns if key in ("start_time", "end_time")})
        self.postgres.sql("DROP TABLE IF EXISTS foreign_log; CREATE TABLE foreign_log (%s)"
                          % ", ".join('"%s" %s' % each for each in columns.items()), "postgres")
        text = json.dumps(records)
        self.postgres.sql(
            "INSERT INTO foreign_log SELECT * FROM json_populate_recordset(NULL::foreign_log, "
            "$json$%s$json$)" % text, "postgres")
        return self.postgres.uri("postgres") + "?runs_table=foreign_log&nodes_table="

    def in_clickhouse(self, records, times="Nullable(String)"):
        types = {"json": "Nullable(String)", "number": "Nullable(Int64)", "text": "Nullable(String)"}
        columns = {key: types[kind] for key, kind in kinds(records).items()}
        columns.update({key: times for key in columns if key in ("start_time", "end_time")})
        self.clickhouse.sql("DROP TABLE IF EXISTS foreign_log")
        self.clickhouse.sql("CREATE TABLE foreign_log (%s) ENGINE = Log" % ", ".join(
            "`%s` %s" % each for each in columns.items()))
        rows = [{key: json.dumps(value) if isinstance(value, (dict, list)) else value
                 for key, value in record.items()} for record in records]
        shard = self.clickhouse.shards[0]
        shard.sql("INSERT INTO foreign_log FORMAT JSONEachRow",
                  "\n".join(json.dumps(row) for row in rows).encode())
        return "clickhouse://default:%s@127.0.0.1:%d/default?runs_table=foreign_log&nodes_table=" % (
            CLICKHOUSE_PASSWORD, shard.http)

    def test_the_same_records_give_one_report_from_files_and_from_both_databases(self):
        for name in FORMATS:
            runs = RUNS()
            expected = self.figures(self.native(name, runs))
            records = mapping_logs.records_of(name, runs)
            for load in (self.in_postgres, self.in_clickhouse):
                with self.subTest(mapping=name, load=load.__name__):
                    self.assertEqual(self.figures(load(records), "--mapping", name), expected)

    def test_columns_of_times_are_read_as_texts_are(self):
        runs = RUNS()
        expected = self.figures(self.native("langsmith", runs))
        records = mapping_logs.records_of("langsmith", runs)
        for times in ("timestamptz", "timestamp"):
            with self.subTest(times=times):
                self.assertEqual(self.figures(self.in_postgres(records, times), "--mapping",
                                              "langsmith"), expected)

    def test_numbers_since_1970_find_the_rows_of_the_window(self):
        runs = RUNS()
        expected = self.figures(self.native("otel-genai", runs))
        records = mapping_logs.records_of("otel-genai", runs)
        for record in records:
            for key in ("startTimeUnixNano", "endTimeUnixNano"):
                if key in record:
                    record[key] = int(record[key])
        old = dict(records[0], traceId="old", startTimeUnixNano=10 ** 18,
                   endTimeUnixNano=10 ** 18 + 1)
        for load in (self.in_postgres, self.in_clickhouse):
            with self.subTest(load=load.__name__):
                figures = self.figures(load(records + [old]), "--mapping", "otel-genai")
                figures["input"]["node_records"] = expected["input"]["node_records"]
                figures["input"]["run_records"] = expected["input"]["run_records"]
                figures["input"]["out_of_range"] = expected["input"]["out_of_range"]
                self.assertEqual(figures, expected)

    def mapping_of(self, **fields):
        path = self.folder / "mapping.json"
        path.write_text(json.dumps({"schema": "dagloop.mapping/1", "fields": fields}))
        return path

    def test_rows_without_an_id_come_with_one_of_the_parts(self):
        rows = 100_500  # asked for in two parts
        self.clickhouse.sql("DROP TABLE IF EXISTS foreign_log")
        self.clickhouse.sql(
            "CREATE TABLE foreign_log (pipeline_run_id Nullable(String), request_id "
            "Nullable(String), status String, created_at DateTime, seconds Float64) ENGINE = Log")
        self.clickhouse.sql(
            "INSERT INTO foreign_log SELECT if(number %% 2 = 0, toString(number), NULL), if(number "
            "%% 4 = 1, toString(number), NULL), 'ok', toDateTime('%s', 'UTC') - 60, 1.5 FROM "
            "numbers(%d)" % (AS_OF.replace("T", " ").replace("Z", ""), rows))
        source = "clickhouse://default:%s@127.0.0.1:%d/default?runs_table=foreign_log&nodes_table=" % (
            CLICKHOUSE_PASSWORD, self.clickhouse.shards[0].http)
        result = run_tool("eval_dag_quality", "--as-of", AS_OF, "--json", "--source", source,
                          "--mapping", self.mapping_of(duration_ms={"column": "seconds",
                                                                    "unit": "s"}),
                          cwd=self.folder)
        counts = json.loads(result.stdout)["input"]
        self.assertEqual((counts["records"], counts["malformed"]), (rows, rows // 4))

    def test_a_time_that_stands_for_none_is_an_open_run_wherever_it_lies(self):
        runs = [dict(id=str(i), state="ok", start_time="2026-02-24T10:00:00Z",
                     end_time="2026-02-24T11:00:00Z") for i in range(5)]
        runs.append(dict(runs[0], id="open", end_time="2001-01-01T00:00:00Z"))
        for load, times, shown in ((self.in_postgres, "timestamptz", "2001-01-01T00:00:00+00:00"),
                                   (self.in_clickhouse, "DateTime", "2001-01-01T00:00:00.000000Z")):
            records = runs if load == self.in_postgres else [
                dict(run, **{key: run[key].replace("T", " ").replace("Z", "")
                             for key in ("start_time", "end_time")}) for run in runs]
            mapping = self.mapping_of(
                pipeline_run_id={"column": "id"}, status={"column": "state"},
                created_at={"column": "end_time", "aliases": {shown: None}, "when_null": "running",
                            "else": {"column": "start_time"}})
            with self.subTest(load=load.__name__):
                result = run_tool("eval_dag_quality", "--as-of", "2026-02-24T12:00:00Z", "--json",
                                  "--source", load(records, times), "--mapping", mapping,
                                  cwd=self.folder)
                self.assertEqual(json.loads(result.stdout)["input"]["records"], 6, str(result))

    def test_numbers_and_texts_in_columns_that_a_mapping_names_are_not_mended(self):
        runs = [dict(id=i, uid=i % 7, outcome="ok", failure=503, tries="2", ms=" 12.5", reuse="True",
                     end_time="2026-02-24T11:00:00Z") for i in range(20)]
        runs.append(dict(runs[0], id=20, tries="many", ms="slow", reuse="maybe"))
        runs.append(dict(runs[0], id=21, tries="0", ms="-1", reuse=" "))
        mapping = self.mapping_of(
            pipeline_run_id={"column": "id"}, user_id={"column": "uid"}, status={"column": "outcome"},
            created_at={"column": "end_time"}, error_code={"column": "failure"},
            attempt={"column": "tries"}, duration_ms={"column": "ms"},
            idempotent_reuse={"column": "reuse"})
        log = self.folder / "log.jsonl"
        log.write_text("".join(json.dumps(run) + "\n" for run in runs))
        plain = [dict(run, end_time="2026-02-24 11:00:00") for run in runs]
        table = self.in_postgres(runs, "timestamptz")
        for source in (log, table, table + "&rows_at_most=0", self.in_clickhouse(plain, "DateTime")):
            with self.subTest(source=str(source).split(":")[0]):
                result = run_tool("eval_dag_quality", "--as-of", "2026-02-24T12:00:00Z", "--json",
                                  "--source", source, "--mapping", mapping, cwd=self.folder)
                document = json.loads(result.stdout)
                self.assertEqual(document["input"]["records"], 22)
                self.assertEqual(document["input"]["mended_by_field"],
                                 {"error_code": 22, "attempt": 2, "duration_ms": 2,
                                  "idempotent_reuse": 2})
                self.assertEqual(document["populations"]["dag"]["unread_values"], 2)
                self.assertEqual(
                    {e["field"] for e in document["input"]["mended_examples"]}
                    - {"error_code", "attempt", "duration_ms", "idempotent_reuse"}, set())

    def test_a_column_may_have_any_name(self):
        # Names that the queries have for values of their own, as these were: also those of JSON
        # rows, of subqueries and of whole rows. Then what SQL would take for something else.
        fields = dict(
            pipeline_run_id="key", request_id="h", user_id="no_run", created_at="newest_at",
            status="state", execution_mode="mode", error_code="code", plan_source="plan",
            pipeline_id="pipeline", cohort="digits", compensation_status="status_digit",
            duration_ms="at", fallback_reason="fallback", verification_reason="unverified",
            idempotent_reuse="reused", fanout_total="total", fanout_failed="failed",
            fanout_index="item", tokens_in="tokens", tokens_out="has_tokens", cost_micros="cost",
            attempt="raw_duration", node_id="node", node_type="is_request")
        others = ("has_cost", "mended_fields", "raw_code", "is_upstream", "undoes", "no_request",
                  "compensation", "population", "cohort_digit", "fanout_total", "fanout_failed",
                  "unread", "duration", "our_at", "our__state", "v0", "v30", "r", "t", "rows",
                  "x", "status", "order", "group")
        awkward = ("order", "User", "a \"b\" c", "it's", "back`tick", "select", "table.at", "100%",
                   "{}", "group", "from", "limit", "end", "é", "null", "ts", "names", "kind", "runs",
                   "r", "t", "v0", "our_at", "created_us_")
        runs = []
        for i in range(60):
            run = dict(
                pipeline_run_id="run %d" % (i % 50), request_id="q%d" % i, user_id="u%d" % (i % 9),
                created_at="2026-02-24T11:00:%02dZ" % i, status="failed" if i % 5 == 0 else "ok",
                execution_mode="dag" if i % 3 else "rule", error_code="E1" if i % 5 == 0 else None,
                plan_source="llm", pipeline_id="daily", cohort="canary" if i % 2 else "control",
                compensation_status="completed" if i % 7 == 0 else None, duration_ms=1000.5 + i,
                fallback_reason="f" if i % 6 == 0 else None, idempotent_reuse=i % 2,
                verification_reason="v" if i % 8 == 0 else None, fanout_total=4,
                fanout_failed=i % 2, fanout_index=None, tokens_in=i, tokens_out=1, cost_micros=5,
                attempt=1, node_id=None, node_type=None)
            runs.append(run)
            runs.append(dict(run, node_id="plan", node_type="skill", attempt=2, duration_ms=7.5))
        runs[6]["status"] = "odd"  # is shown
        for names in (fields, dict(zip(fields, others)), dict(zip(fields, awkward))):
            mapping = self.mapping_of(**{key: {"column": name} for key, name in names.items()})
            rows = [{names[key]: value for key, value in run.items()} for run in runs]
            log = self.folder / "log.jsonl"
            log.write_text("".join(json.dumps(
                {key: bool(value) if key == names["idempotent_reuse"] else value
                 for key, value in row.items()}) + "\n" for row in rows))
            expected = self.read(log, mapping)
            table = self.typed_in_postgres(names, rows)
            for source in (table, table + "&rows_at_most=0", self.typed_in_clickhouse(names, rows)):
                with self.subTest(names=list(names.values())[:3], source=source):
                    in_buckets(self, expected, self.read(source, mapping))

    def read(self, source, mapping):
        result = run_tool("eval_dag_quality", "--as-of", "2026-02-24T12:00:00Z", "--json",
                          "--source", source, "--mapping", mapping, cwd=self.folder)
        self.assertIn('"schema"', result.stdout, str(result))
        document = without_own(result.document())
        counts = document["input"]
        for example in counts["examples"] + counts["mended_examples"]:
            for key in ("source", "file", "line"):
                example.pop(key, None)
        return document

    # By field, what is no text.
    TYPES = dict(created_at=("timestamptz", "DateTime('UTC')"), duration_ms=("float8", "Float64"),
                 idempotent_reuse=("bool", "UInt8"))
    COUNTS = ("fanout_total", "fanout_failed", "fanout_index", "tokens_in", "tokens_out",
              "cost_micros", "attempt")

    def typed_in_postgres(self, names, rows):
        columns = ", ".join('"%s" %s' % (
            name.replace('"', '""'),
            self.TYPES.get(field, ("int8" if field in self.COUNTS else "text",))[0])
            for field, name in names.items())
        reused = names["idempotent_reuse"]
        text = json.dumps([dict(row, **{reused: bool(row[reused])}) for row in rows])
        self.postgres.sql(
            "DROP TABLE IF EXISTS foreign_log; CREATE TABLE foreign_log (%s); "
            "INSERT INTO foreign_log SELECT * FROM json_populate_recordset(NULL::foreign_log, "
            "$json$%s$json$)" % (columns, text), "postgres")
        return self.postgres.uri("postgres") + "?runs_table=foreign_log&nodes_table="

    def typed_in_clickhouse(self, names, rows):
        columns = ", ".join("`%s` %s" % (
            name.replace("\\", "\\\\").replace("`", "\\`"),
            self.TYPES.get(field, (0, "Nullable(Int64)" if field in self.COUNTS else
                                   "Nullable(String)"))[1])
            for field, name in names.items())
        at = names["created_at"]
        text = "\n".join(json.dumps(dict(row, **{at: row[at].replace("T", " ").replace("Z", "")}))
                         for row in rows)
        shard = self.clickhouse.shards[0]
        self.clickhouse.sql("DROP TABLE IF EXISTS foreign_log")
        self.clickhouse.sql("CREATE TABLE foreign_log (%s) ENGINE = Log" % columns)
        shard.sql("INSERT INTO foreign_log FORMAT JSONEachRow", text.encode())
        return "clickhouse://default:%s@127.0.0.1:%d/default?runs_table=foreign_log&nodes_table=" % (
            CLICKHOUSE_PASSWORD, shard.http)

    def test_many_repeated_keys_make_no_statement_that_is_too_long(self):
        self.clickhouse.sql("DROP TABLE IF EXISTS foreign_log")
        self.clickhouse.sql(
            "CREATE TABLE foreign_log (pipeline_run_id String, status String, node_id String, "
            "created_at DateTime) ENGINE = Log")
        self.clickhouse.sql(
            "INSERT INTO foreign_log SELECT toString(number %% 9900), 'ok', '', "
            "toDateTime('%s', 'UTC') - 60 FROM numbers(19800)"
            % AS_OF.replace("T", " ").replace("Z", ""))
        source = "clickhouse://default:%s@127.0.0.1:%d/default?runs_table=foreign_log&nodes_table=" % (
            CLICKHOUSE_PASSWORD, self.clickhouse.shards[0].http)
        result = run_tool("eval_dag_quality", "--as-of", AS_OF, "--json", "--source", source,
                          cwd=self.folder)
        self.assertEqual(result.code, 0, str(result))
        self.assertEqual(json.loads(result.stdout)["input"]["records"], 19800)

    def test_a_table_without_the_columns_of_the_mapping_is_refused(self):
        records = [{"id": 1, "conclusion": "success"}]
        for load in (self.in_postgres, self.in_clickhouse):
            result = run_tool("eval_dag_quality", "--as-of", AS_OF, "--json", "--source",
                              load(records), "--mapping", "github-actions", cwd=self.folder)
            self.assertEqual(result.code, 4, str(result))
            self.assertIn("has no column updated_at", result.stderr)


if __name__ == "__main__":
    unittest.main()
