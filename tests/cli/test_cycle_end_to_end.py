"""Whole stories of the loop, told with the executables: up the ladder, and back down again.

Logs have fixed past times; --as-of is the present of the logic (approvals expire by the real clock).
"""

import json
import os
import stat
import unittest

from support import ENV_TEXT, T0, LoopTestCase, hours, minutes, parse_stamp, stamp


class LadderTest(LoopTestCase):
    def test_a_good_policy_climbs_the_ladder_one_approved_step_at_a_time(self):
        self.quiet_day()
        self.ws.log.runs(T0, hours(40), 800, cohort="canary")
        self.ws.log.runs(T0, hours(40), 800, cohort="control")
        now = T0
        for percent in (10, 30, 60, 100):
            self.promote(now, percent)
            waiting = self.check_tick(now + hours(3), 0)
            self.assertEqual(waiting["phase"], "verifying")
            self.check_note(waiting, "is under verification")
            settled = self.check_tick(now + hours(6), 0)
            self.assertEqual(settled["phase"], "settled")
            self.check_note(settled, "passed its verification")
            self.assertEqual(self.ws.percent(), percent)
            now += hours(7)
        top = self.check_tick(now, 0)
        self.assertEqual(top["decision"]["action"], "hold")
        self.check_reason(top, "ladder_complete")
        self.assertEqual(self.ws.env_file.read_text(), ENV_TEXT.replace("'0'", "'100'"))
        story = ["proposed", "approved", "apply_started", "applied", "verified"]
        self.assertEqual(self.ws.events(), ["adopted"] + 4 * story)
        self.check_code(self.ws.verify_journal(), 0)

    def test_the_env_file_keeps_every_other_byte_and_its_mode(self):
        self.first_step()
        self.assertEqual(self.ws.env_file.read_text(), ENV_TEXT.replace("'0'", "'10'"))
        self.assertEqual(stat.S_IMODE(os.stat(self.ws.env_file).st_mode), 0o640)

    def test_nothing_is_applied_while_the_approval_is_missing(self):
        self.quiet_day()
        self.check_tick(T0, 0)
        before = self.ws.fingerprint()
        for wait in (0, 5, 10):
            waiting = self.check_tick(T0 + minutes(wait), 0)
            self.assertEqual(waiting["phase"], "proposed")
            self.check_note(waiting, "waits for approval")
        self.assertEqual(self.ws.fingerprint(), before)

    def test_no_second_change_is_proposed_while_one_is_under_verification(self):
        self.first_step()
        self.ws.log.runs(T0, hours(3), 60, cohort="canary")
        self.ws.log.runs(T0, hours(3), 60, cohort="control")
        document = self.check_tick(T0 + hours(3), 0)
        self.check_reason(document, "change_under_verification")
        self.assertEqual(document["decision"]["patch"], {})

    def test_a_recommended_change_is_proposed_applied_and_verified_like_a_step(self):
        self.ws.write(self.ws.rules, {"schema": "dagloop.policy_rules/1", "rules": [
            {"id": "more-time", "group": "timeouts", "rank": 1,
             "when": [{"kpi": "error_rate.timeout", "comparator": ">=", "threshold": 0.05}],
             "then": {"env_key": "DAG_NODE_TIMEOUT_MS", "operation": "multiply", "operand": "1.5"},
             "reason": "Runs end by timeout.", "expected_effect": "Fewer timeouts."}]})
        self.ws.log.runs(T0 - hours(48), hours(48), 480, failed=72)
        self.ws.log.runs(T0, hours(7), 140, failed=14)
        proposed = self.check_tick(T0, 0)
        self.check_reason(proposed, "gate_fail")
        self.assertEqual(proposed["decision"]["patch"],
                         {"DAG_NODE_TIMEOUT_MS": {"before": "30000", "after": "45000"}})
        self.ws.approve()
        self.check_tick(T0, 0)
        self.assertIn("DAG_NODE_TIMEOUT_MS=45000\n", self.ws.env_file.read_text())
        self.assertEqual(self.check_tick(T0 + hours(6), 0)["phase"], "settled")

    def test_status_tells_phase_policy_and_what_waits(self):
        self.quiet_day()
        document = self.check_tick(T0, 0)
        status = self.ws.status()
        self.assertEqual(status["phase"], "proposed")
        self.assertEqual(status["pending_decision"], document["decision"]["digest"])
        self.ws.approve()
        self.check_tick(T0, 0)
        status = self.ws.status()
        self.assertEqual(status["phase"], "verifying")
        self.assertEqual(status["policy_in_force"]["DAG_ROLLOUT_PERCENT"], "10")
        self.assertIsNone(status["pending_decision"])
        self.assertEqual(status["under_verification"]["decision"], document["decision"]["digest"])

    def test_reports_of_a_tick_agree_and_are_archived(self):
        self.quiet_day()
        self.check_tick(T0, 0)
        names = sorted(os.listdir(self.ws.reports))
        self.assertEqual(names, ["archive", "dag_policy_decision_latest.json",
                                 "dag_quality_gate_latest.json", "dag_quality_latest.json",
                                 "dag_quality_latest.md"])
        archived = self.ws.reports / "archive" / "dag_policy_decision_20250602T000000Z.json"
        self.assertEqual(archived.read_text(), self.ws.decision_file.read_text())
        gate = json.loads((self.ws.reports / "dag_quality_gate_latest.json").read_text())
        self.assertEqual(gate["verdict"], self.ws.decision()["verdict"])

    def test_archived_reports_older_than_the_retention_are_removed(self):
        self.ws.configure({"reports": {"retention": "1d"}})
        self.ws.log.runs(T0 - hours(48), hours(96), 960)
        archive = self.ws.reports / "archive"
        self.check_code(self.ws.tick(T0), 0)
        self.assertTrue(list(archive.glob("*_20250602T000000Z.*")))
        self.check_code(self.ws.tick(T0 + hours(25)), 0)
        self.assertTrue(list(archive.glob("*_20250602T000000Z.*")), "a dry run removes nothing")
        self.check_code(self.ws.tick(T0 + hours(25), "--apply"), 0)
        self.assertFalse(list(archive.glob("*_20250602T000000Z.*")))
        self.assertTrue(list(archive.glob("*_20250603T010000Z.*")))


