"""A source that hangs ends a tick, and holds up no way back."""

import contextlib
import json
import os
import signal
import subprocess
import time
import unittest

from support import BIN_DIR, ENV_TEXT, T0, clean_environment, hours, stamp
from way_back import HangTestCase, SilentServer, WayBackTestCase


class WayBackTest(WayBackTestCase):
    def test_whatever_is_wrong_with_the_source_or_the_approvers(self):
        server = SilentServer()
        self.addCleanup(server.close)

        @contextlib.contextmanager
        def silent_server(trial):
            trial.configure({"input": {"sources": [server.uri()], "statement_timeout": "2s"}})
            yield

        @contextlib.contextmanager
        def pipe_among_the_logs(trial):
            os.mkdir(trial.dir / "pipes")
            os.mkfifo(trial.dir / "pipes" / "z.jsonl")
            trial.configure({"input": {"sources": ["pipes"]}})
            yield

        @contextlib.contextmanager
        def no_log(trial):
            trial.configure({"input": {"sources": ["gone.jsonl"]}})
            yield

        @contextlib.contextmanager
        def malformed_approvers(trial):
            trial.approvers.write_text('{"approvers": [')
            yield

        for fault in (silent_server, pipe_among_the_logs, no_log, malformed_approvers):
            self.check_ways_back(fault.__name__.replace("_", " "), fault)


class SilentSourceTest(HangTestCase):
    def setUp(self):
        super().setUp()
        self.first_step()
        self.server = SilentServer()
        self.addCleanup(self.server.close)

    def use(self, uri, **limits):
        self.ws.configure({"input": {"sources": [uri], **limits}})

    def test_a_tick_ends_in_time_and_nobody_waits_for_it(self):
        self.use(self.server.uri(), statement_timeout="2s")
        tick = self.start_tick(T0 + hours(2))
        while not self.server.accepted and tick.poll() is None:
            time.sleep(0.01)
        # The lock is free while it waits.
        self.check_code(self.ws.tool("apply_dag_policy", "--rollback", "--apply"), 0)
        self.assertIsNone(tick.poll())
        self.assertEqual(self.ws.env_file.read_text(), ENV_TEXT)
        self.check_ends(tick, 20, "127.0.0.1")
        self.check_code(self.ws.verify_journal(), 0)

    def test_each_kind_of_source_and_each_tool(self):
        for uri in (self.server.uri(), self.server.uri("clickhouse")):
            self.use(uri, statement_timeout="1s")
            self.check_ends(self.start_tick(T0 + hours(2)), 20)
            self.check_code(self.ws.tool("eval_dag_quality", "--as-of", stamp(T0)), 4)
            self.check_code(self.ws.tool("dag_quality_gate", "--as-of", "last"), 4)

    def test_the_whole_reading_has_a_limit_too(self):
        self.use(self.server.uri(), read_timeout="1s")
        self.check_ends(self.start_tick(T0 + hours(2)), 15, "is not read within 1s", "input.read_timeout",
                        "127.0.0.1")

    def readers(self, tick):
        children = subprocess.run(["ps", "-o", "pid=", "--ppid", str(tick.pid)], check=False,
                                  stdout=subprocess.PIPE, text=True)
        return [int(pid) for pid in children.stdout.split()]

    def test_the_reader_dies_with_its_tick_and_a_killed_reader_is_told(self):
        self.use(self.server.uri())
        tick = self.start_tick(T0 + hours(2))
        while not self.server.accepted:
            time.sleep(0.01)
        reader, = self.readers(tick)
        tick.kill()
        tick.communicate()
        until = time.monotonic() + 10
        while os.path.exists("/proc/%d" % reader) and time.monotonic() < until:
            time.sleep(0.01)
        self.assertFalse(os.path.exists("/proc/%d" % reader))
        tick = self.start_tick(T0 + hours(2))
        while not self.readers(tick):
            time.sleep(0.01)
        os.kill(self.readers(tick)[0], signal.SIGKILL)
        self.check_ends(tick, 20, "the process that reads it was killed")

    def test_standard_input_has_all_the_time_that_it_takes(self):
        log = self.ws.log.path.read_bytes()
        self.ws.configure({"input": {"statement_timeout": "1s", "read_timeout": "1s"}})
        command = [str(BIN_DIR / "eval_dag_quality"), "--config", str(self.ws.config), "--source",
                   "-", "--as-of", stamp(T0), "--json"]
        with subprocess.Popen(command, cwd=self.ws.dir, env=clean_environment(),
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE) as tool:
            time.sleep(8)
            out, err = tool.communicate(log, timeout=60)
        self.assertEqual(tool.returncode, 0, err)
        self.assertEqual(json.loads(out)["input"]["records"], log.count(b"\n"))


if __name__ == "__main__":
    unittest.main()
