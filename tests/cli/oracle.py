"""An independent reading of the data contract in plain Python: slow, obvious, the standard library
only. It shares no code and no data structure with the toolkit; docs/data-contract.md is its source.

usage: oracle.py --window 1d --as-of T [--outcome-node NODE] [--dedupe records] FILE...
"""
import argparse
import datetime as dt
import fractions
import gzip
import json
import math
import re
import sys

SLOT = 300_000_000
HOUR = 3_600_000_000
MAX_LINE_BYTES = 1 << 20
MAX_EXACT = 4096  # durations; beyond, quantiles are those of a histogram
FINAL = {"succeeded", "failed", "manual_required", "cancelled", "skipped"}
ALIASES = {"success": "succeeded", "ok": "succeeded", "error": "failed"}
STATUSES = FINAL | {"running", "pending", "compensating"}
COMPENSATION = ["not_required", "completed", "failed", "manual_required"]
STRINGS = ["request_id", "user_id", "created_at", "status", "error_code", "pipeline_run_id",
           "node_id", "node_type", "verification_reason", "fallback_reason", "execution_mode",
           "plan_source", "idempotency_key", "compensation_status", "policy_version", "cohort"]
INTEGERS = {"attempt": 1, "fanout_total": 0, "fanout_failed": 0}
CLASSES = ["auth", "server", "timeout", "rate_limit", "validation", "llm", "verification",
           "compensation", "other"]
EXACT = {"TOOL_AUTH_ERROR": "auth", "auth_error": "auth", "401": "auth", "403": "auth",
         "TOOL_SERVER_ERROR": "server", "TOOL_TIMEOUT": "timeout", "PIPELINE_TIMEOUT": "timeout",
         "TOOL_RATE_LIMITED": "rate_limit", "429": "rate_limit",
         "DSL_VALIDATION_FAILED": "validation", "DSL_REF_NOT_FOUND": "validation",
         "validation_error": "validation", "LLM_AUTOFILL_FAILED": "llm",
         "COMPENSATION_FAILED": "compensation"}
EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.timezone.utc)


def error_class(code):
    if code in EXACT:
        return EXACT[code]
    if code.startswith("VERIFY_"):
        return "verification"
    return "server" if re.fullmatch(r"5[0-9][0-9]", code) else "other"