class RollbackTest(LoopTestCase):
    """A change under verification that does harm goes back by itself, whatever shows the harm."""

    def setUp(self):
        super().setUp()
        self.first_step()

    def after_step(self, canary, control):
        """Two hours of 100 runs in each arm of the shapes given, and the tick at their end."""
        self.ws.log.runs(T0, hours(2), 100, cohort="canary", **canary)
        self.ws.log.runs(T0, hours(2), 100, cohort="control", **control)
        return self.check_tick(T0 + hours(2), 7)

    def check_rolled_back(self, document, reason):
        self.check_reason(document, reason)
        self.assertEqual(document["decision"]["action"], "rollback")
        self.assertEqual(document["phase"], "rolled_back")
        self.assertEqual(self.ws.env_file.read_text(), ENV_TEXT)
        self.assertEqual(stat.S_IMODE(os.stat(self.ws.env_file).st_mode), 0o640)
        self.assertEqual(self.ws.events()[-3:],
                         ["verification_failed", "rollback_started", "rolled_back"])
        self.check_code(self.ws.verify_journal(), 0)

    def test_when_the_success_rate_drops(self):
        document = self.after_step({"failed": 15}, {"failed": 1})
        self.check_rolled_back(document, "success_drop_fired")

    def test_when_auth_errors_double(self):
        document = self.after_step({"failed": 6, "error_code": "TOOL_AUTH_ERROR"},
                                   {"failed": 1, "error_code": "TOOL_AUTH_ERROR"})
        self.check_rolled_back(document, "error_ratio.auth_fired")

    def test_when_server_errors_double(self):
        document = self.after_step({"failed": 6, "error_code": "503"},
                                   {"failed": 1, "error_code": "500"})
        self.check_rolled_back(document, "error_ratio.server_fired")

    def test_when_p95_passes_its_threshold(self):
        self.ws.configure({"decision": {"triggers": {"p95_ms": 5000}}})
        document = self.after_step({"duration_ms": 5600}, {"duration_ms": 5500})
        self.check_rolled_back(document, "p95_absolute_fired")

    def test_when_p95_is_a_multiple_of_the_controls(self):
        document = self.after_step({"duration_ms": 1600}, {"duration_ms": 1000})
        self.check_rolled_back(document, "p95_ratio_fired")

    def test_when_retries_storm_behind_a_success_rate_of_100_percent(self):
        document = self.after_step({"retried": 20}, {"retried": 4})
        self.check_rolled_back(document, "attempt_failure_ratio_fired")

    def test_when_the_gate_is_missed_without_any_trigger(self):
        document = self.after_step({"unverified": 10}, {"unverified": 10})
        self.check_rolled_back(document, "verification_missed")
        fired = [t for t in document["decision"]["triggers"] if t["state"] == "fired"]
        self.assertEqual(fired, [])

    def test_not_when_the_canary_is_as_good_as_control(self):
        self.ws.log.runs(T0, hours(2), 100, cohort="canary", failed=5)
        self.ws.log.runs(T0, hours(2), 100, cohort="control", failed=5)
        self.assertEqual(self.check_tick(T0 + hours(2), 0)["phase"], "verifying")
        self.assertEqual(self.ws.percent(), 10)

    def test_in_a_dry_run_is_announced_and_not_made(self):
        self.ws.log.runs(T0, hours(2), 100, cohort="canary", failed=30)
        self.ws.log.runs(T0, hours(2), 100, cohort="control")
        before = self.ws.fingerprint()
        result = self.check_code(self.ws.tick(T0 + hours(2)), 1)
        self.check_note(result.document(), "would roll back at once")
        self.assertEqual(result.document()["phase"], "verifying")
        self.assertEqual(self.ws.fingerprint(), before)

    def test_of_a_settled_step_goes_one_verified_policy_down_and_ends_with_1(self):
        self.ws.log.runs(T0, hours(8), 160, cohort="canary")
        self.ws.log.runs(T0, hours(8), 160, cohort="control")
        self.check_tick(T0 + hours(7), 0)
        self.ws.log.runs(T0 + hours(8), hours(4), 200, cohort="canary", failed=80)
        self.ws.log.runs(T0 + hours(8), hours(4), 200, cohort="control")
        document = self.check_tick(T0 + hours(12), 1)
        self.assertEqual(document["phase"], "rolled_back")
        self.assertEqual(self.ws.env_file.read_text(), ENV_TEXT)

    def test_that_a_reload_hook_fails_stands_and_is_told(self):
        self.ws.configure({"policy": {"reload": ["/bin/sh", "-c", "exit 3"]}})
        document = self.after_step({"failed": 30}, {})
        self.check_note(document, "reload by hand")
        self.assertEqual(self.ws.env_file.read_text(), ENV_TEXT)
        self.assertEqual(self.ws.events()[-2:], ["rolled_back", "hook_failed"])


