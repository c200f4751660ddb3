"""Decisions by sequential evidence, told with the executables: what is collected, kept and shown."""

import json
import unittest

from support import T0, LoopTestCase, hours, minutes


WARM = minutes(35)  # behind a step: the 30 minutes of its warm-up, and the slot that they end in


class SequentialTestCase(LoopTestCase):
    def setUp(self):
        super().setUp()
        self.ws.settings["decision"].pop("evidence")
        self.ws.configure({})

    def runs(self, start, length, canary, control, **shape):
        """Adds runs of both arms; `canary` and `control` are (runs, failed)."""
        self.ws.log.runs(start, length, canary[0], cohort="canary", failed=canary[1], **shape)
        self.ws.log.runs(start, length, control[0], cohort="control", failed=control[1], **shape)

    def trigger(self, document, name):
        return next(t for t in document["decision"]["triggers"] if t["name"] == name)


class TriggerTest(SequentialTestCase):
    def setUp(self):
        super().setUp()
        self.first_step()

    def test_a_drop_that_may_be_noise_is_waited_for_with_a_forecast(self):
        self.runs(T0 + WARM, hours(2), (20, 4), (180, 9))
        document = self.check_tick(T0 + WARM + hours(2), 0)
        trigger = self.trigger(document, "success_drop")
        self.assertEqual(trigger["state"], "unconfirmed")
        self.assertEqual(self.ws.percent(), 10)
        evidence = trigger["evidence"]
        self.assertEqual(evidence["subject"], {"trials": 20, "events": 4})
        self.assertEqual(evidence["reference"], {"trials": 180, "events": 9})
        self.assertAlmostEqual(evidence["alpha"], 0.0045)
        self.assertLess(evidence["e_value"], evidence["needed"])
        self.assertLess(evidence["difference"][0], 0)
        self.assertGreater(evidence["difference"][1], 0.15)
        self.assertRegex(trigger["reason"]["text"],
                         r"about \d+ more runs of canary needed, at the present rate in about \d+")

    def test_it_is_collected_from_tick_to_tick_until_it_decides(self):
        e_values = []
        for i in range(8):
            start = T0 + hours(i)
            self.runs(start, hours(1), (10, 3), (90, 5))
            result = self.ws.tick(start + hours(1), "--apply")
            if result.code != 0:
                break
            e_values.append(self.trigger(result.document(), "success_drop")["evidence"]["e_value"])
        self.check_code(result, 7)
        document = result.document()
        self.check_reason(document, "success_drop_fired")
        self.assertEqual(self.ws.percent(), 0)
        self.assertGreaterEqual(len(e_values), 2)
        self.assertEqual(e_values, sorted(e_values))
        self.assertIn("observed", [event["type"] for event in self.ws.journal()])
        self.check_code(self.ws.verify_journal(), 0)

    def test_a_tick_at_the_same_time_counts_nothing_twice(self):
        self.runs(T0, hours(2), (20, 4), (180, 9))
        first = self.check_tick(T0 + hours(2), 0)
        journal = self.ws.journal()
        again = self.check_tick(T0 + hours(2), 0)
        self.assertEqual(self.ws.journal(), journal)
        self.assertEqual(self.trigger(again, "success_drop"), self.trigger(first, "success_drop"))

    def test_a_dry_run_decides_as_the_applying_tick_and_keeps_nothing(self):
        self.runs(T0, hours(2), (40, 20), (180, 9))
        before = self.ws.fingerprint()
        dry = self.check_code(self.ws.tick(T0 + hours(2)), 1).document()
        self.assertEqual(self.ws.fingerprint(), before)
        self.assertEqual(self.trigger(dry, "success_drop")["state"], "fired")
        wet = self.check_tick(T0 + hours(2), 7)
        self.assertEqual(self.trigger(wet, "success_drop"), self.trigger(dry, "success_drop"))

    def test_stale_data_are_no_evidence(self):
        self.runs(T0, hours(2), (40, 20), (180, 9))
        journal = self.ws.journal()
        self.check_tick(T0 + hours(12), 3)
        self.assertEqual(self.ws.journal(), journal)

    def test_it_is_collected_where_the_gate_has_no_checks_too(self):
        self.ws.configure({"gate": {"checks": []}})
        self.runs(T0 + WARM, hours(2), (20, 4), (180, 9))
        document = self.check_tick(T0 + WARM + hours(2), 3)
        self.assertEqual(self.trigger(document, "success_drop")["state"], "unconfirmed")
        self.assertEqual(self.ws.percent(), 10)

    def test_other_values_of_the_policy_begin_anew(self):
        self.runs(T0, hours(2), (20, 4), (180, 9))
        self.check_tick(T0 + hours(2), 0)
        text = self.ws.env_file.read_text()
        self.ws.env_file.write_text(text.replace("DAG_NODE_MAX_ATTEMPTS=3",
                                                 "DAG_NODE_MAX_ATTEMPTS=2"))
        self.check_tick(T0 + hours(2), 3)  # adopts it: nothing was counted since
        self.runs(T0 + hours(2) + WARM, hours(1), (30, 3), (170, 8))
        document = self.check_tick(T0 + hours(3) + WARM, 0)
        evidence = self.trigger(document, "success_drop")["evidence"]
        self.assertEqual(evidence["subject"]["trials"], 30)


