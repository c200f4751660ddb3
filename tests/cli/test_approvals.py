"""Nothing is applied without an approval for exactly that decision; and conflicts are refused."""

import fcntl
import json
import os
import shutil
import sqlite3
import time
import unittest

from support import ENV_TEXT, T0, LoopTestCase, hours, parse_stamp, stamp


class ManualTestCase(LoopTestCase):
    """A promotion that was decided by hand: eval, decide; the state is empty."""

    def setUp(self):
        super().setUp()
        self.quiet_day()

    def decide(self):
        self.check_code(self.ws.tool("eval_dag_quality", "--as-of", stamp(T0)), 0)
        decided = self.ws.tool("decide_dag_policy", "--as", "bob", "--report",
                               self.ws.reports / "dag_quality_latest.json")
        self.check_code(decided, 0)
        return self.ws.decision()

    def apply(self, *arguments, approval=None, decision=None):
        options = ["--approval", approval] if approval else []
        return self.ws.tool("apply_dag_policy", "--decision", decision or self.ws.decision_file,
                            *options, *arguments)

    def check_refused(self, result, code, words, events=("adopted", "refused")):
        self.check_code(result, code)
        self.assertIn(words, result.stderr)
        self.assertEqual(self.ws.env_file.read_text(), ENV_TEXT)
        self.assertEqual(self.ws.events(), list(events))
        if self.ws.state.exists():
            self.check_code(self.ws.verify_journal(), 0)


class ApplyTest(ManualTestCase):
    def test_an_approved_decision_is_applied_once_and_put_under_verification(self):
        decision = self.decide()
        self.assertEqual(decision["patch"],
                         {"DAG_ROLLOUT_PERCENT": {"before": "0", "after": "10"}})
        self.check_code(self.ws.approve(), 0)
        applied = self.check_code(self.apply("--apply", approval=self.ws.approval_file), 0)
        self.assertIn("DAG_ROLLOUT_PERCENT", applied.stdout)
        self.assertEqual(self.ws.env_file.read_text(), ENV_TEXT.replace("'0'", "'10'"))
        self.assertEqual(self.ws.status()["phase"], "verifying")
        self.assertEqual(self.ws.events(), ["adopted", "apply_started", "applied"])

    def test_a_dry_run_shows_the_masked_diff_and_that_the_approval_holds(self):
        self.decide()
        self.ws.approve()
        before = self.ws.fingerprint()
        shown = self.check_code(self.apply(approval=self.ws.approval_file), 0)
        self.assertIn("+DAG_ROLLOUT_PERCENT='10'", shown.stdout)
        self.assertIn("the approval holds", shown.stdout)
        self.assertEqual(self.ws.fingerprint(), before)

    def test_a_dry_run_without_an_approval_says_that_apply_would_be_refused(self):
        self.decide()
        shown = self.check_code(self.apply(), 0)
        self.assertIn("would be refused: no approval was given", shown.stdout)

    def test_a_policy_applied_by_hand_is_taken_back_by_hand_without_an_approval(self):
        self.decide()
        self.ws.approve()
        self.check_code(self.apply("--apply", approval=self.ws.approval_file), 0)
        shown = self.check_code(self.ws.tool("apply_dag_policy", "--rollback"), 0)
        self.assertIn("+DAG_ROLLOUT_PERCENT='0'", shown.stdout)
        self.assertEqual(self.ws.percent(), 10)
        self.check_code(self.ws.tool("apply_dag_policy", "--rollback", "--apply"), 0)
        self.assertEqual(self.ws.env_file.read_text(), ENV_TEXT)
        self.assertEqual(self.ws.events()[-2:], ["rollback_started", "rolled_back"])

    def test_a_rollback_with_nothing_approved_before_is_refused(self):
        self.decide()
        result = self.ws.tool("apply_dag_policy", "--rollback", "--apply")
        self.check_refused(result, 5, "no earlier policy is known that was approved before")

    def test_a_rollback_without_the_rollout_key_in_the_env_file_is_a_configuration_error(self):
        self.ws.env_file.write_text("OTHER=1\n")
        result = self.check_code(self.ws.tool("apply_dag_policy", "--rollback"), 2)
        self.assertIn("DAG_ROLLOUT_PERCENT", result.stderr)


