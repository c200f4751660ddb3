"""A sample of scripts/chaos.sh, of fixed seed; and that its oracle finds what is wrong."""

import random
import unittest

import chaos
from support import ENV_TEXT

SEED = 19
SAMPLE = 6  # points a story


@unittest.skipUnless(chaos.can_inject(), "needs strace and the right to use it")
class ChaosTest(unittest.TestCase):
    def test_a_sample_of_all_stories_finds_nothing(self):
        source = random.Random(SEED)
        for name in chaos.SCENES:
            title, kills, errors, wrong = chaos.run_scene(name, SAMPLE, source)
            self.assertEqual(wrong, [], title)
            self.assertGreater(kills + errors, SAMPLE // 2, "%s: nothing was struck" % title)

    def scene(self):
        case = chaos.Scenes()
        case.setUp()
        self.addCleanup(case.doCleanups)
        return case, case.applies()

    def test_the_oracle_finds_half_an_env_file(self):
        case, story = self.scene()
        case.ws.env_file.write_text(ENV_TEXT[:20])
        self.assertIn("neither the old nor the new", story.look(case.ws))

    def test_the_oracle_finds_a_change_without_its_approval(self):
        case, story = self.scene()
        self.assertIsNone(story.look(case.ws))
        case.check_tick(chaos.T0, 0)
        self.assertIsNone(story.look(case.ws))
        for path in case.ws.approvals.glob("dag_policy_approval*.json"):
            path.unlink()
        self.assertIn("without an approval", story.look(case.ws))


if __name__ == "__main__":
    unittest.main()
