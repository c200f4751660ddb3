"""The mappings that ship: the same runs, as each program writes them, give the report of the
contract's own records, and no text of a user, a prompt or an answer is in any output."""

import base64
import gzip
import json
import pathlib
import subprocess
import tempfile
import unittest

import mapping_logs
from mapping_logs import AS_OF, FORMATS, SECRET_TEXT
from support import BIN_DIR, SOURCE_DIR, clean_environment, run_tool


OWN = ("generated_at", "attribution", "baseline", "pipelines", "plan_sources", "tokens_per_run")


def without(value, names):
    """Returns a document without the members, the KPIs and the words in lists that `names` has."""
    if isinstance(value, list):
        words = [each.get("kpi") if isinstance(each, dict) else each for each in value]
        return [without(each, names) for each, word in zip(value, words) if word not in names]
    if isinstance(value, dict):
        return {key: without(each, names) for key, each in value.items() if key not in names}
    return value


def without_own(document):
    """What differs: when it was made, how many lines there were, tokens and how nodes are called."""
    document = without(document, OWN)
    for key in ("records", "other_lines"):
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
            if name == "openai-evals":  # writes lines alone
                continue
            with self.subTest(mapping=name):
                records = mapping_logs.records_of(name, mapping_logs.runs())
                lines = self.write("lines", "".join(json.dumps(r) + "\n" for r in records))
                expected = without_own(self.document(lines, "--mapping", name))
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

    def test_a_rollup_store_changes_no_figure_of_a_mapped_log(self):
        for name in FORMATS:
            with self.subTest(mapping=name):
                log = self.write("log", mapping_logs.export(name, mapping_logs.runs()))
                expected = without(self.document(log, "--mapping", name), ["generated_at"])
                for _ in range(2):
                    kept = self.document(log, "--mapping", name, "--rollup", "sqlite:%s.db" % name)
                    self.assertEqual(without(kept, ["generated_at"]), expected)

    def test_documents_are_read_compressed_from_several_files_and_whatever_else_stands_in_them(self):
        runs = mapping_logs.runs()
        expected = without_own(self.document(
            self.write("whole.json", mapping_logs.export("airflow-rest", runs)),
            "--mapping", "airflow-rest"))
        pages = [mapping_logs.records_of("airflow-rest", part) for part in (runs[:60], runs[60:])]
        for page in pages:
            for record in page:
                record["conf"] = {"deep": "@deep@", "n": "@nan@", "big": "@big@", "cut": "@half@"}
        texts = [json.dumps({"dag_runs": page}, indent=indent) for page, indent in zip(pages, (3, None))]
        for word, odd in (("deep", "[" * 100 + "]" * 100), ("nan", "NaN"), ("big", "1e400"),
                          ("half", '"\\ud83d"')):
            texts = [text.replace('"@%s@"' % word, odd) for text in texts]
        (self.folder / "a.json.gz").write_bytes(gzip.compress(texts[0].encode()))
        (self.folder / "b.json").write_text("\ufeff" + texts[1].replace("\n", "\r\n"))
        document = self.document("a.json.gz", "--source", "b.json", "--mapping", "airflow-rest")
        self.assertEqual(without_own(document), expected)

    def test_a_name_that_is_neither_a_file_nor_a_shipped_mapping_is_refused(self):
        self.write("log", "{}")
        result = self.evaluate("log", "--mapping", "langfus")
        self.assertEqual(result.code, 2, str(result))
        self.assertIn("langfuse", result.stderr)
        explained = run_tool("eval_dag_quality", "--source", "log", "--explain-mapping",
                             "--mapping", "langfus", cwd=self.folder)
        self.assertEqual(explained.code, 2, str(explained))
        self.assertIn("the name of one that ships: airflow-rest, ", explained.stderr)

    def suggested(self, log):
        result = run_tool("eval_dag_quality", "--source", log, "--suggest-mapping", cwd=self.folder)
        self.assertEqual(result.code, 0, str(result))
        self.assertNotIn(SECRET_TEXT, result.stdout + result.stderr)
        self.assertIn("a guess from names and values", result.stderr)
        return self.write("suggested.json", result.stdout)

    def explained(self, log, mapping):
        result = run_tool("eval_dag_quality", "--source", log, "--explain-mapping", "--mapping",
                          mapping, cwd=self.folder)
        self.assertEqual(result.code, 0, str(result))
        self.assertNotIn(SECRET_TEXT, result.stdout + result.stderr)
        return result.stdout

    def test_a_suggested_mapping_reads_each_of_the_formats_as_the_shipped_one_does(self):
        for name in FORMATS:
            with self.subTest(mapping=name):
                log = self.write("log", mapping_logs.export(name, mapping_logs.runs()))
                shipped = self.document(log, "--mapping", name)
                suggested = self.document(log, "--mapping", self.suggested(log))
                self.assertEqual(without_own(suggested), without_own(shipped))

    def test_a_suggested_mapping_reads_logs_as_teams_write_them(self):
        for make in (mapping_logs.java_service, mapping_logs.flow_runner, mapping_logs.house_log):
            with self.subTest(log=make.__name__):
                runs = mapping_logs.runs()
                log = self.write("log", "".join(json.dumps(make(run)) + "\n" for run in runs))
                document = self.document(log, "--mapping", self.suggested(log))
                expected = self.document(self.native("github-actions", runs))
                for figure in ("malformed", "in_flight"):
                    self.assertEqual(document["input"][figure], expected["input"][figure])
                for kpi in ("pipeline_success_rate", "p95_latency_ms"):
                    self.assertEqual(document["populations"]["dag"]["kpis"][kpi],
                                     expected["populations"]["dag"]["kpis"][kpi])

    def test_what_a_mapping_makes_of_the_first_lines_is_explained(self):
        for name in FORMATS:
            log = self.write("log", mapping_logs.export(name, mapping_logs.runs()))
            text = self.explained(log, name)
            self.assertIn(" 0 unread", text)
            self.assertNotIn("odd:", text, text)
        self.assertIn("pointer /context/trace_id: 300 of 300", text)
        self.assertIn("column end_time (zone Z): 297 of 300; else column start_time (zone Z): 3 of",
                      text)
        self.assertIn("not in the log: request_id, error_code", text)
        self.assertIn("statuses: succeeded", text)

    def test_seconds_where_milliseconds_are_wanted_are_told(self):
        for unit, is_odd in ((1000, True), (1, False)):
            lines = [{"pipeline_run_id": str(run.number), "status": "ok",
                      "created_at": mapping_logs.iso(run.end), "duration_ms": run.ms / unit}
                     for run in mapping_logs.runs(120)]
            log = self.write("log", "".join(json.dumps(line) + "\n" for line in lines))
            result = run_tool("eval_dag_quality", "--source", log, "--explain-mapping",
                              cwd=self.folder)
            self.assertEqual("looks like seconds" in result.stdout, is_odd, result.stdout)

    def test_what_cannot_be_read_is_explained_with_its_place(self):
        log = self.write("log", '{"id":"a","state":"ok","end":"soon"}\n{"id":"b"}\n')
        mapping = self.write("m.json", json.dumps({
            "schema": "dagloop.mapping/1", "fields": {
                "pipeline_run_id": {"column": "id"}, "status": {"column": "state"},
                "created_at": {"column": "end"}, "node_id": None}}))
        text = self.explained(log, mapping)
        self.assertIn("2 lines: 0 records (0 of runs, 0 of nodes), 0 other lines, 2 unread", text)
        self.assertIn("first unread: line 1: created_at:", text)
        self.assertIn("node_id              not read", text)
        self.assertIn("column state: 1 of 2", text)

    def test_the_first_lines_are_those_of_files(self):
        for flag in ("--explain-mapping", "--suggest-mapping"):
            result = run_tool("eval_dag_quality", "--source", "postgresql://h/d", flag)
            self.assertEqual(result.code, 2, str(result))

    def test_every_shipped_mapping_has_a_page_and_an_example(self):
        for name in FORMATS:
            page = (SOURCE_DIR / "docs" / "mappings" / (name + ".md")).read_text()
            self.assertIn("--mapping " + name, page)
            examples = list((SOURCE_DIR / "examples" / "mappings").glob(name + ".*"))
            self.assertEqual(len(examples), 1, name)
            self.assertIn("examples/mappings/" + examples[0].name, page)
            exported = mapping_logs.export(name, mapping_logs.runs(40))
            self.assertEqual(examples[0].read_text().rstrip(), exported.rstrip(), name)

    def test_a_mapping_from_a_pipe_is_read_once(self):
        log = self.write("log", mapping_logs.export("github-actions", mapping_logs.runs()))
        mapping = self.suggested(log)
        command = '"$0" --source log --as-of "$1" --json --mapping <(cat "$2")'
        piped = subprocess.run(
            ["bash", "-c", command, str(BIN_DIR / "eval_dag_quality"), AS_OF, mapping],
            cwd=self.folder, env=clean_environment(), capture_output=True, text=True, timeout=60,
            check=False)
        self.assertEqual(piped.returncode, 0, piped.stderr)
        self.assertEqual(without_own(json.loads(piped.stdout)),
                         without_own(self.document(log, "--mapping", mapping)))

    def test_what_looks_at_a_mapping_takes_no_flags_that_do_nothing_there(self):
        log = self.write("log", mapping_logs.export("github-actions", mapping_logs.runs()))
        explain, suggest = "--explain-mapping", "--suggest-mapping"
        for flags in ([explain, suggest], [explain, "--json"], [suggest, "--json"],
                      [explain, "--as-of", "last"], [suggest, "--as-of", "last"]):
            result = run_tool("eval_dag_quality", "--source", log, *flags, cwd=self.folder)
            self.assertEqual(result.code, 2, str(result))


if __name__ == "__main__":
    unittest.main()
