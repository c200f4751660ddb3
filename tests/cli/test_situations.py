"""The catalogue of situations: what an operator reads in each is the golden text.

With DAGLOOP_UPDATE_GOLDEN=1 in the environment the files are written instead of compared. Then read
each as a new user would: what happened, why, how sure is it, what to do now, until when?
"""

import concurrent.futures
import os
import re
import tempfile
import unittest

from situations import SITUATIONS, Story
from support import SOURCE_DIR

GOLDEN = SOURCE_DIR / "tests" / "golden" / "situations"
UPDATES = os.environ.get("DAGLOOP_UPDATE_GOLDEN") is not None

# What a reader who is no statistician cannot use, or would misread.
UNREADABLE = {
    "an internal quantity": r"e-value|e_value",
    "scientific notation": r"\d[eE][+-]?\d",
    "more digits than anybody can use": r"1 in \d{1,3}(,\d{3}){3}",
    "a verdict beside an action, without a word between": r"^(promote|hold|rollback) \(",
    "never, said of noise": r"never at|will never",
    "a change called worse that is none": r"[▲▼] 0\.0\d pp, worse",
}
TOOLS = r"(dag_optimization_cycle|approve_dag_policy|apply_dag_policy|decide_dag_policy)"


def played(situation):
    """Returns the text of a situation, and its whole report."""
    with tempfile.TemporaryDirectory(prefix="dl_") as directory:
        story = Story(directory)
        situation(story)
        return story.text(), story.whole_page()


class Situations(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        names = [each.__name__ for each in SITUATIONS]
        with concurrent.futures.ThreadPoolExecutor() as pool:
            found = dict(zip(names, pool.map(played, SITUATIONS)))
        cls.texts = {name: text for name, (text, _) in found.items()}
        cls.pages = {name: page for name, (_, page) in found.items()}

    def test_each_text_is_the_golden_one(self):
        for name, text in self.texts.items():
            path = GOLDEN / (name + ".txt")
            with self.subTest(situation=name):
                if UPDATES:
                    path.write_text(text)
                self.assertEqual(text, path.read_text())

    def test_every_golden_text_has_its_situation(self):
        self.assertEqual({path.stem for path in GOLDEN.glob("*.txt")}, set(self.texts))

    def test_nothing_in_them_takes_a_statistician(self):
        for name, text in self.texts.items():
            for what, pattern in UNREADABLE.items():
                with self.subTest(situation=name, what=what):
                    self.assertIsNone(re.search(pattern, text, re.M), text)

    def test_every_tick_ends_with_the_next_command_whole(self):
        for name, text in self.texts.items():
            for shown in re.findall(r"\$ dag_optimization_cycle.*?--- exit", text, re.S):
                printed = shown.split("--- standard error")[0].splitlines()
                last = [line for line in printed if not line.startswith("---")][-1]
                with self.subTest(situation=name):
                    self.assertRegex(last, "^  " + TOOLS + " ")
                    if "--init-key" not in last:
                        self.assertIn(" --config dagloop.json", last)

    def test_the_page_says_what_the_terminal_says(self):
        for name, text in self.texts.items():
            terminal = text.split("--- reports/dag_quality_latest.md\n")[0]
            page = self.pages[name].replace("\\", "")
            ticks = re.findall(r"\$ dag_optimization_cycle.*?--- exit", terminal, re.S)
            if not ticks:
                continue
            last_tick = ticks[-1]
            for reason in re.findall(r"^  [a-z0-9_]+: (.*)$", last_tick, re.M):
                with self.subTest(situation=name):
                    self.assertIn(reason, page)
            command = re.findall("^  (" + TOOLS + " .*)$", last_tick, re.M)[-1][0]
            with self.subTest(situation=name):
                self.assertIn(command, page)


if __name__ == "__main__":
    unittest.main()
