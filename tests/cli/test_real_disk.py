"""The faults of test_faults.py for real: small file systems that are full or read-only, few descriptors.

Runs in a mount namespace of its own, as root or in a user namespace, so that nothing is left.
"""

import contextlib
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import unittest

import loop_oracle
from fault_trials import EVERY, NEW_TEXT, FaultTestCase, Trial, in_parallel
from support import BIN_DIR, ENV_TEXT, NO_LEAK_CHECK, T0, Result, clean_environment, hours
from way_back import WayBackTestCase

KIB = 1024
IN_NAMESPACE = "TEST_REAL_DISK_IN_NAMESPACE"  # set in the process that may mount


def enter_namespace():
    """Runs this module again where it may mount; returns where that is not possible."""
    for flags in (["-m"], ["-rm"]):
        command = ["unshare", *flags, "--"]
        if shutil.which("unshare") and subprocess.run(
                [*command, "mount", "-t", "tmpfs", "tmpfs", "/mnt"], check=False,
                stderr=subprocess.DEVNULL).returncode == 0:
            os.environ[IN_NAMESPACE] = "1"
            os.execvp("unshare", [*command, sys.executable, "-B", *sys.argv])


@contextlib.contextmanager
def small_disk(directory, options="size=24m"):
    """Puts what is in `directory` on a file system of its own."""
    directory.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="dls_") as aside:
        shutil.copytree(directory, aside, dirs_exist_ok=True)
        subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", directory], check=True)
        try:
            shutil.copytree(aside, directory, dirs_exist_ok=True)
            yield
        finally:
            subprocess.run(["umount", "-l", directory], check=True)


def fill(directory, free):
    """Fills the file system of `directory` but for `free` bytes; returns the file that does."""
    filler = directory / "filler"
    disk = os.statvfs(directory)
    with filler.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, max(1, disk.f_bavail * disk.f_frsize - free))
    return filler


