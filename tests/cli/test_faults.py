"""Lets every call of a tool on a file fail in every way it can, once and from then on.

However it fails: an exit code of docs/cli.md, a message that says where, what and what to do, the
env file the old or the new one, nothing lost; and the next run, without the fault, ends where an
undisturbed one does.
"""

import json
import re
import sys
import unittest

import loop_oracle
from fault_trials import NEW_TEXT, SHIM, FaultTestCase, Trial, in_parallel
from support import ENV_TEXT, T0, hours

QUIET = (0, 3)
MESSAGE = re.compile(r"^(\w+): (\w+): (\S+?): .+; .+$", re.MULTILINE)
faults = {}  # scenario -> how many


def tearDownModule():
    for scenario, count in faults.items():
        print("%6d faults: %s" % (count, scenario), file=sys.stderr)
    print("%6d faults" % sum(faults.values()), file=sys.stderr)


def points_of(calls):
    """Every call with everything that can befall it; what only reads fails once."""
    for call in calls:
        changes = "kill_before" in call.kinds
        for kind in call.kinds:
            if kind.startswith("kill"):
                continue
            yield call, kind, "once"
            if changes and kind != "short":
                yield call, kind, "on"


@unittest.skipUnless(SHIM, "DAGLOOP_FAULT_SHIM is not set")
class FaultTest(FaultTestCase):
    def check_message(self, trial, result, where):
        lines = [match.groups() for match in MESSAGE.finditer(result.stderr)]
        self.assertTrue(lines, "%s: %s" % (where, result))
        place = lines[-1][2]
        self.assertTrue(place.startswith((str(trial.dir), "sqlite:" + str(trial.dir), "service.env",
                                          "./", ".")), "%s names %s" % (where, place))

    def check_documents(self, trial, names, where):
        """Checks that a run which says that all is well has left all its documents."""
        for name in names:
            self.assertTrue((trial.dir / name).exists(), "%s: %s is lost" % (where, name))
            if name.endswith(".json"):
                json.loads((trial.dir / name).read_text())

    def for_every_fault(self, scenario, command, check):
        """Calls `check(trial, result, where)` after `command`, for each fault."""
        def one(point):
            call, kind, length = point
            where = "%s (%s), call %d (%s %s) of %s" % (kind, length, call.number, call.name,
                                                       call.path, scenario)
            with Trial(self.ws) as trial:
                log = trial.dir / "calls"
                result = trial.run(command, at=call.number, kind=kind, length=length, reads=1,
                                   log=log)
                self.assertIn("struck", log.read_text(), where)
                log.unlink()
                self.assertIn(result.code, range(8), "%s: %s" % (where, result))
                check(trial, result, where)

        points = list(points_of(self.calls_of(command, reads=1)))
        faults[scenario] = len(in_parallel(one, points))

    def check_every_fault(self, scenario, command, new, second_codes):
        """Lets `command` fail everywhere, and lets the same command go on.

        Shape: `new` is the env file afterwards, `second_codes` the exit codes that the second run
               may have.
        """
        contents = (ENV_TEXT, NEW_TEXT)
        expected = self.undisturbed(command)
        with Trial(self.ws) as trial:
            wanted = trial.run(command).code
            names = [name for name in trial.files() if name.startswith("reports")]
        approval = self.ws.approval_file.read_text()

        def check(trial, result, where):
            store = self.check_whole(trial, contents, where)
            self.assertEqual(trial.approval_file.read_text(), approval, where)
            is_done = loop_oracle.outcome(store) == expected[0]
            if result.code in QUIET or result.code == wanted and not result.stderr:
                self.assertTrue(is_done, "%s: it says that all is well: %s" % (where, result))
                self.check_documents(trial, names, where)
            else:
                self.check_message(trial, result, where)
            if result.code == 7:
                self.assertEqual(trial.env_file.read_text(), ENV_TEXT, where)
            if is_done and trial.env_file.read_text() == new and result.code == wanted:
                return
            second = trial.run(command)
            self.assertIn(second.code, second_codes, "%s: %s" % (where, second))
            store = self.check_whole(trial, (new,), where)
            self.assertIn(loop_oracle.outcome(store), expected, where)
            for event in ("applied", "rolled_back"):
                self.assertLessEqual(store.count(event), 1, where)

        self.for_every_fault(scenario, command, check)

    def test_a_tick_that_applies(self):
        self.ready_to_apply()
        self.check_every_fault("tick, applies", self.tick_command(T0), NEW_TEXT, (0, 3))

    def test_a_tick_that_rolls_back(self):
        self.ready_to_roll_back()
        self.check_every_fault("tick, rolls back", self.tick_command(T0 + hours(2)), ENV_TEXT,
                               (7, 3))

    def test_an_apply_by_hand(self):
        self.ready_to_apply()
        self.check_every_fault("apply by hand", self.apply_command(), NEW_TEXT, (0, 5))

    def test_a_rollback_by_hand(self):
        self.first_step()
        self.check_every_fault("rollback by hand",
                               self.tool_command("apply_dag_policy", "--apply", "--rollback"),
                               ENV_TEXT, (0, 5))

    def test_an_approval(self):
        self.quiet_day()
        self.check_tick(T0, 0)
        command = self.approve_command()

        def check(trial, result, where):
            if result.code != 0:
                self.check_message(trial, result, where)
                if trial.approval_file.exists():
                    json.loads(trial.approval_file.read_text())
                self.check_code(trial.run(command), 0)
            self.assertEqual(json.loads(trial.approval_file.read_text())["approver"], "alice",
                             where)

        self.for_every_fault("approval", command, check)


if __name__ == "__main__":
    unittest.main()
