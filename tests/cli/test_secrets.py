"""Secrets of every shape, fed through every input: none leaves a tool, and none stays behind."""

import html
import itertools
import json
import os
import resource
import signal
import subprocess
import time
import unittest

from support import BIN_DIR, ENV_TEXT, SOURCE_DIR, T0, LoopTestCase, clean_environment, hours, stamp

AS_OF = stamp(T0)
LEVELS = (("--log-level", "debug"), ("--log-level", "debug", "--log-format", "json"))


def corpus():
    """Returns (secret, text that holds it), as in tests/support/secrets.txt."""
    lines = (SOURCE_DIR / "tests" / "support" / "secrets.txt").read_text().splitlines()
    for line in lines:
        if line.startswith("#"):
            continue
        _, secret, text = line.split("\t")
        yield secret, text.replace("\\n", "\n").replace("\\t", "\t").replace("%s", secret)


SPECIMENS = list(corpus())
SECRETS = sorted({secret for secret, _ in SPECIMENS})
TEXTS = [text for _, text in SPECIMENS]


class SecretsTestCase(LoopTestCase):
    def setUp(self):
        super().setUp()
        self.printed = []
        self.environment = {"PGPASSWORD": "pg-" + SECRETS[0], "API_TOKEN": SECRETS[1]}
        self.searched = {self.ws.reports, self.ws.approvals, self.ws.state.parent,
                         self.ws.dir / "rollup"}

    def tool(self, name, *arguments, code=None):
        """Runs a tool in turn with each kind of log; keeps what it printed."""
        level = LEVELS[len(self.printed) % len(LEVELS)]
        result = self.ws.tool(name, *level, *arguments, env=self.environment)
        self.printed.append((" ".join(map(str, (name, *arguments)))[:300],
                             result.stdout + result.stderr))
        if code is not None:
            self.check_code(result, code)
        self.assertNotEqual(result.code, 70, str(result))
        return result

    def check_nothing_leaked(self):
        texts = list(self.printed)
        for root in self.searched:
            for path in root.rglob("*"):
                if path.is_file():
                    texts.append((str(path), path.read_bytes().decode("utf-8", "replace")))
        self.assertGreater(len(texts), 3)
        for where, text in texts:
            for shown in {text, html.unescape(text), text.replace("\\/", "/")}:
                for secret in SECRETS:
                    self.assertNotIn(secret, shown, where)

    def evaluate(self, *arguments, code=None):
        return self.tool("eval_dag_quality", "--as-of", AS_OF, *arguments, code=code)


class LogTest(SecretsTestCase):
    """Fields of records, lines that are none, names of logs."""

    def fill_log(self):
        fields = ("error_code", "plan_source", "verification_reason", "fallback_reason",
                  "policy_version", "user_id", "idempotency_key", "prompt", "password")
        start = T0 - hours(23)
        for i, text in enumerate(TEXTS):
            end = stamp(start + hours(22) * i / len(TEXTS))
            for status in ("succeeded", "failed"):
                run = {"pipeline_run_id": "run-%d-%s" % (i, status), "created_at": end,
                       "status": status, "execution_mode": "dag", "duration_ms": 5}
                self.ws.log.lines({**run, "node_id": text, "node_type": "skill", "attempt": 1,
                                   "error_code": text})
                self.ws.log.lines({**run, **{field: text for field in fields}})

    def test_of_which_labels_are_made(self):
        self.fill_log()
        self.ws.configure({"input": {"rollup": "sqlite:" + str(self.ws.dir / "rollup" / "r.db")},
                           "reports": {"formats": ["json", "md", "html"]}})
        self.write_node_rule()
        report = self.evaluate("--json", code=0).document()
        figures = report["populations"]["dag"]
        # Two labels stay two, but codes that differ by an id alone; each is masked, and marked.
        count = len(set(TEXTS))
        self.assertGreater(len(figures["error_codes"]), count - 3)
        self.assertEqual([len(figures["plan_sources"]), len(figures["nodes"])], [count, count])
        for labels in (figures["error_codes"], figures["plan_sources"], figures["nodes"]):
            for label in labels:
                self.assertRegex(label, r"\*\*\*(.|\n)*#[0-9a-f]{8}\Z")
        self.evaluate(code=0)
        again = self.evaluate("--json", code=0).document()  # from the rollup store
        self.assertEqual(again["populations"], report["populations"])
        self.tool("dag_quality_gate", "--as-of", AS_OF)
        for arguments in ((), ("--json",)):
            self.tool("decide_dag_policy", "--report",
                      self.ws.reports / "dag_quality_latest.json", *arguments)
            self.tool("dag_optimization_cycle", "--as-of", AS_OF, "--apply", *arguments)
        self.tool("apply_dag_policy", "--status", code=0)
        self.check_nothing_leaked()

    def write_node_rule(self):
        """A rule whose evidence names a node."""
        rules = json.loads((SOURCE_DIR / "config" / "policy_rules.json").read_text())
        self.ws.write(self.ws.rules, {key: rules[key] for key in ("schema", "rules")})

    def test_in_lines_that_are_no_records_and_in_names_of_logs(self):
        for i, (secret, text) in enumerate(SPECIMENS):
            if "/" in secret:
                continue
            log = self.ws.dir / "logs" / ("%s.jsonl" % secret)
            bad = {"created_at": AS_OF, "status": text, "pipeline_run_id": "x%d" % i}
            log.write_text("%s\n%s\n{\"status\": \"%s\n" % (text, json.dumps(bad), text))
        result = self.evaluate("--json", "--source", self.ws.dir / "logs", code=4)
        examples = result.document()["input"]["examples"]
        self.assertTrue(examples)
        self.evaluate("--source", self.ws.dir / "logs", code=4)
        self.tool("dag_optimization_cycle", "--as-of", AS_OF, "--apply", "--source",
                  self.ws.dir / "logs")
        self.check_nothing_leaked()


