"""Runs a tool with faults, each in a copy of a workspace of its own.

tests/support/fault_shim.c says what faults there are and how its calls are counted.
"""

import concurrent.futures
import os
import pathlib
import shutil
import tempfile

from support import Workspace, run_tool

SHIM = os.environ.get("DAGLOOP_FAULT_SHIM", "")
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
        self.config.write_text(self.moved(original.config.read_text()))

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
        return list(pool.map(work, points[::EVERY]))