class ApprovalRefusedTest(ManualTestCase):
    def test_when_it_is_missing(self):
        self.decide()
        self.check_refused(self.apply("--apply"), 5, "no approval was given")

    def test_when_the_decision_has_expired(self):
        self.ws.configure({"policy": {"approval_ttl": "1s"}})
        decision = self.decide()
        self.check_code(self.ws.approve(), 0)
        time.sleep(max(0.0, parse_stamp(decision["expires_at"]).timestamp() - time.time()) + 0.05)
        result = self.apply("--apply", approval=self.ws.approval_file)
        self.check_refused(result, 5, "expired")

    def test_to_sign_when_the_decision_has_expired(self):
        self.ws.configure({"policy": {"approval_ttl": "1s"}})
        self.decide()
        time.sleep(1.1)
        self.assertIn("expired", self.check_code(self.ws.approve(), 5).stderr)
        self.assertFalse(self.ws.approval_file.exists())

    def test_when_it_was_used_before(self):
        self.decide()
        self.ws.approve()
        self.check_code(self.apply("--apply", approval=self.ws.approval_file), 0)
        self.check_code(self.ws.tool("apply_dag_policy", "--rollback", "--apply"), 0)
        again = self.apply("--apply", approval=self.ws.approval_file)
        self.check_code(again, 5)
        self.assertIn("applied before", again.stderr)
        self.assertEqual(self.ws.env_file.read_text(), ENV_TEXT)

    def test_when_it_is_for_another_decision(self):
        self.decide()
        self.ws.approve()
        self.decide()
        result = self.apply("--apply", approval=self.ws.approval_file)
        self.check_refused(result, 5, "decision")

    def test_when_the_approver_is_unknown(self):
        self.decide()
        known = self.ws.approvers.read_text()
        self.ws.add_approver("mallory")
        self.ws.approvers.write_text(known)
        self.check_code(self.ws.approve("mallory"), 0)
        result = self.apply("--apply", approval=self.ws.approval_file)
        self.check_refused(result, 5, "mallory")

    def test_when_an_unknown_key_signs_under_a_known_name(self):
        self.decide()
        known = self.ws.approvers.read_text()
        self.ws.add_approver("mallory")
        self.ws.approvers.write_text(known)
        signed = self.ws.tool("approve_dag_policy", "--decision", self.ws.decision_file, "--as",
                              "alice", "--key", self.ws.key_of("mallory"), "--yes", "--out",
                              self.ws.approvals)
        self.check_code(signed, 0)
        result = self.apply("--apply", approval=self.ws.approval_file)
        self.check_refused(result, 5, "signature")

    def edit_approval(self, **members):
        document = json.loads(self.ws.approval_file.read_text())
        for member, value in members.items():
            self.assertIn(member, document)
            document[member] = value
        self.ws.write(self.ws.approval_file, document)

    def test_when_its_signature_was_tampered_with(self):
        self.decide()
        self.ws.approve()
        signature = json.loads(self.ws.approval_file.read_text())["signature"]
        other = ("B" if signature[0] == "A" else "A") + signature[1:]
        self.edit_approval(signature=other)
        result = self.apply("--apply", approval=self.ws.approval_file)
        self.check_refused(result, 5, "signature")

    def test_when_its_expiry_was_moved(self):
        self.decide()
        self.ws.approve()
        self.edit_approval(expires_at="2200-01-01T00:00:00Z")
        self.check_code(self.apply("--apply", approval=self.ws.approval_file), 5)
        self.assertEqual(self.ws.env_file.read_text(), ENV_TEXT)

    def test_when_the_approver_was_revoked(self):
        self.decide()
        self.ws.approve()
        document = json.loads(self.ws.approvers.read_text())
        document["approvers"][0]["revoked_at"] = "2025-01-01T00:00:00Z"
        self.ws.write(self.ws.approvers, document)
        result = self.apply("--apply", approval=self.ws.approval_file)
        self.check_refused(result, 5, "revoked")

    def test_when_who_proposed_also_approves_and_two_people_are_asked_for(self):
        self.ws.configure({"policy": {"approval_people": 2}})
        self.ws.add_approver("bob")
        self.decide()
        self.ws.approve("bob")
        result = self.apply("--apply", approval=self.ws.approval_file)
        self.check_refused(result, 5, "bob")
        self.ws.approve("alice")
        self.check_code(self.apply("--apply", approval=self.ws.approval_file), 0)

    def test_when_others_may_read_the_private_key(self):
        self.decide()
        os.chmod(self.ws.key_of("alice"), 0o644)
        refused = self.check_code(self.ws.approve(), 5)
        self.assertIn("others may read the private key", refused.stderr)
        self.assertFalse(self.ws.approval_file.exists())

    def test_to_write_a_key_over_another(self):
        before = self.ws.key_of("alice").read_text()
        made = self.ws.tool("approve_dag_policy", "--init-key", "--as", "alice", "--key",
                            self.ws.key_of("alice"))
        self.check_code(made, 2)
        self.assertEqual(self.ws.key_of("alice").read_text(), before)

    def test_without_a_terminal_to_ask_on(self):
        self.decide()
        asked = self.ws.tool("approve_dag_policy", "--decision", self.ws.decision_file, "--as",
                             "alice", "--key", self.ws.key_of("alice"), "--out", self.ws.approvals)
        self.check_code(asked, 2)
        self.assertFalse(self.ws.approval_file.exists())


