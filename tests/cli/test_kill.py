"""Kills a tool at every operation that changes a file, and runs it again.

At every instant the env file is the old or the new one; after the second run env file and state are
those of a run that nobody disturbed, and the journal is intact.
"""

import os
import pathlib
import shutil
import signal
import tempfile
import unittest

from support import (ENV_TEXT, T0, LoopTestCase, Workspace, clean_environment, hours, run_tool,
                     stamp)

SHIM = os.environ.get("DAGLOOP_CRASH_SHIM", "")
MAX_OPERATIONS = 2000
# Set by the machine's clock where a person acts, so they differ from run to run.
CLOCK_FIELDS = ("in_force_since", "cooldown_until")


@unittest.skipUnless(SHIM, "DAGLOOP_CRASH_SHIM is not set")
class KillTest(LoopTestCase):
    def setUp(self):
        super().setUp()
        self.ws.configure({"reports": {"formats": ["json"]},
                           "policy": {"reload": ["/bin/sh", "-c", "true"]}})
        self.trial_dir = None

    def new_trial(self):
        """Copies the workspace and returns the copy; paths in its configuration follow."""
        if self.trial_dir:
            shutil.rmtree(self.trial_dir)
        self.trial_dir = pathlib.Path(tempfile.mkdtemp(prefix="dlk_"))
        self.addCleanup(shutil.rmtree, self.trial_dir, ignore_errors=True)
        shutil.copytree(self.ws.dir, self.trial_dir, dirs_exist_ok=True)
        trial = Workspace(self.trial_dir)
        text = trial.config.read_text().replace(str(self.ws.dir), str(self.trial_dir))
        trial.config.write_text(text)
        return trial

    def run_killed(self, trial, command, at, when):
        environment = {"LD_PRELOAD": SHIM, "CRASH_AT": str(at), "CRASH_WHEN": when,
                       "ASAN_OPTIONS": "verify_asan_link_order=0"}
        return run_tool(command[0], "--config", trial.config,
                        *[str(word).replace(str(self.ws.dir), str(trial.dir))
                          for word in command[1:]],
                        cwd=trial.dir, env=environment)

    def outcome(self, trial):
        status = trial.status()
        for field in CLOCK_FIELDS:
            status[field] = status[field] is not None
        if status["under_verification"]:
            del status["under_verification"]["applied_at"]
        return status

    def check_whole(self, trial, old, new, point):
        self.assertIn(trial.env_file.read_text(), (old, new), point)
        verified = trial.verify_journal()
        self.assertEqual(verified.code, 0, "%s: %s" % (point, verified))

    def check_every_kill(self, command, new, completion, second_codes):
        """Kills `command` at operation 1, 2, 3 ... until it completes undisturbed.

        Shape: `new` is the env file afterwards; `completion` the journal event that must have
               happened exactly once more; `second_codes` the exit codes that the second run may
               have.
        """
        old = self.ws.env_file.read_text()
        undisturbed = self.new_trial()
        completed_before = self.ws.events().count(completion)
        self.run_killed(undisturbed, command, 0, "before")
        expected = self.outcome(undisturbed)
        self.assertEqual(undisturbed.env_file.read_text(), new)
        for at in range(1, MAX_OPERATIONS):
            # Between two calls nothing reaches the disk, so "after n" is "before n + 1"; both are
            # tried on every seventh call to keep the interposer honest.
            for when in ("before", "after") if at % 7 == 0 else ("before",):
                point = "killed %s operation %d of %s" % (when, at, command[0])
                trial = self.new_trial()
                first = self.run_killed(trial, command, at, when)
                self.check_whole(trial, old, new, point)
                if first.code != -signal.SIGKILL:
                    self.assertEqual(self.outcome(trial), expected, point)
                    self.assertGreater(at, 20, "too few operations: is the shim loaded?")
                    return
                second = self.run_killed(trial, command, 0, "before")
                self.assertIn(second.code, second_codes, "%s: %s" % (point, second))
                self.check_whole(trial, new, new, point)
                self.assertEqual(self.outcome(trial), expected, point)
                self.assertEqual(trial.events().count(completion), completed_before + 1, point)
        self.fail("the tool never completed")

    def test_an_applying_tick(self):
        self.quiet_day()
        self.check_tick(T0, 0)
        self.check_code(self.ws.approve(), 0)
        # The second run finds the change in force already: too few runs since, so 3.
        self.check_every_kill(["dag_optimization_cycle", "--apply", "--as-of", stamp(T0)],
                              ENV_TEXT.replace("'0'", "'10'"), "applied", (0, 3))

    def test_an_automatic_rollback(self):
        self.first_step()
        self.ws.log.runs(T0, hours(2), 100, cohort="canary", failed=30)
        self.ws.log.runs(T0, hours(2), 100, cohort="control")
        self.check_every_kill(["dag_optimization_cycle", "--apply", "--as-of",
                               stamp(T0 + hours(2))], ENV_TEXT, "rolled_back", (7, 3))

    def test_an_apply_by_hand(self):
        self.quiet_day()
        self.check_code(self.ws.tick(T0), 0)
        self.check_code(self.ws.approve(), 0)
        # 5: the first run was complete but for its last words; the decision is used up.
        self.check_every_kill(["apply_dag_policy", "--apply", "--decision", self.ws.decision_file,
                               "--approval", self.ws.approval_file],
                              ENV_TEXT.replace("'0'", "'10'"), "applied", (0, 5))

    def test_a_rollback_by_hand(self):
        self.first_step()
        # 5: the first run was complete; nothing else was ever approved.
        self.check_every_kill(["apply_dag_policy", "--apply", "--rollback"], ENV_TEXT,
                              "rolled_back", (0, 5))

    def test_an_interrupted_rollback_by_hand_goes_one_step_down_and_no_further(self):
        self.first_step()
        self.ws.log.runs(T0, hours(20), 400, cohort="canary")
        self.ws.log.runs(T0, hours(20), 400, cohort="control")
        self.check_tick(T0 + hours(7), 0)
        self.promote(T0 + hours(7), 30)
        self.check_tick(T0 + hours(14), 0)
        command = ["apply_dag_policy", "--apply", "--rollback"]
        interrupted = 0
        for at in range(1, MAX_OPERATIONS):
            trial = self.new_trial()
            first = self.run_killed(trial, command, at, "before")
            if first.code != -signal.SIGKILL:
                break
            if trial.status()["phase"] != "applying":
                continue
            interrupted += 1
            self.check_code(self.run_killed(trial, command, 0, "before"), 0)
            self.assertEqual(trial.percent(), 10, "killed before operation %d" % at)
        self.assertGreater(interrupted, 3)


if __name__ == "__main__":
    unittest.main()
