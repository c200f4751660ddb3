"""Nothing is applied without an approval for exactly that decision; and conflicts are refused."""

import base64
import datetime
import fcntl
import hashlib
import json
import os
import shutil
import sqlite3
import subprocess
import time
import unittest

from support import (BIN_DIR, ENV_TEXT, T0, LoopTestCase, clean_environment, hours, parse_stamp,
                     stamp)


class ManualTestCase(LoopTestCase):
    """A promotion that was decided and proposed by hand: eval, decide, propose."""

    def setUp(self):
        super().setUp()
        self.quiet_day()

    def decide(self):
        self.check_code(self.ws.tool("eval_dag_quality", "--as-of", stamp(T0)), 0)
        decided = self.ws.tool("decide_dag_policy", "--as", "bob", "--report",
                               self.ws.reports / "dag_quality_latest.json")
        self.check_code(decided, 0)
        self.check_code(self.ws.propose(), 0)
        return self.ws.decision()

    def apply(self, *arguments, approval=None, decision=None):
        options = ["--approval", approval] if approval else []
        return self.ws.tool("apply_dag_policy", "--decision", decision or self.ws.decision_file,
                            *options, *arguments)

    def check_refused(self, result, code, words, events=("adopted", "proposed", "refused")):
        self.check_code(result, code)
        self.assertIn(words, result.stderr)
        self.assertEqual(self.ws.env_file.read_text(), ENV_TEXT)
        self.assertEqual(self.ws.events(), list(events))
        if events:
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
        self.assertEqual(self.ws.events(), ["adopted", "proposed", "apply_started", "applied"])

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

    def edit_other_lines(self):
        """Changes everything but the policy's keys, and returns what that made of the env file."""
        text = self.ws.env_file.read_text()
        for old, new in (("# service settings", "# SETTINGS"), ("hunter2-Secret", "hunter3-Secret"),
                         ("export API_TOKEN", "NEW_KEY='x y'\nexport API_TOKEN"),
                         ("   # moved by the loop", " # moved"), ("PLAIN_NAME=value without newline "
                          "at the end", "PLAIN_NAME=other\n\n\n")):
            self.assertIn(old, text)
            text = text.replace(old, new)
        self.ws.env_file.write_text(text)
        return text

    def test_a_rollback_leaves_every_line_that_the_operator_edited_since(self):
        self.decide()
        self.ws.approve()
        self.check_code(self.apply("--apply", approval=self.ws.approval_file), 0)
        edited = self.edit_other_lines()
        self.check_code(self.ws.tool("apply_dag_policy", "--rollback", "--apply"), 0)
        self.assertEqual(self.ws.env_file.read_text(), edited.replace("'10'", "'0'"))
        self.assertEqual(self.ws.events()[-2:], ["rollback_started", "rolled_back"])

    def test_a_rollback_by_the_cycle_leaves_them_too(self):
        self.promote(T0, 10)
        edited = self.edit_other_lines()
        self.ws.log.runs(T0, hours(3), 180, cohort="canary", failed=90)
        self.ws.log.runs(T0, hours(3), 180, cohort="control")
        self.assertEqual(self.check_tick(T0 + hours(3), 7)["phase"], "rolled_back")
        self.assertEqual(self.ws.env_file.read_text(), edited.replace("'10'", "'0'"))

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
        self.check_refused(result, 5, "for another decision",
                           ["adopted", "proposed", "rejected", "proposed", "refused"])

    def test_when_the_approver_is_unknown(self):
        self.decide()
        known = self.ws.approvers.read_text()
        self.ws.add_approver("mallory")
        self.ws.approvers.write_text(known)
        self.check_code(self.ws.approve_elsewhere("mallory"), 0)
        result = self.apply("--apply", approval=self.ws.approval_file)
        self.check_refused(result, 5, "mallory")

    def test_when_an_unknown_key_signs_under_a_known_name(self):
        self.decide()
        known = self.ws.approvers.read_text()
        self.ws.add_approver("mallory")
        self.ws.approvers.write_text(known)
        self.check_code(self.ws.approve_elsewhere("alice", key_of="mallory"), 0)
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

    def test_when_others_may_read_the_private_key(self):
        self.decide()
        os.chmod(self.ws.key_of("alice"), 0o644)
        refused = self.check_code(self.ws.approve(), 5)
        self.assertIn("others may read the private key", refused.stderr)
        self.assertFalse(self.ws.approval_file.exists())

    def check_not_signed(self, result, code, *words):
        self.check_code(result, code)
        for word in words:
            self.assertIn(str(word), result.stderr)
        self.assertFalse(self.ws.approval_file.exists())

    def test_to_sign_without_an_approvers_file(self):
        self.decide()
        self.ws.approvers.unlink()
        self.check_not_signed(self.ws.approve(), 2, self.ws.approvers, "does not exist",
                              '{"approvers": [ENTRY]}', "--init-key")
        self.ws.key_of("alice").unlink()
        self.check_not_signed(self.ws.approve(), 2, self.ws.approvers, self.ws.key_of("alice"))

    def test_to_sign_where_nobody_may_approve(self):
        self.decide()
        self.ws.write(self.ws.approvers, {"approvers": []})
        self.check_not_signed(self.ws.approve(), 5, self.ws.approvers, "alice is not among")

    def test_to_sign_under_a_name_that_is_no_approvers(self):
        self.decide()
        signing = ["approve_dag_policy", "--decision", self.ws.decision_file, "--yes", "--out",
                   self.ws.approvals, "--key", self.ws.key_of("alice"), "--as"]
        self.check_not_signed(self.ws.tool(*signing, "mallory"), 5, "mallory is not among")
        self.ws.add_approver("bob")
        self.check_not_signed(self.ws.tool(*signing, "bob"), 5, "the signature is not that of bob")

    def test_to_sign_with_a_revoked_key(self):
        self.decide()
        document = json.loads(self.ws.approvers.read_text())
        document["approvers"][0]["revoked_at"] = "2025-01-01T00:00:00Z"
        self.ws.write(self.ws.approvers, document)
        self.check_not_signed(self.ws.approve(), 5, "was revoked")

    def test_to_write_a_key_over_another(self):
        before = self.ws.key_of("alice").read_text()
        made = self.ws.tool("approve_dag_policy", "--init-key", "--as", "alice", "--key",
                            self.ws.key_of("alice"))
        self.check_code(made, 2)
        self.assertEqual(self.ws.key_of("alice").read_text(), before)

    def test_nothing_for_a_damaged_report_beside_the_decision(self):
        self.decide()
        report = self.ws.reports / "dag_quality_latest.json"
        report.write_text('{"schema": 1')
        signed = self.check_code(self.ws.approve(), 0)
        self.assertIn("now: the report cannot be read: ", signed.stderr)
        report.unlink()
        self.assertIn("now: there is no report", self.check_code(self.ws.approve(), 0).stderr)
        text = self.ws.decision_file.read_text()
        piped = self.ws.tool("approve_dag_policy", "--decision", "-", "--as", "alice", "--key",
                             self.ws.key_of("alice"), "--yes", "--json", stdin=text)
        self.assertNotIn("now:", self.check_code(piped, 0).stderr)

    def test_without_a_terminal_to_ask_on(self):
        self.decide()
        asked = self.ws.tool("approve_dag_policy", "--decision", self.ws.decision_file, "--as",
                             "alice", "--key", self.ws.key_of("alice"), "--out", self.ws.approvals)
        self.check_code(asked, 2)
        self.assertFalse(self.ws.approval_file.exists())


