"""With a rollup store a report is the same, byte for byte, as without one: in every tool, from every
file that the log is in, and whatever becomes of the store."""

import gzip
import json
import os
import pathlib
import signal
import subprocess
import tempfile
import unittest

from support import BIN_DIR, clean_environment, hours, minutes, parse_stamp, run_tool, stamp
from way_back import FrozenLoginServer

START = parse_stamp("2025-06-02T00:00:00Z")


def generated(days, seed):
    """A log of a service, as lines."""
    arguments = ["--seed", str(seed), "--start", stamp(START), "--days", str(days),
                 "--runs-per-day", "600", "--malformed", "0.01"]
    made = subprocess.run([BIN_DIR / "generate_rollout", *arguments], stdout=subprocess.PIPE,
                          check=True, timeout=60)
    return made.stdout.splitlines(keepends=True)


class Rollup(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.dir = pathlib.Path(folder.name)
        self.logs = self.dir / "logs"
        self.logs.mkdir()
        self.store = self.dir / "state" / "rollup.db"

    def report(self, as_of, *flags, env=None):
        result = run_tool("eval_dag_quality", "--source", self.logs, "--window", "6h", "--json",
                          "--as-of", stamp(as_of), *flags, cwd=self.dir, env=env)
        self.assertEqual(result.code, 0, str(result))
        lines = result.stdout.splitlines()
        return [line for line in lines if "generated_at" not in line], result.stderr

    def check(self, as_of):
        whole, _ = self.report(as_of)
        kept, errors = self.report(as_of, "--rollup", "sqlite:%s" % self.store)
        self.assertEqual(kept, whole)
        return errors

    def test_every_tick_prints_the_same_report_with_and_without_a_store(self):
        lines = generated(2, seed=3)
        log = self.logs / "dag.jsonl"
        written = 0
        for tick in range(16):
            share = len(lines) * (tick + 8) // 24
            with log.open("ab") as file:
                file.writelines(lines[written:share])
            written = share
            if tick == 5:
                log.rename(self.logs / "dag.1.jsonl")
                log.write_bytes(b"")
            if tick == 9:
                old = self.logs / "dag.1.jsonl"
                (self.logs / "dag.1.jsonl.gz").write_bytes(gzip.compress(old.read_bytes()))
                old.unlink()
            if tick == 12:
                self.store.unlink()
            if tick == 14:
                self.store.write_bytes(self.store.read_bytes()[:70_000])
            errors = self.check(START + hours(16 + 2 * tick) + minutes(3))
            self.assertEqual("rollup store" in errors, tick == 14, errors)

    def test_the_flag_the_environment_and_the_configuration_name_the_store(self):
        (self.logs / "dag.jsonl").write_bytes(b"".join(generated(1, seed=4)))
        as_of = START + hours(20)
        whole, _ = self.report(as_of)
        config = self.dir / "c.json"
        config.write_text(json.dumps({"input": {"rollup": "sqlite:c.db"}}))
        self.assertEqual(self.report(as_of, "--rollup", "sqlite:a.db")[0], whole)
        self.assertEqual(self.report(as_of, env={"DAGLOOP_ROLLUP": "sqlite:b.db"})[0], whole)
        self.assertEqual(self.report(as_of, "--config", config)[0], whole)
        for name in ("a.db", "b.db", "c.db"):
            self.assertGreater((self.dir / name).stat().st_size, 0)
            self.assertEqual((self.dir / name).stat().st_mode & 0o777, 0o600)

    def test_a_gate_and_a_dry_run_of_the_cycle_use_it_too(self):
        (self.logs / "dag.jsonl").write_bytes(b"".join(generated(1, seed=5)))
        as_of = stamp(START + hours(20))
        common = ["--source", self.logs, "--window", "6h", "--as-of", as_of, "--json"]
        for tool, more in (("dag_quality_gate", []),
                           ("dag_optimization_cycle", ["--state", "sqlite:s.db", "--out", "r"])):
            plain = run_tool(tool, *common, *more, cwd=self.dir)
            kept = run_tool(tool, *common, *more, "--rollup", "sqlite:" + tool, cwd=self.dir)
            self.assertEqual(kept.code, plain.code, str(kept))
            self.assertTrue((self.dir / tool).exists() or plain.code == 2, str(kept))

    def test_a_file_of_another_kind_is_left_alone_and_the_log_is_read(self):
        (self.logs / "dag.jsonl").write_bytes(b"".join(generated(1, seed=6)))
        self.store.parent.mkdir()
        self.store.write_text("FLAG=1\n")
        errors = self.check(START + hours(20))
        self.assertIn("is no rollup store", errors)
        self.assertEqual(self.store.read_text(), "FLAG=1\n")

    def test_a_store_on_a_frozen_server_is_given_up_and_the_log_is_read(self):
        (self.logs / "dag.jsonl").write_bytes(b"".join(generated(1, seed=5)))
        server = FrozenLoginServer()
        self.addCleanup(server.close)
        config = self.dir / "config.json"
        config.write_text(json.dumps({"input": {"statement_timeout": "1s"}}))
        whole, _ = self.report(START + hours(12))
        kept, errors = self.report(START + hours(12), "--config", config, "--rollup", server.uri())
        self.assertTrue(server.accepted)
        self.assertEqual(kept, whole)
        self.assertIn("everything is counted, and nothing kept", errors)

    def test_an_unknown_kind_of_store_is_a_wrong_usage(self):
        (self.logs / "dag.jsonl").write_bytes(b"")
        result = run_tool("eval_dag_quality", "--source", self.logs, "--rollup", "redis://h",
                          cwd=self.dir)
        self.assertEqual(result.code, 2, str(result))
        self.assertIn("sqlite:PATH", result.stderr)

    def test_a_tool_killed_at_any_moment_leaves_a_store_that_can_be_used(self):
        (self.logs / "dag.jsonl").write_bytes(b"".join(generated(3, seed=7)))
        command = [BIN_DIR / "eval_dag_quality", "--source", self.logs, "--window", "6h", "--json",
                   "--rollup", "sqlite:%s" % self.store, "--as-of"]
        for tick in range(12):
            as_of = START + hours(24 + tick)
            process = subprocess.Popen([*command, stamp(as_of)], stdout=subprocess.DEVNULL,
                                       stderr=subprocess.DEVNULL, env=clean_environment())
            try:
                process.wait(timeout=0.008 * (tick % 6))
            except subprocess.TimeoutExpired:
                os.kill(process.pid, signal.SIGKILL)
            process.wait()
            self.check(as_of)


if __name__ == "__main__":
    unittest.main()
