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
ALIASES = {"success": "succeeded", "ok": "succeeded", "error": "failed", "completed": "succeeded",
           "passed": "succeeded", "done": "succeeded", "failure": "failed", "errored": "failed",
           "crashed": "failed", "timeout": "failed", "timed_out": "failed", "aborted": "failed",
           "killed": "failed", "canceled": "cancelled", "started": "running",
           "in_progress": "running", "queued": "pending", "scheduled": "pending"}
STATUSES = FINAL | {"running", "pending", "compensating"}
COMPENSATION = ["not_required", "completed", "failed", "manual_required"]
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
    exact = {key.lower(): value for key, value in EXACT.items()}
    exact["timeout"] = "timeout"
    if code.lower() in exact:
        return exact[code.lower()]
    if code.upper().startswith("VERIFY_"):
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
    """Why a line is no record, and what it shows all the same."""

    def __init__(self, reason, key=None, cohort="none", at=None, attempt=True):
        super().__init__(reason)
        self.key, self.cohort, self.at, self.attempt = key, cohort, at, attempt


def parse(line):
    """The line's object, and why it is none; of a line that goes wrong, what is whole before that."""
    data = line.encode("utf-8", "surrogateescape").rstrip(b"\r")
    reason = "line_too_long" if len(data) > MAX_LINE_BYTES else None
    text = data[:MAX_LINE_BYTES].decode("utf-8", "replace").strip(" \t\r\n")
    decoder = json.JSONDecoder()
    ends = [i for i in range(len(text)) if text[i] == "," and text[0] == "{"]
    for torn in [text, text + "}", *(text[:end] + "}" for end in reversed(ends))]:
        try:
            raw, used = decoder.raw_decode(torn)
        except ValueError:
            continue
        is_whole = torn is text and used == len(text) and isinstance(raw, dict)
        reason = reason or (None if is_whole else "not_json_object")
        return raw if isinstance(raw, dict) else {}, reason
    return {}, reason or "not_json_object"


