"""What cannot be read never makes an action more daring, whatever the log and whichever its lines.

DAGLOOP_UNREADABLE_LOGS=N takes N logs instead of the few that every build has time for;
DAGLOOP_UNREADABLE_SEED=S begins with the log of that seed, as a failure names it.
"""

import gzip
import json
import os
import pathlib
import random
import tempfile
import unittest

from fault_trials import EVERY
from support import SOURCE_DIR, T0, Log, hours, run_tool, stamp

EXAMPLES = SOURCE_DIR / "examples"
CORPUS = ("rollout_healthy.jsonl", "rollout_canary_bad.jsonl",
          "tau_bench.airline.tool-calling.gpt-4o.jsonl.gz",
          "flowbench.pycbc_inference.hdd_10.jsonl.gz", "openproblems.2022-05-13.jsonl.gz",
          "openproblems.2022-05-15.jsonl.gz")
LOGS = int(os.environ.get("DAGLOOP_UNREADABLE_LOGS", "24" if EVERY == 1 else "4"))
FIRST_SEED = int(os.environ.get("DAGLOOP_UNREADABLE_SEED", "1"))
LINES = 6000  # of a log whose runs come several times
SUBSETS = 4  # of the lines of each log: under the limit or not, of one cohort or not
LIMIT = 0.01  # input.max_malformed_share
FINAL = ("succeeded", "failed")


def records_of(name):
    path = EXAMPLES / name
    opened = gzip.open(path, "rt") if name.endswith(".gz") else path.open()
    with opened as file:
        return [json.loads(line) for line in file]


def is_run_record(record):
    return not record.get("node_id")


def copy_of(record, number):
    """The same of another run, which is another request's."""
    ids = {name: "%s-%d" % (record[name], number)
           for name in ("pipeline_run_id", "request_id") if record.get(name)}
    return {**record, **ids}