class PromotionTest(SequentialTestCase):
    def test_a_good_policy_climbs_the_ladder_and_its_evidence_goes_with_it(self):
        self.quiet_day()
        now = T0
        counted = 0
        for percent in (10, 30, 60, 100):
            self.promote(now, percent)
            control = 280 * (100 - percent) // percent
            self.runs(now, hours(7), (280, 14), (control, control // 20))
            settled = self.check_tick(now + hours(6), 0)
            self.assertEqual(settled["phase"], "settled")
            if percent < 100:
                evidence = self.check_tick(now + hours(7), 0)["decision"]["promotion_evidence"]
                self.assertGreaterEqual(evidence["e_value"], evidence["needed"])
                self.assertGreater(evidence["subject"]["trials"], counted)
                counted = evidence["subject"]["trials"]
            now += hours(7)

    def test_few_runs_hold_it_and_the_decision_says_how_many_more(self):
        self.first_step()
        self.runs(T0, hours(6), (24, 1), (240, 12))
        self.check_tick(T0 + hours(6), 0)
        document = self.check_tick(T0 + hours(6) + minutes(5), 0)
        self.assertEqual(document["decision"]["action"], "hold")
        self.check_reason(document, "inferiority_not_excluded")
        text = next(r["text"] for r in document["decision"]["reasons"]
                    if r["code"] == "inferiority_not_excluded")
        self.assertRegex(text, r"a drop of 10 points or more is not excluded yet.* about \d+ more runs of canary")

    def test_past_its_patience_a_hold_says_what_this_traffic_can_decide(self):
        self.ws.configure({"decision": {"patience": "4h"}})
        self.first_step()
        self.runs(T0, hours(6), (24, 1), (240, 12))
        self.check_tick(T0 + hours(6), 0)
        document = self.check_tick(T0 + hours(6) + minutes(5), 0)
        self.check_reason(document, "cannot_be_decided")
        text = next(r["text"] for r in document["decision"]["reasons"]
                    if r["code"] == "cannot_be_decided")
        self.assertRegex(text, r"cannot be decided with this traffic: .* smallest drop that .*"
                               r" is [\d.]+ points; a larger step, a longer soak or a wider margin")


class LatencyTest(SequentialTestCase):
    def test_a_slower_canary_is_told_before_a_trigger_fires(self):
        self.first_step()
        for i in range(6):
            start = T0 + hours(i)
            self.ws.log.runs(start, hours(1), 20, cohort="canary", duration_ms=1300)
            self.ws.log.runs(start, hours(1), 180, cohort="control", duration_ms=1000)
            document = self.check_tick(start + hours(1), 0)
        self.check_reason(document, "latency_slower")
        self.assertEqual(self.trigger(document, "p95_ratio")["state"], "quiet")
        text = next(r["text"] for r in document["decision"]["reasons"]
                    if r["code"] == "latency_slower")
        self.assertRegex(text, r"canary is slower than control: 100.0 % of its runs take over "
                               r"1.00 s, of control 0.0 %")
        latency = document["decision"]["latency_evidence"]
        self.assertGreater(latency["e_value"], latency["needed"])
        low, high = latency["subject"]["p50_ms"]
        # An end in the bucket of the latency itself (0.4 %) counts as beyond it.
        self.assertTrue(1000 < low < 1300 and 1295 < high < 1500, (low, high))
        self.assertIsNone(latency["subject"]["p95_ms"][1])  # 120 runs: too few for its upper end
        low, high = latency["reference"]["p50_ms"]
        self.assertTrue(low <= 1000 <= high, (low, high))

    def test_a_canary_that_is_as_fast_is_not(self):
        self.first_step()
        for i in range(6):
            start = T0 + hours(i)
            self.runs(start, hours(1), (20, 0), (180, 0))
            document = self.check_tick(start + hours(1), 0)
        self.assertNotIn("latency_slower",
                         [r["code"] for r in document["decision"]["reasons"]])
        self.assertEqual(document["decision"]["latency_evidence"]["e_value"], 1)


class ReproducibilityTest(SequentialTestCase):
    def test_the_same_state_and_logs_give_the_same_decision_byte_for_byte(self):
        self.first_step()
        self.runs(T0, hours(2), (20, 4), (180, 9))
        texts = []
        for _ in range(3):
            document = self.check_code(self.ws.tick(T0 + hours(2)), 0).document()["decision"]
            for clock in ("generated_at", "expires_at", "digest"):
                document.pop(clock, None)
            texts.append(json.dumps(document))
        self.assertEqual(len(set(texts)), 1)

    def test_the_decision_of_a_report_is_that_of_its_bytes(self):
        self.quiet_day()
        self.runs(T0, hours(2), (20, 4), (180, 9))
        report = self.ws.dir / "report.json"
        result = self.ws.tool("eval_dag_quality", "--as-of", "2025-06-02T02:00:00Z", "--json")
        report.write_text(result.stdout)
        first, second = ({k: v for k, v in
                          self.ws.tool("decide_dag_policy", "--report", report,
                                       "--json").document().items()
                          if k not in ("generated_at", "expires_at", "digest")} for _ in range(2))
        self.assertEqual(json.dumps(first), json.dumps(second))
        self.assertIsNotNone(first["triggers"][0]["evidence"])


if __name__ == "__main__":
    unittest.main()