def is_number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def text_of(value):
    """Other forms as their text; what has none is absent."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (dict, list)):
        return None
    return str(int(value) if isinstance(value, float) and value % 1 == 0 else value)


def reason_of(value):
    return None if value is None or value is False or value == 0 else text_of(value)


def tells(value):
    """A reason in words, or an object or a list that holds something."""
    return bool(value) if isinstance(value, (dict, list)) else reason_of(value) is not None


def number_of(value):
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            return None
    return value if is_number(value) else None


def count_of(raw, key, least):
    value = number_of(raw.get(key))
    return int(value) if value is not None and value >= least and value % 1 == 0 else None


def word_of(raw, key, words):
    value = raw.get(key)
    return value.lower() if isinstance(value, str) and value.lower() in words else None


def is_true(value):
    return value is True or (is_number(value) and value == 1) or (
        isinstance(value, str) and value.strip().lower() in ("true", "1"))


def run_key(raw, reasons):
    for space, key in (("p", "pipeline_run_id"), ("r", "request_id")):
        if key in raw and isinstance(raw[key], (bool, dict, list)):
            reasons.append("wrong_type")
        elif key in raw:
            return (space, text_of(raw[key]))
    reasons.append("missing_run_id")
    return None


def status_of(raw, reasons):
    if "status" not in raw:
        reasons.append("missing_status")
    elif not isinstance(raw["status"], str):
        reasons.append("wrong_type")
    else:
        word = raw["status"].lower()
        if ALIASES.get(word, word) in STATUSES:
            return ALIASES.get(word, word)
        reasons.append("unknown_status")
    return None


def time_of(raw, now, reasons):
    if "created_at" not in raw:
        reasons.append("missing_created_at")
    elif not isinstance(raw["created_at"], str):
        reasons.append("wrong_type")
    else:
        try:
            at = micros(raw["created_at"])
        except ValueError:
            reasons.append("bad_time")
            return None
        if at <= now + SLOT:
            return at
        reasons.append("future_time")
    return None


ORDER = ["wrong_type", "missing_created_at", "missing_status", "missing_run_id", "unknown_status",
         "bad_time", "future_time"]


def normalise(line, now):
    """One line -> a record with only what matters, or Malformed."""
    raw, fault = parse(line)
    no_number = [key for key, value in raw.items()
                 if isinstance(value, float) and not math.isfinite(value)]
    raw = {key: value for key, value in raw.items()
           if value is not None and value != "" and key not in no_number}
    reasons = []
    key, status, at = run_key(raw, reasons), status_of(raw, reasons), time_of(raw, now, reasons)
    cohort = word_of(raw, "cohort", ("canary", "control")) or "none"
    if fault:
        reasons = [fault]
    if reasons:
        reason = min(reasons, key=lambda each: ORDER.index(each) if each in ORDER else -1)
        is_node = "node_id" in raw and raw.get("node_type") != "pipeline"
        raise Malformed(reason, key, cohort, at, attempt=bool(fault) or is_node)
    duration = number_of(raw.get("duration_ms"))
    if duration is not None and not (duration >= 0 and math.isfinite(duration)):
        duration = None
    compensation = word_of(raw, "compensation_status", COMPENSATION)
    lacks = {name for name, there, read in (
        ("cohort", "cohort" in raw, cohort != "none"),
        ("duration", "duration_ms" in raw or "duration_ms" in no_number, duration is not None),
        ("code", isinstance(raw.get("error_code"), (dict, list)), False),
        ("compensation", "compensation_status" in raw, compensation is not None),
        ("mode", "execution_mode" in raw, isinstance(raw.get("execution_mode"), str)))
        if there and not read}
    node = raw.get("node_id")
    if isinstance(node, (bool, dict, list)):
        node = "unread"
    kind = text_of(raw["node_type"]) if "node_type" in raw else None
    node = text_of(node) if node is not None and kind != "pipeline" else None
    mode = raw.get("execution_mode")
    mode = mode if isinstance(mode, str) else None
    code = reason_of(raw.get("error_code")) or ""
    if not code and raw["status"].lower() in ("timeout", "timed_out"):
        code = "timeout"
    tokens = [count_of(raw, each, 0) for each in ("tokens_in", "tokens_out")]
    label = lambda each: text_of(raw[each]) or "" if each in raw else ""
    return {"key": key, "node": node, "status": status, "at": at, "code": code, "cohort": cohort,
            "duration": duration, "lacks": lacks,
            "dag": mode.strip(" ").lower() in ("dag", "pipeline_dag") if mode else key[0] == "p",
            "attempt": count_of(raw, "attempt", 1) or 1, "plan": label("plan_source"),
            "pipeline": label("pipeline_id"), "item": count_of(raw, "fanout_index", 0),
            "undoes": node is not None and (kind or "").lower() == "compensation",
            "upstream": node is not None and code.lower() == "upstream_failed",
            "verification": tells(raw.get("verification_reason")),
            "fallback": tells(raw.get("fallback_reason")),
            "reuse": is_true(raw.get("idempotent_reuse")),
            "compensation": compensation,
            "tokens": sum(t for t in tokens if t) if tokens != [None, None] else None,
            "cost": count_of(raw, "cost_micros", 0),
            "total": count_of(raw, "fanout_total", 0) or 0,
            "failed": count_of(raw, "fanout_failed", 0) or 0}


def bad(status):
    return status in FINAL and status not in ("succeeded", "skipped")


def went_badly(node):
    return bad(node["status"]) or (node["upstream"] and node["status"] in FINAL)


def is_attempt(node):
    return node["status"] != "skipped" and not node["upstream"] and not node["undoes"]


def latest_label(records, key):
    labelled = [r for r in records if r[key]]
    latest = max((r["at"] for r in labelled), default=None)
    return min((r[key] for r in labelled if r["at"] == latest), default="")


def sum_known(records, key):
    known = [r[key] for r in records if r[key] is not None]
    return sum(known) if known else None


def derive(nodes, outcome_node):
    run = {"at": max(n["at"] for n in nodes), "dag": any(n["dag"] for n in nodes),
           "verification": any(n["verification"] for n in nodes),
           "fallback": any(n["fallback"] for n in nodes), "reuse": any(n["reuse"] for n in nodes),
           "manual": any(n["status"] == "manual_required" for n in nodes),
           "total": sum(n["total"] for n in nodes), "failed": sum(n["failed"] for n in nodes),
           "lacks": set().union(*(n["lacks"] for n in nodes)),
           "derived": True, "code": "", "compensation": None}
    cohorts = {n["cohort"] for n in nodes}
    run["cohort"] = next((c for c in ("canary", "control") if c in cohorts), "none")
    for word in COMPENSATION:
        if any(n["compensation"] == word for n in nodes):
            run["compensation"] = word
    run["plan"], run["pipeline"] = (latest_label(nodes, key) for key in ("plan", "pipeline"))
    run["tokens"], run["cost"] = (sum_known(nodes, key) for key in ("tokens", "cost"))
    run["duration"] = None
    if any(n["duration"] is not None for n in nodes):
        start = min(n["at"] / 1000 - (n["duration"] or 0) for n in nodes)
        run["duration"] = run["at"] / 1000 - start
    last = {}
    for n in nodes:
        rank = (n["attempt"], n["at"], n["status"] in FINAL, bad(n["status"]))
        place = (n["node"], n["item"])
        if place not in last or rank > last[place][0]:
            last[place] = (rank, n)
    last = [n for _, n in last.values()]
    last = [n for n in last if not n["undoes"]] or last
    open_words = {n["status"] for n in last} - FINAL
    if open_words:
        run["status"] = next(w for w in ("running", "compensating", "pending") if w in open_words)
        return run
    if all(n["status"] == "skipped" and not n["upstream"] for n in last):
        run["status"] = "skipped"
        return run
    last = [n for n in last if n["node"] == outcome_node] or last
    run["status"] = "failed" if any(went_badly(n) for n in last) else "succeeded"
    errors = [n for n in last if went_badly(n) and n["code"]]
    if errors:
        item = lambda n: -1 if n["item"] is None else n["item"]
        run["code"] = min(errors, key=lambda n: (n["at"], n["node"], item(n)))["code"]
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


def is_hidden(run):
    """Whether it may be a run of the canary for all that can be read."""
    if run["status"] == "skipped":
        return False
    return "cohort" in run["lacks"] and run["cohort"] != "canary" if run["dag"] else \
        "mode" in run["lacks"]


LACKS = ("cohort", "duration", "code", "pipeline", "compensation", "mode")


def lack_rank(run):
    """Of records that say the same, that which leaves most open stands."""
    return sum(1 << LACKS.index(name) for name in run["lacks"])


def unread_values(run):
    lacks = run["lacks"] & {"duration", "compensation"}
    return len(lacks) + ("code" in run["lacks"] and run["status"] != "succeeded")


def figures(runs, overdue_before, unread):
    final = [(run, nodes) for run, nodes in runs if run["status"] in FINAL]
    skipped = sum(run["status"] == "skipped" for run, _ in final)
    final = [(run, nodes) for run, nodes in final if run["status"] != "skipped"]
    total = len(final)
    open_runs = [run for run, _ in runs if run["status"] not in FINAL]
    overdue = sum(run["status"] in ("running", "compensating") and run["newest"] < overdue_before
                  for run in open_runs)
    count = lambda test: sum(1 for run, _ in final if test(run))
    comp = lambda *words: count(lambda r: r["compensation"] in words)
    final = [(run, [n for n in nodes if is_attempt(n)]) for run, nodes in final]
    attempts = [n for _, nodes in final for n in nodes]
    pairs = {(i, n["node"], n["item"]) for i, (_, nodes) in enumerate(final) for n in nodes}
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
        "overdue_rate": rate(overdue, total + overdue),
        "tokens_per_run": ratio(*known_sum(final, "tokens")),
        "cost_per_run": ratio(*known_sum(final, "cost")),
    }
    for word in CLASSES:
        kpis["error_rate." + word] = rate(
            count(lambda r, w=word: r["code"] != "" and error_class(r["code"]) == w), total)
    durations = [r["duration"] for r, _ in final if r["duration"] is not None]
    for percent in (50, 95, 99):
        kpis[f"p{percent}_latency_ms"] = quantile(durations, percent)
    codes, nodes, plans, pipelines = {}, {}, {}, {}
    for run, rows in final:
        if run["code"]:
            code = label_of(run["code"], *IN_CODES)
            codes[code] = codes.get(code, 0) + 1
        if run["plan"]:
            plans.setdefault(label_of(run["plan"], *IN_NAMES), []).append(run["status"] == "succeeded")
        if run["pipeline"]:
            pipelines.setdefault(label_of(run["pipeline"], *IN_NAMES), []).append(run["status"] == "succeeded")
        for n in rows:
            nodes.setdefault(label_of(n["node"], *IN_NAMES), []).append(n)
    return {"total_runs": total, "succeeded_runs": succeeded,
            "derived_runs": count(lambda r: r["derived"]), "in_flight": len(open_runs),
            "overdue": overdue, "skipped_runs": skipped,
            "unread_runs": sum(each["runs"] for each in unread),
            "unread_attempts": sum(each["attempts"] for each in unread),
            "unread_values": sum(unread_values(run) for run, _ in final),
            "cancelled_runs": count(lambda r: r["status"] == "cancelled"),
            "kpis": kpis, "error_codes": codes,
            "error_classes": {word: kpis["error_rate." + word]["numerator"] for word in CLASSES},
            "nodes": {name: node_figures(rows) for name, rows in nodes.items()},
            "plan_sources": by_label(plans), "pipelines": by_label(pipelines)}


UUID = r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}(?![0-9A-Za-z])"
IN_CODES = (6, 6, 10)  # the least digits of a number, of a word in hex, characters of a mixed word
IN_NAMES = (9, 8, 16)


def label_of(text, digits, hexes, mixed):
    """Puts <id> in the place of ids (contract, "Labels")."""
    def shown(match):
        word = match.group()
        numbers = re.findall("[0-9]+", word)
        count = sum(map(len, numbers))
        if "-" in word:
            return "<id>" if numbers else word
        if numbers and count == len(word):
            return "<id>" if count >= digits else word
        least = 8 if count == len(word) - 1 and not word[0].isdigit() else hexes
        if numbers and len(word) >= least and re.fullmatch("[0-9a-fA-F]+", word):
            return "<id>"
        if len(numbers) >= 3 and len(word) >= mixed:
            return "<id>"
        return re.sub("[0-9]{%d,}" % digits, "<id>", word)

    return re.sub(UUID + "|[0-9A-Za-z]+", shown, text)


def by_label(labels):
    return {name: {"runs": len(oks), "success_rate": rate(sum(oks), len(oks))}
            for name, oks in labels.items()}


def known_sum(runs, key):
    known = [run[key] for run, _ in runs if run[key] is not None]
    return sum(known), len(known)


def node_figures(rows):
    retries = [n for n in rows if n["attempt"] > 1]
    return {"attempts": len(rows),
            "failure_rate": rate(sum(n["status"] == "failed" for n in rows), len(rows)),
            "retry_success_rate": rate(sum(n["status"] == "succeeded" for n in retries),
                                       len(retries)),
            "p95_latency_ms": quantile([n["duration"] for n in rows if n["duration"] is not None],
                                       95)}


def populations(runs, start, end, overdue_before, unread):
    inside = [(run, nodes) for run, nodes in runs if start <= run["at"] < end]
    unread = [each for each in unread if start <= each["at"] < end]
    unread += [{"at": run["at"], "cohort": "none", "dag": True, "runs": 1, "attempts": 0}
               for run, _ in inside if is_hidden(run)]
    lost = {dag: [each for each in unread if each["dag"] == dag] for dag in (True, False)}
    out = {"dag": figures([x for x in inside if x[0]["dag"]], overdue_before, lost[True]),
           "non_dag": figures([x for x in inside if not x[0]["dag"]], overdue_before, lost[False])}
    out["dag"]["cohorts"] = {}
    for cohort in ("canary", "control"):
        part = [x for x in inside if x[0]["dag"] and x[0]["cohort"] == cohort]
        may_be = ("canary", "none") if cohort == "canary" else ("control",)
        if part:
            out["dag"]["cohorts"][cohort] = figures(
                part, overdue_before, [each for each in lost[True] if each["cohort"] in may_be])
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
    sides = [[(run, [n for n in nodes if is_attempt(n)]) for run, nodes in side
              if run["status"] in FINAL and run["status"] != "skipped"] for side in sides]
    return sides if all(sides) else None


def did_fail(run):
    return run["status"] != "succeeded"


def failed_nodes(side):
    """Runs that have the node, less its attempts that did not fail."""
    pairs, fine = {}, {}
    for i, (_, nodes) in enumerate(side):
        for n in nodes:
            pairs.setdefault(n["node"], set()).add((i, n["item"]))
            fine[n["node"]] = fine.get(n["node"], 0) + (n["status"] != "failed")
    return {node: max(0, len(runs) - fine[node]) for node, runs in pairs.items()}


def counted_effects(counts, sides):
    names = set().union(*counts)
    effects = {n: counts[0].get(n, 0) / len(sides[0]) - counts[1].get(n, 0) / len(sides[1])
               for n in names}
    failed = [sum(did_fail(run) for run, _ in side) / len(side) for side in sides]
    return {"effects": effects, "rest": failed[0] - failed[1] - sum(effects.values())}


def codes_of(side):
    codes = [label_of(run["code"], *IN_CODES) for run, _ in side if run["code"]]
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


def read_file(lines, now, counts):
    """Every line of one file, as a record or as what a malformed one shows."""
    read = []
    for line in lines:
        if not line.strip(" \t\r"):
            continue
        try:
            read.append((line, normalise(line, now), None))
        except Malformed as error:
            read.append((line, None, error))
    times = [record["at"] if record else None for _, record, _ in read]
    for i, (line, record, error) in enumerate(read):
        if error and error.at is None:  # of the record before, else of the one behind
            near = [t for t in reversed(times[:i]) if t is not None]
            near += [t for t in times[i:] if t is not None]
            error.at = near[0] if near else None
    return read


def cohort_of(places):
    cohorts = {cohort for _, cohort, _ in places}
    return next((c for c in ("canary", "control") if c in cohorts), "none")


def tries_of(run, places):
    """Lines of a run that is over change no outcome, but each may be an attempt of it."""
    attempts = sum(attempt for _, _, attempt in places)
    if not attempts or run["status"] == "skipped":
        return []
    cohort = run["cohort"] if run["cohort"] != "none" else cohort_of(places)
    return [{"at": run["at"], "cohort": cohort, "dag": run["dag"], "runs": 0,
             "attempts": attempts}]


def evaluate(lines, window, as_of, outcome_node=None, dedupe="runs", now=None, overdue_after=HOUR):
    """The report's figures for `lines` (of one file, or a list of files); times in microseconds."""
    files = lines if lines and isinstance(lines[0], list) else [lines]
    end = as_of
    start = (end - window) // SLOT * SLOT
    earliest = start - window - 86_400_000_000
    now = now if now is not None else 1 << 62
    counts = {"records": 0, "run_records": 0, "node_records": 0, "malformed": 0, "duplicates": 0,
              "out_of_range": 0, "set_aside": 0, "newest_record": None, "malformed_by_reason": {},
              "window": {"lines": 0, "unread": 0, "cohorts": {
                  c: {"lines": 0, "unread": 0} for c in ("canary", "control")}}}

    def count_line(cohort, at, unread):
        if start <= at < end:
            for place in [counts["window"], counts["window"]["cohorts"].get(cohort)]:
                if place:
                    place["lines"] += 1
                    place["unread"] += unread

    by_run, seen, lost = {}, set(), {}
    for line, record, error in (each for file in files for each in read_file(file, now, counts)):
        counts["records"] += 1
        if error:
            counts["malformed"] += 1
            reasons = counts["malformed_by_reason"]
            reasons[str(error)] = reasons.get(str(error), 0) + 1
            at = error.at if error.at is not None else end - 1
            count_line(error.cohort, at, 1)
            if earliest <= at < end:
                key = error.key or ("line", counts["records"])  # two that read alike may hide two runs
                lost.setdefault(key, []).append((at, error.cohort, error.attempt))
            continue
        counts["node_records" if record["node"] else "run_records"] += 1
        count_line(record["cohort"], record["at"], 0)
        if record["at"] < end:
            counts["newest_record"] = max(record["at"], counts["newest_record"] or record["at"])
        if not earliest <= record["at"] < end:
            counts["out_of_range"] += 1
            counts["set_aside"] += record["at"] >= end
            continue
        if dedupe == "records" and record["node"]:
            if line.strip() in seen:
                counts["duplicates"] += 1
                continue
            seen.add(line.strip())
        by_run.setdefault(record["key"], []).append(record)
    runs, unread = [], []
    for key, records in by_run.items():
        nodes = [r for r in records if r["node"]]
        own = [r for r in records if not r["node"]]
        if own:
            counts["duplicates"] += len(own) - 1
            run = dict(max(own, key=lambda r: (r["at"], r["status"] in FINAL, lack_rank(r))))
            run.update(derived=False, manual=run["status"] == "manual_required")
            run["pipeline"] = run["pipeline"] or latest_label(nodes, "pipeline")
            for word in ("tokens", "cost"):
                if run[word] is None:
                    run[word] = sum_known(nodes, word)
            if run["status"] in FINAL:
                unread += tries_of(run, lost.pop(key, []))
        else:
            run = derive(nodes, outcome_node)
        run["newest"] = max(r["at"] for r in nodes + [run])
        runs.append((run, nodes))
    for places in lost.values():
        attempts = sum(attempt for _, _, attempt in places)
        unread.append({"at": max(at for at, _, _ in places), "cohort": cohort_of(places),
                       "dag": True, "runs": 1, "attempts": max(attempts - 1, 0)})
    late = (counts["newest_record"] or 0) - overdue_after
    present = populations(runs, start, end, late, unread)
    for word in ("derived_runs", "in_flight", "overdue", "skipped_runs", "cancelled_runs"):
        counts[word] = sum(figures[word] for figures in present.values())
    return {"input": counts, "populations": present,
            "baseline": populations(runs, start - window, start, late, unread),
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
    lines = [read_lines(path) for path in arguments.files]
    json.dump(evaluate(lines, window_micros(arguments.window), micros(arguments.as_of),
                       arguments.outcome_node, arguments.dedupe), sys.stdout, indent=1)


if __name__ == "__main__":
    main()
