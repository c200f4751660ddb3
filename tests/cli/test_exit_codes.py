"""Every tool ends with the exit codes of the documentation's table, and with no other."""

import re
import unittest

from support import SOURCE_DIR, T0, LoopTestCase, hours, run_tool, stamp

TOOLS = ("eval_dag_quality", "dag_quality_gate", "decide_dag_policy", "approve_dag_policy",
         "apply_dag_policy", "dag_optimization_cycle")
AS_OF = stamp(T0)


class CommonCodesTest(unittest.TestCase):
    def test_help_and_version_end_with_0_and_go_to_standard_output(self):
        for tool in TOOLS:
            for flag in ("--help", "--version"):
                with self.subTest(tool=tool, flag=flag):
                    result = run_tool(tool, flag)
                    self.assertEqual(result.code, 0, str(result))
                    self.assertIn(tool if flag == "--version" else "--config", result.stdout)
                    self.assertEqual(result.stderr, "")

    def test_an_unknown_flag_ends_with_2(self):
        for tool in TOOLS:
            with self.subTest(tool=tool):
                result = run_tool(tool, "--no-such-flag")
                self.assertEqual(result.code, 2, str(result))
                self.assertEqual(result.stdout, "")

    def test_an_exception_that_is_no_error_of_the_tool_ends_with_70(self):
        result = run_tool("tool_with_a_bug")
        self.assertEqual(result.code, 70, str(result))
        self.assertRegex(result.stderr, r"\Atool_with_a_bug: internal: an index went astray; .*\n\Z")

    def test_a_failed_assertion_ends_with_70(self):
        result = run_tool("tool_with_a_bug", "--assert")
        self.assertEqual(result.code, 70, str(result))
        self.assertRegex(result.stderr, r"\Atool_with_a_bug: internal: .+: .+; .+\n\Z")


class DocumentedCodesTest(unittest.TestCase):
    def test_the_table_of_the_documentation_is_the_enumeration_of_the_code(self):
        header = (SOURCE_DIR / "include" / "dagloop" / "base" / "error.hpp").read_text()
        enumeration = header.split("enum class ExitCode : int {")[1].split("};")[0]
        in_code = sorted(int(n) for n in re.findall(r"\w+ = (\d+),", enumeration))
        table = (SOURCE_DIR / "docs" / "cli.md").read_text()
        table = table.split("| code | meaning |")[1].split("\n\n")[0]
        in_docs = [int(n) for n in re.findall(r"^\| (\d+) \|", table, re.MULTILINE)]
        self.assertEqual(in_docs, in_code)


class EvaluationCodesTest(LoopTestCase):
    def evaluate(self, *arguments):
        return self.ws.tool("eval_dag_quality", "--as-of", AS_OF, *arguments)

    def test_0_for_a_report_even_of_an_empty_window(self):
        self.check_code(self.evaluate(), 0)

    def test_2_for_a_bad_window(self):
        self.check_code(self.evaluate("--window", "7m"), 2)

    def test_4_for_a_log_that_is_not_there(self):
        self.check_code(self.evaluate("--source", "no/such.jsonl"), 4)

    def test_4_for_too_much_malformed_input(self):
        self.quiet_day()
        self.ws.log.lines(*["[]"] * 100)
        self.check_code(self.evaluate(), 4)

    def test_4_when_the_reports_cannot_be_written(self):
        (self.ws.dir / "file").write_text("")
        self.check_code(self.evaluate("--out", self.ws.dir / "file" / "reports"), 4)


class GateCodesTest(LoopTestCase):
    def gate(self, *arguments):
        source = [] if "--report" in arguments else ["--as-of", AS_OF]
        return self.ws.tool("dag_quality_gate", *source, *arguments)

    def test_0_for_pass(self):
        self.quiet_day()
        self.assertTrue(self.check_code(self.gate(), 0).stdout.startswith("PASS"))

    def test_1_for_fail(self):
        self.ws.log.runs(T0 - hours(24), hours(24), 100, failed=20)
        self.assertTrue(self.check_code(self.gate(), 1).stdout.startswith("FAIL"))

    def test_3_for_insufficient(self):
        self.ws.log.runs(T0 - hours(1), hours(1), 19)
        self.assertTrue(self.check_code(self.gate(), 3).stdout.startswith("INSUFFICIENT"))

    def test_3_for_stale_data_however_good(self):
        self.quiet_day(T0 - hours(7))
        self.check_code(self.gate(), 3)

    def test_3_for_a_report_that_is_too_old(self):
        self.quiet_day()
        self.check_code(self.ws.tool("eval_dag_quality", "--as-of", AS_OF), 0)
        report = self.ws.reports / "dag_quality_latest.json"
        self.check_code(self.gate("--report", report), 0)
        self.check_code(self.gate("--report", report, "--max-report-age", "1h"), 3)

    def test_2_for_a_document_that_is_no_report(self):
        self.ws.write(self.ws.dir / "other.json", {"schema": "dagloop.other/1"})
        self.check_code(self.gate("--report", self.ws.dir / "other.json"), 2)

    def test_4_for_a_log_that_is_not_there(self):
        self.check_code(self.gate("--source", "no/such.jsonl"), 4)