class CycleApprovalTest(LoopTestCase):
    def setUp(self):
        super().setUp()
        self.quiet_day()

    def test_expires_by_the_real_clock_whatever_as_of_says(self):
        self.ws.configure({"policy": {"approval_ttl": "1s"}})
        proposed = self.check_tick(T0, 0)
        self.check_code(self.ws.approve(), 0)
        expiry = parse_stamp(proposed["decision"]["expires_at"]).timestamp()
        time.sleep(max(0.0, expiry - time.time()) + 0.05)
        document = self.check_tick(T0, 0)
        self.assertEqual(document["phase"], "expired")
        self.assertEqual(self.ws.events()[-1], "expired")
        self.assertEqual(self.ws.percent(), 0)

    def test_that_does_not_hold_is_refused_with_5_and_journaled_once(self):
        known = self.ws.approvers.read_text()
        self.check_tick(T0, 0)
        self.ws.add_approver("mallory")
        self.ws.approvers.write_text(known)
        self.ws.approve("mallory")
        for _ in range(3):
            self.check_note(self.check_tick(T0, 5), "approval refused")
        self.assertEqual(self.ws.events(), ["adopted", "proposed", "refused"])
        self.assertEqual(self.ws.percent(), 0)

    def test_that_cannot_be_read_does_not_hide_a_valid_one(self):
        self.check_tick(T0, 0)
        self.ws.approve()
        (self.ws.approvals / "dag_policy_approval_0.json").write_text("{ broken")
        document = self.check_tick(T0, 0)
        self.check_note(document, "passed over an approval")
        self.assertEqual(self.ws.percent(), 10)

    def test_of_an_earlier_proposal_does_not_carry_a_later_one(self):
        self.check_tick(T0, 0)
        self.ws.approve()
        shutil.copy(self.ws.approval_file, self.ws.approvals / "dag_policy_approval_old.json")
        self.ws.env_file.write_text(ENV_TEXT + "\n")
        self.check_tick(T0, 6)
        self.check_tick(T0, 0)
        waiting = self.check_tick(T0, 0)
        self.check_note(waiting, "waits for approval")
        self.assertEqual(self.ws.percent(), 0)


