"""Every error is one line that says where, what and what to do; and no secret is ever printed."""

import gzip
import json
import os
import unittest

from support import ENV_TEXT, SECRETS, T0, LoopTestCase, hours, run_tool, stamp

AS_OF = stamp(T0)
LINE = r"\A{tool}: (usage|config|source|preflight|approval|conflict|insufficient): [^\n]+; [^\n]+\n\Z"


class MessageTestCase(LoopTestCase):
    def check_message(self, result, code, *words):
        """One line `<tool>: <kind>: <where>: <what>; <what to do>` that holds all `words`."""
        self.check_code(result, code)
        line = result.stderr
        self.assertEqual(line.count("\n"), 1, line)
        tool, kind, where, rest = line.split(": ", 3)
        self.assertRegex(line, LINE.format(tool=tool))
        self.assertTrue(kind and where and rest.strip(), line)
        for word in words:
            self.assertIn(str(word), line)
        for noise in ("terminate", "std::", "Traceback", ".cpp"):
            self.assertNotIn(noise, line)

    def evaluate(self, *arguments):
        return self.ws.tool("eval_dag_quality", "--as-of", AS_OF, *arguments)

    def write_file(self, name, text):
        path = self.ws.dir / name
        path.write_text(text)
        return path


class FlagMessagesTest(MessageTestCase):
    def test_name_the_flag(self):
        cases = {
            "unknown flag": (["--bogus"], "--bogus"),
            "unknown flag with a value": (["--bogus=1"], "--bogus"),
            "window off the slots": (["--window", "7m"], "--window"),
            "window that is no duration": (["--window", "soon"], "--window", "soon", "6h"),
            "window of nothing": (["--window", "0h"], "--window"),
            "time without a zone": (["--as-of", "2025-06-02T00:00:00"], "--as-of",
                                    "2025-06-02T00:00:00Z"[:10]),
            "time that is none": (["--as-of", "yesterday"], "--as-of", "yesterday"),
            "baseline": (["--baseline", "best"], "--baseline", "best", "previous"),
            "baseline backwards": (["--baseline", "2025-06-02T00:00:00Z..2025-06-01T00:00:00Z"],
                                   "--baseline"),
            "formats": (["--formats", "pdf"], "formats", "pdf", "html"),
            "dedupe": (["--dedupe", "all"], "--dedupe", "all"),
            "scheme": (["--source", "ftp://host/log"], "ftp"),
            "log level": (["--log-level", "loud"], "--log-level"),
        }
        for name, (arguments, *words) in cases.items():
            with self.subTest(name):
                self.check_message(self.ws.tool("eval_dag_quality", *arguments), 2, *words)

    def test_name_what_is_missing(self):
        self.check_message(run_tool("eval_dag_quality"), 2, "no log source", "--source")
        self.check_message(run_tool("decide_dag_policy"), 2, "--report")
        self.check_message(run_tool("approve_dag_policy", "--as", "x"), 2, "--key")
        self.check_message(run_tool("apply_dag_policy", "--env-file", "x"), 2, "--decision")
        self.check_message(run_tool("apply_dag_policy", "--rollback"), 2, "--env-file")


