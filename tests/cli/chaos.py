"""Kills tools, or fails their calls, at the n-th system call from outside (strace --inject).

usage: chaos.py [--sample N] [--seed N]

Unlike test_kill.py and test_faults.py nothing is loaded into the tool, so that what it does without
the C library counts, too, and so do the calls that only read. After each fault the oracle
(loop_oracle.py, which has none of the product's code) looks at what is left; then the same command
runs again undisturbed. The table that is printed stands in docs/reliability.md.
"""

import argparse
import collections
import concurrent.futures
import json
import pathlib
import random
import shutil
import signal
import subprocess
import sys

import loop_oracle
from fault_trials import NEW_TEXT, FaultTestCase, Trial
from support import BIN_DIR, ENV_TEXT, NO_LEAK_CHECK, T0, clean_environment, hours

STRACE = shutil.which("strace")
WORKERS = 3
TIMEOUT_S = 60
MAX_RUNS = 3  # undisturbed ones after a fault

WRITES = ("write", "pwrite64", "fsync", "fdatasync", "ftruncate", "fallocate")
NAMES = ("rename", "renameat2", "unlink", "unlinkat", "mkdir", "fchmod", "fchown", "linkat")
READS = ("read", "pread64", "getdents64")
OPENS = ("openat",)
LOCKS = ("fcntl", "flock")
ERRORS = {**{name: ("ENOSPC", "EIO") for name in WRITES}, **{name: ("EACCES", "EROFS") for name in NAMES},
          **{name: ("EIO",) for name in READS}, **{name: ("EMFILE", "EACCES") for name in OPENS},
          **{name: ("ENOLCK",) for name in LOCKS}}
# What a command may end with once nothing disturbs it: done, hold, approval used up, rolled back.
CODES = (0, 3, 5, 7)


def can_inject():
    """Whether system calls can be failed here at all."""
    if not STRACE:
        return False
    tried = subprocess.run([STRACE, "-o", "/dev/null", "-e", "inject=getcwd:error=EIO", "true"],
                           check=False, capture_output=True)
    return tried.returncode == 0


class Point:
    """A fault: the n-th call of a name, and what befalls it."""

    def __init__(self, name, number, kind):
        self.name, self.number, self.kind = name, number, kind

    def inject(self):
        what = "signal=KILL" if self.kind == "kill" else "error=" + self.kind
        return "inject=%s:%s:when=%d" % (self.name, what, self.number)

    def __str__(self):
        return "%s at %s %d" % (self.kind, self.name, self.number)


def traced(trial, command, *rules):
    log = pathlib.Path(str(trial.dir) + ".trace")
    arguments = [STRACE, "-f", "-qq", "-s", "0", "-o", str(log)]
    for rule in rules:
        arguments += ["-e", rule]
    arguments += [str(BIN_DIR / command[0]), *[trial.moved(word) for word in command[1:]]]
    try:
        done = subprocess.run(arguments, cwd=trial.dir, env=clean_environment(NO_LEAK_CHECK),
                              capture_output=True, text=True, timeout=TIMEOUT_S, check=False,
                              stdin=subprocess.DEVNULL)
        return done, log.read_text()
    finally:
        log.unlink(missing_ok=True)


def points_of(original, command):
    """All faults of a command: as often as a process of it makes a call, in an undisturbed run."""
    with Trial(original) as trial:
        _, log = traced(trial, command, "trace=" + ",".join(ERRORS))
    calls = collections.Counter()
    for line in log.splitlines():
        process, _, rest = line.partition(" ")
        calls[process, rest.lstrip().split("(")[0]] += 1
    most = collections.Counter()
    for (_, name), count in calls.items():
        if name in ERRORS:
            most[name] = max(most[name], count)
    return [Point(name, number, kind) for name, count in sorted(most.items())
            for number in range(1, count + 1) for kind in ("kill",) + ERRORS[name]]


class Story:
    """A command in a workspace, and what must hold whenever it was disturbed."""

    def __init__(self, name, case, command, contents, completion):
        self.name, self.case, self.command = name, case, command
        self.contents, self.completion = contents, completion
        self.before = loop_oracle.Store(case.ws.state).count(completion) if completion else 0

    def try_point(self, point):
        """Returns whether the fault struck, and what is wrong afterwards (None: nothing)."""
        with Trial(self.case.ws) as trial:
            done, log = traced(trial, self.command, "trace=" + point.name, point.inject())
            killed = done.returncode in (-signal.SIGKILL, 128 + signal.SIGKILL)
            if not killed and "(INJECTED)" not in log:
                return False, None
            if point.kind != "kill" and done.returncode < 0:
                return True, "died of signal %d" % -done.returncode
            if done.returncode == 70:
                return True, "ended as a bug: " + done.stderr[-300:]
            return True, self.fault_of(trial)

    def fault_of(self, trial):
        if wrong := self.look(trial):
            return "right behind it: " + wrong
        for _ in range(MAX_RUNS):
            again = trial.run(self.command)
            if again.code not in CODES:
                return "the next run ends with %s" % again
            if wrong := self.look(trial):
                return "behind the next run: " + wrong
            if self.is_complete(trial):
                break
        else:
            return "not complete after %d runs more" % MAX_RUNS
        verified = trial.verify_journal()
        return None if verified.code == 0 else "the journal: %s" % verified

    def look(self, trial):
        """Env file whole, journal and state agree, no change without an approval, none lost."""
        store = loop_oracle.Store(trial.state)
        if wrong := loop_oracle.fault(trial, self.contents, store):
            return wrong
        signed = set()
        for path in trial.approvals.glob("dag_policy_approval*.json"):
            try:
                signed.add(json.loads(path.read_text())["decision_digest"])
            except ValueError:
                return "%s is cut" % path.name
        entries = [json.loads(entry) for entry in store.entries]
        for entry in entries:
            if entry["type"] == "apply_started" and entry["decision_digest"] not in signed:
                return "a change without an approval: %s" % entry["decision_digest"]
        lost = [path.name for path in self.case.ws.approvals.iterdir()
                if not (trial.approvals / path.name).exists()]
        return "an approval is lost: %s" % lost if lost else None

    def is_complete(self, trial):
        if self.completion is None:
            return trial.approval_file.exists()
        store = loop_oracle.Store(trial.state)
        # The fault may strike the reload hook: then the change is taken back, and that is its end.
        taken_back = store.count("hook_failed") > 0 and store.state["phase"] == "rolled_back"
        return store.count(self.completion) == self.before + 1 or taken_back


