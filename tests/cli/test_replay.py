"""A replay of past logs: what it tells of each tick is what the other executables say with --as-of."""

import hashlib
import json
import unittest

from support import T0, LoopTestCase, hours, minutes, parse_stamp, stamp


class ReplayTest(LoopTestCase):
    def setUp(self):
        super().setUp()
        self.ws.configure({"decision": {"evidence": "point"}})
        self.set_percent(10)

    def set_percent(self, percent):
        text = self.ws.env_file.read_text()
        self.ws.env_file.write_text(text.replace("DAG_ROLLOUT_PERCENT='0'",
                                                 "DAG_ROLLOUT_PERCENT='%d'" % percent))

    def story(self):
        """Two good days before T0, a bad canary from 10 to 14 h behind it, good again until 48 h."""
        for start, length, failed in ((-48, 58, 2), (10, 4, 90), (14, 34, 2)):
            count = 12 * length
            self.ws.log.runs(T0 + hours(start), hours(length), count, cohort="canary",
                             failed=count * failed // 100)
            self.ws.log.runs(T0 + hours(start), hours(length), 2 * count, cohort="control",
                             failed=count * 4 // 100)

    def replay(self, *arguments, until=48):
        return self.ws.tool("replay_dag_policy", "--from", stamp(T0), "--to",
                            stamp(T0 + hours(until)), *arguments)

    def document(self, *arguments, code=0, **options):
        return self.check_code(self.replay("--json", *arguments, **options), code).document()

    def say(self, at):
        """Returns what evaluation and decision say with --as-of."""
        report = self.ws.dir / "report.json"
        evaluated = self.ws.tool("eval_dag_quality", "--json", "--as-of", stamp(at))
        report.write_text(self.check_code(evaluated, 0).stdout)
        return self.ws.tool("decide_dag_policy", "--json", "--report", report).document()

    def test_every_tick_decides_as_evaluation_and_decision_do_with_as_of(self):
        self.story()
        told = self.document("--every", "4h")["configurations"][0]
        self.assertEqual(told["ticks"], 13)
        changes = {parse_stamp(change["at"]): change for change in told["timeline"]}
        counts = {"promote": 0, "hold": 0, "rollback": 0}
        last = None
        for number in range(13):
            at = T0 + hours(4 * number)
            said = self.say(at)
            counts[said["action"]] += 1
            if at in changes:
                last = changes[at]
                for key in ("action", "verdict", "current_percent", "next_percent", "reasons",
                            "patch"):
                    self.assertEqual(last[key], said[key], stamp(at))
            self.assertEqual(last["action"], said["action"], stamp(at))
        self.assertEqual({key: told[key] for key in counts}, counts)
        self.assertGreater(counts["rollback"], 0)
        self.assertGreater(counts["promote"], 0)

    def test_an_alarm_tells_when_it_began_and_what_it_rested_on(self):
        self.story()
        told = self.document("--regression", stamp(T0 + hours(10)) + "/" + stamp(T0 + hours(14)))
        one = told["configurations"][0]
        self.assertEqual(len(one["alarms"]), 1)
        alarm = one["alarms"][0]
        found = one["regressions"][0]
        self.assertEqual(alarm["first"], found["found"])
        self.assertLess(found["delay_seconds"], 4 * 3600)
        self.assertEqual(one["false_alarms"], 0)
        trigger = alarm["triggers"][0]
        said = self.say(parse_stamp(alarm["first"]))
        same = next(t for t in said["triggers"] if t["name"] == trigger["name"])
        for key in ("value", "baseline_value", "threshold", "sample_count"):
            self.assertEqual(trigger[key], same[key])
        before = self.say(parse_stamp(alarm["first"]) - minutes(15))
        self.assertNotIn("fired", [t["state"] for t in before["triggers"]])

    def test_configurations_are_compared_and_a_missed_regression_ends_with_1(self):
        self.story()
        blind = self.ws.dir / "blind.json"
        settings = json.loads(json.dumps(self.ws.settings))
        settings["decision"]["triggers"] = {"success_drop_pp": 60, "attempt_failure_ratio": None}
        self.ws.write(blind, settings)
        mark = ("--regression", stamp(T0 + hours(10)) + "/" + stamp(T0 + hours(14)))
        told = self.document("--config", blind, *mark, code=1)
        self.assertEqual([one["name"] for one in told["configurations"]],
                         [str(self.ws.config), str(blind)])
        first, second = told["configurations"]
        self.assertIsNotNone(first["regressions"][0]["found"])
        self.assertIsNone(second["regressions"][0]["found"])
        self.assertEqual(second["rollback"], 0)
        text = self.check_code(self.replay("--config", blind, *mark), 1).stdout
        self.assertRegex(text, r"after .* min +missed")
        page = self.check_code(self.replay("--format", "md", *mark), 0).stdout
        self.assertIn("| configuration | ticks |", page)

    def test_suggested_thresholds_fit_into_the_configuration_and_do_what_was_told(self):
        self.story()
        mark = ("--regression", stamp(T0 + hours(10)) + "/" + stamp(T0 + hours(14)))
        told = self.document("--suggest-thresholds", "0", *mark)["configurations"][0]
        suggestion = told["suggestion"]
        self.assertEqual(suggestion["false_alarms_allowed"], 0)
        self.assertLess(suggestion["config"]["decision"]["triggers"]["success_drop_pp"], 10)
        self.ws.configure(suggestion["config"])
        again = self.document(*mark)["configurations"][0]
        self.assertEqual(again["false_alarms"], suggestion["false_alarms"])
        self.assertEqual(again["regressions"], suggestion["regressions"])
        self.assertIn("In the configuration: {",
                      self.replay("--suggest-thresholds", "0", *mark).stdout)

    def test_the_journal_tells_which_policy_was_in_force(self):
        self.ws.env_file.write_text(
            self.ws.env_file.read_text().replace("PERCENT='10'", "PERCENT='0'"))
        self.first_step()
        self.ws.log.runs(T0, hours(12), 240, cohort="canary")
        self.ws.log.runs(T0, hours(12), 240, cohort="control")
        told = self.document(until=12)["configurations"][0]
        # The clock's time is that of the journal: at T0 the first policy was in force.
        self.assertIn("journal", told["policies"])
        self.assertEqual(told["timeline"][0]["current_percent"], 0)
        told = self.document("--percent", "0", "--percent", stamp(T0 + hours(6)) + "=10",
                             until=12)["configurations"][0]
        self.assertEqual(told["policies"], "as given")
        self.assertEqual([c["current_percent"] for c in told["timeline"]][0], 0)
        self.assertEqual([c["current_percent"] for c in told["timeline"]][-1], 10)

    def test_nothing_but_the_reports_asked_for_is_written(self):
        self.story()
        before = self.ws.fingerprint()
        self.document()
        self.assertEqual(self.ws.fingerprint(), before)
        self.assertFalse(self.ws.reports.exists())
        shown = self.check_code(self.replay("--json", "--out", self.ws.reports), 0).stdout
        written = (self.ws.reports / "dag_policy_replay_latest.json").read_text()
        self.assertEqual(written, shown)
        self.assertTrue((self.ws.reports / "dag_policy_replay_latest.md").exists())
        self.assertEqual(self.ws.fingerprint(), before)

    def test_the_same_log_gives_the_same_document(self):
        self.story()
        hashes = set()
        for _ in range(2):
            told = self.document("--suggest-thresholds", "5")
            told.pop("generated_at")
            hashes.add(hashlib.sha256(json.dumps(told).encode()).hexdigest())
        self.assertEqual(len(hashes), 1)

    def test_a_log_without_data_ends_with_3_and_without_a_file_with_4(self):
        told = self.document(code=3)["configurations"][0]
        self.assertEqual(told["without_data"], told["ticks"])
        self.ws.log.path.unlink()
        self.check_code(self.replay(), 4)

    def test_bad_flags_are_told(self):
        for words, arguments in (
                ("--regression", ("--regression", "yesterday")),
                ("--regression", ("--regression", stamp(T0) + "/" + stamp(T0))),
                ("--percent", ("--percent", "101")),
                ("--percent", ("--percent", "5", "--percent", "6")),
                ("--every", ("--every", "7m")),
                ("--suggest-thresholds", ("--suggest-thresholds", "-1")),
                ("--format", ("--format", "xml"))):
            with self.subTest(arguments=arguments):
                result = self.check_code(self.replay(*arguments), 2)
                self.assertIn(words, result.stderr)
        result = self.ws.tool("replay_dag_policy", "--from", stamp(T0), "--to",
                              stamp(T0 - hours(1)))
        self.assertIn("--from", self.check_code(result, 2).stderr)
        del self.ws.settings["policy"]["env_file"]
        self.ws.configure({})
        self.assertIn("nothing tells which policy was in force",
                      self.check_code(self.replay(), 2).stderr)


if __name__ == "__main__":
    unittest.main()
