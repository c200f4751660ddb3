"""What a drop is made of, as people get to read it: summary, verdict and page."""

import json
import pathlib
import tempfile
import unittest

from support import run_tool

AS_OF = "2026-02-25T06:00:00Z"


def run(serial, cohort, failed, code="", source="llm"):
    record = {"pipeline_run_id": "run-%d" % serial, "status": "failed" if failed else "succeeded",
              "created_at": "2026-02-25T%02d:%02d:00Z" % (serial % 6, serial % 60),
              "execution_mode": "dag", "cohort": cohort, "plan_source": source}
    return dict(record, error_code=code) if code else record


def dropped_log(code):
    """5 % of 400 control runs fail, 30 % of 100 canary runs, 25 of them with the code."""
    log = [run(i, "control", i % 20 == 0, source=("llm", "rule")[i % 2]) for i in range(400)]
    for i in range(100):
        log.append(run(1000 + i, "canary", i < 30, code if i < 25 else "", ("llm", "rule")[i % 2]))
    return log


class Attribution(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def evaluate(self, records, *flags):
        (self.folder / "log.jsonl").write_text("".join(json.dumps(r) + "\n" for r in records))
        return run_tool("eval_dag_quality", "--as-of", AS_OF, "--source",
                        self.folder / "log.jsonl", *flags, cwd=self.folder)

    def page(self):
        return (self.folder / "reports" / "dag_quality_latest.md").read_text()

    def test_a_drop_is_the_first_thing_that_is_said(self):
        result = self.evaluate(dropped_log("LLM_TIMEOUT"))
        self.assertEqual(result.code, 0, str(result))
        line = "Success 70.0 % of canary, 95.0 % of control: -25.0 points ("
        self.assertIn("  " + line, result.stdout)
        self.assertIn("error code LLM_TIMEOUT -25.0 (", result.stdout)
        self.assertTrue(self.page().split("\n")[2].startswith("- " + line), self.page()[:400])
        html = (self.folder / "reports" / "dag_quality_latest.html").read_text()
        self.assertLess(html.index("error code LLM_TIMEOUT"), html.index("Gate:"))
        verdict = run_tool("dag_quality_gate", "--report", "reports/dag_quality_latest.json",
                           cwd=self.folder)
        self.assertIn("  " + line, verdict.stdout)

    def test_nothing_is_said_where_nothing_is_wrong_but_in_the_document(self):
        even = [run(i, ("canary", "control")[i % 2], i % 20 < 2) for i in range(400)]
        result = self.evaluate(even)
        self.assertNotIn("Success", result.stdout)
        self.assertNotIn("Difference by", self.page())
        document = json.loads((self.folder / "reports" / "dag_quality_latest.json").read_text())
        self.assertEqual(document["attribution"]["subject"], {"runs": 200, "failed": 20})

    def test_a_label_cannot_command_the_terminal(self):
        result = self.evaluate(dropped_log("\x1b[2J\rPASS"))
        self.assertIn("error code \\x1b[2J\\x0dPASS -25.0", result.stdout.replace("\\r", "\\x0d"))
        self.assertNotIn("\x1b", result.stdout)

    def test_a_mix_that_explains_the_drop_is_said_in_one_line(self):
        log = []
        for serial in range(1000):
            cohort = "canary" if serial % 2 else "control"
            hard = serial // 2 % 10 < (8 if cohort == "canary" else 2)
            failed = serial // 20 % 10 < (4 if hard else 0)
            log.append(run(serial, cohort, failed, source="llm" if hard else "rule"))
        result = self.evaluate(log)
        told = [line for line in result.stdout.split("\n") if "mix_explains_difference" in line]
        self.assertEqual(len(told), 1, str(result))
        self.assertIn("The mix of runs explains it, more than the policy: -24.0 points (", told[0])
        self.assertIn("on the whole, 0.0 (", told[0])


if __name__ == "__main__":
    unittest.main()