def as_rollout(records, rng):
    """The log as that of a rollout: where its runs have no cohorts a share of them is the canary's,
    and of the canary's a few more fail. Without node records, half of the time: more runs a log.
    The few runs of a log without cohorts come several times: evidence asks for so many."""
    if not any("cohort" in r for r in records):
        copies = max(3, LINES // len(records))
        records = [copy_of(r, number) for number in range(copies) for r in records]
    ids = sorted({r.get("pipeline_run_id", "") for r in records})
    canary = set(rng.sample(ids, len(ids) // 2))
    failing = set(rng.sample(ids, int(len(ids) * rng.choice([0, 0, 0.02, 0.05, 0.1]))))
    kept = [r for r in records if is_run_record(r)] if rng.random() < 0.5 else records
    if len(kept) < 100:
        kept = records
    out = []
    has_cohorts = any("cohort" in r for r in records)
    for record in kept:
        record = dict(record)
        run = record.get("pipeline_run_id", "")
        if not has_cohorts:
            record["cohort"] = "canary" if run in canary else "control"
        if record["cohort" if "cohort" in record else "status"] == "canary" and run in failing \
                and is_run_record(record) and record["status"] == "succeeded":
            record.update(status="failed", error_code="TOOL_TIMEOUT")
        out.append(record)
    return out


def with_member_behind_status(text, member):
    """Puts a member right behind the status, where what follows can be torn off."""
    at = text.index('"status"')
    end = text.index(",", at) if "," in text[at:] else text.index("}", at)
    return text[:end] + ", " + member + text[end:], end + 2 + len(member)


def torn_behind(member):
    def spoil(text, rng):
        longer, end = with_member_behind_status(text, member)
        return longer[:rng.randrange(end, len(longer))]
    return spoil


def unknown_status(text, rng):
    record = json.loads(text)
    record["status"] = rng.choice(["sideways", "gone wrong", "?", "S3"])
    return json.dumps(record)


def cut_anywhere(text, rng):
    return text[:rng.randrange(1, len(text))]


def binary_bytes(text, rng):
    at = rng.randrange(len(text))
    # Escaped when written: see lines_to_bytes().
    return text[:at] + rng.choice(["\udcff\udcfe", "\udc80", "\0\0\0\0"]) + text[at + 1:]


def with_value(member, *values):
    """A record that is kept for what it says: of one member nothing can be read."""
    def spoil(text, rng):
        record = json.loads(text)
        record[member] = "@"
        return json.dumps(record).replace('"@"', rng.choice(values))
    return spoil


WAYS = {
    "duration that is none": with_value("duration_ms", '"9 s"', "NaN", "-1", "[9]", "Infinity"),
    "error code that is an object": with_value("error_code", '{"code": 7}', "[]"),
    "cohort of other words": with_value("cohort", '"canary-2"', '["canary"]', "7", "{}"),
    "error code of another type, torn": torn_behind('"error_code": 503, "de'),
    "error code that is an object, torn": torn_behind('"error_code": {"code": 7}, "de'),
    "NaN, torn": torn_behind('"duration_ms": NaN, "de'),
    "half a surrogate, torn": torn_behind('"note": "\\ud83d", "de'),
    "unknown status word": unknown_status,
    "cut anywhere": cut_anywhere,
    "binary bytes": binary_bytes,
}


def lines_to_bytes(lines):
    return "".join(line + "\n" for line in lines).encode("utf-8", "surrogateescape")


def worst_first(record, cohort):
    """Orders what an adversary would hide: the canary's failures, the slowest first; what went well
    of the control."""
    went_well = record["status"] == "succeeded"
    hidden_first = went_well if cohort == "control" else not went_well
    return (not hidden_first, not is_run_record(record), -(record.get("duration_ms") or 0))


def chosen_lines(records, number, rng):
    """Which lines are spoiled: half of the subsets under the limit, half of them of one cohort; half
    of them what an adversary would take."""
    is_under, is_one_cohort = number % 2 == 0, number // 2 % 2 == 0
    cohort = rng.choice(["canary", "canary", "control"]) if is_one_cohort else None
    places = [i for i, r in enumerate(records) if cohort is None or r.get("cohort") == cohort]
    rng.shuffle(places)
    if rng.random() < 0.6:
        places.sort(key=lambda i: worst_first(records[i], cohort))
    most = int(LIMIT * len(places)) if is_under else int(0.3 * len(places))
    return places[:rng.randrange(1, max(1, most) + 1)]


class Service:
    """A service at a percentage, judged by its figures or by evidence, in a directory."""

    def __init__(self, directory, evidence, max_share, percent=10):
        self.dir = pathlib.Path(directory)
        self.log = self.dir / "log.jsonl"
        (self.dir / "service.env").write_text(
            (EXAMPLES / "service.env").read_text().replace("PERCENT=10", "PERCENT=%d" % percent))
        (self.dir / "config.json").write_text(json.dumps({
            "window": "7d",
            "input": {"sources": [str(self.log)], "max_malformed_share": max_share},
            "gate": {"checks": [{"kpi": "pipeline_success_rate", "comparator": ">=",
                                 "threshold": 0.0, "min_sample": 1}]},
            "decision": {"evidence": evidence, "min_sample": 20, "promotion_margin_pp": 5.0},
            "policy": {"env_file": "service.env",
                       "allowlist": str(SOURCE_DIR / "config" / "policy_allowlist.json"),
                       "rules": str(SOURCE_DIR / "config" / "policy_rules.json"),
                       "approvers": "approvers.json"},
            "state": "sqlite:" + str(self.dir / "loop.db"),
            "reports": {"dir": "reports", "formats": ["md"]}}))
        (self.dir / "approvers.json").write_text('{"approvers": []}')

    def decide(self, lines, as_of):
        """Returns the decision; None where the tick ends without one (the data fault of exit 4)."""
        self.log.write_bytes(lines_to_bytes(lines))
        result = run_tool("dag_optimization_cycle", "--config", "config.json", "--json", "--as-of",
                          as_of, cwd=self.dir)
        if result.code not in (0, 1, 3, 4, 8):
            raise AssertionError(str(result))
        return json.loads(result.stdout)["decision"] if result.stdout else None

    def page(self):
        return (self.dir / "reports" / "dag_quality_latest.md").read_text()


def is_promotion(decision):
    return decision is not None and decision["action"] == "promote"


def goes_forward(decision):
    """Whether it carries a patch that is no way back."""
    return decision is not None and decision["action"] != "rollback" and bool(decision["patch"])


def codes_of(decision):
    return [reason["code"] for reason in decision["reasons"]]


class WhatCannotBeRead(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="dl_")
        self.addCleanup(directory.cleanup)
        self.dir = pathlib.Path(directory.name)

    def test_never_makes_an_action_more_daring(self):
        counts = {"promoted": 0, "still promoted": 0, "forward": 0, "trials": 0}
        corpus = [records_of(name) for name in CORPUS]
        for seed in range(FIRST_SEED, FIRST_SEED + LOGS):
            self.check_log(corpus, seed, counts)
        print("unreadable: %s" % counts)
        if LOGS >= 20 and FIRST_SEED == 1:  # else it would show nothing
            self.assertGreaterEqual(counts["promoted"], LOGS // 4, counts)
            self.assertGreaterEqual(counts["still promoted"], 1, counts)

    def check_log(self, corpus, seed, counts):
        rng = random.Random(seed)
        which = seed % len(corpus)
        records = as_rollout(corpus[which], rng)
        lines = [json.dumps(record) for record in records]
        as_of = rng.choice(["last", self.end_of(records)])
        # Drawn cohorts are halves: at 10 % that would be a canary five times too large.
        percent = 10 if any("cohort" in r for r in corpus[which]) else 30
        service = Service(self.dir, rng.choice(["point", "sequential"]), rng.choice([LIMIT, 0.9]),
                          percent)
        readable = service.decide(lines, as_of)
        counts["promoted"] += is_promotion(readable)
        counts["forward"] += goes_forward(readable)
        for number in range(SUBSETS):
            way = rng.choice(sorted(WAYS))
            chosen = chosen_lines(records, number, rng)
            spoiled = list(lines)
            for place in chosen:
                spoiled[place] = WAYS[way](lines[place], rng)
            decision = service.decide(spoiled, as_of)
            counts["trials"] += 1
            counts["still promoted"] += is_promotion(readable) and is_promotion(decision)
            told = "seed %d, %s, subset %d: %d lines, %s: %s" % (
                seed, CORPUS[which], number, len(chosen), way, decision and codes_of(decision))
            if is_promotion(decision):
                self.assertTrue(is_promotion(readable), told)
            if goes_forward(decision):
                self.assertTrue(goes_forward(readable), told)

    @staticmethod
    def end_of(records):
        """Just behind the newest record, to the minute: the same whichever line is spoiled."""
        newest = max(record["created_at"] for record in records)
        return newest[:17] + "59.999999Z"

    def day(self, canary, control, failed=0):
        log = Log(self.dir / "day.jsonl")
        log.path.write_text("")
        log.runs(T0 - hours(23), hours(22), control, cohort="control", failed=control // 100)
        log.runs(T0 - hours(23), hours(22), canary, cohort="canary", failed=failed)
        lines = [line for line in log.path.read_text().splitlines() if '"node_id"' not in line]
        return lines, Service(self.dir, "point", LIMIT)

    @staticmethod
    def torn(line):
        return line[:line.index('"status"')]

    def test_one_torn_line_of_a_healthy_day_stops_no_promotion_and_is_told_first(self):
        lines, service = self.day(300, 2700)
        self.assertEqual(service.decide(lines, stamp(T0))["action"], "promote")
        lines[-50] = self.torn(lines[-50])
        self.assertEqual(service.decide(lines, stamp(T0))["action"], "promote")
        head = " ".join(service.page().splitlines()[:16])
        self.assertIn("1 line of the window could not be read", head)
        self.assertIn("log.jsonl:2951", head)

    def test_lines_that_could_be_the_failures_hold_with_their_number_and_places(self):
        lines, service = self.day(300, 2700)
        chosen = range(2705, 3000, 15)  # 20 of the canary's 300, of a margin of 5 points
        for place in chosen:
            lines[place] = lines[place][:lines[place].index('"cohort"')]
        decision = service.decide(lines, stamp(T0))
        self.assertEqual(decision["action"], "hold")
        reason = next(r for r in decision["reasons"]
                      if r["code"] == "unreadable_records_could_change_this")
        self.assertIn("20", reason["text"])
        self.assertIn("log.jsonl:2706", reason["text"])


    def held_for_what_cannot_be_read(self, lines, service):
        decision = service.decide(lines, "last")
        reasons = codes_of(decision) if decision else []
        self.assertEqual(decision and decision["action"], "hold", reasons)
        self.assertIn("unreadable_records_could_change_this", reasons)

    def test_a_storm_of_retries_does_not_hide_in_lines_of_runs_that_are_over(self):
        lines, service = self.day(300, 2700)
        nodes = []
        for i, line in enumerate(lines):
            run = json.loads(line)
            tries = [("failed", n) for n in (1, 2, 3)] if run["cohort"] == "canary" else []
            for status, attempt in tries + [("succeeded", len(tries) + 1)]:
                nodes.append({**run, "node_id": "fetch", "node_type": "skill", "status": status,
                              "attempt": attempt, "error_code": "TOOL_TIMEOUT"})
        whole = lines + [json.dumps(node) for node in nodes]
        self.assertNotEqual(service.decide(whole, "last")["action"], "promote")
        read = lines + [json.dumps(node) for node in nodes if node["status"] == "succeeded"]
        self.assertEqual(service.decide(read, "last")["action"], "promote")
        service = Service(self.dir, "point", 0.9)
        spoiled = read + [json.dumps({**node, "status": "sideways"}) for node in nodes
                          if node["status"] == "failed"]
        self.held_for_what_cannot_be_read(spoiled, service)

    def test_failed_runs_do_not_leave_the_canary_by_their_cohort(self):
        lines, service = self.day(300, 2700, failed=30)
        failed = [i for i, line in enumerate(lines) if '"failed"' in line and '"canary"' in line]
        self.assertEqual(len(failed), 30)
        for word in '"canary-2"', '["canary"]', "7":
            spoiled = list(lines)
            for i in failed:
                spoiled[i] = lines[i].replace('"canary"', word)
            with self.subTest(word=word):
                self.held_for_what_cannot_be_read(spoiled, service)

    def test_durations_that_cannot_be_read_are_slow(self):
        lines, service = self.day(300, 2700)
        for value in '"9 s"', "NaN", "-1":
            spoiled = list(lines)
            for i in range(2700, 2740):
                spoiled[i] = with_value("duration_ms", value)(lines[i], random.Random(1))
            with self.subTest(value=value):
                self.held_for_what_cannot_be_read(spoiled, service)

    def test_error_codes_that_cannot_be_read_are_of_the_worst_class(self):
        lines, service = self.day(600, 2700, failed=12)
        spoiled = [with_value("error_code", '{"code": 401}')(line, random.Random(1))
                   if '"failed"' in line and '"canary"' in line else line for line in lines]
        self.held_for_what_cannot_be_read(spoiled, service)

    def test_the_last_record_may_be_one_that_cannot_be_read(self):
        lines, service = self.day(300, 2700)
        self.assertEqual(service.decide(lines, "last")["action"], "promote")
        late = [json.dumps({"pipeline_run_id": "late-%d" % i, "cohort": "canary",
                            "created_at": stamp(T0 + hours(2)), "status": "sideways"})
                for i in range(60)]
        service = Service(self.dir, "point", 0.9)
        decision = service.decide(lines + late, "last")
        self.assertEqual(decision["as_of"], stamp(T0 + hours(2))[:-1] + "001Z")
        self.held_for_what_cannot_be_read(lines + late, service)
        future = late[0].replace(stamp(T0 + hours(2)), "2250-01-01T00:00:00Z")
        decision = service.decide(lines + [future], "last")
        self.assertLess(decision["as_of"], stamp(T0 + hours(1)))


if __name__ == "__main__":
    unittest.main()