class TwoPeopleTest(ManualTestCase):
    """approval_people: 2, with alice, bob and carol; bob proposed."""

    def setUp(self):
        super().setUp()
        self.ws.configure({"policy": {"approval_people": 2}})
        for name in ("bob", "carol"):
            self.ws.add_approver(name)

    def approval_of(self, name):
        """Returns the file of an approval by `name`, signed where one person is enough."""
        self.check_code(self.ws.approve_elsewhere(name), 0)
        return self.ws.approval_file.rename(self.ws.approvals / ("by_%s.json" % name))

    def apply_with(self, *approvals, mode=("--apply",)):
        options = [word for each in approvals for word in ("--approval", each)]
        return self.ws.tool("apply_dag_policy", "--decision", self.ws.decision_file, *options, *mode)

    def test_two_of_whom_none_proposed_allow_the_change(self):
        self.decide()
        alice, carol = self.approval_of("alice"), self.approval_of("carol")
        shown = self.check_code(self.apply_with(alice, carol, mode=()), 0)
        self.assertIn("the approval holds", shown.stdout)
        self.check_code(self.apply_with(carol, alice), 0)
        self.assertIn("approved by carol and alice", self.ws.journal()[-1]["why"])

    def test_one_is_not_enough_nor_the_same_one_twice(self):
        self.decide()
        alice = self.approval_of("alice")
        self.check_refused(self.apply_with(alice), 5, "only alice has")
        again = self.approval_of("alice").rename(self.ws.approvals / "again.json")
        events = ["adopted", "proposed", "refused", "refused"]
        self.check_refused(self.apply_with(again, self.approval_of("alice")), 5, "only alice has",
                           events)

    def test_who_proposed_is_none_of_the_two(self):
        self.decide()
        self.check_refused(self.apply_with(self.approval_of("alice"), self.approval_of("bob")), 5,
                           "bob proposed this change and may not approve it")

    def test_who_proposed_is_told_so_when_signing(self):
        self.decide()
        self.assertIn("bob proposed", self.check_code(self.ws.approve("bob"), 5).stderr)
        self.assertFalse(self.ws.approval_file.exists())

    def test_two_names_with_one_key_are_not_two_people(self):
        document = json.loads(self.ws.approvers.read_text())
        document["approvers"].append({**document["approvers"][0], "name": "alias"})
        self.ws.write(self.ws.approvers, document)
        shutil.copy(self.ws.key_of("alice"), self.ws.key_of("alias"))
        self.decide()
        self.check_refused(self.apply_with(self.approval_of("alice"), self.approval_of("alias")), 5,
                           "each with a key of their own")

    def test_the_cycle_waits_for_the_second_and_finds_both(self):
        self.check_tick(T0, 0)
        self.check_code(self.ws.approve("alice"), 0)
        waiting = self.check_tick(T0, 0)
        self.check_note(waiting, "waits for another approval")
        self.check_note(waiting, "only alice has")
        second = self.check_code(self.ws.approve("carol"), 0)
        self.assertIn("dag_policy_approval_second_latest.json", second.stdout)
        self.check_code(self.ws.approve("alice"), 0)
        self.assertEqual(self.check_tick(T0, 0)["phase"], "verifying")
        self.assertEqual(self.ws.percent(), 10)
        approved = self.ws.journal()[2]
        self.assertEqual((approved["type"], approved["why"]),
                         ("approved", "approved by alice and carol"))

    def test_one_alone_is_not_refused_but_waited_for_while_a_bad_one_is_refused(self):
        self.check_tick(T0, 0)
        self.check_code(self.ws.approve("alice"), 0)
        self.check_code(self.ws.approve_elsewhere("carol", key_of="alice"), 0)
        self.check_note(self.check_tick(T0, 5), "the signature is not that of carol")
        self.assertEqual(self.ws.percent(), 0)


