"""What ships under examples/ is what its README says."""

import re
import subprocess
import unittest

from support import BIN_DIR, SOURCE_DIR

EXAMPLES = SOURCE_DIR / "examples"


class GeneratedLogs(unittest.TestCase):
    def test_the_generated_logs_are_the_generators_output_byte_for_byte(self):
        text = (EXAMPLES / "README.md").read_text().replace("\\\n", " ")
        commands = re.findall(r"^    generate_rollout (.*)$", text, re.M)
        names = ["rollout_healthy.jsonl", "rollout_canary_bad.jsonl"]
        self.assertEqual(len(commands), len(names))
        for name, arguments in zip(names, commands):
            with self.subTest(name=name):
                made = subprocess.run([BIN_DIR / "generate_rollout", *arguments.split()],
                                      stdout=subprocess.PIPE, check=True, timeout=60).stdout
                self.assertEqual(made, (EXAMPLES / name).read_bytes())


if __name__ == "__main__":
    unittest.main()