class NotAllowedTest(ManualTestCase):
    def narrow_allowlist(self):
        document = json.loads(self.ws.allowlist.read_text())
        document["keys"] = [k for k in document["keys"] if k["name"] != "DAG_ROLLOUT_PERCENT"]
        self.ws.write(self.ws.allowlist, document)

    def test_a_decision_that_was_edited_is_refused_by_its_digest(self):
        decision = self.decide()
        self.ws.approve()
        decision["patch"]["DATABASE_URL"] = {"before": "x", "after": "y"}
        self.ws.write(self.ws.decision_file, decision)
        result = self.apply("--apply", approval=self.ws.approval_file)
        self.check_refused(result, 5, "digest", events=[])

    def test_an_approved_key_that_is_no_longer_allowed_is_refused_and_journaled(self):
        self.decide()
        self.ws.approve()
        self.narrow_allowlist()
        result = self.apply("--apply", approval=self.ws.approval_file)
        self.check_refused(result, 2, "DAG_ROLLOUT_PERCENT")
        refused = self.ws.journal()[-1]
        self.assertIn("DAG_ROLLOUT_PERCENT", refused["why"])
        self.assertEqual(refused["decision_digest"], self.ws.decision()["digest"])

    def test_an_approved_step_beyond_a_tightened_bound_is_refused(self):
        self.decide()
        self.ws.approve()
        document = json.loads(self.ws.allowlist.read_text())
        document["keys"][0]["max"] = 5
        self.ws.write(self.ws.allowlist, document)
        self.check_refused(self.apply("--apply", approval=self.ws.approval_file), 2,
                           "DAG_ROLLOUT_PERCENT")


class ConflictTest(ManualTestCase):
    def test_when_the_env_file_changed_since_the_decision(self):
        self.decide()
        self.ws.approve()
        edited = ENV_TEXT + "\nOTHER=1\n"
        self.ws.env_file.write_text(edited)
        result = self.check_code(self.apply("--apply", approval=self.ws.approval_file), 6)
        self.assertIn("changed since the decision", result.stderr)
        self.assertEqual(self.ws.env_file.read_text(), edited)
        self.assertEqual(self.ws.events(), ["adopted", "refused"])

    def test_when_another_change_is_under_verification(self):
        self.decide()
        self.ws.approve()
        self.check_code(self.apply("--apply", approval=self.ws.approval_file), 0)
        foreign_state = "sqlite:" + str(self.ws.dir / "other.db")
        self.check_code(self.ws.tool("decide_dag_policy", "--state", foreign_state, "--report",
                                     self.ws.reports / "dag_quality_latest.json"), 0)
        self.assertEqual(self.ws.decision()["patch"],
                         {"DAG_ROLLOUT_PERCENT": {"before": "10", "after": "30"}})
        self.ws.approve()
        result = self.check_code(self.apply("--apply", approval=self.ws.approval_file), 6)
        self.assertIn("under verification", result.stderr)
        self.assertEqual(self.ws.percent(), 10)

    def held_lock(self):
        self.ws.state.parent.mkdir(exist_ok=True)
        file = open(str(self.ws.state) + ".lock", "w", encoding="utf-8")
        self.addCleanup(file.close)
        fcntl.flock(file, fcntl.LOCK_EX)
        return file

    def test_while_another_process_holds_the_lock(self):
        self.decide()
        self.ws.approve()
        file = self.held_lock()
        for result in (self.apply("--apply", approval=self.ws.approval_file),
                       self.ws.tool("apply_dag_policy", "--rollback", "--apply"),
                       self.ws.tick(T0, "--apply")):
            self.check_code(result, 6)
            self.assertIn("another change holds the lock", result.stderr)
        self.assertEqual(self.ws.env_file.read_text(), ENV_TEXT)
        self.check_code(self.apply(approval=self.ws.approval_file), 0)
        file.close()
        self.check_code(self.apply("--apply", approval=self.ws.approval_file), 0)