class UnreadableLogMessagesTest(MessageTestCase):
    """Too many lines that cannot be read: the first, what was found, what is wanted, what reads it."""

    SPOILED = {
        "created_at, a number": ({"created_at": 1748822400}, "created_at", "number", "RFC 3339",
                                 "mapping"),
        "status, a word of its own": ({"status": "sideways"}, "status", "sideways", "succeeded",
                                      '"aliases": {"sideways": "failed"}'),
        "pipeline_run_id, an array": ({"pipeline_run_id": [7]}, "pipeline_run_id", "array", "text"),
    }

    def spoil(self, members):
        self.quiet_day()
        self.ws.log.path.rename(self.ws.dir / "logs" / "a.jsonl")
        run = {"pipeline_run_id": "r", "status": "succeeded", "created_at": stamp(T0 - hours(1))}
        self.ws.log.lines(*[{**run, **members}] * 400)
        self.ws.configure({"input": {"sources": [str(self.ws.dir / "logs")]}})

    def test_name_the_place_what_was_found_what_is_wanted_and_the_mapping(self):
        for name, (members, *words) in self.SPOILED.items():
            with self.subTest(name):
                self.setUp()
                self.spoil(members)
                for tool in "eval_dag_quality", "dag_quality_gate":
                    result = self.ws.tool(tool, "--as-of", AS_OF)
                    self.check_message(result, 4, "runs.jsonl:1:", *words)
                    self.assertIn("400 lines of the window could not be read", result.stdout)
                report = self.ws.reports / "dag_quality_latest.json"
                for arguments in (["dag_quality_gate", "--report", report],
                                  ["decide_dag_policy", "--report", report]):
                    self.check_message(self.ws.tool(*arguments), 4, "runs.jsonl:1:", *words)

    def test_a_tick_holds_writes_its_page_and_says_the_same(self):
        members, *words = self.SPOILED["created_at, a number"]
        self.spoil(members)
        tick = self.check_code(self.ws.tick(T0, "--apply"), 4)
        self.assertEqual(tick.document()["decision"]["action"], "hold")
        for word in ("runs.jsonl:1:", *words):
            self.assertIn(word, tick.stderr)
        page = (self.ws.reports / "dag_quality_latest.md").read_text()
        self.assertIn("400 lines of the window could not be read", page)


class ConfigurationMessagesTest(MessageTestCase):
    def check_config(self, text, *words):
        config = self.write_file("bad.json", text)
        result = run_tool("eval_dag_quality", "--config", config, cwd=self.ws.dir)
        self.check_message(result, 2, "bad.json", *words)

    def test_name_the_line_of_bad_json(self):
        self.check_config('{\n  "window": "1d",\n  "baseline" "auto"\n}\n', "bad.json:3")
        self.check_config('{\n  "window": "1d",\n  "window": "2d"\n}\n', "bad.json:3", "window")
        self.check_config("", "bad.json:1")

    def test_name_the_key(self):
        cases = {
            "unknown key": ({"windw": "1d"}, "windw"),
            "unknown nested key": ({"input": {"source": []}}, "input", "source"),
            "window": ({"window": "7m"}, "window"),
            "window of another type": ({"window": 7}, "window"),
            "share": ({"input": {"max_malformed_share": 1}}, "max_malformed_share"),
            "kpi": ({"gate": {"checks": [{"kpi": "speed", "comparator": ">=", "threshold": 1}]}},
                    "gate.checks[0].kpi", "speed"),
            "comparator": ({"gate": {"checks": [{"kpi": "fallback_rate", "comparator": "==",
                                                 "threshold": 1}]}}, "comparator"),
            "threshold": ({"gate": {"checks": [{"kpi": "fallback_rate", "comparator": "<=",
                                                "threshold": 5}]}}, "gate.checks[0].threshold"),
            "ladder": ({"decision": {"ladder": [0, 30, 10]}}, "decision.ladder"),
            "evidence": ({"decision": {"evidence": "bayes"}}, "decision.evidence", "sequential"),
            "people": ({"policy": {"approval_people": 3}}, "approval_people"),
            "language": ({"reports": {"language": "de"}}, "language"),
            "error class": ({"error_classes": {"weather": ["RAIN"]}}, "weather"),
        }
        for name, (document, *words) in cases.items():
            with self.subTest(name):
                self.check_config(json.dumps(document), *words)

    def test_say_how_a_typo_is_mended_and_all_of_them_at_once(self):
        self.check_config(
            json.dumps({"input": {"source": ["logs"], "sources": "logs"}, "window": "1day",
                        "decision": {"soak": "6hours"}}),
            "input.source: unknown key (did you mean sources? the keys here are sources, mapping, ",
            'input.sources: is a string (give a list of strings: ["logs"])',
            'window: "1day" is not of the right form (give a number and a unit, e.g. "90m", ',
            'decision.soak: "6hours" is not', "docs/configuration.md")

    def test_say_that_a_document_is_of_another_kind(self):
        self.quiet_day()
        self.check_code(self.evaluate(), 0)
        report = self.ws.reports / "dag_quality_latest.json"
        self.check_message(
            self.ws.tool("approve_dag_policy", "--decision", report, "--as", "alice", "--key",
                         self.ws.key_of("alice"), "--yes"), 2,
            'schema: is "dagloop.quality_report/1" (give "dagloop.policy_decision/1", or the right')

    def test_name_a_file_that_is_not_there(self):
        self.check_message(run_tool("eval_dag_quality", "--config", "no.json"), 2, "no.json",
                           "does not exist")

    def test_name_line_or_key_of_a_bad_mapping(self):
        bad = self.write_file("map.json", '{"fields": \n oops}')
        self.check_message(self.evaluate("--mapping", bad), 2, "map.json:2")
        bad = self.write_file("map.json", '{"schema": "dagloop.mapping/1", "fields": '
                              '{"colour": {"column": "c"}}}')
        self.check_message(self.evaluate("--mapping", bad), 2, "map.json", "colour")
        self.check_message(self.evaluate("--mapping", "no.json"), 2, "no.json")

    def test_name_the_place_in_a_bad_gate(self):
        self.check_code(self.evaluate(), 0)
        bad = self.write_file("gate.json", '{"checks": [{"kpi": "p95_latency_ms", "comparator": '
                              '"<", "threshold": "fast"}]}')
        result = self.ws.tool("dag_quality_gate", "--report",
                              self.ws.reports / "dag_quality_latest.json", "--gate", bad)
        self.check_message(result, 2, "gate.json", "checks[0].threshold")