class ChangeTest(SecretsTestCase):
    """The env file, the hook, and documents on the way of a change."""

    def setUp(self):
        super().setUp()
        self.quiet_day()
        lines = ["S%d='%s'" % (i, text.replace("'", "")) for i, text in enumerate(TEXTS)
                 if "\n" not in text]
        self.ws.env_file.write_text("\n".join(["# " + TEXTS[0], *lines]) + "\n" + ENV_TEXT)

    def hook(self, script):
        noise = self.ws.dir / "noise"
        noise.write_text("\n".join(TEXTS))
        path = self.ws.dir / "hook.sh"
        path.write_text("#!/bin/sh\n" + script % noise)
        path.chmod(0o755)
        self.ws.configure({"policy": {"reload": [str(path)]}})

    def apply_step(self, code):
        self.tool("dag_optimization_cycle", "--as-of", AS_OF, "--apply", code=0)
        self.tool("approve_dag_policy", "--decision", self.ws.decision_file, "--as", "alice",
                  "--key", self.ws.key_of("alice"), "--yes", "--out", self.ws.approvals, code=0)
        self.tool("apply_dag_policy", "--decision", self.ws.decision_file, "--approval",
                  self.ws.approval_file, code=0)
        self.tool("dag_optimization_cycle", "--as-of", AS_OF, "--apply", code=code)

    def test_in_other_keys_of_the_env_file_and_in_what_a_good_hook_prints(self):
        self.hook("cat %s")
        self.apply_step(0)
        self.tool("apply_dag_policy", "--rollback", code=0)
        self.tool("apply_dag_policy", "--rollback", "--apply", code=0)
        self.tool("apply_dag_policy", "--status", code=0)
        self.check_nothing_leaked()

    def test_in_what_a_failing_hook_prints(self):
        self.hook("cat %s; env; exit 1")
        self.apply_step(7)
        self.assertIn("hook_failed", self.ws.events())
        self.check_nothing_leaked()

    def test_in_output_of_a_hook_that_is_cut_amid_a_secret(self):
        for secret in ("hunter2-Secret", SPECIMENS[0][0]):
            with self.subTest(secret=secret):
                # The tail that is kept begins with the last 6 bytes of the secret.
                self.hook("printf 'password=" + secret + "'; head -c 4090 /dev/zero | "
                          "tr '\\0' ' '; : %s; exit 1")
                self.apply_step(7)
                self.assertIn("rolled_back", self.ws.events())
                kept = json.dumps(self.ws.journal()) + "".join(text for _, text in self.printed)
                self.assertNotIn(secret[-6:], kept)
            self.doCleanups()
            self.setUp()

    def test_in_the_value_of_a_key_of_the_policy(self):
        for text in ("tok_" + "4f9a8b7c6d5e4f3a2b1c0d9e", SPECIMENS[3][0]):
            self.ws.env_file.write_text(ENV_TEXT.replace("=30000", "=" + text))
            self.tool("dag_optimization_cycle", "--as-of", AS_OF, "--apply")
            self.tool("apply_dag_policy", "--status", code=0)
        self.check_nothing_leaked()
        for where, text in self.printed:
            self.assertNotIn("4f9a8b7c", text, where)

    def test_in_decisions_and_approvals(self):
        self.tool("dag_optimization_cycle", "--as-of", AS_OF, "--apply", code=0)
        good = self.ws.decision()
        for i, text in enumerate(TEXTS):
            decision = json.loads(json.dumps(good))
            kind = i % 5
            if kind == 0:
                decision["patch"] = {text: {"before": "0", "after": "10"}}
            elif kind == 1:
                decision["patch"]["DAG_ROLLOUT_PERCENT"]["after"] = text
            elif kind == 2:
                decision["reasons"] = [{"code": "x", "text": text}]
            elif kind == 3:
                decision[text] = text
            else:
                decision["action"] = text
            bad = self.ws.dir / "bad_decision.json"
            self.ws.write(bad, decision)
            approval = self.ws.approvals / "dag_policy_approval_bad.json"
            member = ("decision_digest", "signature", "approved_at", "x")[i % 4]
            self.ws.write(approval, {"schema": "dagloop.policy_approval/1", "approver": "alice",
                                     member: text})
            self.tool("approve_dag_policy", "--decision", bad, "--as", "alice", "--key",
                      self.ws.key_of("alice"), "--yes", "--json")
            if i % 4 == 0:
                self.tool("apply_dag_policy", "--decision", bad, "--apply")
                self.tool("apply_dag_policy", "--decision", self.ws.decision_file, "--approval",
                          approval, "--apply")
            approval.unlink()
        # What an approver signed is kept as it was; nothing above was.
        self.check_nothing_leaked()