def micros(text):
    match = re.fullmatch(r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(\.\d+)?([Zz]|[+-]\d\d:\d\d)", text)
    if not match:
        raise ValueError(text)
    zone = "+00:00" if match[4] in "Zz" else match[4]
    time = dt.datetime.fromisoformat(f"{match[1]}T{match[2]}{zone}")
    whole = (time - EPOCH) // dt.timedelta(microseconds=1)
    return whole + int(((match[3] or ".") [1:] + "000000")[:6])


class Malformed(Exception):
    pass


def no_constant(word):
    raise ValueError(word + " is no JSON")


def parse(line):
    try:
        data = line.encode("utf-8", "surrogateescape")
        if len(data.rstrip(b"\r")) > MAX_LINE_BYTES:
            raise Malformed("line_too_long")
        return json.loads(data.decode("utf-8"), parse_constant=no_constant)
    except ValueError:
        raise Malformed("not_json_object") from None


def normalise(line):
    """One line -> a record with only what matters, or Malformed."""
    raw = parse(line)
    if not isinstance(raw, dict):
        raise Malformed("not_json_object")
    raw = {key: value for key, value in raw.items() if value is not None and value != ""}
    for key in STRINGS:
        if not isinstance(raw.get(key, ""), str):
            raise Malformed("wrong_type")
    for key in ["duration_ms", *INTEGERS]:
        value = raw.get(key, 1)
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise Malformed("wrong_type")
    if not isinstance(raw.get("idempotent_reuse", False), bool):
        raise Malformed("wrong_type")
    for key in ["created_at", "status"]:
        if key not in raw:
            raise Malformed("missing_" + key)
    if "pipeline_run_id" not in raw and "request_id" not in raw:
        raise Malformed("missing_run_id")
    status = ALIASES.get(raw["status"], raw["status"])
    if status not in STATUSES:
        raise Malformed("unknown_status")
    if raw.get("compensation_status", "failed") not in COMPENSATION:
        raise Malformed("unknown_value")
    if raw.get("cohort", "canary") not in ("canary", "control"):
        raise Malformed("unknown_value")
    try:
        at = micros(raw["created_at"])
    except ValueError:
        raise Malformed("bad_time") from None
    duration = raw.get("duration_ms")
    if duration is not None and duration < 0:
        raise Malformed("bad_number")
    for key, least in INTEGERS.items():
        if raw.get(key, least) < least or raw.get(key, least) % 1 != 0:
            raise Malformed("bad_number")
    mode = raw.get("execution_mode")
    dag = mode in ("dag", "pipeline_dag") if mode else "pipeline_run_id" in raw
    node = raw.get("node_id") if raw.get("node_type") != "pipeline" else None
    return {"key": ("p", raw["pipeline_run_id"]) if "pipeline_run_id" in raw
            else ("r", raw["request_id"]),
            "node": node, "status": status, "at": at, "duration": duration, "dag": dag,
            "attempt": raw.get("attempt", 1), "code": raw.get("error_code", ""),
            "plan": raw.get("plan_source", ""), "cohort": raw.get("cohort", "none"),
            "verification": "verification_reason" in raw, "fallback": "fallback_reason" in raw,
            "reuse": raw.get("idempotent_reuse", False),
            "compensation": raw.get("compensation_status"),
            "total": raw.get("fanout_total", 0), "failed": raw.get("fanout_failed", 0)}


def bad(status):
    return status in FINAL and status not in ("succeeded", "skipped")


def derive(nodes, outcome_node):
    run = {"at": max(n["at"] for n in nodes), "dag": any(n["dag"] for n in nodes),
           "verification": any(n["verification"] for n in nodes),
           "fallback": any(n["fallback"] for n in nodes), "reuse": any(n["reuse"] for n in nodes),
           "manual": any(n["status"] == "manual_required" for n in nodes),
           "total": sum(n["total"] for n in nodes), "failed": sum(n["failed"] for n in nodes),
           "derived": True, "code": "", "compensation": None}
    cohorts = {n["cohort"] for n in nodes}
    run["cohort"] = next((c for c in ("canary", "control") if c in cohorts), "none")
    for word in COMPENSATION:
        if any(n["compensation"] == word for n in nodes):
            run["compensation"] = word
    plans = [n for n in nodes if n["plan"]]
    latest = max((n["at"] for n in plans), default=None)
    run["plan"] = min((n["plan"] for n in plans if n["at"] == latest), default="")
    run["duration"] = None
    if any(n["duration"] is not None for n in nodes):
        start = min(n["at"] / 1000 - (n["duration"] or 0) for n in nodes)
        run["duration"] = run["at"] / 1000 - start
    last = {}
    for n in nodes:
        rank = (n["attempt"], n["at"], n["status"] in FINAL, bad(n["status"]))
        if n["node"] not in last or rank > last[n["node"]][0]:
            last[n["node"]] = (rank, n)
    last = [n for _, n in last.values()]
    in_flight = any(n["status"] not in FINAL for n in last)
    last = [n for n in last if n["node"] == outcome_node] or last
    run["status"] = "failed" if any(bad(n["status"]) for n in last) else "succeeded"
    if in_flight:
        run["status"] = "running"
    errors = [n for n in last if bad(n["status"]) and n["code"]]
    if errors:
        run["code"] = min(errors, key=lambda n: (n["at"], n["node"]))["code"]
    return run


def ratio(numerator, denominator):
    value = numerator / denominator if denominator else None
    return {"numerator": numerator, "denominator": denominator, "value": value}


def rate(numerator, denominator):
    """Carries an interval where it is a share of something."""
    share = denominator and numerator <= denominator
    return {**ratio(numerator, denominator),
            "ci95": wilson(numerator, denominator) if share else None}


def wilson(k, n):
    z = 1.959963984540054
    p = k / n
    centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return [max(0.0, centre - half), min(1.0, centre + half)]


def quantile(values, percent):
    values = sorted(values)
    rank = -(-percent * len(values) // 100)  # ceiling, in whole numbers
    return {"n": len(values), "value": values[max(rank, 1) - 1] if values else None,
            "method": "exact" if len(values) <= MAX_EXACT else "histogram"}


def figures(runs):
    final = [(run, nodes) for run, nodes in runs if run["status"] in FINAL]
    total = len(final)
    count = lambda test: sum(1 for run, _ in final if test(run))
    comp = lambda *words: count(lambda r: r["compensation"] in words)
    attempts = [n for _, nodes in final for n in nodes]
    pairs = {(i, n["node"]) for i, (_, nodes) in enumerate(final) for n in nodes}
    succeeded = count(lambda r: r["status"] == "succeeded")
    kpis = {
        "pipeline_success_rate": rate(succeeded, total),
        "verification_failed_rate": rate(count(
            lambda r: r["verification"] or (r["code"] and error_class(r["code"]) == "verification")),
            total),
        "fallback_rate": rate(count(lambda r: r["fallback"]), total),
        "compensation_failed_rate": rate(comp("failed", "manual_required"),
                                         comp("completed", "failed", "manual_required")),
        "manual_required_rate": rate(count(
            lambda r: r["manual"] or r["compensation"] == "manual_required"), total),
        "fanout_failed_rate": rate(sum(r["failed"] for r, _ in final),
                                   sum(r["total"] for r, _ in final)),
        "idempotent_reuse_rate": rate(count(lambda r: r["reuse"]), total),
        "attempt_failure_rate": rate(sum(n["status"] == "failed" for n in attempts),
                                     len(attempts)),
        "attempts_per_node": ratio(len(attempts), len(pairs)),
    }
    for word in CLASSES:
        kpis["error_rate." + word] = rate(
            count(lambda r, w=word: r["code"] != "" and error_class(r["code"]) == w), total)
    durations = [r["duration"] for r, _ in final if r["duration"] is not None]
    for percent in (50, 95, 99):
        kpis[f"p{percent}_latency_ms"] = quantile(durations, percent)
    codes, nodes, plans = {}, {}, {}
    for run, rows in final:
        if run["code"]:
            codes[run["code"]] = codes.get(run["code"], 0) + 1
        if run["plan"]:
            plans.setdefault(run["plan"], []).append(run["status"] == "succeeded")
        for n in rows:
            nodes.setdefault(n["node"], []).append(n)
    return {"total_runs": total, "succeeded_runs": succeeded,
            "derived_runs": count(lambda r: r["derived"]), "in_flight": len(runs) - total,
            "kpis": kpis, "error_codes": codes,
            "error_classes": {word: kpis["error_rate." + word]["numerator"] for word in CLASSES},
            "nodes": {name: node_figures(rows) for name, rows in nodes.items()},
            "plan_sources": {name: {"runs": len(oks), "success_rate": rate(sum(oks), len(oks))}
                             for name, oks in plans.items()}}


def node_figures(rows):
    retries = [n for n in rows if n["attempt"] > 1]
    return {"attempts": len(rows),
            "failure_rate": rate(sum(n["status"] == "failed" for n in rows), len(rows)),
            "retry_success_rate": rate(sum(n["status"] == "succeeded" for n in retries),
                                       len(retries)),
            "p95_latency_ms": quantile([n["duration"] for n in rows if n["duration"] is not None],
                                       95)}


def populations(runs, start, end):
    inside = [(run, nodes) for run, nodes in runs if start <= run["at"] < end]
    out = {"dag": figures([x for x in inside if x[0]["dag"]]),
           "non_dag": figures([x for x in inside if not x[0]["dag"]])}
    out["dag"]["cohorts"] = {}
    for cohort in ("canary", "control"):
        part = [x for x in inside if x[0]["dag"] and x[0]["cohort"] == cohort]
        if part:
            out["dag"]["cohorts"][cohort] = figures(part)
    return out


def compared_sides(runs, start, end):
    """The runs that decisions compare, as two lists, or None."""
    dag = [(run, nodes) for run, nodes in runs if run["dag"]]
    now = [x for x in dag if start <= x[0]["at"] < end]
    before = [x for x in dag if start - (end - start) <= x[0]["at"] < start]
    if any(run["cohort"] != "none" for run, _ in now + before):
        sides = [[x for x in now if x[0]["cohort"] == c] for c in ("canary", "control")]
    else:
        sides = [now, before]
    sides = [[x for x in side if x[0]["status"] in FINAL] for side in sides]
    return sides if all(sides) else None


def did_fail(run):
    return run["status"] != "succeeded"


def failed_nodes(side):
    """Runs that have the node, less its attempts that did not fail."""
    pairs, fine = {}, {}
    for i, (_, nodes) in enumerate(side):
        for n in nodes:
            pairs.setdefault(n["node"], set()).add(i)
            fine[n["node"]] = fine.get(n["node"], 0) + (n["status"] != "failed")
    return {node: max(0, len(runs) - fine[node]) for node, runs in pairs.items()}


def counted_effects(counts, sides):
    names = set().union(*counts)
    effects = {n: counts[0].get(n, 0) / len(sides[0]) - counts[1].get(n, 0) / len(sides[1])
               for n in names}
    failed = [sum(did_fail(run) for run, _ in side) / len(side) for side in sides]
    return {"effects": effects, "rest": failed[0] - failed[1] - sum(effects.values())}


def codes_of(side):
    codes = [run["code"] for run, _ in side if run["code"]]
    return {code: codes.count(code) for code in codes}


def by_stratum(side, stratum):
    strata = {}
    for run, _ in side:
        runs, failed = strata.get(stratum(run), (0, 0))
        strata[stratum(run)] = (runs + 1, failed + did_fail(run))
    return strata


def alike(sides, stratum):
    """Mantel and Haenszel's risk difference, with exact fractions."""
    one, other = (by_stratum(side, stratum) for side in sides)
    shared = set(one) & set(other)
    if not shared:
        return None
    weigh = lambda s: fractions.Fraction(one[s][0] * other[s][0], one[s][0] + other[s][0])
    differ = lambda s: fractions.Fraction(*one[s][::-1]) - fractions.Fraction(*other[s][::-1])
    return float(sum(weigh(s) * differ(s) for s in shared) / sum(weigh(s) for s in shared))


def source_effects(sides):
    """Rate and mix effect of each plan source, by exchanging the one and then the other."""
    one, other = (by_stratum(side, lambda run: run["plan"]) for side in sides)
    rate_of = lambda counts: fractions.Fraction(counts[1], counts[0])
    mean = sum(fractions.Fraction(sum(did_fail(run) for run, _ in side), len(side))
               for side in sides) / 2
    effects = {}
    for name in set(one) | set(other):
        w = fractions.Fraction(one.get(name, (0, 0))[0], len(sides[0]))
        v = fractions.Fraction(other.get(name, (0, 0))[0], len(sides[1]))
        f = rate_of(one.get(name, other.get(name)))
        g = rate_of(other.get(name, one.get(name)))
        rate = ((w * f - w * g) + (v * f - v * g)) / 2
        total = w * (f - mean) - v * (g - mean)
        effects[name] = (float(rate), float(total - rate))
    return effects


def attribution(runs, start, end):
    sides = compared_sides(runs, start, end)
    if sides is None:
        return None
    failed = [sum(did_fail(run) for run, _ in side) for side in sides]
    return {"runs": [len(side) for side in sides], "failed": failed,
            "difference": failed[0] / len(sides[0]) - failed[1] / len(sides[1]),
            "error_codes": counted_effects([codes_of(side) for side in sides], sides),
            "nodes": counted_effects([failed_nodes(side) for side in sides], sides),
            "plan_sources": source_effects(sides),
            "stratified": {"plan_source": alike(sides, lambda run: run["plan"]),
                           "hour_of_day": alike(sides, lambda run: run["at"] // HOUR % 24)}}


def evaluate(lines, window, as_of, outcome_node=None, dedupe="runs", now=None):
    """The report's figures for `lines`; times in microseconds."""
    end = as_of // SLOT * SLOT
    start = end - window
    earliest = start - window - 86_400_000_000
    now = now if now is not None else 1 << 62
    counts = {"records": 0, "run_records": 0, "node_records": 0, "malformed": 0, "duplicates": 0,
              "out_of_range": 0, "newest_record": None, "malformed_by_reason": {}}
    by_run, seen = {}, set()
    for line in lines:
        if not line.strip():
            continue
        counts["records"] += 1
        try:
            record = normalise(line)
            if record["at"] > now + 300_000_000:
                raise Malformed("future_time")
        except Malformed as error:
            counts["malformed"] += 1
            reasons = counts["malformed_by_reason"]
            reasons[str(error)] = reasons.get(str(error), 0) + 1
            continue
        counts["node_records" if record["node"] else "run_records"] += 1
        if record["at"] < end:
            counts["newest_record"] = max(record["at"], counts["newest_record"] or record["at"])
        if not earliest <= record["at"] < end:
            counts["out_of_range"] += 1
            continue
        if dedupe == "records" and record["node"]:
            if line.strip() in seen:
                counts["duplicates"] += 1
                continue
            seen.add(line.strip())
        by_run.setdefault(record["key"], []).append(record)
    runs = []
    for records in by_run.values():
        nodes = [r for r in records if r["node"]]
        own = [r for r in records if not r["node"]]
        if own:
            counts["duplicates"] += len(own) - 1
            run = dict(max(own, key=lambda r: (r["at"], r["status"] in FINAL)))
            run.update(derived=False, manual=run["status"] == "manual_required")
        else:
            run = derive(nodes, outcome_node)
        runs.append((run, nodes))
    present = populations(runs, start, end)
    for word in ("derived_runs", "in_flight"):
        counts[word] = sum(figures[word] for figures in present.values())
    return {"input": counts, "populations": present,
            "baseline": populations(runs, start - window, start),
            "attribution": attribution(runs, start, end)}


def read_lines(path):
    opener = gzip.open if path.endswith(".gz") else open
    with opener(path, "rb") as file:
        return file.read().decode("utf-8", "surrogateescape").split("\n")


def window_micros(text):
    return int(text[:-1]) * {"m": 60, "h": 3600, "d": 86400}[text[-1]] * 1_000_000


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("files", nargs="+")
    parser.add_argument("--window", default="1d")
    parser.add_argument("--as-of", required=True)
    parser.add_argument("--outcome-node")
    parser.add_argument("--dedupe", default="runs")
    arguments = parser.parse_args()
    lines = [line for path in arguments.files for line in read_lines(path)]
    json.dump(evaluate(lines, window_micros(arguments.window), micros(arguments.as_of),
                       arguments.outcome_node, arguments.dedupe), sys.stdout, indent=1)


if __name__ == "__main__":
    main()
