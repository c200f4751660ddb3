"""One change at a time, and none lost, whatever runs at once; with the state in a file."""

import random
import unittest

from concurrency import ConcurrencyTestCase
from fault_trials import EVERY

ROUNDS = 320 if EVERY == 1 else 80  # fewer in slow builds
EDITED_ROUNDS = 80 if EVERY == 1 else 20


class FileConcurrencyTest(ConcurrencyTestCase):
    def test_one_change_at_a_time_and_none_is_lost(self):
        dice = random.Random(7)
        for number in range(ROUNDS):
            with self.subTest(round=number):
                oracle, _ = self.play_round(dice)
                self.check(oracle)
        for kind in (0, 5, 6, 7, "applied", "rolled_back", "hook_failed", "refused"):
            self.assertGreater(self.figures[kind], ROUNDS // 20, self.figures)

    def test_an_edit_of_the_env_file_at_any_moment_is_kept(self):
        dice = random.Random(8)
        for number in range(EDITED_ROUNDS):
            with self.subTest(round=number):
                delays = [dice.uniform(0, 0.05) for _ in range(dice.randint(1, 4))]
                oracle, editor = self.play_round(dice, delays)
                self.check(oracle, editor.made)
        self.assertGreater(self.figures["applied"] + self.figures["rolled_back"], 0, self.figures)


if __name__ == "__main__":
    unittest.main()
