"""What ships under examples/ is what its README says."""

import pathlib
import re
import subprocess
import tempfile
import unittest

from documentation import fresh_copy
from support import BIN_DIR, SOURCE_DIR, run_tool

EXAMPLES = SOURCE_DIR / "examples"


class GeneratedLogs(unittest.TestCase):
    def test_the_generated_logs_are_the_generators_output_byte_for_byte(self):
        text = (EXAMPLES / "README.md").read_text().replace("\\\n", " ")
        commands = re.findall(r"^    build/release/bin/generate_rollout (.*)$", text, re.M)
        names = ["rollout_healthy.jsonl", "rollout_canary_bad.jsonl"]
        self.assertEqual(len(commands), len(names))
        for name, arguments in zip(names, commands):
            with self.subTest(name=name):
                made = subprocess.run([BIN_DIR / "generate_rollout", *arguments.split()],
                                      stdout=subprocess.PIPE, check=True, timeout=60).stdout
                self.assertEqual(made, (EXAMPLES / name).read_bytes())

    def test_the_healthy_log_is_promoted_with_a_margin(self):
        with tempfile.TemporaryDirectory(prefix="dl_") as directory:
            clone = fresh_copy(pathlib.Path(directory))
            for window in "1d", "1410m", "18h":  # the whole day, and without its beginning
                tick = run_tool("dag_optimization_cycle", "--config", "examples/dagloop.json",
                                "--json", "--as-of", "2026-02-25T00:00:00Z", "--window", window,
                                cwd=clone)
                decision = tick.document()["decision"]
                self.assertEqual(decision["action"], "promote", tick)
                evidence = decision["promotion_evidence"]
                self.assertGreater(evidence["e_value"], 10 * evidence["needed"])


if __name__ == "__main__":
    unittest.main()
