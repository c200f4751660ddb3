"""eval_dag_quality against the oracle: every figure, on awkward logs."""

import gzip
import itertools
import json
import os
import pathlib
import random
import subprocess
import tempfile
import unittest

import oracle
from fault_trials import EVERY
from support import BIN_DIR, SOURCE_DIR, run_tool

AS_OF = "2026-02-25T06:00:00Z"
END = oracle.micros(AS_OF)
HOUR = 3_600_000_000
STEP = 1 if EVERY == 1 else 5  # of the seeds: fewer in slow builds


def stamp(micros, zone_h=0):
    seconds, rest = divmod(micros, 1_000_000)
    time = oracle.EPOCH + oracle.dt.timedelta(seconds=seconds, hours=zone_h)
    zone = f"{zone_h:+03d}:00" if zone_h else "Z"
    return time.strftime("%Y-%m-%dT%H:%M:%S") + (f".{rest:06d}" if rest else "") + zone


def awkward_record(rng, serial):
    """Few runs and nodes, so that duplicates and contradictions are the rule; times never tie, for a
    tie between contradicting records is decided by content, which the oracle does not know."""
    record = {}
    if rng.random() < 0.85:
        record["pipeline_run_id"] = f"run-{rng.randrange(14)}"
    if "pipeline_run_id" not in record or rng.random() < 0.5:
        record["request_id"] = f"req-{rng.randrange(10)}"
    if rng.random() < 0.55:
        record["node_id"] = rng.choice(["n1", "n2", "evaluate"])
        record["node_type"] = rng.choice(["skill", "pipeline", None, "llm_transform"])
        record["attempt"] = rng.randrange(1, 4)
    record["status"] = rng.choice(
        ["succeeded"] * 4 + ["success", "ok", "failed", "error", "manual_required", "cancelled",
                             "skipped", "running", "pending", "compensating"])
    at = END - rng.randrange(-HOUR, 58 * HOUR, 1000)
    record["created_at"] = stamp(at // 1000 * 1000 + serial % 1000, rng.choice([0, 0, 0, 2, -11]))
    optional = {
        "user_id": ["u1", None], "error_code": ["TOOL_TIMEOUT", "503", "VERIFY_X", "401", "", None],
        "duration_ms": [0, 12, 1530.5, 900000], "verification_reason": ["count", "", None],
        "fallback_reason": ["planner", None], "plan_source": ["llm", "rule", ""],
        "execution_mode": ["dag", "pipeline_dag", "rule", "legacy"],
        "idempotent_reuse": [True, False], "cohort": ["canary", "control", None],
        "compensation_status": ["not_required", "completed", "failed", "manual_required", None],
        "fanout_total": [0, 8, None], "fanout_failed": [0, 1, 2], "policy_version": ["p1"],
        "free_text": ["never read", {"deep": [1, 2, {"x": None}]}]}
    for key, values in optional.items():
        if rng.random() < 0.4:
            record[key] = rng.choice(values)
    items = list(record.items())
    rng.shuffle(items)
    return dict(items)


BROKEN = ["", "   ", "{", "[]", "17", '"text"', '{"status":"ok"}',
          '{"created_at":"2026-02-25T00:00:00Z","status":"ok"}',
          '{"created_at":"yesterday","status":"ok","request_id":"a"}',
          '{"created_at":"2026-02-25T00:00:00","status":"ok","request_id":"a"}',
          '{"created_at":"2026-02-25T00:00:00Z","status":"done","request_id":"a"}',
          '{"created_at":"2026-02-25T00:00:00Z","status":"ok","request_id":7}',
          '{"created_at":"2026-02-25T00:00:00Z","request_id":"a"}',
          '{"created_at":"2026-02-25T00:00:00Z","status":"ok","request_id":"a","duration_ms":-1}',
          '{"created_at":"2026-02-25T00:00:00Z","status":"ok","request_id":"a","attempt":0}',
          '{"created_at":"2026-02-25T00:00:00Z","status":"ok","request_id":"a","cohort":"x"}',
          '{"created_at":"2250-02-25T00:00:00Z","status":"ok","request_id":"a"}',
          '{"created_at":"2026-02-25T00:00:00Z","status":"ok","request_id":"a","duration_ms":NaN}',
          '{"created_at":"2026-02-25T00:00:00Z","status":"ok","request_id":"a"} trailing',
          '{"created_at":"2026-02-25T00:00:00Z","status":"ok","request_id":"\udcff"}']


DAMAGE = {"status": ["done", 1, None, ""], "created_at": ["2026-02-30T00:00:00Z", "now", 7, None],
          "pipeline_run_id": [7, [], None], "request_id": [True, None], "attempt": [0, -1, 1.5, "2"],
          "duration_ms": [-0.5, "12", False], "fanout_total": [-1, 2.5, "8"], "cohort": ["x", 3],
          "compensation_status": ["done", 3], "idempotent_reuse": ["true", 1], "user_id": [7],
          "node_id": [7, {}], "policy_version": [1]}


def damaged_record(rng, serial):
    """A record with several faults at once: which one is told must not depend on their order."""
    record = awkward_record(rng, serial)
    for key in rng.sample(sorted(DAMAGE), rng.randrange(1, 4)):
        record[key] = rng.choice(DAMAGE[key])
    return record


def awkward_log(rng):
    lines = []
    for serial in range(rng.randrange(70)):
        lines.append(json.dumps(awkward_record(rng, serial)))
        if rng.random() < 0.1:
            lines.append(rng.choice(lines))
        if rng.random() < 0.1:
            lines.append(rng.choice(BROKEN))
    return lines


def shows_its_run(line):
    """Whether a line that is shipped twice is known for one: it names its run."""
    try:
        record = json.loads(line)
    except ValueError:
        return False
    return isinstance(record, dict) and any(
        isinstance(record.get(name), str) and record[name]
        for name in ("pipeline_run_id", "request_id"))


def shows_its_time(line):
    """Else it has that of its neighbour, and who that is changes with the order of the lines."""
    try:
        oracle.normalise(line, END + 30 * 24 * HOUR)
    except oracle.Malformed as error:
        return error.at is not None
    return True


class Comparison(unittest.TestCase):
    def expect(self, expected, report, where=""):
        """Times are told in whole microseconds, so latencies agree to a thousandth; a histogram
        promises half a percent."""
        if isinstance(expected, dict):
            share = 0.005 if expected.get("method") == "histogram" else 0
            for key, value in expected.items():
                self.assertIn(key, report, where)
                if key == "value" and "method" in expected and value is not None:
                    self.assertIsNotNone(report[key], where)
                    self.assertAlmostEqual(value, report[key], delta=1e-3 + share * value, msg=where)
                else:
                    self.expect(value, report[key], f"{where}/{key}")
        elif isinstance(expected, list):
            self.assertEqual(len(expected), len(report or []), where)
            for one, other in zip(expected, report):
                self.expect(one, other, where)
        elif isinstance(expected, float):
            self.assertIsNotNone(report, where)
            self.assertAlmostEqual(expected, report, delta=1e-12, msg=where)
        else:
            self.assertEqual(expected, report, where)

    def agree(self, expected, report):
        newest = report["input"]["newest_record"]
        report["input"]["newest_record"] = oracle.micros(newest) if newest else None
        self.expect({"input": expected["input"], "populations": expected["populations"],
                     "baseline": {"populations": expected["baseline"]}}, report)
        self.agree_on_attribution(expected["attribution"], report["attribution"])
        for population in ("dag", "non_dag"):  # and nothing that the oracle does not know of
            found, wanted = (r["populations"][population] for r in (report, expected))
            for part in ("error_codes", "nodes", "plan_sources", "kpis"):
                self.assertEqual(set(found[part]), set(wanted[part]))
        self.assertEqual(set(report["populations"]["dag"]["cohorts"]),
                         set(expected["populations"]["dag"]["cohorts"]))
        self.assertEqual(set(report["input"]["malformed_by_reason"]),
                         set(expected["input"]["malformed_by_reason"]))


    def agree_on_attribution(self, expected, found):
        self.assertEqual(expected is None, found is None)
        if found is None:
            return
        near = lambda a, b, what: self.assertAlmostEqual(a, b, delta=1e-12, msg=what)
        for i, side in enumerate(("subject", "reference")):
            self.assertEqual(found[side], {"runs": expected["runs"][i],
                                           "failed": expected["failed"][i]})
        near(expected["difference"], found["difference"]["value"], "difference")
        for kind in ("error_codes", "nodes"):
            effects, part = expected[kind]["effects"], found[kind]
            self.assertEqual(len(part["parts"]), min(5, len(effects)))
            for each in part["parts"]:
                near(effects[each["name"]], each["effect"]["value"], each["name"])
            near(expected[kind]["rest"], part["rest"]["effect"]["value"], "rest of " + kind)
        sources = found["plan_sources"]
        self.assertEqual(len(sources["parts"]), min(5, len(expected["plan_sources"])))
        for each in sources["parts"]:
            rate, mix = expected["plan_sources"][each["name"]]
            near(rate, each["rate_effect"]["value"], each["name"])
            near(mix, each["mix_effect"]["value"], each["name"])
        for kind, in_rest in (("error_codes", 1), ("nodes", 1), ("plan_sources", 0)):
            rows = [*found[kind]["parts"], found[kind]["others"]]
            rows += [found[kind]["rest"]] if in_rest else []
            near(sum(r["effect"]["value"] for r in rows), expected["difference"], kind)
        for each in found["stratified"]:
            wanted = expected["stratified"][each["by"]]
            self.assertEqual(wanted is None, each["difference"] is None)
            if wanted is not None:
                near(wanted, each["difference"]["value"], each["by"])
        self.assertEqual([s["by"] for s in found["stratified"]], ["plan_source", "hour_of_day"])


class AwkwardLogs(Comparison):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def evaluate(self, *sources, flags=(), stdin=None):
        """A log with too many malformed lines ends with 4, and its report is printed all the same."""
        result = run_tool("eval_dag_quality", "--window", "1d", "--as-of", AS_OF, "--json", *flags,
                          *itertools.chain(*(("--source", s) for s in sources)), stdin=stdin,
                          cwd=self.folder)
        self.assertIn(result.code, (0, 4), str(result))
        lines = result.document()["input"]["window"]
        cohorts = [part for part in lines["cohorts"].values() if part["lines"] >= 100]
        too_many = any(part["unread"] > 0.01 * part["lines"] for part in [lines, *cohorts])
        self.assertEqual(result.code, 4 if too_many else 0, str(result))
        return result.document()

    def write(self, name, lines):
        path = self.folder / name
        data = "".join(line + "\n" for line in lines).encode("utf-8", "surrogateescape")
        path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
        return path

    def compare(self, report, lines, outcome_node=None, dedupe="runs"):
        now = END + 400 * 24 * HOUR
        self.agree(oracle.evaluate(lines, 24 * HOUR, END, outcome_node, dedupe, now), report)

    def test_every_figure_of_awkward_logs_equals_the_oracle(self):
        for seed in range(0, 150, STEP):
            with self.subTest(seed=seed):
                rng = random.Random(seed)
                lines = awkward_log(rng)
                self.compare(self.evaluate(self.write("log.jsonl", lines)), lines)

    def test_an_outcome_node_decides_where_the_mapping_names_one(self):
        mapping = self.folder / "mapping.json"
        mapping.write_text('{"schema": "dagloop.mapping/1", "outcome_node": "evaluate"}')
        for seed in range(200, 240, STEP):
            with self.subTest(seed=seed):
                lines = awkward_log(random.Random(seed))
                report = self.evaluate(self.write("log.jsonl", lines),
                                       flags=("--mapping", mapping))
                self.compare(report, lines, outcome_node="evaluate")

    def test_identical_lines_count_once_with_dedupe_by_records(self):
        for seed in range(300, 330, STEP):
            with self.subTest(seed=seed):
                lines = awkward_log(random.Random(seed))
                report = self.evaluate(self.write("log.jsonl", lines),
                                       flags=("--dedupe", "records"))
                self.compare(report, lines, dedupe="records")

    def test_shuffling_splitting_and_compressing_change_no_figure(self):
        for seed in range(400, 430, STEP):
            with self.subTest(seed=seed):
                rng = random.Random(seed)
                lines = [line for line in awkward_log(rng) if shows_its_time(line)]
                whole = self.evaluate(self.write("whole.jsonl", lines))
                rng.shuffle(lines)
                cut = sorted(rng.randrange(len(lines) + 1) for _ in range(2))
                parts = [lines[:cut[0]], lines[cut[0]:cut[1]], lines[cut[1]:]]
                names = ["a.jsonl", "b.jsonl.gz", "c.jsonl"]
                split = self.evaluate(*(self.write(n, p) for n, p in zip(names, parts)))
                for report in (whole, split):
                    report["generated_at"] = None
                    report["input"]["examples"] = None
                    report["input"]["mended_examples"] = None
                self.assertEqual(whole, split)

    def test_duplicated_run_records_change_no_kpi(self):
        for seed in range(500, 530, STEP):
            with self.subTest(seed=seed):
                rng = random.Random(seed)
                lines = [line for line in awkward_log(rng) if shows_its_time(line)]
                once = self.evaluate(self.write("once.jsonl", lines))
                runs = [line for line in lines if '"node_id"' not in line and shows_its_run(line)]
                twice = self.evaluate(self.write("twice.jsonl", lines + runs))
                self.assertEqual(once["populations"], twice["populations"])
                self.assertEqual(once["baseline"], twice["baseline"])

    def test_standard_input_reads_like_a_file_also_beside_one(self):
        lines = awkward_log(random.Random(9))
        text = "".join(line + "\n" for line in lines if line.isascii())
        self.compare(self.evaluate("-", stdin=text), text.split("\n"))
        more = awkward_log(random.Random(11))
        both = self.evaluate("-", self.write("more.jsonl.gz", more), stdin=text)
        self.compare(both, [text.split("\n"), more])

    def test_damaged_records_have_the_reason_that_the_oracle_gives(self):
        for seed in range(600, 640, STEP):
            with self.subTest(seed=seed):
                rng = random.Random(seed)
                lines = awkward_log(rng) + [json.dumps(damaged_record(rng, i)) for i in range(60)]
                self.compare(self.evaluate(self.write("log.jsonl", lines)), lines)

    def test_a_final_status_stands_over_another_of_the_same_time(self):
        for seed in range(700, 730, STEP):
            with self.subTest(seed=seed):
                rng = random.Random(seed)
                lines = []
                for serial in range(40):
                    record = awkward_record(rng, serial)
                    record.pop("node_id", None)
                    is_final = record["status"] not in ("running", "pending", "compensating")
                    status = rng.choice(["running", "pending"]) if is_final else record["status"]
                    pair = [record, {**record, "status": status}]
                    lines += [json.dumps(one) for one in rng.sample(pair, 2)]
                self.compare(self.evaluate(self.write("log.jsonl", lines)), lines)

    def test_carriage_returns_and_a_missing_last_newline_change_nothing(self):
        lines = awkward_log(random.Random(12)) + ['{"status":"ok"}']
        path = self.folder / "log.jsonl"
        path.write_bytes("\r\n".join(lines).encode("utf-8", "surrogateescape"))
        self.compare(self.evaluate(path), lines)

    def test_an_overlong_line_is_malformed_and_the_next_one_is_read(self):
        lines = awkward_log(random.Random(13))
        for size in (oracle.MAX_LINE_BYTES, oracle.MAX_LINE_BYTES + 1):
            head = '{"created_at":"2026-02-25T00:00:00Z","status":"ok","request_id":"a","x":"'
            lines[len(lines) // 2:len(lines) // 2] = [head + "y" * (size - len(head) - 2) + '"}']
        report = self.evaluate(self.write("log.jsonl", lines))
        self.assertEqual(report["input"]["malformed_by_reason"]["line_too_long"], 1)
        self.compare(report, lines)

    def test_figures_of_a_generated_service_equal_the_oracle(self):
        # Enough runs that quantiles come from the histogram, in both cohorts and neither.
        made = subprocess.run(
            [BIN_DIR / "generate_rollout", "--start", "2026-02-22T06:00:00Z", "--days", "3",
             "--runs-per-day", "6000", "--nodes", "2", "--seed", "5",
             "--malformed", "0.002", "--shuffle-keys", "--canary-share", "0.3",
             "--bad-from", "2026-02-24T12:00:00Z", "--bad-slowdown", "2"],
            stdout=subprocess.PIPE, check=True, timeout=60, text=True).stdout
        lines = made.split("\n")
        report = self.evaluate(self.write("log.jsonl", lines))
        p95 = {name: figures["kpis"]["p95_latency_ms"]["method"] for name, figures in
               [("all", report["populations"]["dag"]),
                *report["populations"]["dag"]["cohorts"].items()]}
        self.assertEqual(p95, {"all": "histogram", "canary": "exact", "control": "exact"})
        self.compare(report, lines)

    def test_an_empty_file_and_an_empty_window_have_null_kpis(self):
        empty = self.evaluate(self.write("empty.jsonl", []))
        self.compare(empty, [])
        old = ['{"created_at":"2020-01-01T00:00:00Z","status":"ok","request_id":"a"}']
        report = self.evaluate(self.write("old.jsonl", old))
        self.compare(report, old)
        self.assertIsNone(report["populations"]["dag"]["kpis"]["pipeline_success_rate"]["value"])


class ShippedLogs(Comparison):
    """The logs of real executions that ship, with what their publishers or cards say of them."""

    def test_every_shipped_log_equals_the_oracle(self):
        cases = json.loads((SOURCE_DIR / "examples" / "logs.json").read_text())
        self.assertTrue(cases)
        for case in cases:
            with self.subTest(log=case["log"]):
                path = SOURCE_DIR / "examples" / case["log"]
                flags = ["--window", case["window"], "--as-of", case["as_of"]]
                with tempfile.TemporaryDirectory() as folder:
                    if "outcome_node" in case:
                        mapping = os.path.join(folder, "mapping.json")
                        pathlib.Path(mapping).write_text(json.dumps(
                            {"schema": "dagloop.mapping/1", "outcome_node": case["outcome_node"]}))
                        flags += ["--mapping", mapping]
                    result = run_tool("eval_dag_quality", "--source", path, "--json", *flags)
                self.assertEqual(result.code, 0, str(result))
                report = result.document()
                expected = oracle.evaluate(oracle.read_lines(str(path)),
                                           oracle.window_micros(case["window"]),
                                           oracle.micros(case["as_of"]), case.get("outcome_node"))
                self.agree(expected, report)
                dag = report["populations"]["dag"]
                for kpi, (numerator, denominator) in case["published"].items():
                    self.assertEqual((dag["kpis"][kpi]["numerator"],
                                      dag["kpis"][kpi]["denominator"]), (numerator, denominator))


if __name__ == "__main__":
    unittest.main()
