"""What `--verify-journal` and every load find: edits of journal, head and state, and cut tails."""

import random
import shutil
import sqlite3
import unittest

from support import T0, LoopTestCase, hours

DAMAGED_BYTES = 60


class JournalTestCase(LoopTestCase):
    """A step that was proposed, approved, applied and rolled back."""

    def setUp(self):
        super().setUp()
        self.first_step()
        self.check_code(self.ws.tool("apply_dag_policy", "--rollback", "--apply"), 0)

    def sql(self, *statements):
        database = sqlite3.connect(self.ws.state)
        with database:
            for statement in statements:
                database.execute(statement)
        database.close()

    def verify(self, *arguments):
        return self.ws.tool("apply_dag_policy", "--verify-journal", *arguments)

    def head(self):
        return self.check_code(self.verify(), 0).stdout.split()[-1]

    def check_refused(self, result, *words):
        self.check_code(result, 4)
        for word in (*words, str(self.ws.state)):
            self.assertIn(word, result.stderr)


class EditedTest(JournalTestCase):
    def test_a_state_that_was_edited_stops_every_tool_that_would_act_on_it(self):
        self.sql("UPDATE state SET document = replace(document, '\"used_decisions\":[\"', "
                 "'\"used_decisions\":[\"0')")
        words = ("the state was edited", "entry 7", "restore it from a backup")
        self.check_refused(self.verify(), "the journal was tampered with", *words)
        before = self.ws.fingerprint()
        self.check_refused(self.ws.tick(T0 + hours(48), "--apply"), *words)
        self.check_refused(self.ws.tick(T0 + hours(48)), *words)
        self.check_refused(self.ws.tool("apply_dag_policy", "--rollback", "--apply"), *words)
        self.check_refused(self.ws.tool("apply_dag_policy", "--status"), *words)
        self.assertEqual(self.ws.fingerprint(), before)

    def test_a_byte_damaged_in_the_file_is_refused_or_changes_nothing(self):
        intact = self.head()
        status = self.ws.status()
        content = self.ws.state.read_bytes()
        refused = 0
        for at in sorted(random.Random(4).sample(range(len(content)), DAMAGED_BYTES)):
            damaged = bytearray(content)
            damaged[at] ^= 1 << at % 8
            self.ws.state.write_bytes(damaged)
            result = self.verify()
            if result.code == 0:
                self.assertEqual(result.stdout.split()[-1], intact)
                self.assertEqual(self.ws.status(), status)
                continue
            self.check_refused(result)
            refused += 1
        self.assertGreater(refused, DAMAGED_BYTES // 4)

    def test_every_member_of_an_entry_is_covered(self):
        content = self.ws.state.read_bytes()
        for member in self.ws.journal()[3]:
            self.sql("UPDATE journal SET document = replace(document, '\"%s\":', '\"%s\" :') "
                     "WHERE sequence = 4" % (member, member))
            self.check_refused(self.verify(), "entry 4: was edited")
            self.ws.state.write_bytes(content)
        self.check_code(self.verify(), 0)


class HeadTest(JournalTestCase):
    def go_on(self):
        """Keeps a copy and lets the loop write more."""
        self.earlier = self.ws.dir / "earlier.db"
        shutil.copy(self.ws.state, self.earlier)
        self.check_code(self.ws.tool("apply_dag_policy", "--rollback", "--apply"), 5)

    def test_is_printed_for_a_ticket_and_the_journal_goes_on_from_it(self):
        head = self.head()
        self.assertRegex(head, r"^7:[0-9a-f]{64}$")
        self.go_on()
        self.assertTrue(self.head().startswith("8:"))
        self.check_code(self.verify("--head", head), 0)

    def test_of_a_longer_journal_finds_the_cut_tail(self):
        self.go_on()
        head = self.head()
        shutil.copy(self.earlier, self.ws.state)
        self.check_code(self.verify(), 0)
        self.check_refused(self.verify("--head", head), "it ends at entry 7, before the kept head",
                           head, "its tail was cut")

    def test_of_another_journal_finds_one_that_was_written_anew(self):
        self.go_on()
        head = self.head()
        shutil.copy(self.earlier, self.ws.state)
        self.check_code(self.ws.tool("apply_dag_policy", "--rollback", "--apply"), 5)
        self.check_refused(self.verify("--head", head), "it was written anew")

    def test_in_a_file_is_kept_compared_and_moved_on(self):
        file = self.ws.dir / "pins" / "loop.head"
        first = self.check_code(self.verify("--head-file", file), 0)
        self.assertIn("did not exist", first.stderr)
        self.assertEqual(file.read_text(), self.head() + "\n")
        self.go_on()
        self.assertEqual(self.check_code(self.verify("--head-file", file), 0).stderr, "")
        kept = file.read_text()
        self.assertEqual(kept, self.head() + "\n")
        shutil.copy(self.earlier, self.ws.state)
        self.check_refused(self.verify("--head-file", file), "its tail was cut")
        self.assertEqual(file.read_text(), kept)
        self.assertEqual([each.name for each in file.parent.iterdir()], ["loop.head"])

    def test_that_is_none_is_refused(self):
        for text in ("7", "7:abc", "x:" + "0" * 64):
            self.check_code(self.verify("--head", text), 2)
        file = self.ws.dir / "loop.head"
        file.write_text("")
        result = self.check_code(self.verify("--head-file", file), 4)
        self.assertIn("holds no head of a journal", result.stderr)
        self.check_code(self.ws.tool("apply_dag_policy", "--status", "--head-file", file), 2)

    def test_of_a_lost_state_file_is_missed(self):
        head = self.head()
        self.ws.state.unlink()
        file = self.ws.dir / "pins" / "loop.head"
        for arguments in ((), ("--head", head), ("--head-file", file)):
            self.check_refused(self.verify(*arguments), "there is no state at", "--state")
        self.assertFalse(file.exists())
        status = self.check_code(self.ws.tool("apply_dag_policy", "--status"), 0)
        self.assertIn("there is no state at", status.stderr)
        self.assertEqual(status.document()["phase"], "idle")


if __name__ == "__main__":
    unittest.main()
