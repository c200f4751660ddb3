"""The reload hook: what it gets to see of us, and what becomes of a change whose hook goes wrong."""

import json
import os
import signal
import subprocess
import time
import unittest

from support import BIN_DIR, ENV_TEXT, T0, LoopTestCase, clean_environment, stamp

TELLTALE = """\
#!/bin/sh
# Writes what it sees beside itself; the last run counts.
directory=$(dirname "$0")
{
  for argument in "$@"; do printf 'argument:%s\\n' "$argument"; done
  for file in /proc/$$/fd/*; do printf 'open:%s\\n' "$(readlink "$file")"; done
  while read -r name mask; do  # without a child, for which the shell blocks signals
    case $name in SigBlk:|SigIgn:) printf '%s%s\\n' "$name" "$mask" ;; esac
  done </proc/self/status
  printf 'directory:%s\\n' "$(pwd -P)"
  tr '\\0' '\\n' </proc/$$/environ | sed 's/^/variable:/'
} >"$directory/seen"
"""


class ReloadHookTestCase(LoopTestCase):
    def setUp(self):
        super().setUp()
        self.quiet_day()

    def hook(self, script, *arguments, **policy):
        path = self.ws.dir / "hook of $(touch CANARY)"
        path.write_text(script)
        path.chmod(0o755)
        self.ws.configure({"policy": {"reload": [str(path), *arguments], **policy}})

    def propose(self):
        self.check_tick(T0, 0)
        self.check_code(self.ws.approve(), 0)


class SeenTest(ReloadHookTestCase):
    ARGUMENTS = ("two words", "$(touch CANARY)", "`touch CANARY`", "; touch CANARY", "*", "", "é")

    def apply_with(self, **options):
        """Applies as a process that ignores signals and leaves a file open would have it done."""
        leak = os.open(self.ws.log.path, os.O_RDONLY)
        command = [str(BIN_DIR / "dag_optimization_cycle"), "--config", str(self.ws.config),
                   "--as-of", stamp(T0), "--apply"]
        try:
            return subprocess.run(
                command, cwd=self.ws.dir, pass_fds=[leak], stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60, check=False,
                preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN), **options)
        finally:
            os.close(leak)

    def test_nothing_of_ours_reaches_the_hook(self):
        self.hook(TELLTALE, *self.ARGUMENTS)
        self.propose()
        environment = clean_environment({"PGPASSWORD": "hunter2", "API_TOKEN": "hunter2",
                                         "ENV": str(self.ws.env_file), "LANG": "C"})
        result = self.apply_with(env=environment)
        self.assertEqual(result.returncode, 0, result.stderr)
        seen = (self.ws.dir / "seen").read_text().splitlines()
        told = {}
        for line in seen:
            kind, _, value = line.partition(":")
            told.setdefault(kind, []).append(value)
        self.assertEqual(told["argument"], list(self.ARGUMENTS))
        self.assertEqual(told["directory"], [os.path.realpath(self.ws.dir)])
        names = {entry.split("=")[0] for entry in told["variable"]}
        self.assertLessEqual(names, {"PATH", "HOME", "LANG"})
        self.assertEqual(set(told["SigBlk"] + told["SigIgn"]), {16 * "0"})
        # Neither state nor lock nor the file that we inherited; the shell's own script and output.
        for opened in told["open"]:
            for ours in (str(self.ws.state), str(self.ws.log.path), "lock", "socket:"):
                self.assertNotIn(ours, opened)
        self.assertFalse((self.ws.dir / "CANARY").exists())


class WrongTest(ReloadHookTestCase):
    def check_taken_back(self, script, **policy):
        self.hook("#!/bin/sh\n" + script, reload_timeout="400ms", **policy)
        self.propose()
        started = time.monotonic()
        result = self.check_code(self.ws.tick(T0, "--apply"), 7)
        self.assertLess(time.monotonic() - started, 30)
        self.assertEqual(self.ws.env_file.read_text(), ENV_TEXT)
        events = self.ws.events()
        self.assertIn("hook_failed", events)
        self.assertIn("rolled_back", events)
        self.assertNotIn("applied", events)
        self.check_code(self.ws.verify_journal(), 0)
        why = [event["why"] for event in self.ws.journal() if event["type"] == "hook_failed"]
        return result, why[0]

    def test_a_hook_that_ignores_being_asked_to_end(self):
        _, why = self.check_taken_back("trap '' TERM INT HUP; while :; do sleep 0.05; done\n")
        self.assertIn("timed out", why)

    def test_a_hook_that_writes_without_end(self):
        _, why = self.check_taken_back("exec yes 'all of it'\n")
        self.assertIn("timed out", why)
        self.assertLess(len(why), 1000)

    def test_a_hook_that_closes_its_output_and_goes_on(self):
        _, why = self.check_taken_back("exec >&- 2>&- <&-; sleep 600\n")
        self.assertIn("timed out", why)

    def test_a_hook_that_kills_itself(self):
        _, why = self.check_taken_back("kill -9 $$\n")
        self.assertIn("ended with -1", why)

    def test_a_hook_that_leaves_a_daemon_and_fails(self):
        self.check_taken_back("setsid sh -c 'trap \"\" TERM; exec sleep 5' & exit 9\n")

    def test_a_hook_that_is_not_there(self):
        self.ws.configure({"policy": {"reload": ["/no/such/command"]}})
        self.propose()
        self.check_code(self.ws.tick(T0, "--apply"), 7)
        self.assertEqual(self.ws.env_file.read_text(), ENV_TEXT)
        self.assertIn("No such file", json.dumps(self.ws.journal()))

    def test_a_hook_that_leaves_a_daemon_and_succeeds_is_not_waited_for(self):
        self.hook("#!/bin/sh\nsetsid sh -c 'trap \"\" TERM; exec sleep 5' & exit 0\n",
                  reload_timeout="3s")
        self.propose()
        self.check_code(self.ws.tick(T0, "--apply"), 0)
        self.assertEqual(self.ws.percent(), 10)


if __name__ == "__main__":
    unittest.main()
