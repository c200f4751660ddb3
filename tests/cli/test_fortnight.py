"""Fourteen days of the loop with a tick a day, from a bad policy: it gets better, and says so."""

import json
import random
import unittest

from support import SOURCE_DIR, T0, LoopTestCase, hours, stamp

RUNS_PER_DAY = 600
ENV = """\
DAG_ROLLOUT_PERCENT=100
DAG_FANOUT_CONCURRENCY=32
DAG_NODE_MAX_ATTEMPTS=3
"""


class CrowdedService:
    """Calls are refused the more, the more there are at a time; a refused one waits and retries."""

    def __init__(self, log):
        self.log = log
        self.dice = random.Random(7)
        self.next_id = 1

    def day(self, start, policy):
        refused = 0.6 * int(policy["DAG_FANOUT_CONCURRENCY"]) / 32
        for i in range(RUNS_PER_DAY):
            self._run(start + hours(24) * i / RUNS_PER_DAY, refused,
                      int(policy["DAG_NODE_MAX_ATTEMPTS"]))

    def _run(self, end, refused, attempts):
        common = {"pipeline_run_id": "run-%06d" % self.next_id, "execution_mode": "dag",
                  "created_at": stamp(end)}
        self.next_id += 1
        duration = 0
        for attempt in range(1, attempts + 1):
            fails = self.dice.random() < refused
            took = 6000 if fails else 1000 * self.dice.lognormvariate(1, 0.3)
            duration += took
            self.log.lines({**common, "node_id": "call", "node_type": "skill", "attempt": attempt,
                            "status": "failed" if fails else "succeeded", "duration_ms": took})
            if not fails:
                break
        self.log.lines({**common, "status": "failed" if fails else "succeeded",
                        "duration_ms": duration,
                        **({"error_code": "TOOL_RATE_LIMITED"} if fails else {})})


class FortnightTest(LoopTestCase):
    def policy(self):
        return dict(line.split("=") for line in self.ws.env_file.read_text().split())

    def test_of_daily_ticks_mends_a_bad_policy_and_the_trends_say_so(self):
        self.ws.settings["decision"].pop("evidence")
        self.ws.rules.write_text((SOURCE_DIR / "config" / "policy_rules.json").read_text())
        self.ws.configure({"baseline": "previous", "input": {"max_age": "1d", "lateness": "0s"}})
        self.ws.env_file.write_text(ENV)
        service = CrowdedService(self.ws.log)
        success = []
        p95 = []
        for day in range(15):
            start = T0 + hours(24 * day)
            service.day(start, self.policy())
            document = self.check_code(self.ws.tick(start + hours(24), "--apply"), 0).document()
            if document["phase"] == "proposed":
                self.check_code(self.ws.approve(), 0)
            report = json.loads((self.ws.reports / "dag_quality_latest.json").read_text())
            kpis = report["populations"]["dag"]["kpis"]
            success.append(kpis["pipeline_success_rate"]["value"])
            p95.append(kpis["p95_latency_ms"]["value"])
        self.assertLess(success[0], 0.85)
        self.assertGreater(min(success[-3:]), 0.95, success)
        self.assertLess(max(p95[-3:]), 0.9 * p95[0], p95)
        self.assertLessEqual(int(self.policy()["DAG_FANOUT_CONCURRENCY"]), 16)
        trends = json.loads((self.ws.reports / "dag_trends_latest.json").read_text())
        self.assertEqual(trends["two_improved"], "yes", json.dumps(trends, indent=1))
        courses = {each["kpi"]: each["course"] for each in trends["fortnight"]}
        self.assertEqual(courses["pipeline_success_rate"], "improves")
        self.assertEqual(courses["p95_latency_ms"], "improves")
        page = (self.ws.reports / "dag_quality_latest.md").read_text()
        self.assertIn("at least two of the core KPIs improved over two weeks: yes", page)
        self.assertIn("became fewer over the month: not enough data", page)
        self.assertNotIn("rolled_back", self.ws.events())


if __name__ == "__main__":
    unittest.main()
