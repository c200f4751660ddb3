"""What the documents show is run as it stands, in a fresh copy, and prints what they show.

A block of commands that cannot run is listed in LEFT_OUT, with the reason.
"""

import datetime
import json
import pathlib
import re
import tempfile
import unittest

from documentation import (Command, bare_environment, blocks_of, difference, fault, fresh_copy,
                           run_session)
from support import SOURCE_DIR, run_tool
from test_docs import TOOLS

DOCUMENTS = ["README.md", "examples/README.md",
             *sorted(str(p.relative_to(SOURCE_DIR)) for p in SOURCE_DIR.glob("docs/**/*.md")),
             *sorted(str(p.relative_to(SOURCE_DIR)) for p in SOURCE_DIR.glob("examples/*.md")
                     if p.name != "README.md")]

BUILDS = "installs packages and builds: "
CRON = "a crontab: tests/cli/test_cron.py runs it under cron's environment"
MINUTES = "runs for many minutes, or as long as one likes: "
DATABASE = "needs a server at that address: tests/integration/ runs the same against real ones"

# (document, beginning of the block's first line): why it does not run here.
LEFT_OUT = {
    ("README.md", "scripts/quickstart.sh"):
        BUILDS + "tests/cli/test_cron.py runs the rest of quickstart.sh, scripts/release.sh all of "
        "it, .ci/run test.sh",
    ("README.md", "*/15 * * * *"): CRON,
    ("examples/README.md", "build/release/bin/generate_rollout --start"):
        "built with the tests alone: tests/cli/test_examples.py runs it, and compares all bytes",
    ("docs/benchmarks.md", "scripts/bench.sh"): MINUTES + "each writes the tables of its page",
    ("docs/decision-quality.md", "cmake --build"):
        MINUTES + "tests/sim/decision_quality_test.cpp holds its figures",
    ("docs/decision-quality.md", "bench/decision_quality/tables.sh"):
        MINUTES + "tests/sim/real_traffic_test.cpp holds some of its figures",
    ("docs/decisions.md", "apply_dag_policy --config dagloop.json --new-rollout"):
        "needs a policy that evidence excluded, after its cool-down: "
        "tests/unit/cycle/new_rollout_test.cpp does the same",
    ("docs/operations.md", "*/15 * * * *"): CRON,
    ("docs/operations.md", "0 * * * *"): CRON,
    ("docs/recommendations.md", "build/release/bin/test_effect_sim"):
        MINUTES + "it is one of the tests",
    ("docs/reliability.md", "ctest"): MINUTES + "these are three of the tests",
    ("docs/sources.md", "eval_dag_quality --source 'postgresql://dagloop_reader"): DATABASE,
    ("docs/sources.md", "eval_dag_quality --source 'postgresql://reader@airflow"): DATABASE,
    ("docs/sources.md", "eval_dag_quality --source 'clickhouse"): DATABASE,
    ("docs/testing.md", "scripts/test.sh"): BUILDS + ".ci/run runs test.sh and gates.sh; "
        "release.sh is for a release",
}

COMMAND = re.compile(
    r"^([A-Z_]+=\S+ +)*(\S*/)?(%s)( |$)"
    r"|^([A-Z_]+=\S+ +)*(\./)?(\.ci|scripts|build|bench|tests)/\S"
    r"|^([*0-9,/-]+ +){5}\S" % "|".join(
        [*TOOLS, "generate_rollout", "cmake", "ctest", "git", "bash", "python3", "psql", "sudo",
         "apt-get", "crontab"]))


def looks_like_commands(block):
    return not block.is_session() and any(COMMAND.match(line) for line in block.lines)


