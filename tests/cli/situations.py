"""The situations that an operator meets, each played from a log, an env file and some ticks.

A situation is a function of a Story: it writes what the service's instances would have logged and
runs the executables as an operator would. What the last commands print is its text.
"""

import datetime
import json
import os
import pathlib
import re

from support import (SOURCE_DIR, Log, hours, lay_over, minutes, run_tool, stamp,
                     write_shipped_allowlist)

DAY = datetime.datetime(2026, 2, 24, tzinfo=datetime.timezone.utc)  # when the policy is first seen
CYCLE = "dag_optimization_cycle --config dagloop.json --as-of %s --apply"
APPROVE = ("approve_dag_policy --config dagloop.json --decision "
           "reports/dag_policy_decision_latest.json --as alice --key alice.key --out approvals --yes")
RFC_3339 = re.compile(r"\b(\d{4}-\d\d)-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
LONG_AGO = "2026-02"  # the months of the log; all other times are of the machine's clock
MASKS = [(re.compile(r"\b[0-9a-f]{64}\b"), "<digest>"), (re.compile(r"\b[0-9a-f]{12}\b"), "<digest>"),
         (re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d UTC"), None), (re.compile(r"\d+ s after"), "<n> s after"),
         (re.compile(r"looked for in [^)]*"), "looked for in <directory>")]


def masked(text):
    """Masks digests and what the machine's clock says."""
    text = RFC_3339.sub(lambda m: m[0] if m[1] == LONG_AGO else "<time>", text)
    for pattern, word in MASKS:
        text = pattern.sub(word if word else
                           lambda m: m[0] if m[0].startswith(LONG_AGO) else "<time>", text)
    return text


class Story:
    """One service in a directory, and what is seen of it on the terminal."""

    def __init__(self, directory):
        self.dir = pathlib.Path(directory)
        self.log = Log(self.dir / "logs" / "runs.jsonl")
        self.shown = []
        self.settings = {
            "input": {"sources": ["logs/runs.jsonl"]},
            "policy": {"env_file": "service.env", "allowlist": "allowlist.json",
                       "rules": "rules.json", "approvers": "approvers.json",
                       "approvals_dir": "approvals"},
            "state": "sqlite:state/loop.db",
        }
        for folder in ("approvals", "reports", "state"):
            (self.dir / folder).mkdir()
        write_shipped_allowlist(self.dir / "allowlist.json")
        self.rules([])
        self.configure({})
        entry = self.call("approve_dag_policy --init-key --key alice.key --as alice").document()
        self.write("approvers.json", {"approvers": [entry]})

    def write(self, name, document):
        (self.dir / name).write_text(json.dumps(document, indent=2) + "\n")

    def rules(self, rules):
        self.write("rules.json", {"schema": "dagloop.policy_rules/1", "rules": rules})

    def configure(self, overrides):
        lay_over(self.settings, overrides)
        self.write("dagloop.json", self.settings)

    def at_percent(self, percent):
        """The env file, before the loop has ever seen it."""
        text = "DAG_ROLLOUT_PERCENT=%d\nDAG_NODE_TIMEOUT_MS=30000\nDAG_NODE_MAX_ATTEMPTS=2\n"
        (self.dir / "service.env").write_text(text % percent)

    def runs(self, start, end, count, **shape):
        """`count` runs of `users` users, evenly between two hours of the story."""
        self.log.runs(DAY + hours(start), hours(end - start), count, **shape)

    def both(self, start, end, canary, control, canary_failed=0, control_failed=0, **shape):
        self.runs(start, end, canary, cohort="canary", failed=canary_failed, **shape)
        self.runs(start, end, control, cohort="control", failed=control_failed, **shape)

    def call(self, command):
        name, *arguments = command.split()
        return run_tool(name, *arguments, cwd=self.dir)

    def tick(self, hour):
        """A tick that nobody looks at."""
        return self.call(CYCLE % stamp(DAY + hours(hour)).replace(".000Z", "Z"))

    def ticks(self, first, last, step=1):
        for i in range(int((last - first) / step) + 1):
            self.tick(first + i * step)

    def approve(self):
        return self.call(APPROVE)

    def show(self, command):
        """A command that the operator looks at: its whole text and its exit code."""
        result = self.call(command)
        text = "$ " + command + "\n" + result.stdout
        if result.stderr:
            text += "--- standard error\n" + result.stderr
        self.shown.append(text + "--- exit %d\n" % result.code)
        return result

    def show_tick(self, hour):
        return self.show(CYCLE % stamp(DAY + hours(hour)).replace(".000Z", "Z"))

    def whole_page(self):
        return masked((self.dir / "reports" / "dag_quality_latest.md").read_text())

    def page(self):
        """What comes first in the Markdown report: all up to the first table."""
        text = self.whole_page()
        head = text[:text.find("\n|")] if "\n|" in text else text
        return "--- reports/dag_quality_latest.md\n" + head[:head.rfind("\n## ")] + "\n"

    def text(self):
        return masked("\n".join(self.shown) + self.page())


def a_week_of_control(story):
    """Quiet runs without cohorts before the story begins."""
    story.runs(-48, 0, 960, failed=19)


def at_ten_percent(story):
    """A person has approved the step from 0 to 10 %, and it is in force since the day began."""
    a_week_of_control(story)
    story.at_percent(0)
    story.tick(-1)
    story.approve()
    story.tick(0)


def show_after_eight_hours(story):
    story.ticks(1, 7, 3)
    story.show_tick(8)


def eight_hours(story, canary, control, canary_failed, control_failed):
    """The first eight hours at 10 %, with so many runs on both sides."""
    at_ten_percent(story)
    story.both(0, 8, canary, control, canary_failed, control_failed)
    show_after_eight_hours(story)


def at_the_top(story):
    """The rollout was at 100 % when the loop first saw it."""
    a_week_of_control(story)
    story.at_percent(100)
    story.tick(0)


def first_look(story):
    a_week_of_control(story)
    story.at_percent(0)
    story.show("dag_optimization_cycle --config dagloop.json --as-of 2026-02-24T00:00:00Z")


def promote(story):
    eight_hours(story, 200, 1800, 4, 36)


def soaks(story):
    at_ten_percent(story)
    story.both(0, 3, 75, 675, 1, 13)
    story.ticks(1, 2)
    story.show_tick(3)


def too_few_runs(story):
    eight_hours(story, 8, 72, 0, 1)


def evidence_not_enough_yet(story):
    eight_hours(story, 32, 300, 3, 8)


def gate_fails(story):
    at_ten_percent(story)
    story.both(0, 7, 175, 1575, 4, 32)
    story.both(7, 12, 125, 1125, 40, 360)
    story.ticks(1, 11, 5)
    story.show_tick(12)


def gate_warns(story):
    at_ten_percent(story)
    story.both(0, 8, 200, 1800, 4, 36, retried=60)
    story.runs(0, 8, 800, cohort="control", retried=400)
    show_after_eight_hours(story)


def trigger_unconfirmed(story):
    eight_hours(story, 40, 360, 6, 7)


def burning(story):
    at_ten_percent(story)
    story.both(0, 3, 75, 675, 1, 13)
    story.both(3, 8, 125, 1125, 60, 22)
    story.ticks(1, 3)


def trigger_fires(story):
    burning(story)
    story.show("dag_optimization_cycle --config dagloop.json --as-of 2026-02-24T05:00:00Z")
    story.show_tick(5)


def after_a_rollback(story):
    burning(story)
    story.tick(5)
    story.show_tick(6)


def cooldown(story):
    burning(story)
    story.tick(5)
    story.runs(8, 20, 960, failed=19)
    story.show_tick(20)


def once_excluded(story):
    burning(story)
    story.tick(5)
    story.runs(8, 40, 1280, failed=25)
    story.tick(20)
    story.show_tick(40)


def stale_data(story):
    at_ten_percent(story)
    story.both(0, 4, 100, 900, 2, 18)
    story.ticks(1, 4)
    story.show_tick(12)


def malformed(story):
    at_ten_percent(story)
    story.both(0, 8, 200, 1800, 4, 36)
    for i in range(60):
        story.log.lines('{"pipeline_run_id": "bad-%d", "created_at": "%s", "status": 7}'
                        % (i, stamp(DAY + hours(7) + minutes(i))))
    story.show_tick(8)


def no_cohorts(story):
    at_ten_percent(story)
    story.runs(0, 8, 2000, failed=40)
    show_after_eight_hours(story)


def canary_missing(story):
    at_ten_percent(story)
    story.both(0, 2, 2, 450, 0, 9)
    story.tick(1)
    story.show_tick(2)


def dead_canary(story):
    at_ten_percent(story)
    story.both(0, 12, 300, 2700, 6, 54)
    story.runs(12, 16, 900, cohort="control", failed=18)
    story.ticks(1, 13, 4)
    story.show_tick(16)


def one_user(story):
    at_ten_percent(story)
    for i in range(200):
        at = 8 * i / 200
        story.runs(at, at + 0.01, 1, cohort="canary", fields={"user_id": "user-%d" % i})
    story.runs(6, 7.5, 60, cohort="canary", failed=60, fields={"user_id": "user-retries"})
    for i in range(1800):
        at = 8 * i / 1800
        story.runs(at, at + 0.01, 1, cohort="control", failed=1 if i % 50 == 7 else 0,
                   fields={"user_id": "other-%d" % i})
    show_after_eight_hours(story)


def proposed(story):
    promote(story)
    story.shown.clear()


def waits_for_approval(story):
    proposed(story)
    story.both(8, 9, 25, 225, 0, 4)
    story.show_tick(9)


def approvers_view(story):
    waits_for_approval(story)
    story.shown.clear()
    story.show(APPROVE)


def approved_and_applied(story):
    proposed(story)
    story.approve()
    story.show_tick(8.25)


def under_verification(story):
    approved_and_applied(story)
    story.shown.clear()
    story.both(8.25, 10, 130, 306, 3, 6)
    story.show_tick(10)


def verification_settled(story):
    approved_and_applied(story)
    story.shown.clear()
    story.both(8.25, 16, 580, 1350, 12, 27)
    story.ticks(9, 13, 4)
    story.show_tick(15)


def verification_missed(story):
    approved_and_applied(story)
    story.shown.clear()
    story.both(8.25, 12, 290, 675, 120, 270)
    story.show_tick(11)


def verification_overdue(story):
    approved_and_applied(story)
    story.shown.clear()
    story.both(8.25, 84, 10, 22, 0, 0)
    story.show_tick(84)


def interrupted(story):
    hook = "test -e state/killed || { touch state/killed; kill -9 $PPID; }"
    story.configure({"policy": {"reload": ["/bin/sh", "-c", hook]}})
    a_week_of_control(story)
    story.at_percent(0)
    story.tick(-1)
    story.approve()
    story.tick(0)
    story.both(0, 1, 25, 225, 0, 4)
    story.show("dag_optimization_cycle --config dagloop.json --as-of 2026-02-24T01:00:00Z")
    story.show_tick(1)


def ladder_complete(story):
    at_the_top(story)
    story.runs(0, 8, 2000, failed=40)
    show_after_eight_hours(story)


def flaky_runs(story, start, end, count):
    """Of every ten runs three have a failed attempt; a second one saves two of these."""
    for i in range(count):
        at = stamp(DAY + hours(start) + hours(end - start) * i / count)
        attempts = {0: ["failed", "succeeded"], 3: ["failed", "failed"], 6: ["failed", "succeeded"]}
        played = attempts.get(i % 10, ["succeeded"])
        common = {"pipeline_run_id": "flaky-%06d" % i, "execution_mode": "dag", "created_at": at}
        for number, status in enumerate(played, 1):
            story.log.lines({**common, "attempt": number, "status": status, "node_id": "n1",
                             "node_type": "skill", "duration_ms": 500})
        run = {**common, "request_id": "req-flaky-%06d" % i, "status": played[-1],
               "user_id": "user-%d" % i, "duration_ms": 1000}
        story.log.lines(run if played[-1] == "succeeded" else {**run, "error_code": "TOOL_ERROR"})


def recommendation(story):
    story.rules(json.loads((SOURCE_DIR / "config" / "policy_rules.json").read_text())["rules"])
    story.at_percent(100)
    flaky_runs(story, -48, 8, 2400)
    story.tick(6)
    story.show_tick(8)
    story.show(APPROVE)


def slower_canary(story):
    at_ten_percent(story)
    story.runs(0, 8, 200, cohort="canary", failed=4, duration_ms=1450)
    story.runs(0, 8, 1800, cohort="control", failed=36, duration_ms=1000)
    show_after_eight_hours(story)


def slow_decline(story):
    """A point more of the runs fails every day, which no day shows against the one before."""
    story.runs(-288, -240, 4000, failed=80)
    story.at_percent(100)
    story.tick(-240)
    for day in range(8):
        begin = -240 + 24 * day
        story.runs(begin, begin + 24, 2000, failed=40 + 20 * day)
        story.ticks(begin + 8, begin + 16, 8)
        (story.show_tick if day == 7 else story.tick)(begin + 24)


def no_approvers(story):
    proposed(story)
    os.remove(story.dir / "approvers.json")
    story.show_tick(9)


SITUATIONS = [
    first_look, promote, soaks, too_few_runs, evidence_not_enough_yet, gate_fails, gate_warns,
    trigger_unconfirmed, trigger_fires, after_a_rollback, cooldown, once_excluded, stale_data,
    malformed, no_cohorts, canary_missing, dead_canary, one_user, waits_for_approval,
    approvers_view, approved_and_applied, under_verification, verification_settled,
    verification_missed, verification_overdue, interrupted, ladder_complete, recommendation,
    slower_canary, slow_decline, no_approvers,
]
