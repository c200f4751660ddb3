"""The man pages are those that the executables' help and the documents give today."""

import datetime
import importlib.util
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

from documentation import bare_environment
from support import BIN_DIR, SOURCE_DIR, Workspace, hours, minutes

PAGES = SOURCE_DIR / "docs/man"


class ManPages(unittest.TestCase):
    def test_every_page_is_up_to_date(self):
        with tempfile.TemporaryDirectory() as made:
            subprocess.run([sys.executable, SOURCE_DIR / "scripts/make_man_pages.py", BIN_DIR, made],
                           check=True)
            for page in pathlib.Path(made).iterdir():
                self.assertEqual((PAGES / page.name).read_text(), page.read_text(),
                                 f"{page.name}: run scripts/make_man_pages.py")
            self.assertEqual({p.name for p in PAGES.iterdir()},
                             {p.name for p in pathlib.Path(made).iterdir()})

    def test_every_page_is_well_formed(self):
        lint = subprocess.run(["mandoc", "-Tlint", "-Werror", *sorted(PAGES.iterdir())],
                              capture_output=True, text=True)
        self.assertEqual((lint.returncode, lint.stdout), (0, ""))


class ExitStatus(unittest.TestCase):
    def test_a_page_says_what_the_codes_of_its_executable_mean(self):
        for tool, word, foreign in [("replay_dag_policy", "regression", "gate FAIL"),
                                    ("approve_dag_policy", "signed", "gate PASS"),
                                    ("dag_quality_gate", "gate FAIL", "decision rollback")]:
            page = (PAGES / (tool + ".1")).read_text()
            status = page.partition(".Sh EXIT STATUS")[2].partition(".Sh EXAMPLES")[0]
            self.assertIn(word, status)
            self.assertNotIn(foreign, status)


@unittest.skipUnless((BIN_DIR.parent / "cmake_install.cmake").exists() and shutil.which("cmake"),
                     "the executables lie in no build directory, or there is no cmake")
class Installation(unittest.TestCase):
    def test_executables_and_pages_are_installed(self):
        with tempfile.TemporaryDirectory(prefix="dl_") as prefix:
            subprocess.run(["cmake", "--install", BIN_DIR.parent, "--prefix", prefix], check=True,
                           stdout=subprocess.DEVNULL)
            for page in PAGES.iterdir():
                installed = pathlib.Path(prefix) / "share/man/man1" / page.name
                self.assertEqual(installed.read_text(), page.read_text())
                told = subprocess.run([pathlib.Path(prefix) / "bin" / page.stem, "--version"],
                                      check=True, capture_output=True, text=True).stdout
                self.assertTrue(told.startswith(page.stem), told)


def examples():
    """Returns the examples of the pages, by tool: what each is for, and the command."""
    spec = importlib.util.spec_from_file_location("pages", SOURCE_DIR / "scripts/make_man_pages.py")
    pages = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(pages)
    return {tool: [(about, command.replace("\\e\n", "\\\n")) for about, command in page[2]]
            for tool, page in pages.PAGES.items()}


class Examples(unittest.TestCase):
    """The pages' examples are run, as one story of a service with a log up to now."""

    def setUp(self):
        directory = tempfile.mkdtemp(prefix="dl_")
        self.addCleanup(shutil.rmtree, directory)
        self.ws = Workspace(directory)
        self.ws.fill()
        self.ws.config = self.ws.dir / "dagloop.json"
        self.ws.configure({"policy": {"approvals_dir": str(self.ws.reports)}})
        shutil.copy(self.ws.config, self.ws.dir / "new.json")
        self.ws.write(self.ws.dir / "gate.json", {"checks": [
            {"kpi": "pipeline_success_rate", "comparator": ">=", "threshold": 0.9}]})
        self.ws.log.runs(datetime.datetime.now(datetime.timezone.utc) - hours(48),
                         hours(48) - minutes(10), 480)
        regression = datetime.datetime(2026, 2, 20, tzinfo=datetime.timezone.utc)
        self.ws.log.runs(regression - hours(48), hours(48), 480)
        self.left = [command for commands in examples().values() for _, command in commands]

    def run_example(self, beginning, code=0):
        """Runs the one example that begins so."""
        (example,) = [command for command in self.left if command.startswith(beginning)]
        self.left.remove(example)
        for shown, here in [("*/15 * * * * ", ""), ("/srv/planner", self.ws.dir),
                            ("/usr/local/bin", BIN_DIR), ("/var/log/planner", "logs"),
                            ("build/logs", "logs")]:
            example = example.replace(shown, str(here))
        if example.startswith("approve_dag_policy --config"):
            example += " --yes"  # there is no terminal to ask on
        done = subprocess.run(["/bin/sh", "-c", example], cwd=self.ws.dir, capture_output=True,
                              env=bare_environment(self.ws.dir, "%s:/usr/bin:/bin" % BIN_DIR),
                              text=True, timeout=300, check=False)
        self.assertEqual(done.returncode, code, "%s\n%s%s" % (example, done.stdout, done.stderr))
        return done

    def test_every_example_runs(self):
        made = self.run_example("approve_dag_policy --init-key")
        self.ws.write(self.ws.approvers, {"approvers": [json.loads(made.stdout)]})
        for beginning in ("*/15 * * * *", "approve_dag_policy --config",
                          "apply_dag_policy --config dagloop.json --apply",
                          "apply_dag_policy --config dagloop.json --rollback",
                          "eval_dag_quality --source /var", "eval_dag_quality --source build",
                          "dag_quality_gate --source",
                          "dag_quality_gate --report", "decide_dag_policy",
                          "replay_dag_policy --config dagloop.json --config"):
            self.run_example(beginning)
        self.run_example("apply_dag_policy --config dagloop.json --new-rollout", 6)  # cool-down
        self.run_example("replay_dag_policy --config dagloop.json --suggest", 1)  # none is found
        (database,) = self.left  # needs a server at that address
        self.assertIn("postgresql://", database)


if __name__ == "__main__":
    unittest.main()
