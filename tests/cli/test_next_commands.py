"""Whoever types every next command as it is printed gets from the first look to a change in force."""

import datetime
import re
import shutil
import tempfile
import unittest

from situations import Story
from support import hours

FIRST_LOOK = "dag_optimization_cycle --config dagloop.json"
MOST_STEPS = 6


def printed_next(result):
    """Returns what a tool says to do next: the text and the command; None where it says nothing."""
    found = re.search(r"^next: (.*)\n  (.*)\n\Z", result.stdout, re.M)
    return found.groups() if found else None


class NextCommandsTest(unittest.TestCase):
    def setUp(self):
        directory = tempfile.mkdtemp(prefix="dl_")
        self.addCleanup(shutil.rmtree, directory)
        self.story = Story(directory)
        self.story.at_percent(0)
        # The commands name no time, so the log is one of the days before now.
        now = datetime.datetime.now(datetime.timezone.utc)
        self.story.log.runs(now - hours(48), hours(48), 960, failed=19)

    def run_command(self, command):
        command = command.replace("NAME", "alice").replace("--key FILE", "--key alice.key")
        if command.startswith("approve_dag_policy "):
            command += " --yes"  # there is no terminal that could answer
        result = self.story.call(command)
        self.assertEqual(result.code, 0, "%s\n%s" % (command, result))
        return result

    def percent(self):
        return re.search(r"^DAG_ROLLOUT_PERCENT=(\d+)$",
                         (self.story.dir / "service.env").read_text(), re.M)[1]

    def follow(self, command):
        """Runs what is printed, step by step, until the change is in force; returns the commands."""
        commands = []
        what = ""
        while self.percent() != "10":
            self.assertLess(len(commands), MOST_STEPS, commands)
            result = self.run_command(command)
            commands.append(command.split()[0] + (" --apply" if "--apply" in command else ""))
            found = printed_next(result)
            if found:
                what, command = found
            else:  # after an approval: what was said with its command comes next
                self.assertIn("the tick after that applies it", what)
                command = FIRST_LOOK + " --apply"
        return commands

    def test_from_a_dry_tick(self):
        self.assertEqual(self.follow(FIRST_LOOK),
                         ["dag_optimization_cycle", "dag_optimization_cycle --apply",
                          "approve_dag_policy", "dag_optimization_cycle --apply"])

    def test_from_a_report(self):
        self.run_command("eval_dag_quality --config dagloop.json")
        self.assertEqual(
            self.follow("decide_dag_policy --config dagloop.json "
                        "--report reports/dag_quality_latest.json"),
            ["decide_dag_policy", "apply_dag_policy --apply", "approve_dag_policy",
             "dag_optimization_cycle --apply"])


if __name__ == "__main__":
    unittest.main()
