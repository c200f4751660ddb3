"""Runs commands in turn, several times, and prints the medians as a table.

Reads lines `name <tab> command` from standard input. Every round runs each command once,
so that a slow minute of the machine hits all of them; the first round warms up and is not counted.
usage: measure.py ROUNDS BASE < commands     (BASE: the name that ratios are to)
"""

import statistics
import sys

import timed


def main():
    rounds, base = int(sys.argv[1]), sys.argv[2]
    commands = [line.rstrip("\n").split("\t") for line in sys.stdin if line.strip()]
    results = {name: [] for name, _ in commands}
    for number in range(rounds + 1):
        for name, command in commands:
            measured = timed.run(["bash", "-c", "exec " + command], keeps_output=False)
            if number > 0:
                results[name].append(measured)
    medians = {name: statistics.median(each.wall for each in all_) for name, all_ in results.items()}
    print("| what | wall, median of %d | least | ratio | peak memory |" % rounds)
    print("| --- | --- | --- | --- | --- |")
    for name, all_ in results.items():
        print("| %s | %.2f s | %.2f s | %.2f | %d MiB |" % (
            name, medians[name], min(each.wall for each in all_), medians[name] / medians[base],
            max(each.memory for each in all_)))


main()
