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


def in_buckets(test, expected, found, where=""):
    """Everything is equal, but quantiles come from buckets, within half a percent."""
    if isinstance(expected, dict) and "method" in expected:
        test.assertEqual(expected["n"], found["n"], where)
        if expected["value"] is None:
            test.assertIsNone(found["value"], where)
        else:
            test.assertEqual(found["method"], "histogram", where)
            test.assertAlmostEqual(expected["value"], found["value"],
                                   delta=0.005 * expected["value"], msg=where)
    elif isinstance(expected, dict):
        test.assertEqual(sorted(expected), sorted(found), where)
        for key, value in expected.items():
            in_buckets(test, value, found[key], where + "/" + key)
    else:
        test.assertEqual(expected, found, where)
