"""Airflow's metadata as it is: on the tables of three versions, whether rows travel or the server
counts, the report is that of the same records written as JSON lines."""

import json
import pathlib
import random
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "cli"))

import airflow_schema  # noqa: E402
from airflow_schema import VERSIONS, has_history, run_row, try_row  # noqa: E402
from awkward_tables import in_buckets  # noqa: E402
from postgres_server import PostgresServer  # noqa: E402
from support import run_tool  # noqa: E402
from test_eval_oracle import AS_OF, END, HOUR, stamp  # noqa: E402

SECOND = 1_000_000
FINAL = ("success", "failed")
WAITING = ("scheduled", "queued", "deferred", "up_for_reschedule", None)
# What a state says in the words of the contract; those that wait are pending.
WORDS = {"success": "succeeded", "failed": "failed", "up_for_retry": "failed",
         "upstream_failed": "failed", "skipped": "skipped", "removed": "skipped",
         "running": "running", "restarting": "running", "shutdown": "running"}


def at(micros):
    return None if micros is None else stamp(micros)


class Airflow:
    """What an Airflow did: rows of its tables, and the same as records of the contract."""

    def __init__(self, version):
        self.version = version
        self.runs, self.tasks, self.history, self.lines = [], [], [], []

    def run(self, dag_id, run_id, state, start, end, queued=None):
        row = run_row(self.version, dag_id, run_id, state, stamp(len(self.runs) * SECOND),
                      start_date=at(start), end_date=at(end), queued_at=at(queued))
        self.runs.append(row)
        when = next((t for t in (end, start, queued) if t is not None), None)
        if when is not None:
            took = (end - start) / 1000 if start is not None and end is not None else None
            self.lines.append({**self.names(row), "created_at": at(when), "duration_ms": took,
                               "status": WORDS.get(state, "pending"), "plan_source": "scheduled"})
        return row

    def task(self, run, task_id, state, start, end=None, number=1, earlier=(), **more):
        """The last try of a task, and state, start and end of those before it."""
        for place, (before, began, ended) in enumerate(earlier, 1):
            row = self.dated(run, task_id, before, place, began, ended, more)
            if has_history(self.version):
                self.history.append(row)
                self.lines.append(self.line(row, WORDS[before]))
        row = self.dated(run, task_id, state, number, start, end, more)
        self.tasks.append(row)
        if state == "up_for_retry" and has_history(self.version):
            self.history.append({**row, "state": "failed"})
        if start is None and end is None:
            return row
        if state not in WAITING or run["state"] not in FINAL:
            self.lines.append(self.line(row, WORDS.get(state, "pending")))
        return row

    def dated(self, run, task_id, state, number, start, end, more):
        took = None if start is None or end is None else (end - start) / SECOND
        return try_row(run, task_id, state, number, start_date=at(start), end_date=at(end),
                       duration=took, **more)

    def line(self, row, status):
        return {**self.names(row), "status": status, "node_id": row["task_id"],
                "created_at": row["end_date"] or row["start_date"], "node_type": row["operator"],
                "attempt": max(row["try_number"], 1),
                "error_code": "upstream_failed" if row["state"] == "upstream_failed" else None,
                "fanout_index": row["map_index"] if row["map_index"] >= 0 else None,
                "duration_ms": row["duration"] * 1000 if row["end_date"] and row["duration"]
                is not None else None}

    @staticmethod
    def names(row):
        return {"pipeline_run_id": json.dumps([row["dag_id"], row["run_id"]]),
                "pipeline_id": row["dag_id"], "execution_mode": "dag"}


def busy(version, seed):
    """Runs of every state, with tasks of every state, mapped ones among them, tried often."""
    rng, airflow = random.Random(seed), Airflow(version)
    for i in range(60):
        for dag_id in ("etl", "billing"):
            start = END - rng.randrange(2 * HOUR, 70 * HOUR)
            state = rng.choice(["success"] * 6 + ["failed", "failed", "running", "queued"])
            end = start + rng.randrange(600 * SECOND) if state in FINAL else None
            if end and rng.random() < 0.05:
                end = start - rng.randrange(1, 600 * SECOND)
            began = None if state == "queued" else start
            run = airflow.run(dag_id, "scheduled__%d" % i, state, began, end,
                              start - SECOND if rng.random() < 0.9 else None)
            for task_id in ("extract", "load", "send"):
                for index in range(3) if task_id == "load" and i % 2 else [-1]:
                    add_task(rng, airflow, run, task_id, index, start)
    return airflow


