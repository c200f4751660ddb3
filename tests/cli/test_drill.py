"""The rehearsal of a rollback, on copies that are gone afterwards."""

import unittest

from support import ENV_TEXT, T0, LoopTestCase, parse_stamp


class DrillTest(LoopTestCase):
    def setUp(self):
        super().setUp()
        self.ws.configure({"policy": {"reload": [
            "/bin/sh", "-c", "echo hook >> %s" % (self.ws.dir / "hook_ran")]}})

    def drill(self, *arguments):
        return self.ws.tool("dag_optimization_cycle", "--drill", *arguments)

    def check_drill(self, scene, change):
        before = self.ws.fingerprint()
        document = self.check_code(self.drill("--json"), 0).document()
        self.assertEqual(self.ws.fingerprint(), before)
        self.assertEqual(document["schema"], "dagloop.rollback_drill/1")
        self.assertEqual(document["scene"], scene)
        self.assertEqual(document["patch"], {"DAG_ROLLOUT_PERCENT": change})
        # Real commits, real syncs; the promise is five minutes with a cron job of one.
        self.assertGreater(document["seconds"], 0)
        self.assertLess(document["seconds"], 60)
        parse_stamp(document["at"])
        latest = self.ws.reports / "dag_rollback_drill_latest.json"
        self.assertIn('"scene": "%s"' % scene, latest.read_text())
        return document

    def test_on_the_first_day(self):
        self.check_drill("pretended_step", {"before": "10", "after": "0"})

    def test_while_a_change_is_under_verification(self):
        self.first_step()
        (self.ws.dir / "hook_ran").unlink()
        self.check_drill("earlier_policy", {"before": "10", "after": "0"})
        self.assertFalse((self.ws.dir / "hook_ran").exists())
        self.assertEqual(self.ws.percent(), 10)
        # What was rehearsed is what a rollback does.
        self.check_code(self.ws.tool("apply_dag_policy", "--rollback", "--apply"), 0)
        self.assertEqual(self.ws.env_file.read_text(), ENV_TEXT)

    def test_it_says_what_it_did_and_what_it_did_not(self):
        text = self.check_code(self.drill(), 0).stdout
        self.assertIn("DAG_ROLLOUT_PERCENT: 10 -> 0", text)
        self.assertIn("not rehearsed: the reload hook /bin/sh", text)

    def test_no_secret_is_shown(self):
        result = self.drill()
        for secret in ("hunter2-Secret", "tok_4f9a8b7c6d5e4f3a2b1c0d9e"):
            self.assertNotIn(secret, result.stdout + result.stderr)

    def test_a_place_where_nothing_can_be_written_fails_the_drill(self):
        blocked = self.ws.dir / "service.env.drill"
        blocked.mkdir()
        result = self.drill()
        self.check_code(result, 4)
        self.assertIn("service.env.drill", result.stderr)
        self.assertEqual(self.ws.env_file.read_text(), ENV_TEXT)

    def test_it_excludes_apply(self):
        self.check_code(self.drill("--apply"), 2)


if __name__ == "__main__":
    unittest.main()