class DecisionCodesTest(LoopTestCase):
    def decide(self, *arguments):
        self.ws.tool("eval_dag_quality", "--as-of", AS_OF)
        return self.ws.tool("decide_dag_policy", "--report",
                            self.ws.reports / "dag_quality_latest.json", *arguments)

    def test_0_for_promote(self):
        self.quiet_day()
        self.assertTrue(self.check_code(self.decide(), 0).stdout.startswith("promote"))

    def test_0_for_a_hold_that_is_no_lack_of_data(self):
        self.ws.log.runs(T0 - hours(48), hours(48), 480, unverified=48)
        self.assertTrue(self.check_code(self.decide(), 0).stdout.startswith("hold"))

    def test_1_for_rollback(self):
        self.ws.log.runs(T0 - hours(24), hours(24), 200, cohort="canary", failed=60)
        self.ws.log.runs(T0 - hours(24), hours(24), 200, cohort="control")
        self.assertTrue(self.check_code(self.decide(), 1).stdout.startswith("rollback"))

    def test_2_without_an_env_file(self):
        self.quiet_day()
        self.ws.settings["policy"].pop("env_file")
        self.ws.configure({})
        self.check_code(self.decide(), 2)

    def test_3_for_too_little_data(self):
        self.check_code(self.decide(), 3)

    def test_4_for_an_env_file_that_is_not_there(self):
        self.quiet_day()
        self.check_code(self.decide("--env-file", self.ws.dir / "no.env"), 4)

    def test_5_for_approving_a_decision_that_was_edited(self):
        self.quiet_day()
        self.decide()
        decision = self.ws.decision()
        decision["patch"]["DAG_ROLLOUT_PERCENT"]["after"] = "100"
        self.ws.write(self.ws.decision_file, decision)
        self.check_code(self.ws.approve(), 5)

    def test_2_for_approving_a_decision_that_changes_nothing(self):
        self.decide()
        self.check_code(self.ws.approve(), 2)


class ApplyCodesTest(LoopTestCase):
    """5, 6 and 7 have their stories in the other files; here are the remaining ones."""

    def test_0_for_a_decision_that_changes_nothing(self):
        self.ws.tick(T0)
        result = self.ws.tool("apply_dag_policy", "--apply", "--decision", self.ws.decision_file)
        self.assertIn("changes nothing", self.check_code(result, 0).stdout)

    def test_0_for_the_status_of_a_loop_that_never_ran(self):
        status = self.check_code(self.ws.tool("apply_dag_policy", "--status"), 0).document()
        self.assertEqual(status["phase"], "idle")
        self.assertFalse(self.ws.state.exists())

    def test_2_without_anything_to_do(self):
        self.check_code(self.ws.tool("apply_dag_policy"), 2)

    def test_4_for_a_state_file_that_is_none(self):
        self.ws.state.parent.mkdir()
        self.ws.state.write_bytes(b"this is no database" * 100)
        for arguments in (["--status"], ["--verify-journal"], ["--rollback", "--apply"]):
            self.check_code(self.ws.tool("apply_dag_policy", *arguments), 4)
        self.check_code(self.ws.tick(T0, "--apply"), 4)

    def test_json_holds_the_exit_code_and_the_mode(self):
        self.ws.tick(T0)
        result = self.ws.tool("apply_dag_policy", "--decision", self.ws.decision_file, "--json")
        document = result.document()
        self.assertEqual(document["schema"], "dagloop.apply_result/1")
        self.assertEqual((document["exit_code"], document["mode"]), (result.code, "dry_run"))