def add_task(rng, airflow, run, task_id, index, start):
    state = rng.choice(airflow_schema.task_states(airflow.version) + ["success"] * 12)
    number = rng.randrange(5) if state in WORDS else rng.randrange(2)
    finished = ["failed"] * 6 + ["success", "upstream_failed", "skipped"]  # not failed: cleared
    earlier = [(rng.choice(finished), start + n * SECOND,
                start + n * SECOND + rng.randrange(SECOND)) for n in range(1, number)]
    began = start + rng.randrange(10, 90) * SECOND
    is_over = WORDS.get(state) not in (None, "running")
    ended = began + rng.randrange(90 * SECOND) if is_over else None
    if ended and rng.random() < 0.05:
        ended = began - rng.randrange(1, SECOND)
    if state in WAITING and rng.random() < 0.5:
        began = None
    airflow.task(run, task_id, state, began, ended, number, earlier, map_index=index,
                 operator=rng.choice(["PythonOperator", "BashOperator"]))


def forget_attempts(document):
    """A report as it is where the source has the last try of each task alone."""
    if isinstance(document, list):
        for each in document:
            forget_attempts(each)
    if not isinstance(document, dict):
        return
    for name, value in document.items():
        if name in ("attempt_failure_rate", "failure_rate", "retry_success_rate"):
            value.update(value=None, numerator=0, denominator=0, ci95=None)
        elif name == "attempts_per_node":
            value.update(value=None, numerator=0, denominator=0)
        elif name == "service" and value:
            value["nodes"] = {}
        else:
            forget_attempts(value)
    if "failure_rate" in document:
        document["attempts"] = None
    elif "failed_attempts" in document:
        document["attempts"] = document["failed_attempts"] = 0


class AirflowTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = PostgresServer()
        cls.addClassCleanup(cls.server.close)
        cls.databases = 0

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def load(self, airflow):
        """Makes a database of its own of it."""
        AirflowTest.databases += 1
        self.database = "airflow%d" % self.databases
        self.server.sql("CREATE DATABASE " + self.database)
        text = airflow_schema.create(airflow.version)
        for table, rows in (("dag_run", airflow.runs), ("task_instance", airflow.tasks),
                            ("task_instance_history", airflow.history)):
            keys = ", ".join(sorted({key for row in rows for key in row}))
            if rows:
                text += ("INSERT INTO {0} ({1}) SELECT {1} FROM json_populate_recordset(NULL::{0}, "
                         "$json${2}$json$);\n").format(table, keys, json.dumps(rows))
        self.server.sql(text, self.database)

    def evaluate(self, source):
        return run_tool("eval_dag_quality", "--window", "1d", "--as-of", AS_OF, "--json",
                        "--source", source, cwd=self.folder)

    def report(self, source):
        result = self.evaluate(source)
        self.assertEqual(result.code, 0, str(result))
        document = result.document()
        document.pop("generated_at")
        for examples in ("examples", "mended_examples", "without_time"):
            document["input"].pop(examples, None)
        compared = document["attribution"] and document["attribution"]["stratified"]
        for each in [c for c in compared or [] if c["by"] == "hour_of_day"]:
            compared.remove(each)  # a database does not keep hours apart
        return document

    def uri(self, parameters=""):
        return self.server.uri(self.database, parameters="?layout=airflow" + parameters)

    def both_ways(self):
        """The report where rows travel, and where the server counts."""
        return (self.report(self.uri()), self.report(self.uri("&rows_at_most=0")))

    def of_lines(self, airflow):
        path = self.folder / "log.jsonl"
        path.write_text("".join(json.dumps(line) + "\n" for line in airflow.lines))
        document = self.report(path)
        if not has_history(airflow.version):
            for part in ("populations", "baseline", "news", "service"):
                forget_attempts({part: document.get(part)})
            if document.get("comparable"):
                document["comparable"]["figures"].pop("attempt_failure_rate", None)
            for block in document["news"].get("blocks", []):
                for sides in [block, *block.get("by_stratum", [])]:
                    for name in ("canary", "control", "all", "before"):
                        if name in sides:
                            sides[name][7:9] = [0, 0]  # attempts, and those that failed
        return document

    def test_every_version_gives_the_report_of_the_same_records_as_json_lines(self):
        for version in VERSIONS:
            for seed in range(3):
                with self.subTest(version=version, seed=seed):
                    airflow = busy(version, seed)
                    self.load(airflow)
                    expected = self.of_lines(airflow)
                    self.assertGreater(expected["populations"]["dag"]["total_runs"], 20)
                    travelled, counted = self.both_ways()
                    self.assertEqual(travelled, expected)
                    in_buckets(self, expected, counted)

    def figures(self, version, fill):
        """The DAG figures both ways of what `fill` does in each of 60 runs that succeed."""
        airflow = Airflow(version)
        for i in range(60):
            start = END - HOUR - i * 60 * SECOND
            run = airflow.run("etl", "r%d" % i, "success", start, start + 30 * SECOND)
            fill(airflow, run, start, i)
        self.load(airflow)
        return [report["populations"]["dag"] for report in self.both_ways()]

    def share(self, dag, name):
        kpi = dag["kpis"][name]
        return (kpi["numerator"], kpi["denominator"])

    def test_a_storm_of_retries_shows_where_tries_are_kept_and_is_not_known_elsewhere(self):
        def fill(airflow, run, start, _):
            earlier = [("failed", start + n * SECOND, start + (n + 1) * SECOND) for n in range(2)]
            airflow.task(run, "call", "success", start + 2 * SECOND, start + 3 * SECOND, 3, earlier)
        for version in VERSIONS:
            for dag in self.figures(version, fill):
                with self.subTest(version=version):
                    node = dag["nodes"]["call"]
                    if has_history(version):
                        self.assertEqual(self.share(dag, "attempt_failure_rate"), (120, 180))
                        self.assertEqual(self.share(dag, "attempts_per_node"), (180, 60))
                        self.assertEqual(node["attempts"], 180)
                        self.assertEqual(node["retry_success_rate"]["value"], 0.5)
                        continue
                    for name in ("attempt_failure_rate", "attempts_per_node"):
                        self.assertIsNone(dag["kpis"][name]["value"])
                    self.assertIsNone(node["attempts"])
                    self.assertIsNone(node["failure_rate"]["value"])
                    self.assertIsNone(node["retry_success_rate"]["value"])
                    self.assertEqual(node["p95_latency_ms"]["n"], 60)

    def test_what_never_ran_is_no_attempt(self):
        """Nor what waits for good: its run has ended."""
        never = ["upstream_failed", "skipped", "removed", *WAITING]
        def fill(airflow, run, start, i):
            airflow.task(run, "first", "failed" if i % 4 == 0 else "success", start, start + SECOND)
            for place, state in enumerate(never):
                airflow.task(run, "t%d" % place, state, start, start, number=place % 2)
        for dag in self.figures("3.0", fill):
            self.assertEqual(self.share(dag, "attempt_failure_rate"), (15, 60))
            self.assertEqual(self.share(dag, "attempts_per_node"), (60, 60))
            self.assertEqual(dag["nodes"]["first"]["attempts"], 60)

    def test_items_of_a_mapped_task_are_no_retries_of_one_another(self):
        def fill(airflow, run, start, _):
            for index in range(4):
                airflow.task(run, "each", "success", start, start + SECOND, map_index=index)
        for dag in self.figures("2.10", fill):
            self.assertEqual(self.share(dag, "attempts_per_node"), (240, 240))

    def test_a_task_that_waits_for_its_next_try_failed_once(self):
        def fill(airflow, run, start, _):
            airflow.task(run, "call", "up_for_retry", start, start + SECOND)
        for dag in self.figures("2.10", fill):
            self.assertEqual(self.share(dag, "attempt_failure_rate"), (60, 60))

    def test_an_end_before_its_start_is_no_duration_and_no_fault(self):
        airflow = Airflow("2.10")
        for i in range(60):
            start = END - HOUR - i * 60 * SECOND
            took = 30 * SECOND if i % 3 else -SECOND
            run = airflow.run("etl", "r%d" % i, "success", start, start + took)
            airflow.task(run, "load", "success", start, start + took)
        self.load(airflow)
        for report in self.both_ways():
            dag = report["populations"]["dag"]
            self.assertEqual((dag["total_runs"], dag["kpis"]["p95_latency_ms"]["n"]), (60, 40))
            self.assertEqual(dag["nodes"]["load"]["p95_latency_ms"]["n"], 40)
            self.assertEqual(report["input"]["malformed"], 0)
            self.assertEqual(report["input"]["mended_by_field"], {"duration_ms": 40})

    def test_two_dags_that_share_a_run_id_are_two_runs_of_two_pipelines(self):
        names = [("etl", "r"), ("billing", "r"), ("a/b", "r"), ("a", "b/r"), ("a%2Fb", "r")]
        for version in VERSIONS:
            airflow = Airflow(version)
            for place, (dag_id, run_id) in enumerate(names):
                start = END - HOUR - place * SECOND
                state = "failed" if dag_id == "etl" else "success"
                airflow.run(dag_id, run_id, state, start, start)
            self.load(airflow)
            for report in self.both_ways():
                dag = report["populations"]["dag"]
                self.assertEqual((dag["total_runs"], dag["succeeded_runs"]), (5, 4))
                self.assertEqual(report["input"]["duplicates"], 0)
                self.assertEqual({name: each["runs"] for name, each in dag["pipelines"].items()},
                                 {dag_id: 1 for dag_id, _ in names})

    def test_what_goes_on_is_in_flight_and_what_has_no_date_is_no_record(self):
        airflow = Airflow("3.0")
        start = END - HOUR
        running = airflow.run("etl", "running", "running", start, None, start - SECOND)
        airflow.run("etl", "queued", "queued", None, None, start)
        airflow.run("etl", "unknown", "queued", None, None)
        for place, state in enumerate(["running", "restarting", *WAITING]):
            airflow.task(running, "t%d" % place, state, start)
        self.load(airflow)
        for report in self.both_ways():
            self.assertEqual(report["populations"]["dag"]["in_flight"], 2)
            self.assertEqual(report["populations"]["dag"]["total_runs"], 0)

    def test_a_run_whose_record_is_gone_went_as_its_tasks_did(self):
        """Of the tasks of a run without a date; a task whose upstream failed is no success."""
        states = {"fine": ["success", "skipped"], "broke": ["success", "upstream_failed"],
                  "goes on": ["success", "deferred"]}
        for version in VERSIONS:
            airflow = Airflow(version)
            for place, (run_id, of_tasks) in enumerate(states.items()):
                start = END - HOUR - place * SECOND
                run = airflow.run("etl", run_id, "failed", start, start)
                for task, state in enumerate(of_tasks):
                    airflow.task(dict(run, state=None), "t%d" % task, state, start, start + SECOND)
            airflow.runs = [{**row, "start_date": None, "end_date": None, "state": None}
                            for row in airflow.runs]
            self.load(airflow)
            for report in self.both_ways():
                dag = report["populations"]["dag"]
                self.assertEqual((dag["derived_runs"], dag["succeeded_runs"], dag["in_flight"]),
                                 (2, 1, 1))

    def test_a_state_that_nobody_knows_is_malformed(self):
        airflow = Airflow("3.0")
        for i in range(200):
            start = END - HOUR - i * SECOND
            airflow.run("etl", "r%d" % i, "success" if i else "paused_by_hand", start, start)
        self.load(airflow)
        for report in self.both_ways():
            self.assertEqual(report["input"]["malformed_by_reason"], {"unknown_status": 1})

    def test_a_faulty_row_is_named_by_its_own_table_and_its_run(self):
        airflow = Airflow("3.0")
        for i in range(200):
            start = END - HOUR - i * SECOND
            run = airflow.run("etl", "r%d" % i, "success" if i != 3 else "odd", start, start)
            airflow.task(run, "t", "success" if i != 5 else "odd", start, start)
            if i == 7:
                airflow.history.append({**airflow.tasks[-1], "state": "odd", "try_number": 9})
        self.load(airflow)
        for uri in (self.uri(), self.uri("&rows_at_most=0")):
            counts = self.evaluate(uri).document()["input"]
            self.assertEqual([e["file"] for e in counts["examples"]],
                             ["dag_run run etl/r3", "task_instance run etl/r5",
                              "task_instance_history run etl/r7"])

    def test_tables_of_before_mapped_tasks_have_none(self):
        airflow = Airflow("2.7")
        run = airflow.run("etl", "r", "success", END - HOUR, END - HOUR + SECOND)
        airflow.task(run, "t", "success", END - HOUR, END - HOUR + SECOND)
        self.load(airflow)
        self.server.sql("ALTER TABLE task_instance DROP COLUMN map_index CASCADE", self.database)
        for report in self.both_ways():
            self.assertEqual(report["populations"]["dag"]["total_runs"], 1)
            self.assertEqual(report["input"]["node_records"], 1)

    def test_another_layout_is_refused_and_a_database_without_the_tables_named(self):
        self.load(Airflow("2.7"))
        wrong = self.evaluate(self.server.uri(self.database, parameters="?layout=dagster"))
        self.assertEqual(wrong.code, 2)
        self.assertIn("layout=dagster is not possible", wrong.stderr)
        self.server.sql("DROP TABLE task_instance, dag_run", self.database)
        missing = self.evaluate(self.uri())
        self.assertEqual(missing.code, 4)
        self.assertIn("dag_run", missing.stderr)
        self.assertIn("name the database that holds it", missing.stderr)


if __name__ == "__main__":
    unittest.main()