class WayBackWithoutApproversTest(LoopTestCase):
    def test_of_a_change_under_verification_goes_on(self):
        self.ready_to_roll_back()
        self.ws.approvers.unlink()
        self.ws.rules.unlink()
        document = self.check_tick(T0 + hours(2), 7)
        self.check_note(document, "2 files do not exist")
        self.assertEqual(self.ws.percent(), 0)
        self.assertEqual(self.ws.events()[-2:], ["rollback_started", "rolled_back"])

    def test_of_a_settled_step_goes_on_and_so_does_the_verification_before_it(self):
        self.first_step()
        self.ws.log.runs(T0, hours(6), 200, cohort="canary")
        self.ws.log.runs(T0, hours(6), 200, cohort="control")
        self.ws.approvers.unlink()
        waiting = self.check_tick(T0 + hours(3), 2)
        self.check_note(waiting, "no change can be proposed")
        # The verification ends as it would; then nothing can be proposed any more.
        self.check_tick(T0 + hours(6), 2)
        self.assertEqual(self.ws.events()[-1], "verified")
        self.check_code(self.ws.tick(T0 + hours(7), "--apply"), 2)
        self.assertEqual(self.ws.events()[-1], "verified")
        self.ws.log.runs(T0 + hours(7), hours(3), 200, cohort="canary", failed=150)
        self.ws.log.runs(T0 + hours(7), hours(3), 200, cohort="control")
        self.check_note(self.check_tick(T0 + hours(10), 1), "no change can be proposed")
        self.assertEqual(self.ws.percent(), 0)


