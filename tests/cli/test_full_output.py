"""A standard output that is full: what was done before is said on standard error."""

import subprocess
import unittest

from support import BIN_DIR, T0, LoopTestCase, clean_environment, stamp


class FullOutputTest(LoopTestCase):
    def run_full(self, name, *arguments):
        """Returns what is said on standard error; the exit code tells of the output."""
        with open("/dev/full", "wb") as full:
            done = subprocess.run(
                [BIN_DIR / name, "--config", self.ws.config, *map(str, arguments)],
                cwd=self.ws.dir, env=clean_environment(), stdin=subprocess.DEVNULL, stdout=full,
                stderr=subprocess.PIPE, text=True, timeout=60, check=False)
        self.assertEqual(done.returncode, 4, done.stderr)
        self.assertIn("standard output: cannot be written", done.stderr)
        return done.stderr

    def test_after_a_change_by_hand_and_the_way_back(self):
        self.ready_to_apply()
        said = self.run_full("apply_dag_policy", "--decision", self.ws.decision_file, "--approval",
                             self.ws.approval_file, "--apply")
        self.assertEqual(self.ws.percent(), 10)
        self.assertIn("the change was made; applied", said)
        said = self.run_full("apply_dag_policy", "--rollback", "--apply")
        self.assertEqual(self.ws.percent(), 0)
        self.assertIn("the change was made; rolled back", said)

    def test_a_dry_run_claims_nothing(self):
        self.ready_to_apply()
        said = self.run_full("apply_dag_policy", "--decision", self.ws.decision_file, "--approval",
                             self.ws.approval_file)
        self.assertEqual(self.ws.percent(), 0)
        self.assertNotIn("the change was made", said)

    def test_after_a_tick_that_applied(self):
        self.ready_to_apply()
        said = self.run_full("dag_optimization_cycle", "--as-of", stamp(T0), "--apply")
        self.assertEqual(self.ws.percent(), 10)
        self.assertIn("the tick is done (verifying, exit code 0)", said)
        self.assertIn("its report is in", said)

    def test_after_an_approval_a_key_and_a_head(self):
        self.quiet_day()
        self.check_tick(T0, 0)
        said = self.run_full("approve_dag_policy", "--decision", self.ws.decision_file, "--as",
                             "alice", "--key", self.ws.key_of("alice"), "--yes", "--out",
                             self.ws.approvals)
        self.assertTrue(self.ws.approval_file.exists())
        self.assertIn("the approval is in", said)
        said = self.run_full("approve_dag_policy", "--init-key", "--key", self.ws.key_of("bob"),
                             "--as", "bob")
        self.assertTrue(self.ws.key_of("bob").exists())
        self.assertIn("holds the new private key", said)
        head = self.ws.dir / "head"
        said = self.run_full("apply_dag_policy", "--verify-journal", "--head-file", head)
        self.assertTrue(head.exists())
        self.assertIn("has the present head", said)

    def test_after_reports(self):
        self.quiet_day()
        for name in ("eval_dag_quality", "dag_quality_gate"):
            self.assertIn("is in " + str(self.ws.reports),
                          self.run_full(name, "--as-of", stamp(T0)))
        self.assertIn("the decision is in",
                      self.run_full("decide_dag_policy", "--report",
                                    self.ws.reports / "dag_quality_latest.json"))


if __name__ == "__main__":
    unittest.main()
