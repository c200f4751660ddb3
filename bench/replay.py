#!/usr/bin/env python3
"""Measures a replay of a month, a tick every 15 minutes, and prints the medians as a table.

The log is generated (seeded): 30 days of run records, a tenth of them of a canary that goes bad on the last day.
usage: replay.py RECORDS ROUNDS BIN_DIR WORK_DIR
"""

import pathlib
import statistics
import subprocess
import sys

import timed

START, END = "2026-02-01T00:00:00Z", "2026-03-03T00:00:00Z"
BAD_FROM = "2026-03-02T00:00:00Z"


def generate(bin_dir, log, records, nodes):
    runs = records // 30 // (1 + nodes)
    command = [bin_dir / "generate_rollout", "--seed", "1", "--start", START, "--days", "30",
               "--runs-per-day", str(runs), "--nodes", str(nodes), "--derived", "0", "--duplicates", "0",
               "--bad-from", BAD_FROM]
    with log.open("wb") as file:
        subprocess.run(command, stdout=file, check=True)


def main():
    records, rounds = int(sys.argv[1]), int(sys.argv[2])
    bin_dir, work = pathlib.Path(sys.argv[3]).resolve(), pathlib.Path(sys.argv[4])
    print("| what | wall, median of %d | least | CPU | peak memory |" % rounds)
    print("| --- | --- | --- | --- | --- |")
    for nodes, what in ((0, "run records"), (3, "run and node records")):
        log = work / ("replay.%d.%d.jsonl" % (records, nodes))
        generate(bin_dir, log, records, nodes)
        common = [bin_dir / "replay_dag_policy", "--json", "--source", log, "--from", START, "--to", END,
                  "--percent", "10"]
        bad = ["--regression", BAD_FROM + "/" + END]
        for name, flags in (("replay", []), ("with --suggest-thresholds", ["--suggest-thresholds", "2", *bad])):
            measured = [timed.run([*common, *flags]) for _ in range(rounds + 1)][1:]
            if b'"action": "rollback"' not in measured[0].output:
                sys.exit("the bad canary is not found: this is no measurement")
            walls = [one.wall for one in measured]
            print("| %s, %s | %.2f s | %.2f s | %.2f s | %d MiB |" % (
                what, name, statistics.median(walls), min(walls),
                statistics.median(one.cpu for one in measured), max(one.memory for one in measured)), flush=True)
        log.unlink()


main()
