"""No call that changes a file escapes tests/support/fault_shim.c: what strace sees, it counts."""

import pathlib
import shutil
import subprocess
import unittest

from fault_trials import SHIM, Trial
from support import BIN_DIR, NO_LEAK_CHECK, T0, LoopTestCase, clean_environment, hours, stamp

STRACE = shutil.which("strace")
CHANGES = ("write pwrite64 writev pwritev pwritev2 fsync fdatasync sync_file_range msync rename "
           "renameat renameat2 unlink unlinkat rmdir mkdir mkdirat ftruncate truncate fallocate "
           "fchmod chmod fchmodat fchown chown lchown fchownat link linkat symlink symlinkat "
           "copy_file_range sendfile splice creat mknod mknodat setxattr fsetxattr utimensat").split()


def can_trace():
    return STRACE and SHIM and subprocess.run([STRACE, "-o", "/dev/null", "true"], check=False,
                                              stderr=subprocess.DEVNULL).returncode == 0


@unittest.skipUnless(can_trace(), "needs strace, the right to use it, and DAGLOOP_FAULT_SHIM")
class ShimTest(LoopTestCase):
    def traced(self, trial, command):
        """Returns the calls that change a file of the trial, as strace saw them."""
        log = pathlib.Path(str(trial.dir) + ".trace")
        self.addCleanup(log.unlink, missing_ok=True)
        done = subprocess.run(
            [STRACE, "-f", "-y", "-s", "0", "-o", str(log), "-e",
             "trace=%s,open,openat,mmap" % ",".join(CHANGES), str(BIN_DIR / command[0]),
             *[trial.moved(word) for word in command[1:]]], cwd=trial.dir, env=clean_environment(NO_LEAK_CHECK),
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
        lines = [line.split(None, 1)[1] for line in log.read_text().splitlines()]
        # What a build that counts coverage writes at its end is none of the tool's.
        lines = [line for line in lines if str(trial.dir) in line and ".profraw" not in line]
        writable = [line for line in lines if "MAP_SHARED" in line and "PROT_WRITE" in line]
        self.assertEqual(writable, [], "files are written through memory, which nothing can strike")
        return done.returncode, [
            line for line in lines if line.split("(")[0] in CHANGES or "O_CREAT" in line]

    def check_nothing_escapes(self, command):
        with Trial(self.ws) as trial:
            result, counted = trial.calls(command)
        with Trial(self.ws) as trial:
            code, seen = self.traced(trial, command)
        self.assertEqual(code, result.code, result)
        self.assertGreater(len(counted), 4, "is the shim loaded?")
        self.assertEqual([call.name.replace("64", "") for call in counted if "open" not in call.name],
                         [line.split("(")[0].replace("64", "") for line in seen
                          if not line.startswith("open")])
        self.assertEqual(len(counted), len(seen))

    def test_of_ticks(self):
        self.ready_to_apply()
        self.check_nothing_escapes(["dag_optimization_cycle", "--config", self.ws.config, "--apply",
                                    "--as-of", stamp(T0)])
        self.check_tick(T0, 0)
        self.ws.log.runs(T0, hours(2), 100, cohort="canary", failed=30)
        self.ws.log.runs(T0, hours(2), 100, cohort="control")
        self.check_nothing_escapes(["dag_optimization_cycle", "--config", self.ws.config, "--apply",
                                    "--as-of", stamp(T0 + hours(2))])

    def test_of_what_people_do(self):
        self.check_nothing_escapes(["approve_dag_policy", "--init-key", "--key",
                                    self.ws.key_of("bob"), "--as", "bob"])
        self.ready_to_apply()
        self.check_nothing_escapes(
            ["approve_dag_policy", "--config", self.ws.config, "--decision", self.ws.decision_file,
             "--as", "alice", "--key", self.ws.key_of("alice"), "--yes", "--out",
             self.ws.dir / "more"])
        self.check_nothing_escapes(
            ["apply_dag_policy", "--config", self.ws.config, "--apply", "--decision",
             self.ws.decision_file, "--approval", self.ws.approval_file])
        self.check_tick(T0, 0)
        self.check_nothing_escapes(["apply_dag_policy", "--config", self.ws.config, "--apply",
                                    "--rollback"])


if __name__ == "__main__":
    unittest.main()
