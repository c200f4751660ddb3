"""install_packages.sh with an apt-get of the test's own: what it asks for, and how it waits."""

import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

from support import SOURCE_DIR

# Fails with the n-th line of the file `faults` at its n-th call, and does nothing once they are used up.
APT_GET = """#!/bin/sh
echo "$@" >> "{dir}/calls"
fault=$(sed -n "$(wc -l < "{dir}/calls")p" "{dir}/faults")
[ -z "$fault" ] && exit 0
echo "$fault" >&2
exit 100
"""
LISTS = "E: Could not get lock /var/lib/apt/lists/lock. It is held by process 7 (apt-get)\n"
DPKG = "E: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 7 (apt)\n"


class InstallPackagesTest(unittest.TestCase):
    def setUp(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="dl_"))
        self.addCleanup(shutil.rmtree, self.dir)
        self.fake("apt-get", APT_GET.format(dir=self.dir))
        self.fake("sudo", "#!/bin/sh\nexec \"$@\"\n")
        self.fake("dpkg-query", "#!/bin/sh\nexit 1\n")  # nothing is installed

    def fake(self, name, text):
        path = self.dir / name
        path.write_text(text)
        path.chmod(0o755)

    def install(self, faults, wait_s=60):
        """Runs the script where apt-get fails so, call by call; returns what became of it."""
        (self.dir / "faults").write_text(faults)
        environment = {**os.environ, "PATH": "%s:%s" % (self.dir, os.environ["PATH"]),
                       "DAGLOOP_APT_WAIT_S": str(wait_s), "DAGLOOP_APT_RETRY_S": "0"}
        return subprocess.run([SOURCE_DIR / "scripts" / "install_packages.sh", "test"],
                              env=environment, capture_output=True, text=True, timeout=60,
                              check=False)

    def calls(self):
        path = self.dir / "calls"
        words = path.read_text().splitlines() if path.exists() else []
        return ["update" if "update" in each.split() else "install" for each in words]

    def check(self, result, code, *words):
        self.assertEqual(result.returncode, code, result)
        for word in words:
            self.assertIn(word, result.stderr)

    def test_what_apt_warns_of_is_shown_but_not_that_apt_utils_is_missing(self):
        self.fake("apt-get", "#!/bin/sh\necho 'W: old lists' >&2\n"
                  "echo 'debconf: delaying package configuration, since apt-utils is not installed' >&2\n")
        self.assertEqual(self.install("").stderr, 2 * "W: old lists\n")

    def test_asks_for_what_is_missing_once(self):
        result = self.install("")
        self.check(result, 0)
        self.assertEqual(result.stderr, "")
        self.assertEqual(self.calls(), ["update", "install"])
        self.assertIn("DPkg::Lock::Timeout=0", (self.dir / "calls").read_text())

    def test_does_nothing_where_all_is_there(self):
        self.fake("dpkg-query", "#!/bin/sh\necho 'install ok installed'\n")
        self.check(self.install(""), 0)
        self.assertEqual(self.calls(), [])

    def test_waits_for_another_apt_and_says_so_once(self):
        result = self.install(LISTS + LISTS + "\n" + DPKG + DPKG)
        self.check(result, 0, "another apt holds the lock; waiting")
        self.assertEqual(self.calls(), 3 * ["update"] + 3 * ["install"])
        self.assertEqual(result.stderr.count("waiting"), 2, "once for each of the two")

    def test_gives_up_when_the_lock_is_held_for_too_long(self):
        result = self.install(9 * LISTS, wait_s=0)
        self.check(result, 4, "another apt still holds the lock after 0 s", "lists/lock")
        self.assertEqual(self.calls(), ["update"])

    def test_does_not_wait_where_a_lock_cannot_be_made(self):
        result = self.install("E: Unable to lock directory /var/lib/apt/lists/: Read-only file system\n")
        self.check(result, 4, "Read-only file system")
        self.assertEqual(self.calls(), ["update"])

    def test_does_not_wait_where_anything_else_is_wrong(self):
        result = self.install("\nE: Unable to locate package clickhouse-server\n")
        self.check(result, 4, "Unable to locate package", "apt-get install failed")
        self.assertEqual(self.calls(), ["update", "install"])


if __name__ == "__main__":
    unittest.main()
