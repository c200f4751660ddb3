"""Characters that steer a terminal, turn the direction of a text or cannot be seen come out of no
tool as they went in: neither at the terminal nor in documents and pages."""

import json
import unicodedata
import unittest

from support import T0, LoopTestCase, hours, stamp

MARKS = "".join(map(chr, [*range(0x80, 0xA0), *range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x1B,
                          0x7F, 0xAD, 0x61C, 0x200B, 0x200E, 0x200F, 0x2028, 0x2029, 0x2060, 0xFEFF,
                          0xE0041]))
# A few a text, so that none of them is cut off where a text is.
TEXTS = ["a%sb" % MARKS[i:i + 6] for i in range(0, len(MARKS), 6)]


def unseen_in(text):
    return sorted({hex(ord(c)) for c in text
                   if c != "\n" and unicodedata.category(c) in ("Cc", "Cf", "Zl", "Zp")})


class UnseenCharactersTest(LoopTestCase):
    def setUp(self):
        super().setUp()
        self.ws.configure({"reports": {"formats": ["json", "md", "html"]}})

    def tool(self, name, *arguments, code=None):
        result = self.ws.tool(name, *arguments)
        for where, text in (("stdout", result.stdout), ("stderr", result.stderr)):
            self.assertEqual(unseen_in(text), [], "%s %s: %s" % (name, where, ascii(text)))
        if code is not None:
            self.check_code(result, code)
        for path in self.ws.dir.rglob("dag_*"):
            if path.is_file() and not path.is_symlink():
                self.assertEqual(unseen_in(path.read_text()), [], path)
        return result

    def fill_log(self):
        self.ws.log.runs(T0 - hours(48), hours(48), 480)
        fields = ("error_code", "plan_source", "pipeline_id", "verification_reason",
                  "fallback_reason", "policy_version", "user_id", "cohort", "execution_mode")
        for i, text in enumerate(TEXTS):
            run = {"pipeline_run_id": "m%d" % i, "status": "failed", "execution_mode": "dag",
                   "created_at": stamp(T0 - hours(20) + hours(19) * i / len(TEXTS))}
            self.ws.log.lines({**run, "node_id": text, "node_type": "skill", "error_code": text})
            self.ws.log.lines({**run, **{field: text for field in fields[:5]}})
            self.ws.log.lines({**run, "pipeline_run_id": "o%d" % i, **{f: text for f in fields}})

    def test_from_a_log_through_all_tools(self):
        self.fill_log()
        as_of = ("--as-of", stamp(T0))
        report = self.tool("eval_dag_quality", *as_of, "--json", code=0).document()
        labels = report["populations"]["dag"]["error_codes"]
        self.assertTrue(set(TEXTS) <= set(labels), "what a document says is there all the same")
        self.tool("eval_dag_quality", *as_of)
        for name in ("dag_quality_gate", "dag_optimization_cycle"):
            for arguments in ((), ("--json",)):
                self.tool(name, *as_of, *arguments)
        self.tool("decide_dag_policy", "--report", self.ws.reports / "dag_quality_latest.json",
                  "--as", "\u202emallory\x9b")
        self.tool("approve_dag_policy", "--decision", self.ws.decision_file, "--as", "alice",
                  "--key", self.ws.key_of("alice"), "--yes")
        self.tool("apply_dag_policy", "--decision", self.ws.decision_file)
        self.tool("replay_dag_policy", "--from", stamp(T0 - hours(12)), "--to", stamp(T0), "--out",
                  self.ws.reports)

    def test_from_names_of_files_and_lines_that_are_none(self):
        for i, text in enumerate(TEXTS):
            log = self.ws.dir / "logs" / ("%s.jsonl" % text)
            bad = {"created_at": stamp(T0), "status": text, "pipeline_run_id": "x%d" % i}
            log.write_text("%s\n%s\n" % (text, json.dumps(bad)))
            self.tool("eval_dag_quality", "--as-of", stamp(T0), "--json", "--source", log, code=4)
            self.tool("eval_dag_quality", "--as-of", stamp(T0), "--source", log, code=4)
            self.tool("eval_dag_quality", "--source", self.ws.dir / (text + "none"))
            self.tool("dag_optimization_cycle", "--as-of", stamp(T0), "--source", log)
        self.tool("eval_dag_quality", "--as-of", stamp(T0), "--source", self.ws.dir / "logs")

    def test_from_the_env_file_and_the_configuration(self):
        self.quiet_day()
        for text in TEXTS:
            self.ws.env_file.write_text("DAG_ROLLOUT_PERCENT=0\nDAG_NODE_TIMEOUT_MS=%s\n" % text)
            self.tool("dag_optimization_cycle", "--as-of", stamp(T0))
            self.tool("apply_dag_policy", "--status")
            self.tool("apply_dag_policy", "--rollback")
        self.ws.configure({"policy": {"env_file": str(self.ws.dir / ("x" + TEXTS[3]))}})
        self.tool("dag_optimization_cycle", "--as-of", stamp(T0))
        self.ws.configure({TEXTS[2]: TEXTS[4]})
        self.tool("dag_optimization_cycle", "--as-of", stamp(T0))


if __name__ == "__main__":
    unittest.main()