class KeyTest(ManualTestCase):
    """Keys of approvers: rotation, revocation, expiry, files."""

    def edit_entry(self, index, **members):
        document = json.loads(self.ws.approvers.read_text())
        document["approvers"][index].update(members)
        self.ws.write(self.ws.approvers, document)

    def rotate(self):
        """Gives alice a second key; returns the file of the first."""
        old = self.ws.key_of("alice").rename(self.ws.dir / "old.key")
        self.ws.add_approver("alice")
        return old

    def sign_with(self, key):
        return self.ws.tool("approve_dag_policy", "--decision", self.ws.decision_file, "--as",
                            "alice", "--key", key, "--yes", "--out", self.ws.approvals)

    def test_old_and_new_key_hold_side_by_side_until_the_old_one_expires(self):
        old = self.rotate()
        self.decide()
        for key in (old, self.ws.key_of("alice")):
            self.check_code(self.sign_with(key), 0)
            self.check_code(self.apply(approval=self.ws.approval_file), 0)
        self.check_code(self.sign_with(old), 0)
        self.edit_entry(0, expires_at="2025-01-01T00:00:00Z")
        result = self.apply("--apply", approval=self.ws.approval_file)
        self.check_refused(result, 5, "the key of alice has expired")
        self.assertIn("the key of alice has expired", self.check_code(self.sign_with(old), 5).stderr)
        self.check_code(self.sign_with(self.ws.key_of("alice")), 0)
        self.check_code(self.apply("--apply", approval=self.ws.approval_file), 0)

    def test_an_approval_signed_before_the_revocation_is_refused_after_it(self):
        self.check_tick(T0, 0)
        self.check_code(self.ws.approve(), 0)
        self.edit_entry(0, revoked_at=stamp(datetime.datetime.now(datetime.timezone.utc)))
        self.check_note(self.check_tick(T0, 5), "the key of alice was revoked")
        self.assertEqual(self.ws.percent(), 0)
        self.assertIn("revoked", self.check_code(self.ws.approve(), 5).stderr)
        self.ws.add_approver("bob")
        self.check_code(self.ws.approve("bob"), 0)
        self.assertEqual(self.check_tick(T0, 0)["phase"], "verifying")

    def test_a_key_that_is_to_be_revoked_later_holds_until_then(self):
        self.decide()
        self.edit_entry(0, revoked_at="2200-01-01T00:00:00Z")
        self.check_code(self.ws.approve(), 0)
        self.check_code(self.apply("--apply", approval=self.ws.approval_file), 0)

    def test_a_key_that_is_not_the_names_is_refused_before_it_signs(self):
        self.decide()
        self.ws.add_approver("bob")
        refused = self.check_code(self.ws.tool(
            "approve_dag_policy", "--decision", self.ws.decision_file, "--as", "alice", "--key",
            self.ws.key_of("bob"), "--yes", "--out", self.ws.approvals), 5)
        for words in (str(self.ws.approvers), "the signature is not that of alice",
                      "nothing was signed"):
            self.assertIn(words, refused.stderr)
        self.assertFalse(self.ws.approval_file.exists())

    def test_a_private_key_that_anybody_else_may_touch_signs_nothing(self):
        self.decide()
        for mode in (0o640, 0o620, 0o610, 0o604, 0o602, 0o601):
            os.chmod(self.ws.key_of("alice"), mode)
            refused = self.check_code(self.ws.approve(), 5)
            self.assertRegex(refused.stderr, "others may read|may be written by everybody")
        os.chmod(self.ws.key_of("alice"), 0o400)
        self.check_code(self.ws.approve(), 0)

    @unittest.skipUnless(os.geteuid() == 0, "only root gives files away")
    def test_a_private_key_of_somebody_else_signs_nothing(self):
        self.decide()
        os.chown(self.ws.key_of("alice"), 12345, -1)
        refused = self.check_code(self.ws.approve(), 5)
        self.assertIn("the private key belongs to uid 12345", refused.stderr)
        self.assertFalse(self.ws.approval_file.exists())

    def test_an_approvers_file_with_an_unknown_member_or_a_weak_key_is_refused(self):
        self.decide()
        self.ws.approve()
        content = self.ws.approvers.read_text()
        weak = base64.b64encode(bytes([1]) + bytes(31)).decode()
        for member, value in (("revoked", True), ("expires", "2200-01-01T00:00:00Z"),
                              ("public_key", weak)):
            self.edit_entry(0, **{member: value})
            result = self.check_code(self.apply("--apply", approval=self.ws.approval_file), 2)
            self.assertIn(str(self.ws.approvers), result.stderr)
            self.assertIn("weak" if member == "public_key" else member, result.stderr)
            self.ws.approvers.write_text(content)
        self.assertEqual(self.ws.env_file.read_text(), ENV_TEXT)