@unittest.skipUnless(os.environ.get(IN_NAMESPACE), "needs root or user namespaces, to mount")
class RealDiskTest(FaultTestCase):
    def setUp(self):
        super().setUp()
        (self.ws.dir / "env").mkdir()
        self.ws.env_file = self.ws.env_file.rename(self.ws.dir / "env" / "service.env")
        self.ws.configure({"policy": {"env_file": "env/service.env"}})

    def trial(self):
        trial = Trial(self.ws)
        trial.env_file = trial.dir / "env" / "service.env"
        return trial

    def check_fault(self, trial, result, where):
        self.assertIn(result.code, range(8), "%s: %s" % (where, result))
        if result.code == 4:
            self.assertRegex(result.stderr, r"\w+: \w+: \S+: .+; .+")
        return self.check_whole(trial, (ENV_TEXT, NEW_TEXT), where)

    def check_steps(self, place, command, new, second_codes, seen):
        """Leaves more and more room in `place`, from none; frees the disk; lets `command` go on.

        Shape: `seen` are the exit codes that come up.
        """
        expected = self.undisturbed(command)

        def one(free):
            where = "%s with %d KiB free for %s" % (place, free / KIB, command[0])
            with self.trial() as trial, small_disk(trial.dir / place):
                filler = fill(trial.dir / place, free)
                result = trial.run(command)
                self.check_fault(trial, result, where)
                filler.unlink()
                second = trial.run(command)
                self.assertIn(second.code, second_codes, "%s: %s" % (where, second))
                store = self.check_whole(trial, (new,), where)
                self.assertIn(loop_oracle.outcome(store), expected, where)
                return result.code

        codes = in_parallel(one, [step * 4 * KIB for step in range(24)])
        self.assertEqual(set(codes), seen, "%s: %s" % (place, codes))

    def test_a_rollback_goes_on_without_room_for_reports(self):
        self.ready_to_roll_back()
        self.check_steps("reports", self.tick_command(T0 + hours(2)), ENV_TEXT, (3,), {7})

    def test_a_rollback_where_state_or_env_file_have_no_room(self):
        self.ready_to_roll_back()
        for place in ("state", "env"):
            self.check_steps(place, self.tick_command(T0 + hours(2)), ENV_TEXT, (7, 3), {4, 7})

    def test_a_rollback_where_everything_shares_a_full_disk(self):
        self.ready_to_roll_back()
        self.check_steps(".", self.tick_command(T0 + hours(2)), ENV_TEXT, (7, 3), {4, 7})

    def test_an_apply_by_hand_and_its_rollback(self):
        self.ready_to_apply()
        self.check_steps("state", self.apply_command(), NEW_TEXT, (0, 5), {0, 4})
        self.check_steps("env", self.apply_command(), NEW_TEXT, (0, 5), {0, 7})
        self.check_code(self.ws.tick(T0, "--apply"), 0)
        rollback = self.tool_command("apply_dag_policy", "--apply", "--rollback")
        self.check_steps("state", rollback, ENV_TEXT, (0, 5), {0, 4})
        self.check_steps("env", rollback, ENV_TEXT, (0, 5), {0, 4})

    def test_a_tick_that_applies_needs_room_everywhere(self):
        self.ready_to_apply()
        for place in ("state", "env", "reports"):
            self.check_steps(place, self.tick_command(T0), NEW_TEXT, (0,), {4})

    def test_a_disk_that_fills_up_while_the_service_reloads(self):
        self.ready_to_apply(["/bin/sh", "-c", "cat /dev/zero > state/filler; true"])
        command = self.tick_command(T0)
        with self.trial() as trial, small_disk(trial.dir / "state"):
            result = self.check_code(trial.run(command), 4)
            self.assertIn("free disk space", result.stderr)
            self.assertEqual(trial.env_file.read_text(), NEW_TEXT)
            (trial.dir / "state" / "filler").unlink()
            trial.config.write_text(trial.config.read_text().replace("cat /dev/zero", "true"))
            self.check_code(trial.run(command), 3)
            store = self.check_whole(trial, (NEW_TEXT,), "freed")
            self.assertEqual(store.state["phase"], "verifying")

    def test_a_disk_without_room_for_another_file(self):
        self.ready_to_roll_back()
        command = self.tick_command(T0 + hours(2))
        for place, code in (("reports", 7), ("state", 4), ("env", 4)):
            with self.trial() as trial, small_disk(trial.dir / place, "size=24m,nr_inodes=64"):
                number = 0
                with contextlib.suppress(OSError):
                    for number in range(64):
                        (trial.dir / place / ("f%d" % number)).touch()
                self.check_fault(trial, self.check_code(trial.run(command), code), place)
                for each in range(number):
                    (trial.dir / place / ("f%d" % each)).unlink()
                self.assertIn(trial.run(command).code, (7, 3))
                self.check_whole(trial, (ENV_TEXT,), place)

    def test_read_only_file_systems(self):
        self.ready_to_roll_back()
        command = self.tick_command(T0 + hours(2))
        for place, code in (("reports", 7), ("state", 4), ("env", 4)):
            with self.trial() as trial, small_disk(trial.dir / place):
                directory = trial.dir / place
                subprocess.run(["mount", "-o", "remount,ro", directory], check=True)
                result = self.check_code(trial.run(command), code)
                self.assertRegex(result.stderr, "[Rr]ead-?only")
                self.check_fault(trial, result, place)
                subprocess.run(["mount", "-o", "remount,rw", directory], check=True)
                self.assertIn(trial.run(command).code, (7, 3))
                self.check_whole(trial, (ENV_TEXT,), place)

    def test_few_descriptors(self):
        self.ready_to_roll_back()
        command = self.tick_command(T0 + hours(2))
        codes = []
        for limit in range(4 if EVERY == 1 else 9, 24):  # a sanitizer takes some for itself
            with self.trial() as trial:
                done = subprocess.run(
                    [str(BIN_DIR / command[0]), *[trial.moved(word) for word in command[1:]]],
                    cwd=trial.dir, env=clean_environment(NO_LEAK_CHECK), stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False,
                    preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit)))
                codes.append(done.returncode)
                self.check_fault(trial, Result(done), "%d descriptors" % limit)
                self.assertIn(trial.run(command).code, (7, 3))
                self.check_whole(trial, (ENV_TEXT,), "%d descriptors" % limit)
        if EVERY == 1:
            self.assertEqual(codes[0], 4)
        self.assertEqual(codes[-1], 7)


@unittest.skipUnless(os.environ.get(IN_NAMESPACE), "needs root or user namespaces, to mount")
class FullDiskWayBackTest(WayBackTestCase):
    def test_where_the_disk_of_reports_and_logs_is_full(self):
        @contextlib.contextmanager
        def full_disk(trial):
            with small_disk(trial.reports):
                fill(trial.reports, 0)
                yield

        self.check_ways_back("full disk", full_disk)


if __name__ == "__main__":
    if not os.environ.get(IN_NAMESPACE):
        enter_namespace()
    unittest.main()
