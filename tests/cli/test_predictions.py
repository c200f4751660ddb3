"""A bad policy is mended by a predicted change, and what came of it stands beside the prediction."""

import math
import statistics
import unittest

from support import T0, LoopTestCase, hours, stamp

NORMAL = statistics.NormalDist()
MEDIAN_MS = 12000
SIGMA = 0.8


class SlowNode:
    """One node whose attempts last log-normally; what its timeout cuts off fails the run."""

    def __init__(self, log):
        self.log = log
        self.next_id = 1

    def runs(self, start, length, count, timeout_ms, slower=1.0):
        for i in range(count):
            # Every quantile once, in an order that mixes them.
            rank = ((i * 617) % count + 0.5) / count
            duration = slower * MEDIAN_MS * math.exp(SIGMA * NORMAL.inv_cdf(rank))
            self._run(start + length * i / count, duration, timeout_ms)

    def _run(self, end, duration, timeout_ms):
        cut = duration > timeout_ms
        common = {"pipeline_run_id": "slow-%06d" % self.next_id, "execution_mode": "dag",
                  "created_at": stamp(end), "status": "failed" if cut else "succeeded",
                  "duration_ms": min(duration, timeout_ms)}
        self.next_id += 1
        self.log.lines({**common, "node_id": "n1", "node_type": "skill", "attempt": 1},
                       {**common, **({"error_code": "TOOL_TIMEOUT"} if cut else {})})


class PredictionTest(LoopTestCase):
    def setUp(self):
        super().setUp()
        self.ws.write(self.ws.rules, {"schema": "dagloop.policy_rules/1", "rules": [
            {"id": "more-time", "group": "timeouts", "rank": 1,
             "when": [{"kpi": "error_rate.timeout", "comparator": ">=", "threshold": 0.05}],
             "then": {"env_key": "DAG_NODE_TIMEOUT_MS", "operation": "multiply", "operand": "1.5"},
             "model": "node_timeout",
             "reason": "Runs end by timeout.", "expected_effect": "Fewer timeouts."}]})
        self.node = SlowNode(self.ws.log)
        self.node.runs(T0 - hours(48), hours(48), 1200, 30000)

    def apply(self):
        """Proposes, approves and applies at T0; returns the recommendation and the new timeout."""
        proposed = self.check_tick(T0, 0)["decision"]
        self.check_code(self.ws.approve(), 0)
        self.assertEqual(self.check_tick(T0, 0)["phase"], "verifying")
        timeout = int(proposed["patch"]["DAG_NODE_TIMEOUT_MS"]["after"])
        return proposed["recommendations"][0], timeout

    def test_a_good_change_comes_out_as_predicted_and_the_report_says_so(self):
        advice, timeout = self.apply()
        predicted = advice["prediction"]
        self.assertEqual(predicted["model"], "node_timeout")
        self.assertGreater(timeout, 30000)
        self.assertLessEqual(timeout, 45000)
        truth = 100 * (NORMAL.cdf(math.log(timeout / MEDIAN_MS) / SIGMA) -
                       NORMAL.cdf(math.log(30000 / MEDIAN_MS) / SIGMA))
        self.assertLess(predicted["success_rate_pp"]["low"], truth)
        self.assertGreater(predicted["success_rate_pp"]["high"], truth)
        self.assertIn("pp (80 %:", advice["expected_effect"])
        self.node.runs(T0, hours(7), 400, timeout)
        waiting = self.check_tick(T0 + hours(3), 0)["decision"]["predictions"]
        self.assertIsNone(waiting[0]["actual"])
        settled = self.check_tick(T0 + hours(6), 0)
        self.assertEqual(settled["phase"], "settled")
        entry = settled["decision"]["predictions"][0]
        self.assertEqual((entry["from"], entry["to"]), ("30000", str(timeout)))
        self.assertEqual(entry["prediction"], predicted)
        self.assertAlmostEqual(entry["actual"]["success_rate_pp"]["change"], truth, delta=1.5)
        self.assertTrue(entry["inside"])
        self.assertEqual(settled["decision"]["calibration"],
                         [{"model": "node_timeout", "predictions": 1, "inside": 1,
                           "p95_predictions": 1, "p95_inside": 1, "trust": "untested"}])
        page = (self.ws.reports / "dag_quality_latest.md").read_text()
        self.assertIn("Predictions and what came of them", page)
        self.assertIn("Calibration of the models", page)
        self.check_code(self.ws.verify_journal(), 0)

    def test_a_change_that_is_taken_back_is_told_as_well(self):
        _, timeout = self.apply()
        self.node.runs(T0, hours(2), 200, timeout, slower=3)
        document = self.check_tick(T0 + hours(2), 7)
        self.assertEqual(document["phase"], "rolled_back")
        entry = document["decision"]["predictions"][0]
        self.assertLess(entry["actual"]["success_rate_pp"]["change"], -10)
        self.assertFalse(entry["inside"])
        self.check_code(self.ws.verify_journal(), 0)

    def test_the_approver_is_shown_what_is_predicted(self):
        self.check_tick(T0, 0)
        shown = self.ws.approve()
        self.assertIn("predicted: success rate +", shown.stdout + shown.stderr)

    def test_a_proposal_stands_while_new_runs_come_in(self):
        first = self.check_tick(T0, 0)["decision"]["patch"]
        for hour in (1, 2, 3):
            self.node.runs(T0 + hours(hour - 1), hours(1), 25, 30000)
            waiting = self.check_tick(T0 + hours(hour), 0)
            self.assertEqual(waiting["phase"], "proposed", waiting["notes"])
            self.assertEqual(waiting["decision"]["patch"], first)

    def test_a_report_by_itself_gives_the_same_recommendation_as_the_tick(self):
        decided = self.check_tick(T0, 0)["decision"]
        by_hand = self.ws.tool("decide_dag_policy", "--json", "--report",
                               self.ws.reports / "dag_quality_latest.json", "--env-file",
                               self.ws.env_file)
        self.check_code(by_hand, 0)
        self.assertEqual(by_hand.document()["recommendations"], decided["recommendations"])


if __name__ == "__main__":
    unittest.main()