class CoolDownTest(LoopTestCase):
    def fail_step(self, start):
        """Applies the first step at `start`, lets it fail, and returns when it was rolled back."""
        self.promote(start, 10)
        self.ws.log.runs(start, hours(2), 100, cohort="canary", failed=30)
        self.ws.log.runs(start, hours(2), 100, cohort="control")
        self.check_tick(start + hours(2), 7)
        return start + hours(2)

    def cooldown_until(self):
        return parse_stamp(self.ws.status()["cooldown_until"])

    def test_holds_after_a_rollback_and_doubles_with_the_next_of_the_same_policy(self):
        self.quiet_day()
        back = self.fail_step(T0)
        self.assertEqual(self.cooldown_until(), back + hours(24))
        self.ws.log.runs(back, hours(40), 400)
        held = self.check_tick(back + hours(12), 0)
        self.check_reason(held, "cooldown")
        self.assertEqual(held["decision"]["patch"], {})
        again = self.fail_step(back + hours(30))
        self.assertEqual(self.cooldown_until(), again + hours(48))
        self.assertEqual(self.ws.env_file.read_text(), ENV_TEXT)


class MorningAfterTest(LoopTestCase):
    """The first step burned and was rolled back two hours later; the canary's last runs come in."""

    def setUp(self):
        super().setUp()
        self.ready_to_roll_back()
        self.check_tick(T0 + hours(2), 7)
        self.ws.log.runs(T0 + hours(2), hours(1), 30, cohort="canary", failed=30)
        self.ws.log.runs(T0 + hours(2), hours(3), 600, cohort="control")
        self.now = T0 + hours(5)

    def test_holds_by_the_cool_down_and_says_why_it_went_back(self):
        story = "rolled back at 2025-06-02T02:00:00Z from 10 to 0 %, because: "
        held = self.check_tick(self.now, 0)
        self.assertEqual(held["decision"]["action"], "hold")
        self.check_reason(held, "cooldown")
        self.assertIn(story, held["story"])
        self.assertIn("is 70.0 % (70 of 100)", held["story"])
        self.assertIn("cool-down until 2025-06-03T02:00:00Z", held["story"])
        head = (self.ws.reports / "dag_quality_latest.md").read_text().splitlines()[:14]
        self.assertTrue(any(story in line and "70 of 100" in line for line in head), head)
        self.assertFalse(any("of canary," in line for line in head if story not in line), head)
        status = self.ws.status()
        # By the clock, long after those days, the cool-down is over.
        self.assertEqual(status["story"], held["story"].split("; cool-down")[0])
        self.assertEqual(status["rolled_back"]["patch"],
                         {"DAG_ROLLOUT_PERCENT": {"before": "10", "after": "0"}})
        shown = self.check_code(self.ws.tool("dag_optimization_cycle", "--as-of",
                                             stamp(self.now)), 0)
        self.assertIn(story, shown.stdout.splitlines()[1])

    def test_is_over_when_the_policy_changes(self):
        self.ws.env_file.write_text(ENV_TEXT.replace("'0'", "'30'"))
        self.assertEqual(self.ws.tick(self.now, "--apply").document()["story"], "")
        self.assertIsNone(self.ws.status()["rolled_back"])


