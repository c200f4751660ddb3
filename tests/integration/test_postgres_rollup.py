"""Counts of a database that are kept between ticks: with a store every tick gives the report that it
gives without one, and a store that is lost or damaged costs time only."""

import pathlib
import random
import sqlite3
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "cli"))

from awkward_tables import is_node, table_log  # noqa: E402
from postgres_server import PASSWORD, PostgresServer  # noqa: E402
from support import SOURCE_DIR, run_tool  # noqa: E402
from test_eval_oracle import END, HOUR, oracle, stamp  # noqa: E402
import test_postgres_source as tables  # noqa: E402

MINUTE = HOUR // 60


class RollupTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = PostgresServer()
        cls.addClassCleanup(cls.server.close)
        cls.databases = 0

    load, uri = tables.SourceTest.load, tables.SourceTest.uri

    def setUp(self):
        RollupTest.databases += 1
        self.database = "kept%d" % self.databases
        self.server.sql("CREATE DATABASE " + self.database)
        self.server.sql((SOURCE_DIR / "sql" / "0001_logs.sql").read_text(), self.database)
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.server.sql((SOURCE_DIR / "sql" / "0004_run_keys.sql").read_text() * 2, self.database)
        self.store = "sqlite:%s" % (self.folder / "rollup.db")
        self.source = self.uri("?rows_at_most=0")

    def report(self, as_of, *flags, source=None):
        result = run_tool("eval_dag_quality", "--window", "1d", "--as-of", stamp(as_of), "--json",
                          "--source", source or self.source, *flags, cwd=self.folder)
        self.assertIn(result.code, (0, 4), str(result))
        self.assertTrue(result.stdout, str(result))
        document = result.document()
        document.pop("generated_at")
        return document, result.stderr

    def with_store(self, as_of, store=None):
        return self.report(as_of, "--rollup", store or self.store)[0]

    def same(self, as_of, store=None):
        self.assertEqual(self.with_store(as_of, store), self.report(as_of)[0])

    def ticks(self, seed, store=None):
        rng = random.Random(seed)
        late = [(oracle.micros(r["created_at"]) + rng.randrange(55) * MINUTE, serial, r)
                for serial, r in enumerate(table_log(rng, 400))]
        late = [(-1 if at > END else at, serial, r) for at, serial, r in late]
        late.sort(key=lambda each: each[:2])
        as_of, came = END - 8 * HOUR, 0
        while as_of <= END:
            new = [r for at, _, r in late[came:] if at < as_of]
            came += len(new)
            if new:
                self.load("command_logs", [{k: v for k, v in r.items() if k not in (
                    "node_id", "node_type", "attempt")} for r in new if not is_node(r)] or
                    [{"created_at": stamp(END - 300 * HOUR), "status": "ok", "request_id": "x"}])
                nodes = [r for r in new if is_node(r)]
                if nodes:
                    self.load("dag_node_logs", nodes)
            with self.subTest(seed=seed, as_of=stamp(as_of)):
                self.same(as_of, store)
            as_of += rng.choice([5, 15, 15, 15, 30, 90]) * MINUTE

    def full_counts(self):
        # Counting in full exports a snapshot for the search; every report without a store does.
        return (self.server.dir / "server.log").read_text().count("SELECT pg_export_snapshot()")

    def test_sums_are_moved_at_every_tick(self):
        self.server.sql("ALTER SYSTEM SET log_statement = 'all'")
        self.server.sql("SELECT pg_reload_conf()")
        self.addCleanup(self.server.sql, "ALTER SYSTEM RESET log_statement")
        reports = []
        self.report, plain = lambda *a, **k: reports.append(a) or plain(*a, **k), self.report
        before = self.full_counts()
        self.ticks(420)
        without = sum("--rollup" not in each for each in reports)
        self.assertGreater(without, 10)
        self.assertEqual(self.full_counts() - before, without)

    def test_every_tick_is_the_same_with_a_store_and_without(self):
        for seed in range(400, 403):
            self.server.sql("TRUNCATE command_logs, dag_node_logs", self.database)
            (self.folder / "rollup.db").unlink(missing_ok=True)
            self.ticks(seed)

    def test_hosts_share_a_store_in_postgresql(self):
        for _ in range(2):  # it is idempotent, and what dagloop makes itself
            self.server.sql((SOURCE_DIR / "sql" / "0005_rollup.sql").read_text(), self.database)
        self.ticks(410, self.uri())
        versions = self.server.sql("SELECT version FROM dagloop.rollup_log", self.database)
        self.assertGreater(int(versions), 5)
        self.server.sql("UPDATE dagloop.rollup SET bytes = 'damaged'", self.database)
        self.same(END, self.uri())
        self.server.sql("DROP SCHEMA dagloop CASCADE", self.database)
        self.same(END, self.uri())
        self.same(END, self.uri())
        kept = self.server.sql("SELECT count(*) FROM dagloop.rollup", self.database)
        self.assertEqual(kept.strip(), "2")  # the sealed range, and the whole one

    def test_a_store_that_is_down_or_read_only_is_a_warning(self):
        self.quiet_rows()
        self.server.sql("CREATE ROLE guest LOGIN PASSWORD '%s'" % PASSWORD)
        for store, word in ((self.server.uri("none_such"), "none_such"),
                            (self.uri(user="guest"), "permission denied")):
            document, warning = self.report(END, "--rollup", store)
            self.assertEqual(document, self.report(END)[0])
            self.assertIn("rollup", warning)
            self.assertIn(word, warning)
            self.assertNotIn(PASSWORD, warning)

    def quiet_rows(self, count=400):
        self.load("command_logs", [
            {"pipeline_run_id": "r%d" % i, "status": "ok", "duration_ms": 100 + i,
             "created_at": stamp(END - i * 4 * MINUTE - MINUTE)} for i in range(count)])

    def late_row(self, hours):
        self.load("command_logs", [{"pipeline_run_id": "late%d" % hours, "status": "failed",
                                    "created_at": stamp(END - hours * HOUR)}])

    def runs(self, document):
        return document["populations"]["dag"]["total_runs"]

    def test_what_was_counted_is_not_counted_again(self):
        self.quiet_rows()
        first = self.runs(self.with_store(END - 2 * HOUR))
        self.assertEqual(self.runs(self.with_store(END - 2 * HOUR)), first)
        self.late_row(20)  # far too late, and in a slot that this tick does not look at
        self.assertEqual(self.runs(self.with_store(END - 2 * HOUR)), first)
        self.assertEqual(self.runs(self.report(END - 2 * HOUR)[0]), first + 1)

    def test_a_row_that_comes_too_late_is_found_in_time(self):
        self.quiet_rows()
        self.with_store(END - 2 * HOUR)
        self.late_row(4)  # among the latest slots: at once
        self.same(END - 2 * HOUR)
        self.late_row(20)
        for tick in range(60):  # every slot has its turn
            document = self.with_store(END - 2 * HOUR + tick // 20 * 5 * MINUTE)
        self.assertEqual(document, self.report(END - 2 * HOUR + 10 * MINUTE)[0])
        self.server.sql("UPDATE command_logs SET status = 'failed' WHERE pipeline_run_id = 'late4'; "
                        "DELETE FROM command_logs WHERE pipeline_run_id = 'r60'", self.database)
        self.same(END - 2 * HOUR + 10 * MINUTE)

    def test_without_an_index_or_in_a_view_everything_is_counted(self):
        self.quiet_rows()
        self.server.sql("CREATE VIEW seen AS SELECT * FROM command_logs; "
                        "CREATE TABLE bare AS SELECT * FROM command_logs", self.database)
        for table in ("seen", "bare"):
            source = self.uri("?rows_at_most=0&nodes_table=&runs_table=" + table)
            for _ in range(2):
                self.assertEqual(self.report(END, "--rollup", self.store, source=source)[0],
                                 self.report(END, source=source)[0])

    def test_a_damaged_store_costs_time_only(self):
        self.quiet_rows()
        self.same(END - HOUR)
        store = sqlite3.connect(self.folder / "rollup.db")
        tables = [row[0] for row in store.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        store.close()
        self.assertTrue(tables)
        (self.folder / "rollup.db").write_bytes(b"no database")
        self.same(END)


if __name__ == "__main__":
    unittest.main()