class SingleUseTest(ManualTestCase):
    def test_an_approval_does_not_carry_the_same_patch_proposed_again_after_a_rollback(self):
        first = self.decide()
        self.ws.approve()
        used = self.ws.approval_file.rename(self.ws.approvals / "dag_policy_approval_used.json")
        self.check_code(self.apply("--apply", approval=used), 0)
        self.check_code(self.ws.tool("apply_dag_policy", "--rollback", "--apply"), 0)
        # A state that knows nothing of the rollback's cool-down proposes the same again.
        decided = self.ws.tool("decide_dag_policy", "--state", "sqlite:other.db", "--report",
                               self.ws.reports / "dag_quality_latest.json")
        self.check_code(decided, 0)
        self.check_code(self.ws.propose(), 0)
        self.assertEqual(self.ws.decision()["patch"], first["patch"])
        refused = self.check_code(self.apply("--apply", approval=used), 5)
        self.assertIn("for another decision", refused.stderr)
        self.assertEqual(self.ws.env_file.read_text(), ENV_TEXT)

    def test_of_many_that_apply_one_decision_at_once_one_does(self):
        self.decide()
        self.ws.approve()
        command = [BIN_DIR / "apply_dag_policy", "--config", self.ws.config, "--decision",
                   self.ws.decision_file, "--approval", self.ws.approval_file, "--apply"]
        tools = [subprocess.Popen(command, cwd=self.ws.dir, env=clean_environment(),
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE)
                 for _ in range(8)]
        for tool in tools:
            tool.communicate(timeout=60)
        codes = [tool.returncode for tool in tools]
        self.assertEqual(codes.count(0), 1, codes)
        self.assertTrue(set(codes) <= {0, 5, 6}, codes)
        self.assertEqual(self.ws.events().count("apply_started"), 1)