class PolicyFileMessagesTest(MessageTestCase):
    def setUp(self):
        super().setUp()
        self.quiet_day()
        self.check_code(self.evaluate(), 0)

    def decide(self):
        return self.ws.tool("decide_dag_policy", "--report",
                            self.ws.reports / "dag_quality_latest.json")

    def check_env_file(self, text, *words):
        self.ws.env_file.write_text(text)
        for result in (self.decide(), self.ws.tick(T0), self.ws.tick(T0, "--apply")):
            self.check_message(result, 2, "service.env", *words)
            self.assertNotIn("hunter2", result.stderr)

    def test_name_the_line_of_a_bad_env_file(self):
        self.check_env_file(ENV_TEXT + "\nDAG_ROLLOUT_PERCENT=30\n", "service.env:9",
                            "DAG_ROLLOUT_PERCENT")
        self.check_env_file("A=1\nPASSWORD='hunter2\n", "service.env:2")
        self.check_env_file("A=1\nDAG_ROLLOUT_PERCENT=${hunter2}\n", "service.env:2")
        self.ws.configure({"policy": {"loader": "any"}})
        self.check_env_file("A=1\nhunter2 is no assignment\n", "service.env:2", "docker")

    def test_name_a_rollout_key_that_is_missing_or_no_percentage(self):
        self.ws.env_file.write_text("A=1\n")
        self.check_message(self.decide(), 2, "DAG_ROLLOUT_PERCENT")
        self.ws.env_file.write_text("DAG_ROLLOUT_PERCENT=most\n")
        self.check_message(self.decide(), 2, "DAG_ROLLOUT_PERCENT", "most")

    def test_name_an_env_file_that_is_not_there(self):
        self.ws.env_file.unlink()
        for result in (self.decide(), self.ws.tick(T0), self.ws.tick(T0, "--apply"),
                       self.ws.tool("apply_dag_policy", "--rollback")):
            self.check_message(result, 4, "service.env", "does not exist")

    def test_name_all_that_is_missing_at_once(self):
        for path in (self.ws.allowlist, self.ws.rules, self.ws.approvers):
            path.unlink()
        three = ("allowlist.json", "rules.json", "policy rules file: create it")
        self.check_message(self.decide(), 2, *three)
        self.check_message(self.ws.tick(T0), 2, *three)
        self.ws.env_file.unlink()
        self.check_message(self.ws.tick(T0, "--apply"), 2, *three, "approvers.json", "service.env",
                           "4 files do not exist")
        self.assertEqual(self.ws.events(), [])
        self.check_message(
            self.ws.tool("apply_dag_policy", "--decision", "no_d.json", "--approval", "no_a.json"),
            2, "no_d.json", "no_a.json", "service.env", "allowlist.json", "approvers.json")
        self.check_message(
            self.ws.tool("approve_dag_policy", "--decision", "no_d.json", "--as", "x", "--key",
                         "no.key"), 2, "no_d.json", "no.key", "approvers.json")

    def test_name_files_of_flags_together_with_those_of_the_configuration(self):
        self.check_message(self.evaluate("--mapping", "no_map.json", "--source", "no.jsonl"), 2,
                           "no_map.json, no.jsonl: 2 files do not exist")
        self.check_message(
            self.evaluate("--source", "no.jsonl", "--source", "nor.jsonl", "--source", "-"), 4,
            "no.jsonl, nor.jsonl: 2 files do not exist (looked for in %s); log: check the path"
            % self.ws.dir.resolve())
        self.check_message(self.ws.tool("dag_quality_gate", "--report", "no.json", "--gate",
                                        "no_gate.json"), 2, "no.json", "no_gate.json")
        self.check_message(run_tool("decide_dag_policy", "--config", "no_c.json", "--report",
                                    "no.json"), 2, "no_c.json, no.json: 2 files do not exist")

    def test_say_where_relative_paths_start_and_only_for_those(self):
        for missing in ["no.jsonl"], ["no.jsonl", "/no/nor.jsonl"]:
            sources = [word for path in missing for word in ("--source", path)]
            self.check_message(self.evaluate(*sources), 4,
                               "(looked for in %s);" % self.ws.dir.resolve())
        told = self.evaluate("--source", "/no/no.jsonl", "--source", "/no/nor.jsonl")
        self.check_message(told, 4, "2 files do not exist; ")
        self.ws.allowlist.unlink()
        self.assertNotIn("looked for", self.decide().stderr)

    def test_call_a_file_a_file_once(self):
        self.check_code(self.decide(), 0)
        for result in (self.ws.tool("apply_dag_policy", "--decision", self.ws.decision_file,
                                    "--approval", "no.json"),
                       self.ws.tool("apply_dag_policy", "--decision", "no.json"),
                       self.ws.tool("dag_quality_gate", "--report", "no.json")):
            self.check_message(result, 2, "no.json", "file does not exist")
            self.assertNotIn("file file", result.stderr)

    def test_name_the_key_of_a_bad_allowlist(self):
        entry = {"name": "A", "type": "int", "default": "7", "owner": "o", "description": "d"}
        cases = {
            "default outside its bounds": [{**entry, "max": 5}],
            "bounds": [{**entry, "min": 9, "max": 5}],
            "a key twice": [entry, entry],
            "type": [{**entry, "type": "word"}],
        }
        for name, keys in cases.items():
            with self.subTest(name):
                self.ws.write(self.ws.allowlist,
                              {"schema": "dagloop.policy_allowlist/1", "keys": keys})
                self.check_message(self.decide(), 2, "allowlist.json")
        self.ws.allowlist.unlink()
        self.check_message(self.decide(), 2, "allowlist.json", "allowlist file does not exist")

    def test_name_rule_and_key_of_bad_rules(self):
        rule = {"id": "r1", "group": "g", "rank": 1,
                "when": [{"kpi": "fallback_rate", "comparator": ">=", "threshold": 0.1}],
                "then": {"env_key": "A", "operation": "add", "operand": "x"},
                "reason": "r", "expected_effect": "e"}
        self.ws.write(self.ws.rules, {"schema": "dagloop.policy_rules/1", "rules": [rule]})
        self.check_message(self.decide(), 2, "rules.json", "rules[0].then.operand", "r1")

    def test_name_a_bad_approvers_file(self):
        self.check_code(self.decide(), 0)
        self.check_code(self.ws.propose(), 0)
        self.ws.approve()
        self.ws.write(self.ws.approvers, {"approvers": [{"name": "alice", "public_key": "AAAA"}]})
        result = self.ws.tool("apply_dag_policy", "--decision", self.ws.decision_file,
                              "--approval", self.ws.approval_file)
        self.check_message(result, 2, "approvers.json: approvers[0].public_key: is too short")
        self.ws.write(self.ws.approvers, {"name": "alice", "public_key": "AAAA"})
        result = self.ws.tool("apply_dag_policy", "--decision", self.ws.decision_file,
                              "--approval", self.ws.approval_file)
        self.check_message(result, 2, 'approvers: is missing ({"approvers": [ENTRY]}, with entries')

    def test_name_a_missing_approvers_file_and_nothing_is_proposed(self):
        self.ws.approvers.unlink()
        shown = self.check_code(self.ws.tick(T0), 0).document()
        self.check_note(shown, "%s: the approvers file does not exist" % self.ws.approvers)
        self.check_message(self.ws.tick(T0, "--apply"), 2, "approvers.json",
                           'put {"approvers": [ENTRY]} there')
        self.assertEqual(self.ws.events(), ["adopted"])

    def test_name_a_bad_approval_document(self):
        self.check_code(self.decide(), 0)
        for text in ("{}", "[1]", '{"schema": "dagloop.policy_approval/2"}'):
            bad = self.write_file("a.json", text)
            result = self.ws.tool("apply_dag_policy", "--decision", self.ws.decision_file,
                                  "--approval", bad)
            self.check_message(result, 2, "a.json")

    def test_name_a_bad_decision_document(self):
        for text in ("{}", '{"schema": "dagloop.quality_report/1"}'):
            bad = self.write_file("d.json", text)
            self.check_message(self.ws.tool("apply_dag_policy", "--decision", bad), 2)
            approving = self.ws.tool("approve_dag_policy", "--decision", bad, "--as", "alice",
                                     "--key", self.ws.key_of("alice"), "--yes")
            self.check_message(approving, 2, "d.json")

    def test_name_a_private_key_that_is_none(self):
        self.check_code(self.decide(), 0)
        key = self.write_file("x.key", "correct-horse-battery")
        os.chmod(key, 0o600)
        result = self.ws.tool("approve_dag_policy", "--decision", self.ws.decision_file, "--as",
                              "alice", "--key", key, "--yes", "--out", self.ws.approvals)
        self.check_code(result, 5)
        self.assertIn("private key", result.stderr)
        self.assertNotIn("horse", result.stderr)


