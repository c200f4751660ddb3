"""The whole loop on logs in PostgreSQL: a step up, and ticks whose database or disk fails, which
decide and write nothing."""

import json
import pathlib
import resource
import signal
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "cli"))

from load_tables import load_postgres  # noqa: E402
from postgres_server import PASSWORD, PostgresServer  # noqa: E402
from support import (BIN_DIR, SOURCE_DIR, T0, LoopTestCase, clean_environment,  # noqa: E402
                     hours, stamp)


class DatabaseLoopTest(LoopTestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = PostgresServer()
        cls.addClassCleanup(cls.server.close)
        cls.server.sql((SOURCE_DIR / "sql" / "0001_logs.sql").read_text())

    def setUp(self):
        super().setUp()
        self.server.sql("TRUNCATE command_logs, dag_node_logs")
        self.ws.configure({"input": {"sources": [self.server.uri()]}})
        self.loaded = 0

    def load(self):
        """Moves what was logged since the last time into the table."""
        records = [json.loads(line) for line in self.ws.log.path.read_text().splitlines()]
        news, self.loaded = records[self.loaded:], len(records)
        load_postgres(self.server, "dag_node_logs", [r for r in news if "node_id" in r])
        load_postgres(self.server, "command_logs", [r for r in news if "node_id" not in r])

    def expect_nothing_done(self, result, before, *words):
        self.check_code(result, 4)
        self.assertEqual(self.ws.fingerprint(), before)
        self.assertNotIn(PASSWORD, result.stdout + result.stderr)
        for word in words:
            self.assertIn(word, result.stderr)

    def test_a_step_is_taken_on_figures_of_the_database_and_taken_back(self):
        self.quiet_day()
        self.load()
        self.promote(T0, 10)
        self.ws.log.runs(T0, hours(4), 80, cohort="canary", failed=40)
        self.ws.log.runs(T0, hours(4), 80, cohort="control")
        self.load()
        self.check_code(self.ws.tick(T0 + hours(4), "--apply"), 7)
        self.assertEqual(self.ws.percent(), 0)
        self.check_code(self.ws.verify_journal(), 0)

    def test_a_tick_whose_database_is_down_does_nothing(self):
        self.quiet_day()
        self.load()
        self.check_tick(T0, 0)
        before = self.ws.fingerprint()
        self.server.stop()
        try:
            result = self.ws.tick(T0 + hours(1), "--apply")
        finally:
            self.server.start()
        self.expect_nothing_done(result, before, "postgresql://admin:***@127.0.0.1",
                                 "check that the server runs")
        self.assertEqual(self.check_tick(T0, 0)["phase"], "proposed")

    def test_a_tick_whose_database_is_too_slow_does_nothing(self):
        self.quiet_day()
        self.load()
        self.check_tick(T0, 0)
        self.server.sql("CREATE OR REPLACE VIEW slow AS SELECT *, pg_sleep(1)::text AS user_idle "
                        "FROM command_logs")
        self.server.sql("CREATE OR REPLACE VIEW slower AS SELECT request_id, created_at, "
                        "CASE WHEN user_idle = '' THEN status END AS status FROM slow")
        self.ws.configure({"input": {"statement_timeout": "300ms", "sources": [
            self.server.uri(parameters="?runs_table=slower&nodes_table=")]}})
        before = self.ws.fingerprint()
        self.expect_nothing_done(self.ws.tick(T0, "--apply"), before, "statement timeout",
                                 "input.statement_timeout")

    def test_a_tick_whose_disk_is_full_does_nothing(self):
        self.quiet_day()
        self.load()
        before = self.ws.fingerprint()

        def fill_the_disk():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # a write fails instead
            resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))

        done = subprocess.run(
            [str(BIN_DIR / "dag_optimization_cycle"), "--config", str(self.ws.config), "--apply",
             "--as-of", stamp(T0)], cwd=self.ws.dir, env=clean_environment(), text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=fill_the_disk, check=False)
        self.assertEqual(done.returncode, 4, done.stdout + done.stderr)
        after = self.ws.fingerprint()
        self.assertEqual({k: v for k, v in after.items() if k in before}, before)
        self.assertEqual(self.ws.percent(), 0)
        self.assertIn("; ", done.stderr)
        self.check_tick(T0, 0)
        self.assertEqual(self.ws.events(), ["adopted", "proposed"])


if __name__ == "__main__":
    unittest.main()
