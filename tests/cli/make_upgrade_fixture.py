"""Makes tests/golden/upgrade/: what the executables of a version leave behind for the next one.

usage: make_upgrade_fixture.py BIN_DIR OUT     (needs the command faketime: the clock stands still)

Run by hand, with the executables of the version that is kept; test_upgrade.py opens what it made.
"""

import datetime
import json
import os
import pathlib
import shutil
import subprocess
import sys

from support import ENV_TEXT, Log, hours, minutes

T0 = datetime.datetime(2026, 2, 25, tzinfo=datetime.timezone.utc)
SETTINGS = {
    "window": "1d",
    "input": {"sources": ["log.jsonl"], "rollup": "sqlite:state/rollup.db"},
    "decision": {"soak": "6h", "cooldown": "1d"},
    "policy": {"env_file": "service.env", "allowlist": "allowlist.json", "rules": "rules.json",
               "approvers": "approvers.json", "approvals_dir": "reports", "approval_ttl": "3650d"},
    "state": "sqlite:state/loop.db",
    "reports": {"dir": "reports", "formats": ["json"]},
}
RULES = {"schema": "dagloop.policy_rules/1", "rules": []}


class Story:
    """One service with its loop, in a folder whose paths are all relative."""

    def __init__(self, bin_dir, folder, source):
        self.bin, self.dir = bin_dir, folder
        folder.mkdir(parents=True)
        for name in ("state", "reports"):
            (folder / name).mkdir()
        (folder / "service.env").write_text(ENV_TEXT)
        (folder / "config.json").write_text(json.dumps(SETTINGS, indent=1))
        (folder / "rules.json").write_text(json.dumps(RULES))
        shutil.copy(source / "config/policy_allowlist.json", folder / "allowlist.json")
        self.log = Log(folder / "log.jsonl")
        self.log.runs(T0 - hours(48), hours(48), 240)

    def tool(self, at, name, *arguments, code=0):
        done = subprocess.run(["faketime", at.strftime("%Y-%m-%d %H:%M:%S"), self.bin / name,
                               *arguments], cwd=self.dir, capture_output=True, text=True,
                              env={**os.environ, "TZ": "UTC"}, check=False)
        if done.returncode != code:
            raise SystemExit("%s: %d\n%s%s" % (name, done.returncode, done.stdout, done.stderr))
        return done.stdout

    def make_key(self):
        entry = self.tool(T0, "approve_dag_policy", "--init-key", "--key", "alice.key", "--as", "alice")
        (self.dir / "approvers.json").write_text('{"approvers": [%s]}' % entry)

    def tick(self, at, code=0):
        self.tool(at, "dag_optimization_cycle", "--config", "config.json", "--apply", code=code)

    def approve(self, at):
        self.tool(at, "approve_dag_policy", "--config", "config.json", "--as", "alice", "--key",
                  "alice.key", "--yes", "--decision", "reports/dag_policy_decision_latest.json")

    def propose(self):
        self.make_key()
        self.tick(T0)
        self.approve(T0 + minutes(5))

    def apply(self):
        self.propose()
        self.tick(T0 + minutes(15))
        self.log.runs(T0 + minutes(20), hours(1), 30, cohort="canary")
        self.log.runs(T0 + minutes(20), hours(1), 90, cohort="control")
        self.tick(T0 + minutes(90))

    def finish(self):
        shutil.rmtree(self.dir / "reports" / "archive", ignore_errors=True)
        for name in ("alice.key", "state/loop.db.lock", "state/rollup.db-journal"):
            (self.dir / name).unlink(missing_ok=True)


def main(bin_dir, out, source):
    for name, steps in (("pending", [Story.propose]), ("verifying", [Story.apply])):
        story = Story(bin_dir, out / name, source)
        for step in steps:
            step(story)
        story.finish()


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve(),
         pathlib.Path(__file__).resolve().parents[2])