class CycleCodesTest(LoopTestCase):
    def test_4_when_the_log_is_gone_and_the_page_says_so(self):
        self.ws.log.path.unlink()
        result = self.check_code(self.ws.tick(T0, "--apply"), 4)
        self.assertEqual(result.stdout, "")
        self.assertFalse(self.ws.decision_file.exists())
        self.assertIn("no decision", (self.ws.reports / "dag_quality_latest.md").read_text())

    def test_4_when_the_log_is_corrupt_and_the_page_says_so(self):
        self.ws.log.path.unlink()
        (self.ws.log.path.parent / "runs.jsonl.gz").write_bytes(b"\x1f\x8b\x08\x00 broken")
        result = self.ws.tick(T0, "--apply", "--source", self.ws.log.path.parent)
        self.check_code(result, 4)
        page = (self.ws.reports / "dag_quality_latest.md").read_text()
        self.assertIn("no decision", page)

    def test_2_for_a_time_before_the_policy_in_force_began(self):
        self.first_step()
        before = self.ws.fingerprint()
        self.check_code(self.ws.tick(T0 - hours(1), "--apply"), 2)
        self.assertEqual(self.ws.fingerprint(), before)

    def test_the_document_holds_the_exit_code(self):
        document = self.check_tick(T0, 3)
        self.assertEqual(document["schema"], "dagloop.tick_result/1")
        self.assertEqual((document["exit_code"], document["mode"]), (3, "apply"))


class StandardStreamsTest(LoopTestCase):
    def test_a_whole_pipeline_runs_through_standard_input_and_writes_no_file(self):
        self.quiet_day()
        before = self.ws.fingerprint()
        report = self.ws.tool("eval_dag_quality", "--as-of", AS_OF, "--json", "--source", "-",
                              stdin=self.ws.log.path.read_text())
        self.check_code(report, 0)
        gate = self.ws.tool("dag_quality_gate", "--report", "-", "--json", stdin=report.stdout)
        self.assertEqual(self.check_code(gate, 0).document()["verdict"], "PASS")
        decision = self.ws.tool("decide_dag_policy", "--report", "-", "--json",
                                stdin=report.stdout)
        self.assertEqual(self.check_code(decision, 0).document()["action"], "promote")
        approval = self.ws.tool("approve_dag_policy", "--decision", "-", "--as", "alice", "--key",
                                self.ws.key_of("alice"), "--yes", "--json", stdin=decision.stdout)
        self.assertEqual(self.check_code(approval, 0).document()["approver"], "alice")
        self.assertEqual(self.ws.fingerprint(), before)
        self.assertFalse(self.ws.reports.exists())

    def test_the_next_command_of_the_gate_keeps_what_was_given(self):
        self.quiet_day()
        gate = self.ws.dir / "gate.json"

        def judged(comparator, least, *source):
            self.ws.write(gate, {"checks": [{"kpi": "pipeline_success_rate", "comparator": comparator,
                                             "threshold": 0.5, "min_sample": least}]})
            return self.ws.tool("dag_quality_gate", "--gate", gate, *source)

        lacking = self.check_code(judged(">=", 100000, "--as-of", AS_OF), 3)
        self.assertIn("dag_quality_gate --config %s --gate %s" % (self.ws.config, gate),
                      str(lacking))
        failing = self.check_code(judged("<=", 1, "--as-of", AS_OF), 1)
        self.assertIn("eval_dag_quality --config %s --as-of %s" % (self.ws.config, AS_OF),
                      str(failing))
        self.check_code(self.ws.tool("eval_dag_quality", "--as-of", AS_OF), 0)
        report = self.ws.reports / "dag_quality_latest.json"
        lacking = self.check_code(judged(">=", 100000, "--report", report), 3)
        self.assertIn("--report %s --gate %s" % (report, gate), str(lacking))

    def test_the_gate_document_of_a_report_carries_the_decision(self):
        self.quiet_day()
        self.check_code(self.ws.tool("eval_dag_quality", "--as-of", AS_OF), 0)
        report = self.ws.reports / "dag_quality_latest.json"
        self.check_code(self.ws.tool("dag_quality_gate", "--report", report), 0)
        verdict = self.ws.reports / "dag_quality_gate_latest.json"
        decided = self.ws.tool("decide_dag_policy", "--report", report, "--verdict", verdict)
        self.check_code(decided, 0)
        self.assertEqual(self.ws.decision()["verdict"], "PASS")

    def test_a_gate_document_of_another_report_is_refused(self):
        self.quiet_day()
        self.check_code(self.ws.tool("eval_dag_quality", "--as-of", AS_OF), 0)
        report = self.ws.reports / "dag_quality_latest.json"
        self.ws.tool("dag_quality_gate", "--as-of", stamp(T0 - hours(1)))
        verdict = self.ws.reports / "dag_quality_gate_latest.json"
        decided = self.ws.tool("decide_dag_policy", "--report", report, "--verdict", verdict)
        self.check_code(decided, 2)


if __name__ == "__main__":
    unittest.main()