class EndedTest(ManualTestCase):
    """A decision that does not wait for approval (any more), with an approval that holds."""

    def check_ended(self, *words):
        """Checks that the first decision is refused, by hand and as a proposal."""
        before = self.ws.env_file.read_text()
        for result in (self.apply(approval=self.approval, decision=self.first),
                       self.apply("--apply", approval=self.approval, decision=self.first)):
            self.check_code(result, 5)
            for word in words:
                self.assertIn(word, result.stderr)
        self.assertEqual(self.ws.env_file.read_text(), before)
        self.assertEqual(self.ws.events()[-1], "refused")
        self.check_code(self.ws.propose(self.first), 5)
        self.check_code(self.ws.verify_journal(), 0)

    def settle_first_step(self):
        """10 % is in force and verified after seven hours."""
        self.promote(T0, 10)
        self.ws.log.runs(T0, hours(7), 300, cohort="canary")
        self.ws.log.runs(T0, hours(7), 300, cohort="control")
        self.check_tick(T0 + hours(7), 0)

    def second_proposal(self):
        """The next step waits for approval."""
        self.settle_first_step()
        if self.ws.status()["phase"] != "proposed":
            self.check_tick(T0 + hours(7), 0)
        self.assertEqual(self.ws.status()["phase"], "proposed")

    def keep_first(self):
        """Takes the decision and its approval aside, as in a mail."""
        self.check_code(self.ws.approve(), 0)
        self.first = self.ws.decision_file.rename(self.ws.dir / "first.json")
        self.approval = self.ws.approval_file.rename(self.ws.dir / "first_approval.json")

    def test_what_the_cycle_withdrew_when_the_canary_burned(self):
        self.second_proposal()
        self.keep_first()
        self.ws.log.runs(T0 + hours(7), hours(3), 200, cohort="canary", failed=150)
        self.ws.log.runs(T0 + hours(7), hours(3), 200, cohort="control")
        self.check_tick(T0 + hours(10), 1)
        self.check_ended("withdrawn at ", "superseded by a rollback")

    def test_what_another_proposal_took_the_place_of(self):
        self.decide()
        self.keep_first()
        self.decide()
        self.check_ended("withdrawn at ", "superseded by another proposal")
        self.check_code(self.ws.approve(), 0)
        self.check_code(self.apply("--apply", approval=self.ws.approval_file), 0)

    def test_what_expired(self):
        self.ws.configure({"policy": {"approval_ttl": "1s"}})
        decision = self.decide()
        self.keep_first()
        expiry = parse_stamp(decision["expires_at"]).timestamp()
        time.sleep(max(0.0, expiry - time.time()) + 0.05)
        self.assertEqual(self.check_tick(T0, 0)["phase"], "expired")
        self.check_ended("expired at ")

    def test_what_a_rollback_by_hand_took_the_place_of(self):
        self.second_proposal()
        self.keep_first()
        self.check_code(self.ws.tool("apply_dag_policy", "--rollback", "--apply"), 0)
        self.check_ended("another change took its place")

    def test_what_another_state_holds(self):
        self.decide()
        self.keep_first()
        self.ws.configure({"state": "sqlite:" + str(self.ws.dir / "other.db")})
        for mode in ([], ["--apply"]):
            refused = self.check_code(self.apply(*mode, approval=self.approval,
                                                 decision=self.first), 5)
            self.assertIn("it was never proposed to this state", refused.stderr)
            self.assertIn("--status", refused.stderr)
        self.assertEqual(self.ws.env_file.read_text(), ENV_TEXT)

    def test_a_rollback_to_an_approved_policy_needs_no_proposal(self):
        self.settle_first_step()
        self.assertEqual(self.ws.status()["under_verification"], None)
        self.ws.log.runs(T0 + hours(7), hours(3), 180, cohort="canary", failed=150)
        self.ws.log.runs(T0 + hours(7), hours(3), 180, cohort="control")
        self.check_code(self.ws.tick(T0 + hours(10)), 1)
        self.assertEqual(self.ws.decision()["approval"], "not_required")
        self.check_code(self.apply("--apply"), 0)
        self.assertEqual(self.ws.percent(), 0)


