"""The server, or the way to it, drops in the middle of every commit of a tick.

Nobody can know then whether the commit was made. The tick ends with exit code 4 and says so; env
file, state and journal agree; the next tick ends where an undisturbed one does.
"""

import os
import pathlib
import signal
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "cli"))

import loop_oracle  # noqa: E402
from cutting_proxy import CuttingProxy  # noqa: E402
from fault_trials import NEW_TEXT, FaultTestCase, Trial  # noqa: E402
from postgres_server import PASSWORD, PostgresServer  # noqa: E402
from support import ENV_TEXT, T0, hours  # noqa: E402

START_TIMEOUT_S = 60
COMMITS = 4  # of opening, and of three changes of the state


class DropTest(FaultTestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = PostgresServer()
        cls.addClassCleanup(cls.server.close)
        cls.proxy = CuttingProxy(cls.server.port)
        cls.addClassCleanup(cls.proxy.close)
        cls.databases = 0

    def setUp(self):
        super().setUp()
        self.proxy.arm(0)
        self.base = self.new_database("template0")
        self.ws.configure({"state": self.uri(self.base)})

    def uri(self, database):
        return self.server.uri(database, parameters="?gssencmode=disable&sslmode=disable")

    def new_database(self, template):
        DropTest.databases += 1
        name = "drop%d" % self.databases
        self.server.sql("CREATE DATABASE %s TEMPLATE %s" % (name, template))
        return name

    def store(self, database):
        store = loop_oracle.Store("none")
        state = self.server.sql("SELECT document FROM dagloop.state", database).splitlines()
        heads = self.server.sql("SELECT head_sequence, head_hash FROM dagloop.state", database)
        entries = self.server.sql("SELECT document FROM dagloop.journal ORDER BY sequence", database)
        store.take([(state[0], int(head.split("|")[0]), head.split("|")[1])
                    for head in heads.splitlines()],
                   [[entry] for entry in entries.splitlines()])
        return store

    def starts(self):
        return (self.server.dir / "server.log").read_text().count("ready to accept connections")

    def kill_backend(self, pid):
        """Kills a session, for which the server ends all others and starts anew."""
        starts = self.starts()
        os.kill(pid, signal.SIGKILL)
        deadline = time.monotonic() + START_TIMEOUT_S
        while self.starts() == starts:
            self.assertLess(time.monotonic(), deadline, "the server did not start anew")
            time.sleep(0.01)

    def restart(self, _):
        self.server.stop("immediate")
        self.server.start()

    def point(self, trial, database, port):
        """Lets the trial's state be that database, by that port."""
        uri = self.uri(database).replace(":%d/" % self.server.port, ":%d/" % port)
        trial.config.write_text(trial.config.read_text().replace(self.uri(self.base), uri))
        return uri

    def check_drop(self, command, new, second_codes, expected, fault):
        at, when, strike = fault
        where = "COMMIT %d, %s it, %s" % (at, when, strike.__name__ if strike else "cut")
        database = self.new_database(self.base)
        with Trial(self.ws) as trial:
            through = self.point(trial, database, self.proxy.port)
            self.proxy.arm(at, when, strike or (lambda pid: None))
            result = self.check_code(trial.run(command), 4)
            self.assertTrue(self.proxy.struck.wait(START_TIMEOUT_S), where)
            self.assertIn("it may have been made or not; ", result.stderr, where)
            self.assertNotIn(PASSWORD, result.stderr)
            fault = loop_oracle.fault(trial, (ENV_TEXT, NEW_TEXT), self.store(database))
            self.assertIsNone(fault, where)
            trial.config.write_text(trial.config.read_text().replace(through, self.uri(database)))
            second = trial.run(command)
            self.assertIn(second.code, second_codes, "%s: %s" % (where, second))
            store = self.store(database)
            self.assertIsNone(loop_oracle.fault(trial, (new,), store), where)
            self.assertIn(loop_oracle.outcome(store), expected, where)
            for event in ("applied", "rolled_back"):
                self.assertLessEqual(store.count(event), 1, where)
            self.check_code(trial.verify_journal(), 0)

    def expected_of(self, command):
        """Returns the outcomes of one undisturbed run and of two, and checks how many commits."""
        database = self.new_database(self.base)
        outcomes = []
        with Trial(self.ws) as trial:
            self.point(trial, database, self.proxy.port)
            self.proxy.arm(0)
            for _ in range(2):
                trial.run(command)
                outcomes.append(loop_oracle.outcome(self.store(database)))
                if len(outcomes) == 1:
                    self.assertEqual(self.proxy.commits, COMMITS)
        return outcomes

    def check_every_drop(self, command, new, second_codes):
        expected = self.expected_of(command)
        for at in range(1, COMMITS + 1):
            for when, strike in (("before", None), ("before", self.kill_backend), ("after", None),
                                 ("after", self.kill_backend), ("after", self.restart)):
                self.check_drop(command, new, second_codes, expected, (at, when, strike))

    def test_a_tick_that_applies(self):
        self.ready_to_apply()
        self.check_every_drop(self.tick_command(T0), NEW_TEXT, (0, 3))

    def test_a_tick_that_rolls_back(self):
        self.ready_to_roll_back()
        self.check_every_drop(self.tick_command(T0 + hours(2)), ENV_TEXT, (7, 3))

    def test_a_connection_lost_between_two_commits_is_not_made_anew_without_the_lock(self):
        # The hook runs between them, and ends the session.
        sql = "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'"
        (self.ws.dir / "hook.sh").write_text('"%s" -X -q -d "%s" -c "%s"\n' % (
            self.server.bin / "psql", self.uri(self.base), sql))
        self.ready_to_apply(["sh", "hook.sh"])
        result = self.check_code(self.ws.tick(T0, "--apply"), 4)
        self.assertRegex(result.stderr, r"preflight: .*127\.0\.0\.1.*: .+; ")
        self.assertIsNone(loop_oracle.fault(self.ws, (NEW_TEXT,), self.store(self.base)))
        self.assertEqual(self.store(self.base).state["phase"], "applying")
        self.ws.configure({"policy": {"reload": ["true"]}})
        self.check_code(self.ws.tick(T0, "--apply"), 3)
        self.assertEqual(self.store(self.base).count("applied"), 1)


if __name__ == "__main__":
    unittest.main()
