"""The mappings that ship: the same runs, as each program writes them, give the report of the
contract's own records, and no text of a user, a prompt or an answer is in any output."""

import base64
import json
import pathlib
import tempfile
import unittest

import mapping_logs
from mapping_logs import AS_OF, FORMATS, SECRET_TEXT
from support import SOURCE_DIR, run_tool


OWN = {"generated_at", "attribution", "baseline", "pipelines", "plan_sources", "tokens_per_run"}


def without(value, names):
    if isinstance(value, list):
        return [without(each, names) for each in value if each != "tokens_per_run"]
    if not isinstance(value, dict) or value.get("kpi") in names:
        return None if isinstance(value, dict) else value
    return {key: without(each, names) for key, each in value.items() if key not in names}


def without_own(document):
    """What differs: when it was made, how many lines there were, tokens and how nodes are called."""
    document = without(document, OWN)
    for key in ("records", "other_lines", "mended_by_field"):
        document["input"].pop(key, None)
    return document


class Mappings(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def write(self, name, text):
        (self.folder / name).write_text(text)
        return name

    def evaluate(self, source, *flags):
        return run_tool("eval_dag_quality", "--source", source, "--as-of", AS_OF, "--json",
                        "--out", "out", *flags, cwd=self.folder)

    def document(self, source, *flags):
        result = self.evaluate(source, *flags)
        self.assertEqual(result.code, 0, str(result))
        outputs = [result.stdout, result.stderr,
                   *(p.read_text() for p in (self.folder / "out").rglob("*") if p.is_file())]
        for output in outputs:
            self.assertNotIn(SECRET_TEXT, output)
        return result.document()

    def native(self, name, runs):
        records = [r for run in runs for r in run.native(mapping_logs.has_steps(name))]
        if name == "openai-evals":  # has no runs that go on, and no durations
            for run, record in zip(runs, records):
                record.update(status="succeeded" if run.ok else "failed",
                              created_at=mapping_logs.iso(run.end))
                record.pop("duration_ms", None)
        return self.write("native.jsonl", "".join(json.dumps(r) + "\n" for r in records))

    def test_each_format_gives_the_report_of_the_contracts_own_records(self):
        for name in FORMATS:
            with self.subTest(mapping=name):
                runs = mapping_logs.runs()
                native = self.document(self.native(name, runs))
                mapped = self.document(self.write("log", mapping_logs.export(name, runs)),
                                       "--mapping", name)
                self.assertEqual(mapped["input"]["malformed"], 0)
                self.assertEqual(mapped["input"]["mended_by_field"], {})
                self.assertEqual(native["input"]["in_flight"], 0 if name == "openai-evals" else 3)
                self.assertEqual(without_own(mapped), without_own(native))

    def test_records_are_read_however_the_documents_are_laid_out(self):
        for name in FORMATS:
            with self.subTest(mapping=name):
                records = mapping_logs.records_of(name, mapping_logs.runs())
                lines = self.write("lines", "".join(json.dumps(r) + "\n" for r in records))
                expected = without_own(self.document(lines, "--mapping", name))
                if name == "openai-evals":
                    continue
                array = self.write("array", json.dumps(records, indent=1))
                self.assertEqual(without_own(self.document(array, "--mapping", name)), expected)

    def test_a_trace_without_its_root_is_a_derived_run(self):
        for name, parent in (("langfuse", "parentObservationId"), ("langsmith", "parent_run_id"),
                             ("otel-genai", "parentSpanId"), ("openinference", "parent_id")):
            with self.subTest(mapping=name):
                runs = [run for run in mapping_logs.runs() if not run.open]
                records = [r for r in mapping_logs.records_of(name, runs) if r.get(parent)]
                log = self.write("log", "".join(json.dumps(r) + "\n" for r in records))
                document = self.document(log, "--mapping", name)
                self.assertEqual(document["input"]["derived_runs"], len(runs))
                rate = document["populations"]["dag"]["kpis"]["pipeline_success_rate"]
                self.assertEqual(rate["numerator"],
                                 sum(all(step[3] for step in run.steps) for run in runs))

    def test_ids_of_traces_may_be_base64_and_no_parent_eight_zero_bytes(self):
        runs = mapping_logs.runs()
        records = mapping_logs.records_of("otel-genai", runs)
        log = self.write("log", "".join(json.dumps(r) + "\n" for r in records))
        expected = without_own(self.document(log, "--mapping", "otel-genai"))
        for record in records:
            record["traceId"] = base64.b64encode(bytes.fromhex(record["traceId"])).decode()
            record["parentSpanId"] = "AAAAAAAAAAA=" if "parentSpanId" not in record \
                else base64.b64encode(bytes.fromhex(record["parentSpanId"])).decode()
        log = self.write("log", "".join(json.dumps(r) + "\n" for r in records))
        self.assertEqual(without_own(self.document(log, "--mapping", "otel-genai")), expected)

    def test_tokens_are_read_under_their_names_of_both_generations(self):
        log = self.write("log", mapping_logs.export("otel-genai", mapping_logs.runs()))
        document = self.document(log, "--mapping", "otel-genai")
        tokens = document["populations"]["dag"]["kpis"]["tokens_per_run"]
        runs = document["populations"]["dag"]["kpis"]["pipeline_success_rate"]["denominator"]
        self.assertEqual((tokens["numerator"], tokens["denominator"]), (12 * runs, runs), tokens)

    def test_an_answer_that_is_an_error_or_cut_off_fails_closed(self):
        good = mapping_logs.export("github-actions", mapping_logs.runs())
        for bad in ('{"message": "Bad credentials"}', "<html>502</html>\n", good[:5000]):
            self.write("log", good + "\n" + bad)
            document = self.evaluate("log", "--mapping", "github-actions").document()
            self.assertEqual(document["input"]["malformed"], 1, bad[:40])

    def test_a_name_that_is_neither_a_file_nor_a_shipped_mapping_is_refused(self):
        self.write("log", "{}")
        result = self.evaluate("log", "--mapping", "langfus")
        self.assertEqual(result.code, 2, str(result))
        self.assertIn("langfuse", result.stderr)

    def test_every_shipped_mapping_has_a_page_and_an_example(self):
        for name in FORMATS:
            page = (SOURCE_DIR / "docs" / "mappings" / (name + ".md")).read_text()
            self.assertIn("--mapping " + name, page)
            examples = list((SOURCE_DIR / "examples" / "mappings").glob(name + ".*"))
            self.assertEqual(len(examples), 1, name)
            self.assertIn("examples/mappings/" + examples[0].name, page)


if __name__ == "__main__":
    unittest.main()
