"""What the documents and quickstart.sh tell to put into a crontab does its work under cron.

Cron gives a job no more than HOME, LOGNAME, SHELL and PATH=/usr/bin:/bin, and runs it by /bin/sh.
"""

import datetime
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

from documentation import bare_environment, blocks_of, fresh_copy
from support import SOURCE_DIR, Workspace, hours, minutes

CRON_LINE = re.compile(r"^(?:[*0-9,/-]+ +){5}(\S.*)$")


def cron_lines(text):
    return [m[1] for m in map(CRON_LINE.match, text.splitlines()) if m]


def cron_lines_of(document):
    return cron_lines("\n".join(line for block in blocks_of((SOURCE_DIR / document).read_text())
                                for line in block.lines))


def run(command, environment, cwd, shell="/bin/sh"):
    return subprocess.run([shell, "-c", command], cwd=cwd, env=environment,
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60,
                          check=False)


class CronTestCase(unittest.TestCase):
    """A clone in one directory, a service in another, and cron's environment."""

    def setUp(self):
        directory = tempfile.mkdtemp(prefix="dl_")
        self.addCleanup(shutil.rmtree, directory)
        self.dir = pathlib.Path(directory)
        self.clone = fresh_copy(self.dir / "dagloop")
        self.environment = bare_environment(self.dir)

    def cron(self, line):
        return run(line, {**self.environment, "LOGNAME": "planner", "SHELL": "/bin/sh"}, self.dir)

    def check(self, done, code=0):
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done


class DocumentedLines(CronTestCase):
    """The service has a log up to now, and a policy at 0 % that may go a step up."""

    def setUp(self):
        super().setUp()
        self.ws = Workspace(self.dir / "planner")
        self.ws.config = self.ws.dir / "dagloop.json"
        self.ws.fill()
        self.ws.add_approver("alice")
        self.ws.log.runs(datetime.datetime.now(datetime.timezone.utc) - hours(48),
                         hours(48) - minutes(10), 480)

    def line_of(self, document, word):
        (line,) = [line for line in cron_lines_of(document) if word in line]
        for shown, here in [("/srv/planner", self.ws.dir), ("/opt/dagloop", self.clone),
                            ("/var/lib/audit", self.dir)]:
            line = line.replace(shown, str(here))
        return line

    def test_the_ticks_propose_and_apply(self):
        for document in "README.md", "docs/operations.md":
            with self.subTest(document=document):
                shutil.rmtree(self.ws.state.parent, ignore_errors=True)
                self.ws.env_file.write_text(
                    self.ws.env_file.read_text().replace("'10'", "'0'"))
                line = self.line_of(document, "run_dag_optimization_cycle.sh")
                self.check(self.cron(line))
                self.assertEqual(self.ws.events(), ["adopted", "proposed"])
                self.assertEqual(self.ws.approve().code, 0)
                self.check(self.cron(line))
                self.assertEqual(self.ws.percent(), 10)

    def test_the_journal_is_compared_with_a_kept_head(self):
        self.check(self.cron(self.line_of("docs/operations.md", "run_dag_optimization_cycle.sh")))
        line = self.line_of("docs/operations.md", "--verify-journal")
        self.check(self.cron(line))
        self.assertRegex((self.dir / "planner.head").read_text(), r"^\d+:[0-9a-f]{64}$")
        (self.dir / "planner.head").write_text("1:" + 64 * "0" + "\n")
        self.check(self.cron(line), 4)

    def test_every_line_of_the_documents_is_run_here(self):
        found = [line for path in [SOURCE_DIR / "README.md", *SOURCE_DIR.glob("docs/**/*.md")]
                 for line in cron_lines_of(path)]
        self.assertEqual(len(found), 3, found)


