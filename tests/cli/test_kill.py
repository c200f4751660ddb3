"""Kills a tool before and behind every call that changes a file, and runs it again.

At every instant env file, state, journal and approvals agree; after the second run they are those
of a run that nobody disturbed. `python3 test_kill.py` prints how many kills that were.
"""

import base64
import json
import signal
import sys
import unittest

import loop_oracle
from fault_trials import EVERY, NEW_TEXT, SHIM, FaultTestCase, Trial, in_parallel
from support import ENV_TEXT, T0, hours

KINDS = ("kill_before", "kill_after")
# Passes for the old policy, fails for the new one.
HOOK_THAT_REFUSES = ["/bin/sh", "-c", "! grep -q \"='10'\" service.env"]
WANTED_KILLS = 1000
SCENARIOS = 13
kills = {}  # scenario -> how many


def tearDownModule():
    total = sum(kills.values())
    for scenario, count in kills.items():
        print("%6d kills: %s" % (count, scenario), file=sys.stderr)
    print("%6d kills" % total, file=sys.stderr)
    if len(kills) == SCENARIOS and EVERY == 1 and total < WANTED_KILLS:
        raise AssertionError("%d kills are too few" % total)


class KillTestCase(FaultTestCase):
    def for_every_kill(self, scenario, command, check):
        """Calls `check(trial, point)` with a trial in which `command` was killed, for each point."""
        calls = self.calls_of(command)

        def one(point):
            call, kind = point
            where = "%s, call %d (%s %s) of %s" % (kind, call.number, call.name, call.path, scenario)
            with Trial(self.ws) as trial:
                killed = trial.run(command, at=call.number, kind=kind)
                self.assertEqual(killed.code, -signal.SIGKILL, "%s: %s" % (where, killed))
                check(trial, where)

        points = [(call, kind) for call in calls for kind in KINDS]
        kills[scenario] = len(in_parallel(one, points))

    def check_every_kill(self, scenario, command, new, completion, second_codes):
        """Kills `command` everywhere and lets the same command go on.

        Shape: `new` is the env file afterwards; `completion` the journal event that must have
               happened exactly once more; `second_codes` the exit codes that the second run may
               have.
        """
        old = self.ws.env_file.read_text()
        before = loop_oracle.Store(self.ws.state).count(completion)
        expected = self.undisturbed(command)
        approval = self.ws.approval_file
        approvals = approval.read_text() if approval.exists() else None

        def check(trial, where):
            self.check_whole(trial, (old, new, NEW_TEXT), where)
            if approvals is not None:
                self.assertEqual(trial.approval_file.read_text(), approvals, where)
            second = trial.run(command)
            self.assertIn(second.code, second_codes, "%s: %s" % (where, second))
            store = self.check_whole(trial, (new,), where)
            self.assertIn(loop_oracle.outcome(store), expected, where)
            self.assertEqual(store.count(completion), before + 1, where)
            self.assertEqual([name for name in trial.files() if "-journal" in name], [], where)
            if trial.dir.name.endswith(("a", "b", "c")):  # some: the oracle reads every journal
                self.check_code(trial.verify_journal(), 0)

        self.for_every_kill(scenario, command, check)