class ProposeTest(ManualTestCase):
    def test_a_dry_run_checks_and_writes_nothing(self):
        self.decide()
        self.check_code(self.ws.tool("eval_dag_quality", "--as-of", stamp(T0)), 0)
        self.check_code(self.ws.tool("decide_dag_policy", "--report",
                                     self.ws.reports / "dag_quality_latest.json"), 0)
        before = self.ws.fingerprint()
        shown = self.ws.tool("apply_dag_policy", "--decision", self.ws.decision_file, "--propose")
        self.assertIn("--apply would propose it", self.check_code(shown, 0).stdout)
        self.assertEqual(self.ws.fingerprint(), before)

    def test_twice_is_once(self):
        self.decide()
        self.assertIn("waits for approval already", self.check_code(self.ws.propose(), 0).stdout)
        self.assertEqual(self.ws.events(), ["adopted", "proposed"])

    def test_a_tick_goes_on_with_what_was_proposed_by_hand(self):
        decision = self.decide()
        self.assertEqual(self.ws.status()["pending_decision"], decision["digest"])
        self.check_code(self.ws.approve(), 0)
        self.assertEqual(self.check_tick(T0, 0)["phase"], "verifying")
        self.assertEqual(self.ws.percent(), 10)

    def test_not_while_a_change_is_under_verification_nor_for_another_env_file(self):
        self.decide()
        stale = shutil.copy(self.ws.decision_file, self.ws.dir / "stale.json")
        decided = self.ws.tool("decide_dag_policy", "--report",
                               self.ws.reports / "dag_quality_latest.json")
        self.check_code(decided, 0)
        self.ws.env_file.write_text(ENV_TEXT + "\nOTHER=1\n")
        self.assertIn("changed since", self.check_code(self.ws.propose(), 6).stderr)
        self.ws.env_file.write_text(ENV_TEXT)
        self.check_code(self.ws.approve(decision=stale), 0)
        self.check_code(self.apply("--apply", approval=self.ws.approval_file, decision=stale), 0)
        self.assertIn("under verification", self.check_code(self.ws.propose(), 6).stderr)