class SourceMessagesTest(MessageTestCase):
    def test_name_a_log_that_matches_nothing(self):
        self.check_message(self.evaluate("--source", "no/*.jsonl"), 4, "no/*.jsonl")

    def test_name_a_compressed_log_that_is_corrupt(self):
        for name in ("bad.jsonl.gz", "bad.jsonl.zst"):
            path = self.ws.dir / name
            path.write_bytes(b"\x1f\x8b\x08\x00 this is not deflate")
            self.check_message(self.evaluate("--source", path), 4, name)

    def test_name_a_compressed_log_that_is_cut(self):
        self.quiet_day()
        path = self.ws.dir / "cut.jsonl.gz"
        whole = gzip.compress(self.ws.log.path.read_bytes())
        path.write_bytes(whole[: len(whole) // 2])
        self.check_message(self.evaluate("--source", path), 4, "cut.jsonl.gz")

    @unittest.skipIf(os.geteuid() == 0, "root reads everything")
    def test_name_a_log_that_may_not_be_read(self):
        os.chmod(self.ws.log.path, 0)
        self.check_message(self.evaluate(), 4, self.ws.log.path)

    def test_name_a_corrupt_state_file(self):
        self.ws.state.parent.mkdir()
        self.ws.state.write_bytes(b"no database" * 1000)
        self.check_message(self.ws.tick(T0, "--apply"), 4, "loop.db")
        self.check_message(self.ws.tool("apply_dag_policy", "--status"), 4, "loop.db")

    def test_name_an_unknown_state_scheme(self):
        self.check_message(self.ws.tick(T0, "--state", "oracle:x"), 2, "oracle")


class JsonLogTest(MessageTestCase):
    def test_an_error_is_one_json_object_a_line(self):
        result = self.check_code(self.evaluate("--window", 'a"b', "--log-format", "json"), 2)
        line = json.loads(result.stderr)
        self.assertEqual(line["level"], "error")
        self.assertEqual(line["tool"], "eval_dag_quality")
        self.assertIn("--window", line["message"])


class SecretsTest(MessageTestCase):
    """Nothing outside the allowlist leaves the env file, and no user id leaves the log."""

    def setUp(self):
        super().setUp()
        self.printed = []

    def keep(self, result):
        self.printed.append(result.stdout + result.stderr)
        return result

    def check_nothing_leaked(self):
        texts = list(self.printed)
        for root in (self.ws.reports, self.ws.approvals, self.ws.state.parent):
            for path in root.rglob("*"):
                if path.is_file():
                    texts.append(path.read_bytes().decode("utf-8", "replace"))
        self.assertGreater(len(texts), 10)
        for secret in (*SECRETS, "user-private-7", "log-secret-pw"):
            for text in texts:
                self.assertNotIn(secret, text)

    def test_never_reach_output_report_or_journal_along_a_whole_rollout(self):
        dsn = "postgresql://svc:log-secret-pw@db/prod"
        self.ws.log.runs(T0 - hours(48), hours(48), 480, fields={"detail": dsn, "prompt": dsn})
        self.ws.log.lines('{"status": "%s", "created_at": "%s"}' % (dsn, AS_OF), "not json " + dsn)
        hook = "cat %s >&2; exit 1" % self.ws.env_file
        self.ws.configure({"policy": {"reload": ["/bin/sh", "-c", hook]}})
        self.keep(self.evaluate())
        self.keep(self.ws.tick(T0, "--apply"))
        self.keep(self.ws.approve())
        self.keep(self.ws.tool("apply_dag_policy", "--decision", self.ws.decision_file,
                               "--approval", self.ws.approval_file))
        self.check_code(self.keep(self.ws.tick(T0, "--apply")), 7)
        self.keep(self.ws.tool("apply_dag_policy", "--rollback", "--apply"))
        self.keep(self.ws.tool("apply_dag_policy", "--status"))
        self.assertIn("hook_failed", self.ws.events())
        self.check_nothing_leaked()

    def test_never_reach_the_message_of_a_bad_line_of_the_env_file(self):
        for line in ("DAG_ROLLOUT_PERCENT=$(cat %s)", 'BROKEN="%s', "unset assignment %s",
                     "DAG_NODE_TIMEOUT_MS=%s`x`"):
            self.ws.env_file.write_text(ENV_TEXT + "\n" + line % SECRETS[0] + "\n")
            result = self.ws.tick(T0)
            self.check_code(result, 2)
            self.assertNotIn(SECRETS[0], result.stdout + result.stderr)

    def test_in_a_source_that_cannot_be_opened_are_masked(self):
        result = self.evaluate("--source", "mysql://svc:log-secret-pw@db/prod")
        self.check_code(result, 2)
        self.assertNotIn("log-secret-pw", result.stderr)

    def test_in_flags_that_nobody_knows_are_masked(self):
        result = run_tool("eval_dag_quality", "postgresql://svc:log-secret-pw@db/prod")
        self.check_code(result, 2)
        self.assertNotIn("log-secret-pw", result.stderr)


if __name__ == "__main__":
    unittest.main()
