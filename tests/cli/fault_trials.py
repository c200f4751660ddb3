"""Runs a tool with faults, each in a copy of a workspace of its own.

tests/support/fault_shim.c says what faults there are and how its calls are counted.
"""

import concurrent.futures
import json
import os
import pathlib
import shutil
import tempfile

import loop_oracle
from support import ENV_TEXT, LoopTestCase, Workspace, run_tool, stamp

SHIM = os.environ.get("DAGLOOP_FAULT_SHIM", "")
NEW_TEXT = ENV_TEXT.replace("'0'", "'10'")
EVERY = int(os.environ.get("DAGLOOP_FAULT_EVERY", "1"))  # 1: every point; more: for slow builds
WORKERS = 3  # each waits for its tool most of the time
FREE_BYTES = 64 << 20


def quick_directory():
    """Memory where there is enough of it: a trial syncs dozens of times."""
    memory = "/dev/shm"
    if os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > FREE_BYTES:
        return memory
    return None


class Call:
    """One call of a tool: its number, its name, what can befall it, and the file."""

    def __init__(self, line):
        number, self.name, kinds, self.path = line.split(" ", 3)
        self.number = int(number)
        self.kinds = kinds.strip(",").split(",")


class Trial(Workspace):
    """A copy of a workspace, for one run with a fault; paths in its configuration follow."""

    def __init__(self, original):
        super().__init__(tempfile.mkdtemp(prefix="dlk_", dir=quick_directory()))
        self.original = original
        shutil.copytree(original.dir, self.dir, dirs_exist_ok=True)
        self.settings = json.loads(self.moved(original.config.read_text()))
        self.configure({})

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        shutil.rmtree(self.dir)

    def moved(self, text):
        return str(text).replace(str(self.original.dir), str(self.dir))

    def run(self, command, **faults):
        """Runs a command of the original workspace here; faults are the shim's variables."""
        environment = {"ASAN_OPTIONS": "verify_asan_link_order=0"}
        if faults:
            environment.update({"LD_PRELOAD": SHIM, "FAULT_ROOT": str(self.dir)})
            environment.update({"FAULT_" + name.upper(): str(value)
                                for name, value in faults.items()})
        return run_tool(command[0], *[self.moved(word) for word in command[1:]], cwd=self.dir,
                        env=environment)

    def calls(self, command, **faults):
        """Runs a command undisturbed and returns its result and its calls."""
        log = pathlib.Path(str(self.dir) + ".calls")
        try:
            result = self.run(command, log=log, **faults)
            return result, [Call(line) for line in log.read_text().splitlines()]
        finally:
            log.unlink(missing_ok=True)

    def files(self):
        return sorted(str(path.relative_to(self.dir)) for path in self.dir.rglob("*"))


def in_parallel(work, points):
    """Does `work` for each of `points`; the first failure is raised."""
    with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
        # The first, one in the middle and the last in any case.
        every = min(EVERY, max(1, (len(points) - 1) // 2))
        return list(pool.map(work, points[::every]))


class FaultTestCase(LoopTestCase):
    """A test with a workspace whose trials are judged by loop_oracle."""

    def setUp(self):
        tempfile.tempdir = quick_directory()
        self.addCleanup(setattr, tempfile, "tempdir", None)
        super().setUp()
        # Relative: an intent names the env file, and trials happen in copies.
        self.ws.configure({"reports": {"formats": ["json"]}, "policy": {"env_file": "service.env"}})

    def tick_command(self, as_of):
        return self.tool_command("dag_optimization_cycle", "--apply", "--as-of", stamp(as_of))

    def tool_command(self, name, *arguments):
        return [name, "--config", self.ws.config, *arguments]

    def approve_command(self):
        return self.tool_command("approve_dag_policy", "--decision", self.ws.decision_file, "--as",
                                 "alice", "--key", self.ws.key_of("alice"), "--yes", "--out",
                                 self.ws.approvals)

    def apply_command(self):
        return self.tool_command("apply_dag_policy", "--apply", "--decision", self.ws.decision_file,
                                 "--approval", self.ws.approval_file)

    def check_whole(self, trial, contents, point):
        """Checks that the env file is one of `contents` and all else agrees; returns the store."""
        store = loop_oracle.Store(trial.state)
        fault = loop_oracle.fault(trial, contents, store)
        self.assertIsNone(fault, "%s: %s" % (point, fault))
        return store

    def calls_of(self, command, **faults):
        with Trial(self.ws) as trial:
            _, calls = trial.calls(command, **faults)
        self.assertGreater(len(calls), 2, "is the shim loaded?")
        return calls

    def undisturbed(self, command):
        """Returns the outcomes of `command` after one run and after two."""
        with Trial(self.ws) as trial:
            outcomes = []
            for _ in range(2):
                trial.run(command)
                outcomes.append(loop_oracle.outcome(loop_oracle.Store(trial.state)))
        return outcomes
