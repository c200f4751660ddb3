#!/usr/bin/env python3
"""Measures a tick with a rollup store beside the full scan, and prints the medians as a table.

The log holds 30 days; 15 minutes are appended before each tick, which reads a window of 3 days, its
baseline and a day of horizon. Reports are compared: a tick that prints another one is no measurement.
usage: tick.py RECORDS ROUNDS BIN_DIR WORK_DIR
"""

import pathlib
import statistics
import subprocess
import sys

import timed

START = "2026-02-01T00:00:00Z"
END = "2026-03-03T00:%02d:00Z"
TICK_DAYS = "0.0104166667"


def without_time(report):
    return [line for line in report.splitlines() if b"generated_at" not in line]


class Bench:
    def __init__(self, records, rounds, bin_dir, work):
        self.records, self.rounds, self.bin, self.work = records, rounds, bin_dir, work
        self.log = work / ("tick.%d.jsonl" % records)
        folder = work / ("tick.%d" % records)  # of its own: in /tmp everybody can put files beside it
        folder.mkdir(mode=0o700, exist_ok=True)
        self.store = folder / "rollup.db"
        self.measured = {}

    def generate(self, start, days, seed, mode):
        command = [self.bin / "generate_rollout", "--seed", str(seed), "--start", start, "--days",
                   days, "--runs-per-day", str(self.records // 30), "--nodes", "0", "--derived",
                   "0", "--duplicates", "0"]
        with self.log.open(mode) as file:
            subprocess.run(command, stdout=file, check=True)

    def evaluate(self, name, as_of, *flags):
        taken = timed.run([self.bin / "eval_dag_quality", "--json", "--window", "3d",
                           "--as-of", as_of, "--source", self.log, *flags])
        self.measured.setdefault(name, []).append(taken)
        return without_time(taken.output)

    def run(self):
        self.generate(START, "30", 1, "wb")
        kept = ["--rollup", "sqlite:%s" % self.store]
        self.evaluate("full scan", END % 0)
        self.measured.clear()
        for _ in range(self.rounds):
            self.store.unlink(missing_ok=True)
            self.evaluate("full scan that fills the store", END % 0, *kept)
        start = END % 0
        for number in range(1, self.rounds + 1):
            minute = 15 * number
            as_of = "2026-03-03T%02d:%02d:00Z" % divmod(minute, 60)
            self.generate(start, TICK_DAYS, 1 + number, "ab")
            start = as_of
            ticked = self.evaluate("tick, 15 minutes of new records", as_of, *kept)
            if ticked != self.evaluate("full scan", as_of):
                sys.exit("the tick's report differs from the full scan's")
            self.evaluate("tick, nothing new", as_of, *kept)
        for _ in range(self.rounds):
            taken = timed.run([self.bin / "eval_dag_quality", "--version"])
            self.measured.setdefault("start of the process alone", []).append(taken)

    def table(self):
        base = statistics.median(each.wall for each in self.measured["full scan"])
        print("| what | wall, median of %d | least | of a full scan | peak memory |" % self.rounds)
        print("| --- | --- | --- | --- | --- |")
        for name, all_ in self.measured.items():
            median = statistics.median(each.wall for each in all_)
            print("| %s | %.3f s | %.3f s | %.1f %% | %d MiB |" % (
                name, median, min(each.wall for each in all_), 100 * median / base,
                max(each.memory for each in all_)))


def main():
    records, rounds = int(sys.argv[1]), int(sys.argv[2])
    bench = Bench(records, rounds, pathlib.Path(sys.argv[3]).resolve(), pathlib.Path(sys.argv[4]))
    bench.run()
    bench.table()
    for path in (bench.log, bench.store):
        path.unlink()


main()
