"""The state in PostgreSQL: the same loop as with a file, for several hosts at once."""

import pathlib
import random
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "cli"))

from postgres_server import PASSWORD, PostgresServer  # noqa: E402
from support import BIN_DIR, T0, LoopTestCase, clean_environment, hours, stamp  # noqa: E402


class StateTest(LoopTestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = PostgresServer()
        cls.addClassCleanup(cls.server.close)
        cls.databases = 0

    def setUp(self):
        super().setUp()
        StateTest.databases += 1
        self.database = "loop%d" % self.databases
        self.server.sql("CREATE DATABASE " + self.database)
        self.ws.configure({"state": self.server.uri(self.database)})
        self.ws.events = self.events

    def events(self, name="default"):
        rows = self.server.sql("SELECT document::json->>'type' FROM dagloop.journal "
                               "WHERE name = '%s' ORDER BY sequence" % name, self.database)
        return [each for each in rows.split() if each != "observed"]  # ticks that only counted

    def sql(self, text):
        return self.server.sql(text, self.database)

    def fault(self, result, code, *words):
        self.check_code(result, code)
        self.assertNotIn(PASSWORD, result.stderr + result.stdout)
        for word in words:
            self.assertIn(word, result.stderr)

    def test_a_step_is_proposed_approved_applied_and_verified(self):
        self.quiet_day()
        self.ws.log.runs(T0, hours(8), 160, cohort="canary")
        self.ws.log.runs(T0, hours(8), 160, cohort="control")
        self.promote(T0, 10)
        self.assertEqual(self.check_tick(T0 + hours(6), 0)["phase"], "settled")
        self.assertEqual(self.events(), ["adopted", "proposed", "approved", "apply_started",
                                         "applied", "verified"])
        self.check_code(self.ws.verify_journal(), 0)
        self.assertEqual(self.ws.status()["policy_in_force"]["DAG_ROLLOUT_PERCENT"], "10")

    def test_a_dry_run_makes_no_tables(self):
        self.quiet_day()
        self.check_code(self.ws.tick(T0), 0)
        self.assertEqual(self.server.sql("SELECT to_regnamespace('dagloop')",
                                         self.database).strip(), "")

    def test_many_hosts_that_tick_at_once_make_one_decision(self):
        self.quiet_day()
        tools = [subprocess.Popen(
            [BIN_DIR / "dag_optimization_cycle", "--config", self.ws.config, "--apply", "--json",
             "--as-of", stamp(T0), "--out", self.ws.dir / ("reports%d" % host)], cwd=self.ws.dir,
            env=clean_environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            for host in range(6)]
        codes = []
        for tool in tools:
            tool.communicate(timeout=120)
            codes.append(tool.returncode)
        self.assertTrue(set(codes) <= {0, 6}, codes)
        self.assertIn(0, codes)
        self.assertEqual(self.events(), ["adopted", "proposed"])

    def test_services_that_share_a_database_have_a_state_each(self):
        self.quiet_day()
        self.check_tick(T0, 0)
        self.ws.configure({"state": self.server.uri(
            self.database, parameters="?state_name=other&connect_timeout=5")})
        self.assertEqual(self.check_tick(T0, 0)["phase"], "proposed")
        self.assertEqual(self.events("other"), ["adopted", "proposed"])
        self.assertEqual(self.events(), ["adopted", "proposed"])

    def test_a_drill_has_a_state_of_its_own_and_can_be_repeated(self):
        self.quiet_day()
        self.check_tick(T0, 0)
        before = self.events()
        for _ in range(2):
            self.check_code(self.ws.tool("dag_optimization_cycle", "--drill"), 0)
        self.assertEqual(self.events(), before)
        self.assertEqual(self.events("default/drill"), ["adopted", "rollback_started", "rolled_back"] * 2)

    def test_a_trigger_that_turns_a_write_into_nothing_is_told_and_nothing_is_applied(self):
        self.ready_to_apply()
        self.sql("CREATE FUNCTION dagloop.nothing() RETURNS trigger LANGUAGE plpgsql AS "
                 "'BEGIN RETURN NULL; END'")
        env = self.ws.env_file.read_bytes()
        for what in ("INSERT ON dagloop.journal", "UPDATE ON dagloop.state"):
            self.sql("CREATE TRIGGER t BEFORE %s FOR EACH ROW EXECUTE FUNCTION dagloop.nothing()" % what)
            self.fault(self.ws.tick(T0, "--apply"), 4, "a write that is said to be done was not made",
                       "triggers and rules")
            self.assertEqual(self.ws.env_file.read_bytes(), env)
            self.assertNotIn("applied", self.events())
            self.sql("DROP TRIGGER t ON %s" % what.split(" ON ")[1])
        self.check_tick(T0, 0)
        self.assertEqual(self.ws.percent(), 10)

    def test_an_edited_journal_is_found(self):
        self.quiet_day()
        self.check_tick(T0, 0)
        self.server.sql("UPDATE dagloop.journal SET document = replace(document, 'adopted', "
                        "'applied') WHERE sequence = 1", self.database)
        result = self.ws.verify_journal()
        self.assertNotEqual(result.code, 0)
        self.assertIn("entry 1", result.stderr + result.stdout)

    def test_an_edited_byte_of_journal_head_state_or_evidence_is_found(self):
        self.ws.configure({"decision": {"evidence": "sequential"}})
        self.quiet_day()
        self.promote(T0, 10)
        head = self.check_code(self.ws.verify_journal(), 0).stdout.split()[-1]
        self.sql("CREATE TABLE state_kept AS TABLE dagloop.state")
        self.sql("CREATE TABLE journal_kept AS TABLE dagloop.journal")
        self.sql("CREATE TABLE evidence_kept AS TABLE dagloop.evidence")
        dice = random.Random(5)
        edits = ["UPDATE dagloop.state SET head_hash = reverse(head_hash)",
                 "UPDATE dagloop.state SET head_sequence = head_sequence - 1",
                 "UPDATE dagloop.state SET version = version + 1", "DELETE FROM dagloop.state",
                 "UPDATE dagloop.evidence SET document = document || ' '",
                 "DELETE FROM dagloop.evidence",
                 "DELETE FROM dagloop.journal WHERE sequence = 5",
                 "UPDATE dagloop.journal SET sequence = 9 WHERE sequence = 5"]
        for where in ["state"] * 8 + ["journal WHERE sequence = %d" % n for n in (1, 2, 3, 4, 5)] * 2:
            length = int(self.sql("SELECT length(document) FROM dagloop." + where))
            at = dice.randint(1, length)
            table, _, condition = where.partition(" ")
            edits.append("UPDATE dagloop.%s SET document = overlay(document placing "
                         "chr(ascii(substr(document, %d, 1)) # %d) from %d) %s"
                         % (table, at, 1 << dice.randrange(4), at, condition))
        for edit in edits:
            self.sql(edit)
            with self.subTest(edit):
                self.fault(self.ws.verify_journal(), 4, "tampered", "restore it from a backup")
                if "state" in edit or "evidence" in edit:
                    self.fault(self.ws.tick(T0, "--apply"), 4, "restore it from a backup")
            self.sql("DELETE FROM dagloop.state; INSERT INTO dagloop.state TABLE state_kept; "
                     "DELETE FROM dagloop.journal; INSERT INTO dagloop.journal TABLE journal_kept; "
                     "DELETE FROM dagloop.evidence; INSERT INTO dagloop.evidence TABLE evidence_kept")
        self.check_code(self.ws.tool("apply_dag_policy", "--verify-journal", "--head", head), 0)

    def test_a_server_that_is_down_or_refuses_ends_the_tick_before_anything(self):
        self.quiet_day()
        before = self.ws.fingerprint()
        wrong = self.server.uri(self.database, password="wrong-Secret-1")
        self.ws.configure({"state": wrong})
        self.fault(self.ws.tick(T0, "--apply"), 4, "127.0.0.1", self.database, "password")
        self.assertNotIn("wrong-Secret-1", self.ws.tick(T0, "--apply").stderr)
        self.ws.configure({"state": self.server.uri("none_such")})
        self.fault(self.ws.tick(T0, "--apply"), 4, "none_such")
        self.server.sql("CREATE ROLE guest LOGIN PASSWORD '%s'" % PASSWORD)
        self.ws.configure({"state": self.server.uri(self.database, user="guest")})
        self.fault(self.ws.tick(T0, "--apply"), 4, "permission denied", "schema dagloop")
        self.ws.configure({"state": self.server.uri(self.database)})
        self.server.stop()
        try:
            self.fault(self.ws.tick(T0, "--apply"), 4, "check that the server runs")
        finally:
            self.server.start()
        self.assertEqual(self.ws.fingerprint(), before)

    def test_a_full_disk_of_the_state_changes_nothing(self):
        self.quiet_day()
        self.check_tick(T0, 0)
        self.ws.approve()
        # What a full disk answers to every write (SQLSTATE 53100), from a trigger.
        self.server.sql("CREATE FUNCTION dagloop.full() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
                        "RAISE 'could not extend file: No space left on device' USING ERRCODE = "
                        "'53100'; END $$; CREATE TRIGGER full_disk BEFORE INSERT ON dagloop.journal "
                        "EXECUTE FUNCTION dagloop.full()", self.database)
        env = self.ws.env_file.read_text()
        self.fault(self.ws.tick(T0, "--apply"), 4, "No space left")
        self.assertEqual(self.ws.env_file.read_text(), env)
        self.server.sql("DROP TRIGGER full_disk ON dagloop.journal", self.database)
        self.assertEqual(self.check_tick(T0, 0)["phase"], "verifying")


if __name__ == "__main__":
    unittest.main()
