"""A database that is frozen, with the logs or with the state: every tool ends in time."""

import contextlib
import json
import os
import pathlib
import signal
import subprocess
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "cli"))

from fault_trials import SHIM  # noqa: E402
from load_tables import load_postgres  # noqa: E402
from postgres_server import PASSWORD, PostgresServer  # noqa: E402
from support import ENV_TEXT, SOURCE_DIR, T0, hours, stamp  # noqa: E402
from way_back import HangTestCase, WayBackTestCase  # noqa: E402


class FrozenServer(PostgresServer):
    """A server whose machine can be stopped: it still acknowledges what it is sent."""

    def processes(self):
        """Returns the server's process and its children."""
        own = self._pids()[0]
        listed = subprocess.run(["ps", "-o", "pid=", "--ppid", str(own)], check=False,
                                stdout=subprocess.PIPE, text=True).stdout
        return [own, *map(int, listed.split())]

    @contextlib.contextmanager
    def frozen(self):
        stopped = self.processes()
        for pid in stopped:
            os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in stopped:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)


class FrozenDatabaseTest(HangTestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = FrozenServer()
        cls.addClassCleanup(cls.server.close)
        cls.server.sql((SOURCE_DIR / "sql" / "0001_logs.sql").read_text())

    def check_ends(self, tool, limit, *words):
        self.assertNotIn(PASSWORD, super().check_ends(tool, limit, *words))

    def test_a_tick_in_the_middle_of_a_query_ends_and_a_rollback_goes_through(self):
        self.first_step()
        records = [json.loads(line) for line in self.ws.log.path.read_text().splitlines()]
        load_postgres(self.server, "command_logs", [r for r in records if "node_id" not in r])
        self.server.sql("CREATE VIEW slow AS SELECT request_id, pipeline_run_id, created_at, "
                        "execution_mode, CASE WHEN pg_sleep(0.2)::text = '' THEN status END "
                        "AS status FROM command_logs")
        self.ws.configure({"input": {"statement_timeout": "3s", "sources": [
            self.server.uri(parameters="?runs_table=slow&nodes_table=")]}})
        tick = self.start_tick(T0 + hours(2))
        asked = ("SELECT query FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND state = "
                 "'active'")
        while "slow" not in self.server.sql(asked):
            self.assertIsNone(tick.poll())
            time.sleep(0.05)
        with self.server.frozen():
            self.check_code(self.ws.tool("apply_dag_policy", "--rollback", "--apply"), 0)
            self.assertEqual(self.ws.env_file.read_text(), ENV_TEXT)
            self.check_ends(tick, 30, "gave no sign of life for 8s", "127.0.0.1")
        self.check_code(self.ws.verify_journal(), 0)

    def test_the_state_of_a_frozen_server_ends_every_tool_in_time(self):
        self.server.sql("CREATE DATABASE loop")
        self.ws.configure({"state": self.server.uri("loop")})
        self.quiet_day()
        self.check_tick(T0, 0)
        with self.server.frozen():
            for arguments in (["apply_dag_policy", "--status"],
                              ["apply_dag_policy", "--rollback", "--apply"],
                              ["dag_optimization_cycle", "--apply", "--as-of", stamp(T0)]):
                self.check_ends(self.start(*arguments), 40, "127.0.0.1")
        self.assertEqual(self.ws.status()["phase"], "proposed")

    def test_a_state_that_freezes_while_it_is_used(self):
        self.server.sql("CREATE DATABASE used")
        self.ws.configure({"state": self.server.uri("used"),
                           "policy": {"reload": ["/bin/sh", "-c", "sleep 3"]}})
        self.quiet_day()
        self.check_tick(T0, 0)
        self.check_code(self.ws.approve(), 0)
        tick = self.start_tick(T0)
        while self.ws.percent() != 10:
            self.assertIsNone(tick.poll())
            time.sleep(0.05)
        with self.server.frozen():  # the hook runs, and the outcome cannot be committed
            self.check_ends(tick, 60, "127.0.0.1", "gave no answer for 15 s")
        self.ws.configure({"policy": {"reload": ["/bin/sh", "-c", "true"]}})
        self.ws.tick(T0, "--apply")
        self.assertEqual(self.ws.status()["phase"], "verifying")
        self.check_code(self.ws.verify_journal(), 0)


@unittest.skipUnless(SHIM, "needs the fault shim")
class FrozenWayBackTest(WayBackTestCase):
    def test_each_way_back_goes_through(self):
        server = FrozenServer()
        self.addCleanup(server.close)

        @contextlib.contextmanager
        def frozen_database(trial):
            trial.configure({"input": {"sources": [server.uri()], "statement_timeout": "2s"}})
            with server.frozen():
                yield

        self.check_ways_back("frozen database", frozen_database)


if __name__ == "__main__":
    unittest.main()