class Quickstart(CronTestCase):
    """quickstart.sh as it stands, but for the steps that install and build."""

    def setUp(self):
        super().setUp()
        done = self.dir / "done"
        done.mkdir()
        (done / "cmake").write_text("#!/bin/sh\n")
        (done / "cmake").chmod(0o755)
        (self.clone / "scripts/install_packages.sh").write_text("#!/bin/sh\n")
        self.path = "%s:%s" % (done, self.environment["PATH"])
        self.told = self.quickstart()
        (self.next,) = re.findall(r"^== what to type next.*\n((?:.+\n)+)", self.told, re.M)

    def quickstart(self):
        return self.check(run("scripts/quickstart.sh", {**self.environment, "PATH": self.path},
                              self.clone)).stdout

    def type_in(self, commands):
        return self.check(run("set -e\n" + commands, self.environment, self.dir, "/bin/bash"))

    def percent(self):
        return int(re.search("DAG_ROLLOUT_PERCENT=([0-9]+)",
                             (self.clone / "examples/service.env").read_text())[1])

    def test_it_says_what_it_does(self):
        shown = re.findall(r"^\$ (.*)$", self.told, re.M)
        self.assertEqual([line.split(" --as-of")[0] for line in shown],
                         ["scripts/install_packages.sh build", "cmake --preset quickstart",
                          "cmake --build --preset quickstart",
                          'export PATH="$PWD/build/quickstart/bin:$PATH"',
                          "dag_optimization_cycle --config examples/dagloop.json"])
        self.assertIn("\npromote from 10 % to 30 %, dry run; the gate passes\n", self.told)
        self.assertIn("cd %s\n" % self.clone, self.next)

    def test_what_it_tells_to_type_next_works_as_it_stands(self):
        self.type_in(self.next)
        self.assertEqual(self.percent(), 10)

    def test_after_a_session_it_says_how_to_start_over_and_that_works(self):
        self.type_in(self.next)
        told = self.quickstart()
        self.assertNotIn("dry run", told)
        self.assertNotIn("what to type next", told)
        (over,) = re.findall("^rm .*$", told, re.M)
        remove, checkout, again = over.split("; ")
        self.assertEqual(checkout, "git checkout examples/service.env")
        shutil.copy(SOURCE_DIR / "examples/service.env", self.clone / "examples")
        self.type_in("cd %s; %s" % (self.clone, remove))
        self.assertEqual(again, "scripts/quickstart.sh")
        self.assertEqual(re.sub("done in .*", "", self.quickstart()),
                         re.sub("done in .*", "", self.told))

    def test_it_prints_what_the_readme_prints(self):
        readme = (SOURCE_DIR / "README.md").read_text()
        for command in self.next.replace("\\\n", " ").splitlines()[1:]:
            with self.subTest(command=command):
                self.assertIn(" ".join(command.split()),
                              " ".join(readme.replace("\\\n", " ").split()))

    def check_cron_line(self):
        """The tick proposes, its proposal is approved as quickstart.sh says, and applied."""
        (line,) = cron_lines(self.told)
        self.assertEqual(self.percent(), 10)
        self.check(self.cron(line))
        (approve,) = re.findall(r"^To approve what it proposes:\n((?:.+\n)+?)The next tick", self.told,
                                re.M)
        self.type_in("cd %s\nPATH=$PWD/build/quickstart/bin:$PATH\n%s --yes"
                     % (self.clone, approve.rstrip()))
        self.check(self.cron(line))
        self.assertEqual(self.percent(), 30)
        self.assertIn("under verification", self.check(self.cron(line), 3).stdout)

    def test_its_cron_line_proposes_and_applies_before_the_session(self):
        approvers, _, _ = self.next.partition("approve_dag_policy --config")
        self.type_in(approvers)
        self.check_cron_line()

    def test_its_cron_line_proposes_and_applies_after_the_session(self):
        self.type_in(self.next)
        self.check_cron_line()


class Executables(CronTestCase):
    """Where the scripts look for the executables."""

    def tick(self, script="run_dag_optimization_cycle.sh", **environment):
        return run("%s --version" % (self.clone / "scripts" / script),
                   {**self.environment, **environment}, self.dir)

    def only(self, name, text, directory):
        (self.dir / directory).mkdir(parents=True)
        (self.dir / directory / name).write_text("#!/bin/sh\necho %s\n" % text)
        (self.dir / directory / name).chmod(0o755)
        return str(self.dir / directory)

    def test_the_given_directory_wins_over_the_path_and_the_path_over_the_tree(self):
        given = self.only("dag_optimization_cycle", "given", "given")
        path = self.only("dag_optimization_cycle", "path", "path") + ":/usr/bin:/bin"
        self.assertEqual(self.check(self.tick(PATH=path, DAGLOOP_BIN_DIR=given)).stdout, "given\n")
        self.assertEqual(self.check(self.tick(PATH=path)).stdout, "path\n")
        self.assertIn("dag_optimization_cycle ", self.check(self.tick()).stdout)
        self.assertIn("dag_quality_gate ", self.check(self.tick("run_dag_quality_gate.sh")).stdout)

    def test_a_release_build_of_the_tree_is_found_also_through_a_link_to_the_script(self):
        (self.clone / "build/quickstart/bin").rename(self.dir / "moved")
        self.only("dag_optimization_cycle", "release", "dagloop/build/release/bin")
        (self.dir / "tick").symlink_to(self.clone / "scripts/run_dag_optimization_cycle.sh")
        self.assertEqual(self.check(self.cron(str(self.dir / "tick"))).stdout, "release\n")

    def test_the_newer_of_the_trees_builds_wins(self):
        (self.clone / "build/quickstart/bin").unlink()
        builds = [pathlib.Path(self.only("dag_optimization_cycle", kind,
                                         "dagloop/build/%s/bin" % kind))
                  for kind in ("quickstart", "release")]
        for older, newer in builds, reversed(builds):
            os.utime(older / "dag_optimization_cycle", (1_000_000, 1_000_000))
            os.utime(newer / "dag_optimization_cycle", (2_000_000, 2_000_000))
            self.assertEqual(self.check(self.tick()).stdout, newer.parent.name + "\n")

    def test_none_at_all_is_a_message_that_says_what_to_do(self):
        (self.clone / "build/quickstart/bin").unlink()
        for script in "run_dag_optimization_cycle.sh", "run_dag_quality_gate.sh":
            told = self.check(self.tick(script), 2).stderr
            self.assertTrue(told.startswith(script + ": config: dag_"), told)
            for words in "PATH", "scripts/quickstart.sh", "DAGLOOP_BIN_DIR":
                self.assertIn(words, told)
        told = self.check(self.tick(DAGLOOP_BIN_DIR="/nowhere"), 2).stderr
        self.assertIn("there is no /nowhere/dag_optimization_cycle", told)


if __name__ == "__main__":
    unittest.main()