class HoldTest(LoopTestCase):
    def test_on_too_little_data_says_what_is_missing(self):
        self.ws.log.runs(T0 - hours(12), hours(12), 12)
        document = self.check_tick(T0, 3)
        self.assertEqual(document["decision"]["action"], "hold")
        self.check_reason(document, "gate_insufficient")
        texts = " ".join(reason["text"] for reason in document["decision"]["reasons"])
        self.assertIn("12 of 20 observations; 8 more needed", texts)

    def test_on_stale_data(self):
        self.quiet_day(T0 - hours(7))
        self.check_reason(self.check_tick(T0, 3), "data_stale")

    def test_on_no_data_at_all(self):
        self.check_reason(self.check_tick(T0, 3), "no_data")

    def test_on_malformed_data_and_the_evaluation_ends_with_4(self):
        self.quiet_day()
        self.ws.log.lines(*["{ broken"] * 60)
        self.check_reason(self.check_tick(T0, 4), "malformed_share_above_limit")
        evaluated = self.ws.tool("eval_dag_quality", "--as-of", "2025-06-02T00:00:00Z")
        self.check_code(evaluated, 4)
        self.assertIn("lines of the window are malformed", evaluated.stderr)

    def test_of_a_proposed_change_while_the_data_is_stale(self):
        self.quiet_day()
        self.check_tick(T0, 0)
        self.ws.approve()
        document = self.check_tick(T0 + hours(7), 3)
        self.check_note(document, "waits: the data cannot be relied on")
        self.assertEqual(document["phase"], "proposed")
        self.assertEqual(self.ws.percent(), 0)


class ProposalTest(LoopTestCase):
    def setUp(self):
        super().setUp()
        self.quiet_day()
        self.check_tick(T0, 0)

    def test_is_withdrawn_when_the_figures_no_longer_support_it(self):
        self.ws.approve()
        self.ws.log.runs(T0, hours(2), 200, unverified=40)
        document = self.check_tick(T0 + hours(2), 0)
        self.check_note(document, "the figures no longer support it")
        self.assertEqual(document["phase"], "rejected")
        self.assertEqual(self.ws.percent(), 0)
        self.assertEqual(self.ws.events()[-1], "rejected")

    def test_is_withdrawn_when_a_trigger_fires_and_there_is_nothing_to_go_back_to(self):
        self.ws.approve()
        self.ws.log.runs(T0, hours(2), 200, failed=150)
        document = self.check_tick(T0 + hours(2), 1)
        self.check_reason(document, "nothing_to_roll_back_to")
        self.assertEqual(document["phase"], "rejected")
        self.assertIsNone(self.ws.status()["pending_decision"])

    def test_is_withdrawn_when_the_env_file_was_edited_and_ends_with_6(self):
        self.ws.approve()
        self.ws.env_file.write_text(ENV_TEXT + "\nOTHER=1\n")
        document = self.check_tick(T0, 6)
        self.check_note(document, "the env file was changed since the decision")
        self.assertEqual(self.ws.env_file.read_text(), ENV_TEXT + "\nOTHER=1\n")
        self.assertEqual(self.ws.events()[-1], "conflict")


class ForeignEditTest(LoopTestCase):
    def test_of_a_policy_key_ends_the_verification_and_is_journaled(self):
        self.first_step()
        edited = self.ws.env_file.read_text().replace("'10'", "'30'")
        self.ws.env_file.write_text(edited)
        self.ws.log.runs(T0, hours(1), 60)
        document = self.check_tick(T0 + hours(1), 3)
        self.check_note(document, "changed outside the loop")
        self.assertEqual(self.ws.status()["under_verification"], None)
        self.assertEqual(self.ws.env_file.read_text(), edited)
        self.assertEqual(self.ws.events()[-1], "adopted")


class DryRunTest(LoopTestCase):
    def test_of_a_tick_writes_neither_env_file_nor_state(self):
        self.quiet_day()
        before = self.ws.fingerprint()
        result = self.check_code(self.ws.tick(T0), 0)
        self.check_note(result.document(), "would propose")
        self.assertEqual(self.ws.fingerprint(), before)
        self.assertFalse(self.ws.state.parent.exists())

    def test_of_a_tick_with_an_approved_proposal_changes_nothing(self):
        self.quiet_day()
        self.check_tick(T0, 0)
        self.ws.approve()
        before = self.ws.fingerprint()
        result = self.check_code(self.ws.tick(T0), 0)
        self.check_note(result.document(), "would apply the proposed change")
        self.assertEqual(result.document()["phase"], "proposed")
        self.assertEqual(self.ws.fingerprint(), before)

    def test_of_a_tick_reports_the_stored_phase(self):
        self.first_step()
        self.ws.log.runs(T0, hours(7), 140)
        result = self.check_code(self.ws.tick(T0 + hours(7)), 0)
        self.assertEqual(result.document()["phase"], "verifying")


if __name__ == "__main__":
    unittest.main()
