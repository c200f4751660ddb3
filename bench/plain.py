"""The KPIs of a window as a plain script computes them: one line after the other.

usage: plain.py FILE.jsonl START END
"""

import collections
import json
import math
import sys

FINAL = {"succeeded", "failed", "manual_required", "cancelled", "skipped"}


def main(path, start, end):
    runs = {}
    with open(path, encoding="utf-8") as log:
        for line in log:
            record = json.loads(line)
            if start <= record["created_at"] < end:
                runs[record["pipeline_run_id"]] = record
    groups = collections.defaultdict(list)
    for run in runs.values():
        if run["status"] in FINAL:
            groups[run["execution_mode"] == "dag", run.get("cohort")].append(run)
    for key, group in sorted(groups.items(), key=str):
        total = len(group)
        durations = sorted(run["duration_ms"] for run in group)
        codes = collections.Counter(run.get("error_code") for run in group)
        print(key, total, sum(run["status"] == "succeeded" for run in group) / total,
              [durations[math.ceil(p * total) - 1] for p in (0.5, 0.95, 0.99)],
              codes.most_common(3), sum(run["fanout_failed"] for run in group))


main(*sys.argv[1:])
