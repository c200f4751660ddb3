"""Awkward logs that typed tables can hold, and what it means that two reports are the same."""

from test_eval_oracle import END, HOUR, awkward_record, stamp

# Faults that a typed table can hold.
DAMAGE = {"status": ["done"], "duration_ms": [-0.5], "attempt": [0, -1], "fanout_total": [-1],
          "cohort": ["x"], "compensation_status": ["done"], "created_at": ["2099-01-01T00:00:00Z"]}


def table_log(rng, count):
    records = []
    for serial in range(count):
        record = awkward_record(rng, serial)
        record.pop("free_text", None)
        at = END - 1 - rng.randrange(0, 71 * HOUR, 1000) // 1000 * 1000 - serial % 1000
        record["created_at"] = stamp(at)
        if rng.random() < 0.05:
            key = rng.choice(sorted(DAMAGE))
            if key != "attempt" or is_node(record):
                record[key] = rng.choice(DAMAGE[key])
        records.append(record)
        if rng.random() < 0.1:
            records.append(rng.choice(records))
    return records


def is_node(record):
    return bool(record.get("node_id")) and record.get("node_type") != "pipeline"


# What is odd in typed columns, and what a file has for it. Texts and numbers that mean something, and
# others that do not.
ODD_NUMBERS = ["12", " 7 ", "-3", "0", "1.5", "1e3", "x", "", "nan", "1e400", "0x1", "+1", "5.", None]
ODD_TRUTHS = ["1", "0", "true", "TRUE", "false", "yes", " 1", "", None]
STATUSES = ["succeeded", "OK", "Done", "passed", "failed", "Timed_Out", "timeout", "skipped",
            "Cancelled", "canceled", "running", "IN_PROGRESS", "queued", "compensating", " ok ",
            "manual_required"]


def odd_log(rng, count, numbers_as_text=True):
    """Records whose optional fields are of other types, or say odd things; statuses in any case."""
    records = []
    for serial in range(count):
        run = rng.randrange(count // 2)
        at = END - 1 - rng.randrange(0, 71 * HOUR, 1000) // 1000 * 1000 - serial % 1000
        record = {
            "request_id": rng.choice([rng.randrange(1, 10 ** 9)] * 3 + [None]),
            "user_id": rng.choice([7, 1234567, None]),
            "pipeline_run_id": rng.choice(["r%d" % run] * 9 + [""]), "created_at": stamp(at),
            "status": rng.choice(STATUSES * 3 + ["half done", ""]),
            "error_code": rng.choice([None, None, 0, 503, 401, 7]),
            "duration_ms": rng.choice([None, -7, 0, 12.5, 1000 + serial, 1e300, -1e25]),
            "cohort": rng.choice(["Canary", "canary", "CONTROL", "control", " canary", "x", "", None]),
            "compensation_status": rng.choice([None, "Completed", "failed", "odd", "NOT_REQUIRED"]),
            "execution_mode": rng.choice(["dag", "dag", "rule", "Dag", None]),
            "pipeline_id": rng.choice(["daily", "hourly", None]),
            "fallback_reason": rng.choice([None, None, "", "planner"]),
            "plan_source": rng.choice(["llm", "1:2:3:x", None]),
            "fanout_total": rng.choice([None, 4, -1]), "fanout_failed": rng.choice([None, 1, -1]),
            "tokens_in": rng.choice([None, 100, -5]), "tokens_out": rng.choice([None, 30]),
            "cost_micros": rng.choice([None, 250]),
            "idempotent_reuse": rng.choice(ODD_TRUTHS), "attempt": None, "fanout_index": None,
            "node_id": None, "node_type": None}
        if rng.random() < 0.5:
            record.update(
                node_id=rng.choice(["fetch", "write"]),
                node_type=rng.choice(["skill", "skill", "compensation", None]),
                attempt=rng.choice(ODD_NUMBERS), fanout_index=rng.choice([None, 0, 1, 1, -1]),
                duration_ms=rng.choice([None, 5, 50]))
            if rng.random() < 0.1:
                record.update(error_code=None, status=rng.choice(["failed", "skipped"]))
        records.append(record)
        if rng.random() < 0.05:
            records.append(record)
    return records


def labelled_log(rng, count):
    """Runs of the last day that failed, most of them with a code and a node of their own, with an id
    in it or without."""
    def word():
        return "".join(rng.choices("ghijklmnop", k=9))

    records = []
    for serial in range(count):
        common = {"pipeline_run_id": "l%d" % serial, "execution_mode": "dag", "status": "failed",
                  "created_at": stamp(END - 1 - rng.randrange(23 * HOUR)), "duration_ms": 7}
        records.append({**common, "plan_source": rng.choice(["llm", "plan-%06d" % serial, word()]),
                        "cohort": rng.choice(["canary", "control"]), "error_code": rng.choice([
                            "timeout for req-%016x" % rng.getrandbits(64), "CODE_%09d" % serial,
                            "HTTP %d %012x" % (rng.choice([401, 503]), rng.getrandbits(48)),
                            "E_" + word(), "E_" + word(), "VERIFY_" + word(), "401",
                            "TOOL_AUTH_ERROR"])})
        records.append({**common, "node_type": "skill", "attempt": 1,
                        "node_id": "fetch" + rng.choice(["", "-%06d" % serial, "_" + word()])})
    return records


def placed(records):
    """A file's lines. Those without a time of the past stand behind the latest: a table counts them
    at the end of its range, a file where they stand."""
    now = stamp(END)
    lost = [r for r in records if not r["created_at"] or r["created_at"] >= now]
    return sorted((r for r in records if r not in lost), key=lambda r: r["created_at"]) + lost


def in_buckets(test, expected, found, where=""):
    """Everything is equal, but quantiles come from buckets, within half a percent."""
    if isinstance(expected, dict) and "method" in expected:
        test.assertEqual(expected["n"], found["n"], where)
        if expected["value"] is None:
            test.assertIsNone(found["value"], where)
        elif found != expected:  # durations that stand for unread runs alone are exact
            test.assertEqual(found["method"], "histogram", where)
            test.assertAlmostEqual(expected["value"], found["value"],
                                   delta=0.005 * expected["value"], msg=where)
    elif isinstance(expected, dict):
        test.assertEqual(sorted(expected), sorted(found), where)
        for key, value in expected.items():
            in_buckets(test, value, found[key], where + "/" + key)
    else:
        test.assertEqual(expected, found, where)