class SettingsTest(SecretsTestCase):
    """URIs, flags, configuration, mapping, documents that are none."""

    def test_in_uris_of_servers_that_cannot_be_reached(self):
        for scheme in ("postgresql", "clickhouse", "mysql"):
            for secret in ("hunter2-Secret", "hun/ter?2x"):
                uri = "%s://svc:%s@127.0.0.1:1/prod?password=%s&token=%s" % (scheme, secret, secret,
                                                                           secret)
                self.evaluate("--source", uri)
                self.evaluate("--rollup", uri)
                self.tool("apply_dag_policy", "--status", "--state", uri)
                self.tool("dag_optimization_cycle", "--as-of", AS_OF, "--source", uri, "--apply")
                self.ws.configure({"state": uri})
                self.tool("apply_dag_policy", "--rollback")
                self.ws.configure({"state": "sqlite:" + str(self.ws.state)})
        self.check_nothing_leaked()

    def test_in_flags(self):
        for text, flag in zip(TEXTS, itertools.cycle(
                ("--window", "--as-of", "--baseline", "--source", "--mapping", "--formats",
                 "--log-level", "--unknown", "--rollup", "--dedupe", "--config"))):
            self.evaluate(flag, text)
        self.check_nothing_leaked()

    def test_in_settings_mappings_and_documents_that_are_none(self):
        keys = ("window", "baseline", "state", "gate", "unknown")
        bad = self.ws.dir / "bad.json"
        good = dict(self.ws.settings)
        for i, text in enumerate(TEXTS):
            self.ws.write(bad, {**good, keys[i % len(keys)]: text} if i % 2 else {**good, text: 1})
            self.tool("apply_dag_policy", "--status", "--config", bad)
            self.ws.write(bad, {"schema": "dagloop.mapping/1",
                                "fields": {"status": {"column": "state", text: text}}})
            self.evaluate("--mapping", bad)
            if i % 4 == 0:
                bad.write_text("{%s" % text)
                self.evaluate("--mapping", bad)
                self.tool("dag_quality_gate", "--report", bad)
                self.ws.write(bad, {"schema": "dagloop.quality_report/1", "as_of": text})
                self.tool("decide_dag_policy", "--report", bad)
        self.check_nothing_leaked()


class MemoryTest(LoopTestCase):
    """A tool that dies leaves no core, for its memory holds keys and passwords."""

    @staticmethod
    def aborted_dumps_core(command, directory):
        def allow_core():
            _, most = resource.getrlimit(resource.RLIMIT_CORE)
            resource.setrlimit(resource.RLIMIT_CORE, (most, most))
        with subprocess.Popen(command, cwd=directory, env=clean_environment(),
                              stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                              stderr=subprocess.PIPE, preexec_fn=allow_core) as process:
            pid = process.pid
            deadline = time.monotonic() + 30
            # Until it waits for its standard input.
            while True:
                with open("/proc/%d/syscall" % pid, encoding="ascii") as file:
                    if file.read().startswith("0 0x0 "):
                        break
                if process.poll() is not None or time.monotonic() > deadline:
                    raise AssertionError("%s does not wait for its standard input" % command[0])
                time.sleep(0.01)
            os.kill(pid, signal.SIGABRT)
            _, status = os.waitpid(pid, 0)
            process.returncode = status
        return os.WCOREDUMP(status)

    def test_of_an_approver_whose_tool_is_aborted(self):
        if resource.getrlimit(resource.RLIMIT_CORE)[1] == 0 or os.geteuid() != 0:
            self.skipTest("no core can be written here, or no process be looked at")
        cores = self.ws.dir / "cores"
        cores.mkdir()
        if not self.aborted_dumps_core(["cat"], cores):
            self.skipTest("the system writes no core")
        for core in cores.iterdir():
            core.unlink()
        command = [str(BIN_DIR / "approve_dag_policy"), "--config", str(self.ws.config),
                   "--decision", "-", "--as", "alice", "--key", str(self.ws.key_of("alice")), "--yes"]
        self.assertFalse(self.aborted_dumps_core(command, cores))
        self.assertEqual(list(cores.iterdir()), [])


if __name__ == "__main__":
    unittest.main()