@unittest.skipUnless(SHIM, "DAGLOOP_FAULT_SHIM is not set")
class KillTest(KillTestCase):
    def test_a_tick_that_proposes(self):
        self.quiet_day()
        self.check_every_kill("first tick, proposes", self.tick_command(T0), ENV_TEXT, "proposed",
                              (0,))

    def test_a_tick_that_applies(self):
        self.ready_to_apply()
        # The second run finds the change in force already: too few runs since, so 3.
        self.check_every_kill("tick, applies", self.tick_command(T0), NEW_TEXT, "applied", (0, 3))

    def test_a_tick_that_verifies(self):
        self.first_step()
        self.ws.log.runs(T0, hours(8), 160, cohort="canary")
        self.ws.log.runs(T0, hours(8), 160, cohort="control")
        self.check_every_kill("tick, verifies", self.tick_command(T0 + hours(6)), NEW_TEXT,
                              "verified", (0,))

    def test_a_tick_that_rolls_back(self):
        self.ready_to_roll_back()
        self.check_every_kill("tick, rolls back", self.tick_command(T0 + hours(2)), ENV_TEXT,
                              "rolled_back", (7, 3))

    def test_a_tick_whose_reload_hook_fails(self):
        self.ready_to_apply(HOOK_THAT_REFUSES)
        self.check_every_kill("tick, its hook fails", self.tick_command(T0), ENV_TEXT,
                              "rolled_back", (7, 3))

    def test_an_apply_by_hand(self):
        self.ready_to_apply()
        # 5: the first run was complete but for its last words; the decision is used up.
        self.check_every_kill("apply by hand", self.apply_command(), NEW_TEXT, "applied", (0, 5))

    def test_a_rollback_by_hand(self):
        self.first_step()
        # 5: the first run was complete; nothing else was ever approved.
        self.check_every_kill("rollback by hand",
                              self.tool_command("apply_dag_policy", "--apply", "--rollback"),
                              ENV_TEXT, "rolled_back", (0, 5))

    def test_an_interrupted_rollback_by_hand_goes_one_step_down_and_no_further(self):
        self.first_step()
        self.ws.log.runs(T0, hours(20), 400, cohort="canary")
        self.ws.log.runs(T0, hours(20), 400, cohort="control")
        self.check_tick(T0 + hours(7), 0)
        self.promote(T0 + hours(7), 30)
        self.check_tick(T0 + hours(14), 0)
        command = self.tool_command("apply_dag_policy", "--apply", "--rollback")

        def check(trial, where):
            if loop_oracle.Store(trial.state).state["phase"] != "applying":
                return
            self.check_code(trial.run(command), 0)
            self.assertEqual(trial.percent(), 10, where)

        self.for_every_kill("rollback by hand, two steps up", command, check)

    def test_an_approval(self):
        self.quiet_day()
        self.check_tick(T0, 0)
        command = self.approve_command()

        def check(trial, where):
            if trial.approval_file.exists():  # whole, or not there
                self.assertEqual(json.loads(trial.approval_file.read_text())["approver"], "alice")
            self.check_code(trial.run(command), 0)
            self.check_code(trial.run(self.tick_command(T0)), 0)
            store = self.check_whole(trial, (NEW_TEXT,), where)
            self.assertEqual(store.count("applied"), 1, where)

        self.for_every_kill("approval", command, check)

    def test_a_new_key(self):
        key = self.ws.key_of("bob")
        command = ["approve_dag_policy", "--init-key", "--key", key, "--as", "bob"]

        def check(trial, where):
            if not trial.key_of("bob").exists():
                self.check_code(trial.run(command), 0)
            words = trial.key_of("bob").read_text().split()
            self.assertEqual(words[0], "dagloop-ed25519-secret-1", where)
            self.assertEqual(len(base64.b64decode(words[1])), 32, where)
            self.assertEqual(trial.key_of("bob").stat().st_mode & 0o777, 0o600, where)
            # Whole, and so never overwritten.
            again = self.check_code(trial.run(command), 2)
            self.assertIn("bob.key", again.stderr, where)

        self.for_every_kill("new key", command, check)


@unittest.skipUnless(SHIM, "DAGLOOP_FAULT_SHIM is not set")
class KillDuringRecoveryTest(KillTestCase):
    """The tick that was to recover is killed as well, and a third one goes on."""

    def interrupted(self, command, wanted):
        """Leaves the workspace as `command` does when killed where `wanted(state, env)` holds."""
        for call in self.calls_of(command):
            with Trial(self.ws) as trial:
                trial.run(command, at=call.number, kind="kill_before")
                state = loop_oracle.Store(trial.state).state
                if state["intent"] and wanted(state["intent"], trial.env_file.read_text()):
                    self.ws.replace_by(trial)
                    return
        self.fail("no such point")

    def test_of_an_apply_before_the_env_file_was_written(self):
        self.ready_to_apply()
        command = self.tick_command(T0)
        self.interrupted(command, lambda intent, env: env == ENV_TEXT)
        self.check_every_kill("recovery, undoes an apply", command, NEW_TEXT, "applied", (0, 3))

    def test_of_an_apply_behind_it(self):
        self.ready_to_apply()
        command = self.tick_command(T0)
        self.interrupted(command, lambda intent, env: env == NEW_TEXT)
        self.check_every_kill("recovery, finishes an apply", command, NEW_TEXT, "applied", (3,))

    def test_of_a_rollback_whose_hook_had_failed(self):
        self.ready_to_apply(HOOK_THAT_REFUSES)
        command = self.tick_command(T0)
        self.interrupted(command,
                         lambda intent, env: intent["kind"] == "rollback" and env == NEW_TEXT)
        self.check_every_kill("recovery, carries out a rollback", command, ENV_TEXT,
                              "rolled_back", (0, 3))


if __name__ == "__main__":
    unittest.main()