class Documents(unittest.TestCase):
    """Every document, command by command."""

    executed = 0

    @classmethod
    def tearDownClass(cls):
        print("documentation: %d commands executed, %d blocks left out"
              % (cls.executed, len(LEFT_OUT)))

    @staticmethod
    def kept_files(clone):
        """The clone's files outside of the folders that git ignores."""
        return {path for path in clone.rglob("*")
                if path.relative_to(clone).parts[0] not in ("build", "reports", "state")}

    def run_document(self, name, path):
        """Runs the document's sessions, which are one."""
        text = (SOURCE_DIR / name).read_text()
        commands = [c for b in blocks_of(text) if b.is_session() for c in b.commands()]
        if not commands:
            return
        with tempfile.TemporaryDirectory(prefix="dl_") as directory:
            clone = fresh_copy(pathlib.Path(directory) / "dagloop")
            before = self.kept_files(clone)
            now = datetime.datetime.now(datetime.timezone.utc)
            results = list(run_session(commands, clone, bare_environment(
                directory, path.replace("CLONE", str(clone)))))
            Documents.executed += len(results)
            self.assertEqual(self.kept_files(clone), before,
                             "%s: what a session leaves lies in folders that git ignores" % name)
            for (command, code, printed), after in zip(results, [*commands[1:], None]):
                with self.subTest(at="%s:%d" % (name, command.line)):
                    wrong = fault(command, code, printed, after, now)
                    if wrong:
                        self.fail("%s:%d: `%s` %s" % (name, command.line, command.text, wrong))

    def test_the_readme_runs_as_it_stands(self):
        self.run_document("README.md", "/usr/bin:/bin")

    def test_every_other_document_runs_with_the_executables_on_the_path(self):
        for name in DOCUMENTS[1:]:
            self.run_document(name, "CLONE/build/quickstart/bin:/usr/bin:/bin")

    def test_every_block_of_commands_is_run_or_listed_with_the_reason(self):
        listed = dict.fromkeys(LEFT_OUT, 0)
        for name in DOCUMENTS:
            for block in blocks_of((SOURCE_DIR / name).read_text()):
                if not looks_like_commands(block):
                    continue
                reasons = [key for key in LEFT_OUT
                           if key[0] == name and block.lines[0].startswith(key[1])]
                for key in reasons:
                    listed[key] += 1
                with self.subTest(at="%s:%d" % (name, block.line)):
                    if not reasons:
                        self.fail("%s:%d: `%s`: make it a `$` block or list it with the reason"
                                  % (name, block.line, block.lines[0]))
        self.assertEqual({key: count for key, count in listed.items() if count != 1}, {},
                         "each stands for one block")


class Json(unittest.TestCase):
    """The JSON that configuration and data contract show is what the executables take."""

    def blocks(self, name):
        return ["\n".join(block.lines) for block in blocks_of((SOURCE_DIR / name).read_text())
                if block.lines[0].startswith("{")]

    def test_the_default_gate_is_the_one_shown(self):
        (shown,) = self.blocks("docs/configuration.md")
        with tempfile.TemporaryDirectory(prefix="dl_") as directory:
            gate = pathlib.Path(directory) / "gate.json"
            gate.write_text(shown)
            judged = ["--source", SOURCE_DIR / "examples/rollout_healthy.jsonl", "--json",
                      "--as-of", "2026-02-25T00:00:00Z"]
            default = run_tool("dag_quality_gate", *judged, cwd=directory)
            given = run_tool("dag_quality_gate", *judged, "--gate", gate, cwd=directory)
            self.assertEqual(given.code, 0, given)
            self.assertEqual(given.document()["checks"], default.document()["checks"])

    def test_the_mapping_shown_is_read(self):
        (shown,) = self.blocks("docs/data-contract.md")
        record = {"created_at": "2026-02-24T12:00:00Z", "state": "done",
                  "detail": "pipeline_run_id=r1;other=2"}
        with tempfile.TemporaryDirectory(prefix="dl_") as directory:
            mapping = pathlib.Path(directory) / "mapping.json"
            mapping.write_text(shown)
            log = pathlib.Path(directory) / "log.jsonl"
            log.write_text(json.dumps(record) + "\n")
            report = run_tool("eval_dag_quality", "--source", log, "--mapping", mapping, "--json",
                              "--as-of", "2026-02-25T00:00:00Z", cwd=directory)
            self.assertEqual(report.code, 0, report)
            self.assertEqual(report.document()["populations"]["dag"]["succeeded_runs"], 1)