class ReloadHookTest(ManualTestCase):
    def use_hook(self, script):
        self.ws.configure({"policy": {"reload": ["/bin/sh", "-c", script]}})

    def test_sees_the_new_values_and_runs_once(self):
        self.use_hook("grep ROLLOUT %s >> %s" % (self.ws.env_file, self.ws.dir / "loaded"))
        self.decide()
        self.ws.approve()
        self.check_code(self.apply("--apply", approval=self.ws.approval_file), 0)
        self.assertEqual((self.ws.dir / "loaded").read_text(),
                         "DAG_ROLLOUT_PERCENT='10'   # moved by the loop\n")

    def test_that_fails_takes_the_change_back_and_leaves_a_policy_to_go_back_to(self):
        self.use_hook("echo no such unit >&2; exit 5")
        self.decide()
        self.ws.approve()
        self.check_code(self.apply("--apply", approval=self.ws.approval_file), 7)
        self.assertEqual(self.ws.env_file.read_text(), ENV_TEXT)
        status = self.ws.status()
        self.assertEqual(status["phase"], "rolled_back")
        self.assertEqual(status["verified_policies"], 1)
        self.assertEqual(self.ws.events(),
                         ["adopted", "apply_started", "hook_failed", "rollback_started",
                          "rolled_back", "hook_failed"])
        self.assertIn("no such unit", self.ws.journal()[2]["why"])

    def test_that_hangs_is_killed_and_the_change_taken_back(self):
        self.use_hook("sleep 30")
        self.ws.configure({"policy": {"reload_timeout": "200ms"}})
        self.decide()
        self.ws.approve()
        started = time.monotonic()
        self.check_code(self.apply("--apply", approval=self.ws.approval_file), 7)
        self.assertLess(time.monotonic() - started, 15)
        self.assertEqual(self.ws.env_file.read_text(), ENV_TEXT)
        self.assertIn("timed out", self.ws.journal()[2]["why"])

    def test_runs_without_the_secrets_of_the_callers_environment(self):
        self.use_hook("env > %s" % (self.ws.dir / "seen"))
        self.decide()
        self.ws.approve()
        result = self.ws.tool("apply_dag_policy", "--decision", self.ws.decision_file, "--approval",
                              self.ws.approval_file, "--apply", env={"PGPASSWORD": "pg-secret-1"})
        self.check_code(result, 0)
        self.assertNotIn("pg-secret-1", (self.ws.dir / "seen").read_text())

    def test_failing_in_a_tick_ends_with_7(self):
        self.use_hook("exit 5")
        self.check_tick(T0, 0)
        self.check_code(self.ws.approve(), 0)
        self.check_note(self.check_tick(T0, 7), "the earlier policy is back in force")
        self.assertEqual(self.ws.env_file.read_text(), ENV_TEXT)


class JournalTest(ManualTestCase):
    def setUp(self):
        super().setUp()
        self.first = self.check_tick(T0, 0)
        self.check_code(self.ws.approve(), 0)
        self.check_tick(T0, 0)

    def check_detected(self, *statements):
        with sqlite3.connect(self.ws.state) as database:
            for statement in statements:
                database.execute(statement)
        database.close()
        result = self.check_code(self.ws.verify_journal(), 4)
        self.assertIn("tampered", result.stderr)

    def test_is_intact_after_a_change(self):
        result = self.check_code(self.ws.verify_journal(), 0)
        self.assertIn("5 entries", result.stdout)

    def test_that_was_edited_is_detected(self):
        self.check_detected(
            "UPDATE journal SET document = replace(document, 'approved by alice', 'approved by bobby')")

    def test_with_an_entry_deleted_is_detected(self):
        self.check_detected("DELETE FROM journal WHERE sequence = 2")

    def test_with_its_tail_cut_is_detected(self):
        self.check_detected("DELETE FROM journal WHERE sequence >= 4")

    def test_with_entries_swapped_is_detected(self):
        self.check_detected("UPDATE journal SET sequence = 100 WHERE sequence = 2",
                            "UPDATE journal SET sequence = 2 WHERE sequence = 3",
                            "UPDATE journal SET sequence = 3 WHERE sequence = 100")


if __name__ == "__main__":
    unittest.main()
