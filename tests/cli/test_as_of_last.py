"""`last`, as a time: right after the newest record, for every tool, source and way to read it."""

import json
import subprocess
import unittest

from support import BIN_DIR, T0, LoopTestCase, clean_environment, hours, minutes, stamp

END = T0 + hours(11) + minutes(2)  # within a slot, long before now
AS_OF_JUST_AFTER = stamp(END)[:-1] + "001Z"  # a microsecond more


class AsOfLast(LoopTestCase):
    def setUp(self):
        super().setUp()
        self.ws.log.runs(END - hours(48), hours(48), 480)
        self.ws.log.lines({"pipeline_run_id": "newest", "created_at": stamp(END),
                           "status": "failed", "execution_mode": "dag"})

    def report(self, *arguments, **options):
        result = self.ws.tool("eval_dag_quality", "--json", "--as-of", "last", *arguments, **options)
        return self.check_code(result, 0).document()

    def test_the_report_says_which_time_it_was(self):
        document = self.report()
        self.assertEqual(document["as_of"], AS_OF_JUST_AFTER)
        self.assertEqual(document["input"]["newest_record"], stamp(END)[:19] + "Z")

    def test_the_newest_record_is_that_of_all_files_and_never_of_the_future(self):
        other = self.ws.dir / "logs" / "more.jsonl"
        other.write_text('{"pipeline_run_id":"x","status":"ok","created_at":"%s"}\n'
                         '{"pipeline_run_id":"y","status":"ok","created_at":"2250-01-01T00:00:00Z"}\n'
                         % stamp(END + hours(1)))
        document = self.report("--source", self.ws.dir / "logs")
        self.assertEqual(document["as_of"], stamp(END + hours(1))[:-1] + "001Z")

    def test_a_rollup_store_changes_nothing(self):
        store = "sqlite:" + str(self.ws.dir / "rollup.db")
        for _ in range(2):
            self.assertEqual(self.report("--rollup", store)["as_of"], AS_OF_JUST_AFTER)

    def test_partitions_by_day_are_searched(self):
        day = self.ws.dir / "days" / ("dt=" + stamp(END)[:10])
        day.mkdir(parents=True)
        self.ws.log.path.rename(day / "runs.jsonl")
        self.assertEqual(self.report("--source", day.parent)["as_of"], AS_OF_JUST_AFTER)

    def test_standard_input_is_read_twice_through_a_pipe_and_from_a_file(self):
        text = self.ws.log.path.read_text()
        whole = self.report()
        piped = self.report("--source", "-", stdin=text)
        with self.ws.log.path.open() as file:
            read = subprocess.run(
                [str(BIN_DIR / "eval_dag_quality"), "--json", "--as-of", "last", "--source", "-",
                 "--config", str(self.ws.config)], stdin=file, stdout=subprocess.PIPE,
                env=clean_environment(), check=True, timeout=60)
        for document in piped, json.loads(read.stdout):
            self.assertEqual(document["as_of"], whole["as_of"])
            self.assertEqual(document["populations"], whole["populations"])

    def test_gate_and_cycle_speak_for_the_same_time(self):
        gate = self.check_code(self.ws.tool("dag_quality_gate", "--json", "--as-of", "last"), 0)
        self.assertEqual(gate.document()["as_of"], AS_OF_JUST_AFTER)
        tick = self.ws.tool("dag_optimization_cycle", "--json", "--as-of", "last")
        self.assertEqual(self.check_code(tick, 0).document()["decision"]["as_of"], AS_OF_JUST_AFTER)

    def test_a_replay_ends_with_the_first_tick_that_has_all_records(self):
        replayed = self.ws.tool("replay_dag_policy", "--json", "--to", "last", "--every", "6h",
                                "--percent", "10")
        self.assertEqual(replayed.document()["to"], stamp(END + minutes(3))[:19] + "Z")

    def test_no_change_is_made_at_a_time_that_a_log_chose(self):
        result = self.check_code(self.ws.tool("dag_optimization_cycle", "--apply", "--as-of", "last"), 2)
        self.assertIn("--as-of last", result.stderr)
        self.assertIn("--apply", result.stderr)
        self.assertEqual(self.ws.journal(), [])

    def test_a_log_of_which_nothing_can_be_read_ends_with_4(self):
        for text, words in ("", "holds no record"), ('{"status":"ok"}\n', "malformed: 1 of 1"):
            self.ws.log.path.write_text(text)
            for tool in "eval_dag_quality", "dag_quality_gate", "dag_optimization_cycle":
                with self.subTest(tool=tool, text=text):
                    result = self.check_code(self.ws.tool(tool, "--as-of", "last"), 4)
                    self.assertIn("--as-of last", result.stderr)
                    self.assertIn(words, result.stderr)


if __name__ == "__main__":
    unittest.main()