class ShownTest(ManualTestCase):
    def test_a_decision_cannot_write_over_what_is_shown_of_it(self):
        decision = self.decide()
        hostile = "\x1b[2A\x1b[2K\u009b2K\r  change: nothing\n"
        decision["proposed_by"] = hostile
        decision["reasons"] = [{"code": hostile, "args": {hostile: hostile}}]
        decision["triggers"] = []
        decision["patch"]["DAG_ROLLOUT_PERCENT"]["before"] = hostile
        decision["patch"][hostile] = {"before": hostile, "after": hostile}
        del decision["digest"]
        covered = json.dumps(decision, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        decision["reasons"][0]["text"] = "shown to nobody"
        decision["digest"] = hashlib.sha256(
            b"dagloop.policy_decision/1\n" + covered.encode()).hexdigest()
        self.ws.decision_file.write_text(json.dumps(decision))
        shown = self.ws.approve().stderr
        self.assertIn("-> 10\n", shown)
        self.assertIn("\\x1b[2A\\x1b[2K\\xc2\\x9b2K\\x0d  change: nothing\\x0a", shown)
        self.assertNotRegex(shown, "[\x00-\x09\x0b-\x1f\x7f\u0080-\u009f]")


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
        self.ws.approve_elsewhere("mallory")
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
        self.check_refused(result, 5, "digest", events=["adopted", "proposed"])

    def test_an_approved_key_that_is_no_longer_allowed_is_refused_and_journaled(self):
        self.decide()
        self.ws.approve()
        self.narrow_allowlist()
        result = self.apply("--apply", approval=self.ws.approval_file)
        # What is left of the policy is another one.
        self.check_refused(result, 2, "DAG_ROLLOUT_PERCENT",
                           ["adopted", "proposed", "adopted", "refused"])
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
        self.assertEqual(self.ws.events(), ["adopted", "proposed", "refused"])

    def test_when_another_change_is_under_verification(self):
        self.decide()
        self.ws.approve()
        self.check_code(self.apply("--apply", approval=self.ws.approval_file), 0)
        foreign_state = "sqlite:" + str(self.ws.dir / "other.db")
        self.ws.configure({"baseline": "previous"})  # the log has no cohorts
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
                         ["adopted", "proposed", "apply_started", "hook_failed",
                          "rollback_started", "rolled_back", "hook_failed"])
        self.assertIn("no such unit", self.ws.journal()[3]["why"])

    def test_that_hangs_is_killed_and_the_change_taken_back(self):
        self.use_hook("sleep 30")
        self.ws.configure({"policy": {"reload_timeout": "200ms"}})
        self.decide()
        self.ws.approve()
        started = time.monotonic()
        self.check_code(self.apply("--apply", approval=self.ws.approval_file), 7)
        self.assertLess(time.monotonic() - started, 15)
        self.assertEqual(self.ws.env_file.read_text(), ENV_TEXT)
        self.assertIn("timed out", self.ws.journal()[3]["why"])

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
