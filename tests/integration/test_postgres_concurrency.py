"""One change at a time, and none lost, whatever runs at once; with the state in PostgreSQL."""

import base64
import pathlib
import random
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "cli"))

from concurrency import ConcurrencyTestCase  # noqa: E402
from postgres_server import PostgresServer  # noqa: E402

ROUNDS = 40
TABLES = ("state", "journal")


class PostgresConcurrencyTest(ConcurrencyTestCase):
    @classmethod
    def use_state(cls):
        cls.server = PostgresServer()
        cls.addClassCleanup(cls.server.close)
        cls.ws.configure({"state": cls.server.uri()})

    @classmethod
    def keep_state(cls, scene):
        cls.server.sql("".join("CREATE TABLE %s_%s AS TABLE dagloop.%s;" % (scene, table, table)
                               for table in TABLES))

    @classmethod
    def put_state_back(cls, scene):
        cls.server.sql("".join(
            "DELETE FROM dagloop.%s; INSERT INTO dagloop.%s TABLE %s_%s;"
            % (table, table, scene, table) for table in TABLES))

    @classmethod
    def stored(cls):
        def text(column):
            return "translate(encode(convert_to(%s, 'UTF8'), 'base64'), E'\\n', '')" % column
        journal = cls.server.sql("SELECT " + text("document") +
                                 " FROM dagloop.journal ORDER BY sequence").split()
        row = cls.server.sql("SELECT version, " + text("document") + ", " + text("head_hash") +
                             " FROM dagloop.state").strip().split("|")
        decoded = [base64.b64decode(word).decode() for word in journal + row[1:]]
        return decoded[:-2], (int(row[0]), *decoded[-2:])

    def test_one_change_at_a_time_and_none_is_lost(self):
        dice = random.Random(9)
        for number in range(ROUNDS):
            with self.subTest(round=number):
                oracle, _ = self.play_round(dice)
                self.check(oracle)
        for kind in (0, 6, "applied", "rolled_back"):
            self.assertGreater(self.figures[kind], ROUNDS // 20, self.figures)


if __name__ == "__main__":
    unittest.main()
