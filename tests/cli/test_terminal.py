"""What a person at a terminal sees: a line of progress, and Ctrl-C that leaves nothing behind."""

import os
import pathlib
import pty
import select
import signal
import subprocess
import tempfile
import unittest

from support import BIN_DIR, clean_environment

LINE = b'{"request_id":"r","created_at":"2026-02-24T12:00:00Z","status":"ok"}\n'
AS_OF = "2026-02-25T00:00:00Z"
TIMEOUT_S = 60


class Terminal(unittest.TestCase):
    """Runs eval_dag_quality on a standard input that stays open."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.out = pathlib.Path(folder.name) / "reports"

    def start(self, stderr):
        tool = subprocess.Popen(
            [BIN_DIR / "eval_dag_quality", "--source", "-", "--as-of", AS_OF, "--out", self.out],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stderr, env=clean_environment())
        self.addCleanup(tool.stdout.close)
        self.addCleanup(tool.wait)
        self.addCleanup(tool.kill)
        return tool

    def test_a_long_reading_is_shown_on_a_terminal_and_its_line_taken_away(self):
        try:
            ours, theirs = pty.openpty()
        except OSError as error:  # as in a container without /dev/pts
            self.skipTest(str(error))
        self.addCleanup(os.close, ours)
        tool = self.start(theirs)
        os.close(theirs)
        seen = b""
        block = LINE * 20000
        while b"MiB" not in seen:  # goes on writing until the line comes, at the earliest in 1 s
            tool.stdin.write(block)
            tool.stdin.flush()
            if select.select([ours], [], [], 0.02)[0]:
                seen += os.read(ours, 4096)
        tool.stdin.close()
        self.assertEqual(tool.wait(TIMEOUT_S), 0)
        while True:
            try:
                more = os.read(ours, 4096)
            except OSError:  # the other end is closed
                break
            if not more:
                break
            seen += more
        self.assertIn(b"\r\x1b[Kreading: ", seen)
        self.assertTrue(seen.endswith(b"\r\x1b[K"), seen[-80:])

    def test_nothing_is_shown_where_standard_error_is_no_terminal(self):
        with tempfile.TemporaryFile() as log:
            tool = self.start(log)
            tool.stdin.write(LINE)
            tool.stdin.close()
            self.assertEqual(tool.wait(TIMEOUT_S), 0)
            log.seek(0)
            self.assertNotIn(b"\x1b", log.read())

    def test_an_interrupt_ends_the_reading_and_leaves_no_file(self):
        tool = self.start(subprocess.DEVNULL)
        tool.stdin.write(LINE * 20000)  # more than the pipe holds: the tool is reading
        tool.stdin.flush()
        tool.send_signal(signal.SIGINT)
        self.assertEqual(tool.wait(TIMEOUT_S), -signal.SIGINT)
        tool.stdin.close()
        self.assertEqual(tool.stdout.read(), b"")
        self.assertFalse(self.out.exists())


if __name__ == "__main__":
    unittest.main()
