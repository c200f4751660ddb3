"""Whose the runs are, and which of them began in time: a server that counts says what a file says."""

import json
import pathlib
import random
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "cli"))

from awkward_tables import table_log  # noqa: E402
from clickhouse_server import ClickHouseCluster  # noqa: E402
from load_tables import (DISTRIBUTED, clickhouse_statements, load_clickhouse_log,  # noqa: E402
                         load_postgres_log)
from postgres_server import PostgresServer  # noqa: E402
from support import BIN_DIR, SOURCE_DIR, clean_environment  # noqa: E402
from test_eval_oracle import END, HOUR, stamp  # noqa: E402

MINUTE = HOUR // 60
SLOT = 5 * MINUTE
START = END - 8 * HOUR
# Milliseconds: at the limits of slots and of classes, and none at all.
DURATIONS = [0, 12.5, 1530.5, 299_999.9994, 299_999.9996, 300_000, 300_000.0004, 900_000, 1_500_001,
             3e6, 2.4e7, 1e9, 2e10, 1e300, -5, None]


def users_log(rng, count):
    """Awkward records of few users; some end at the limit of a slot, or a microsecond before it."""
    records = []
    for record in table_log(rng, count):
        at = END - 1 - rng.randrange(0, 9 * HOUR)
        if rng.random() < 0.2:
            at = at // SLOT * SLOT - rng.randrange(2)
        record = dict(record, user_id=rng.choice(["u1", "u2", "u3", "ü", "", None]),
                      duration_ms=rng.choice(DURATIONS))
        if record.get("pipeline_run_id"):
            record["pipeline_run_id"] = "run-%d" % rng.randrange(count // 2)
        if "2099" not in record["created_at"]:
            record["created_at"] = stamp(at)
        records += [record] * rng.choice([1, 1, 1, 2])
    return records


def ask(rng, is_whole, later=0):
    """What is asked of a log: users of some windows, or of all, and runs that began in time, at some
    time or so much later."""
    begun = sorted(START + rng.randrange(7 * HOUR) + later for _ in range(rng.choice([1, 2])))
    if is_whole:
        windows = [(START, END)]
        cuts = []
    else:
        ends = sorted(START + SLOT * i for i in rng.sample(range(96), 4))
        windows = [(ends[0], ends[1]), (ends[2], min(ends[3], ends[2] + 10 * SLOT))]
        cuts = {START, START + 48 * SLOT} | {end for window in windows for end in window}
        for each in begun:  # as an evaluation cuts: runs of each age that began in time end behind it
            slot = -(-each // SLOT) * SLOT
            ages = [0] + [1] + [2 ** number for number in range(1, 8)]
            cuts |= {slot + age * SLOT for age in ages if slot + age * SLOT < END}
    flags = ["--start", stamp(START), "--end", stamp(END), "--users-in"]
    flags += [stamp(end) for window in windows for end in window]
    if cuts:
        flags += ["--cuts", *map(stamp, sorted(cuts))]
    return flags + ["--begun-from", *map(stamp, begun)]


class DatabaseUsersTest(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def show(self, source, flags):
        done = subprocess.run([BIN_DIR / "show_users", "--source", str(source), *flags],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60,
                              env=clean_environment(), check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def write(self, records):
        path = self.folder / "log.jsonl"
        path.write_text("".join(json.dumps(record) + "\n" for record in records))
        return path

    def compare(self, records, flags, sources, *more):
        expected = self.show(self.write(records), flags)
        for source in sources:
            self.assertMultiLineEqual(self.show(source, [*flags, *more]), expected)
        return expected.count("\n  ")

    def test_postgres_tells_the_same_users_and_ages_as_a_file(self):
        server = PostgresServer()
        self.addCleanup(server.close)
        for name in ("0001_logs.sql", "0002_reader_role.sql"):
            server.sql((SOURCE_DIR / "sql" / name).read_text())
        users = 0
        for seed in range(700, 708):
            with self.subTest(seed=seed):
                rng = random.Random(seed)
                records = users_log(rng, 250)
                server.sql("TRUNCATE command_logs, dag_node_logs")
                load_postgres_log(server, records)
                flags = ask(random.Random(seed), seed % 4 == 0)
                counted = server.uri(parameters="?rows_at_most=0")
                users += self.compare(records, flags, [server.uri(), counted])
                # What was kept of the ages is moved with the time from which on they are told.
                kept = "sqlite:%s" % (self.folder / ("kept%d" % seed))
                for later in (0, SLOT, -SLOT):
                    flags = ask(random.Random(seed), seed % 4 == 0, later)
                    self.compare(records, flags, [counted], "--rollup", kept)
        self.assertGreater(users, 150)

    def test_clickhouse_tells_the_same_users_and_ages_as_a_file(self):
        cluster = ClickHouseCluster(2)
        self.addCleanup(cluster.close)
        for name in ("0001_logs.sql", "0002_cluster.sql"):
            for statement in clickhouse_statements(name):
                cluster.sql(statement)
        users = 0
        for seed in range(800, 806):  # the server takes seconds to plan a statement
            shards, parameters = ((1, ""), (2, DISTRIBUTED))[seed % 2]
            with self.subTest(seed=seed, shards=shards):
                rng = random.Random(seed)
                records = users_log(rng, 250)
                for table in ("command_logs", "dag_node_logs"):
                    cluster.sql("TRUNCATE TABLE " + table)
                load_clickhouse_log(cluster.shards[:shards], records)
                flags = ask(rng, seed in (800, 801))
                users += self.compare(records, flags, [cluster.uri(parameters=parameters)])
        self.assertGreater(users, 150)


if __name__ == "__main__":
    unittest.main()