class Comparison(unittest.TestCase):
    """The comparison itself: it finds what it should."""

    NOW = datetime.datetime(2026, 11, 30, 12, tzinfo=datetime.timezone.utc)
    SHOWN = ["promote (PASS)", "  e-value 346 of 3.68"]

    def found(self, printed, shown=None):
        return difference(self.SHOWN if shown is None else shown, printed, self.NOW)

    def test_what_is_printed_as_shown_passes(self):
        self.assertIsNone(self.found(self.SHOWN))
        self.assertIsNone(self.found([], []))

    def test_a_wrong_figure_is_found(self):
        self.assertIn("3.65", self.found(["promote (PASS)", "  e-value 3.65 of 3.68"]))

    def test_a_line_too_few_or_too_many_is_found(self):
        self.assertIn("does not print:   e-value", self.found(self.SHOWN[:1]))
        self.assertIn("does not show: note", self.found([*self.SHOWN, "note"]))
        self.assertIn("does not show: note", self.found(["note"], []))
        self.assertIsNotNone(self.found(list(reversed(self.SHOWN))))

    def test_digests_and_times_of_the_wall_clock_are_matched_by_their_form(self):
        shown = ["head 5:" + 64 * "a", "expires: 2026-01-01T00:00:00.618Z"]
        self.assertIsNone(self.found(["head 5:" + 64 * "b", "expires: 2026-12-01T11:59:59Z"],
                                     shown))
        self.assertIsNotNone(self.found(["head 6:" + 64 * "b", shown[1]], shown))
        self.assertIsNotNone(self.found(["head 5:" + 64 * "b", "expires: 2026-02-01T00:00:00Z"],
                                        shown))
        self.assertIsNotNone(self.found(["head 5:" + 63 * "b", shown[1]], shown))

    def test_a_time_of_the_log_is_compared(self):
        for shown in ["as of 2026-02-25T00:00:00Z"], ["newest 2026-02-24T23:58:11.179Z"]:
            self.assertIsNone(self.found(shown, shown))
            self.assertIsNotNone(self.found(["newest 2026-02-24T23:58:11.178Z"], shown))
        shown = ["as of 2026-02-25T00:00:00Z"]
        self.assertIsNotNone(self.found(["as of 2026-02-26T00:00:00Z"], shown))
        self.assertIsNotNone(self.found(["as of 2026-11-30T00:00:00Z"], shown))

    def test_three_dots_at_the_end_of_a_line_stand_for_anything(self):
        self.assertIsNone(self.found(["because canary is slow"], ["because canary ..."]))
        self.assertIsNotNone(self.found(["because control is slow"], ["because canary ..."]))

    def test_a_failed_command_is_found_unless_its_exit_code_is_shown(self):
        command = Command(1, "false", [])
        echo = Command(2, "echo $?", ["1"])
        self.assertIn("exit code 1", fault(command, 1, [], None, self.NOW))
        self.assertIsNone(fault(command, 1, [], echo, self.NOW))
        self.assertIsNotNone(fault(echo, 0, ["2"], None, self.NOW))

    def test_a_session_is_one_shell_and_its_output_is_told_apart(self):
        text = ["x=1", "echo $x; echo err >&2", "printf half", "false", "echo $?", "cat"]
        commands = [Command(i, t, []) for i, t in enumerate(text)]
        with tempfile.TemporaryDirectory(prefix="dl_") as directory:
            results = list(run_session(commands, directory, bare_environment(directory)))
        self.assertEqual([printed for _, _, printed in results],
                         [[], ["1", "err"], ["half"], [], ["1"], []])
        self.assertEqual([code for _, code, _ in results], [0, 0, 0, 1, 0, 0])


class Blocks(unittest.TestCase):
    """What counts as a block, and as one of commands."""

    def test_blocks_are_fenced_or_indented(self):
        text = ("Text\n    no block\n\n    $ a \\\n      b\n    out\n\n    more\n\nText\n\n"
                "```sh\n$ c\n```\n")
        found = blocks_of(text)
        self.assertEqual([(b.line, b.lines) for b in found],
                         [(4, ["$ a \\", "  b", "out", "", "more"]), (13, ["$ c"])])
        (command,) = found[0].commands()
        self.assertEqual((command.text, command.output), ("a \\\n  b", ["out", "", "more"]))

    def test_blocks_of_commands_are_known_by_their_words(self):
        for line in ["scripts/test.sh", "apply_dag_policy --config c", "A=1 build/release/bin/x 2",
                     "*/15 * * * * cd /srv && x", "ctest --preset release",
                     "cmake --build --preset release", "bench/tick.py 1"]:
            self.assertTrue(looks_like_commands(blocks_of("\n    " + line)[0]), line)
        for line in ["dag_quality_gate: config: wrong", '{"a": 1}', "logs (.jsonl)", "$ ctest"]:
            self.assertFalse(looks_like_commands(blocks_of("\n    " + line)[0]), line)


if __name__ == "__main__":
    unittest.main()
