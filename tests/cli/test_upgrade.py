"""What earlier versions left behind opens: state, journal, rollup store, approval, a change under way.

tests/golden/upgrade/VERSION/STORY/ is made by make_upgrade_fixture.py with that version's executables.
"""

import functools
import json
import pathlib
import shutil
import tempfile
import unittest

from make_upgrade_fixture import T0
from support import SOURCE_DIR, Log, hours, minutes, run_tool, stamp

FIXTURES = SOURCE_DIR / "tests" / "golden" / "upgrade"
VERSIONS = sorted(path.name for path in FIXTURES.iterdir())
STORIES = ["pending", "verifying"]


def of_each_version(*names):
    """Runs a test with a copy of these stories of each version; a failure does not end it."""
    def decorate(test):
        @functools.wraps(test)
        def run(self):
            for version in VERSIONS:
                for name in names:
                    with self.subTest(version=version, story=name):
                        test(self, self.story(version, name))
        return run
    return decorate


class UpgradeTest(unittest.TestCase):
    def story(self, version, name):
        """Copies a story; what git does not keep of it (modes, empty folders) is as it was."""
        folder = pathlib.Path(tempfile.mkdtemp(prefix="dl_")) / name
        self.addCleanup(shutil.rmtree, folder.parent)
        shutil.copytree(FIXTURES / version / name, folder)
        (folder / "state" / "loop.db").chmod(0o600)
        # What no loader but a shell or a dotenv library reads as dagloop does: its `export`, its
        # comment behind a value. Who upgrades has to say so.
        config = json.loads((folder / "config.json").read_text())
        config["policy"]["loader"] = "shell"
        (folder / "config.json").write_text(json.dumps(config))
        return folder

    def tool(self, folder, name, *arguments, code=0):
        result = run_tool(name, "--config", "config.json", *arguments, cwd=folder)
        self.assertEqual(result.code, code, str(result))
        return result

    def tick(self, folder, at, code=0):
        return self.tool(folder, "dag_optimization_cycle", "--json", "--apply", "--as-of", stamp(at),
                         code=code).document()

    def percent(self, folder):
        (line,) = [each for each in (folder / "service.env").read_text().splitlines()
                   if each.startswith("DAG_ROLLOUT_PERCENT=")]
        return line.split("'")[1]

    def check_journal(self, folder):
        self.assertIn("journal intact: ", self.tool(folder, "apply_dag_policy",
                                                    "--verify-journal").stdout)

    def runs_after(self, folder, failed):
        log = Log(folder / "log.jsonl")
        log.next_id = 100_000
        log.runs(T0 + minutes(90), hours(6), 60, cohort="canary", failed=failed)
        log.runs(T0 + minutes(90), hours(6), 180, cohort="control")

    def test_every_version_has_every_story(self):
        self.assertGreaterEqual(len(VERSIONS), 2)
        for version in VERSIONS:
            self.assertEqual(sorted(path.name for path in (FIXTURES / version).iterdir()), STORIES)

    @of_each_version(*STORIES)
    def test_state_and_journal_are_read(self, folder):
        self.check_journal(folder)
        status = self.tool(folder, "apply_dag_policy", "--status").document()
        self.assertEqual(status["phase"], {"pending": "proposed"}.get(folder.name, folder.name))

    def approve(self, folder):
        arguments = ["--as", "alice", "--key", "alice.key"]
        made = run_tool("approve_dag_policy", "--init-key", *arguments, cwd=folder)
        (folder / "approvers.json").write_text('{"approvers": [%s]}' % made.stdout)
        self.tool(folder, "approve_dag_policy", *arguments, "--yes", "--decision",
                  "reports/dag_policy_decision_latest.json")

    @of_each_version("pending")
    def test_a_pending_decision_begins_anew_and_says_so(self, folder):
        earlier = self.tool(folder, "apply_dag_policy", "--status").document()["pending_decision"]
        told = self.tick(folder, T0 + minutes(30))
        self.assertEqual(told["phase"], "proposed", told)
        self.assertIn("proposal %s is withdrawn: an earlier version of dagloop made it, and its "
                      "digest no longer holds" % earlier[:12], told["notes"])
        self.assertEqual(self.percent(folder), "0")
        self.approve(folder)
        self.assertEqual(self.tick(folder, T0 + minutes(35))["phase"], "verifying")
        self.assertEqual(self.percent(folder), "10")
        self.check_journal(folder)

    @of_each_version("pending")
    def test_an_approved_decision_by_hand_is_refused_plainly(self, folder):
        done = self.tool(folder, "apply_dag_policy", "--decision",
                         "reports/dag_policy_decision_latest.json", "--approval",
                         "reports/dag_policy_approval_latest.json", "--apply", code=5)
        self.assertIn("an earlier version wrote it; decide again", done.stderr)
        self.assertEqual(self.percent(folder), "0")

    @of_each_version(*STORIES)
    def test_a_quality_report_is_read_and_promotes_nothing(self, folder):
        report = "reports/dag_quality_latest.json"
        for name in ("dag_quality_gate", "decide_dag_policy"):
            told = self.tool(folder, name, "--json", "--report", report, code=3).document()
            self.assertEqual(told["verdict"], "INSUFFICIENT")
            self.assertEqual([each["code"] for each in told["reasons"]],
                             ["report_of_earlier_version"])
            self.assertIn("evaluate the log again", told["reasons"][0]["text"])
        self.assertEqual((told["action"], told["patch"]), ("hold", {}))

    @of_each_version("verifying")
    def test_a_change_under_verification_goes_back_at_once(self, folder):
        self.runs_after(folder, failed=50)
        told = self.tick(folder, T0 + hours(8), code=7)
        self.assertEqual(told["phase"], "rolled_back", told)
        self.assertEqual(self.percent(folder), "0")
        self.check_journal(folder)

    @of_each_version("verifying")
    def test_a_change_under_verification_settles(self, folder):
        self.runs_after(folder, failed=0)
        self.assertEqual(self.tick(folder, T0 + hours(8))["phase"], "settled")
        self.check_journal(folder)

    @of_each_version("verifying")
    def test_the_way_back_by_hand_works_at_once(self, folder):
        self.tool(folder, "apply_dag_policy", "--rollback", "--apply")
        self.assertEqual(self.percent(folder), "0")
        self.check_journal(folder)

    @of_each_version("verifying")
    def test_a_rollup_store_gives_the_report_of_a_full_scan(self, folder):
        self.runs_after(folder, failed=3)
        reports = []
        for store in ("sqlite:state/rollup.db", "sqlite:state/new.db"):
            report = self.tool(folder, "eval_dag_quality", "--json", "--as-of",
                               stamp(T0 + hours(8)), "--rollup", store).document()
            report.pop("generated_at")
            reports.append(json.dumps(report, indent=1))
        self.assertEqual(*reports)


if __name__ == "__main__":
    unittest.main()