class Scenes(FaultTestCase):
    """Sets the stories up, each in a workspace of its own; not run as tests."""

    def runTest(self):
        pass

    def proposes(self):
        self.quiet_day()
        return Story("tick, proposes", self, self.tick_command(T0), (ENV_TEXT,), "proposed")

    def approves(self):
        self.quiet_day()
        self.check_tick(T0, 0)
        return Story("approval", self, self.approve_command(), (ENV_TEXT,), None)

    def applies(self):
        self.ready_to_apply()
        return Story("tick, applies", self, self.tick_command(T0), (ENV_TEXT, NEW_TEXT), "applied")

    def applies_by_hand(self):
        self.ready_to_apply()
        return Story("apply by hand", self, self.apply_command(), (ENV_TEXT, NEW_TEXT), "applied")

    def verifies(self):
        self.first_step()
        self.ws.log.runs(T0, hours(8), 160, cohort="canary")
        self.ws.log.runs(T0, hours(8), 160, cohort="control")
        return Story("tick, verifies", self, self.tick_command(T0 + hours(6)), (NEW_TEXT,), "verified")

    def rolls_back(self):
        self.ready_to_roll_back()
        return Story("tick, rolls back", self, self.tick_command(T0 + hours(2)),
                     (ENV_TEXT, NEW_TEXT), "rolled_back")

    def rolls_back_by_hand(self):
        self.first_step()
        return Story("rollback by hand", self,
                     self.tool_command("apply_dag_policy", "--apply", "--rollback"),
                     (ENV_TEXT, NEW_TEXT), "rolled_back")

    def interrupt(self, command):
        """Kills `command` here once it has begun its change."""
        last = None
        for point in points_of(self.ws, command):
            if point.kind != "kill" or point.name not in ("renameat2", "fsync", "fdatasync"):
                continue
            with Trial(self.ws) as trial:
                traced(trial, command, point.inject())
                state = loop_oracle.Store(trial.state).state
                if state and state["phase"] == "applying":
                    last = point
        self.assertIsNotNone(last, "no kill interrupts the change")
        with Trial(self.ws) as trial:
            traced(trial, command, last.inject())
            config = self.ws.config.read_text()
            shutil.copytree(trial.dir, self.ws.dir, dirs_exist_ok=True)
            self.ws.config.write_text(config)

    def recovers_an_apply(self):
        self.ready_to_apply()
        command = self.tick_command(T0)
        self.interrupt(command)
        return Story("recovery of an apply", self, command, (ENV_TEXT, NEW_TEXT), "applied")

    def recovers_a_rollback(self):
        self.ready_to_roll_back()
        command = self.tick_command(T0 + hours(2))
        self.interrupt(command)
        return Story("recovery of a rollback", self, command, (ENV_TEXT, NEW_TEXT), "rolled_back")


SCENES = ("proposes", "approves", "applies", "applies_by_hand", "verifies", "rolls_back",
          "rolls_back_by_hand", "recovers_an_apply", "recovers_a_rollback")


def run_scene(name, sample, source):
    """Tries the points of a scene; returns its row: title, kills, errors, and what was wrong."""
    case = Scenes()
    case.setUp()
    try:
        story = getattr(case, name)()
        points = points_of(case.ws, story.command)
        if sample:
            points = source.sample(points, min(sample, len(points)))
        with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
            results = list(pool.map(story.try_point, points))
    finally:
        case.doCleanups()
    struck = [point for point, (is_struck, _) in zip(points, results) if is_struck]
    wrong = ["%s, %s: %s" % (story.name, point, fault)
             for point, (_, fault) in zip(points, results) if fault]
    kills = sum(point.kind == "kill" for point in struck)
    return story.name, kills, len(struck) - kills, wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--sample", type=int, help="so many points a story, drawn by the seed")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    if not can_inject():
        sys.exit("chaos: system calls cannot be failed here; install strace, and allow ptrace")
    source = random.Random(arguments.seed)
    print("| story | kills | errors | found |\n| --- | ---: | ---: | ---: |")
    rows = []
    for name in SCENES:
        rows.append(run_scene(name, arguments.sample, source))
        title, kills, errors, wrong = rows[-1]
        print("| %s | %d | %d | %d |" % (title, kills, errors, len(wrong)), flush=True)
    print("| all | %d | %d | %d |" % tuple(
        sum(row[i] if i < 3 else len(row[i]) for row in rows) for i in (1, 2, 3)))
    for row in rows:
        for line in row[3]:
            print("chaos: " + line, file=sys.stderr)
    return 1 if any(row[3] for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
