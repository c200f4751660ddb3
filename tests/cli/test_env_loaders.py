"""Who reads the env file: --explain-env, what a tick refuses, and the loaders themselves.

The twins of the loaders are compared with tests/golden/env_readings.jsonl by
tests/unit/policy/env_reading_corpus_test.cpp; here that record is compared with those that are
installed. scripts/record_env_readings.py makes it.
"""

import json
import unittest

import env_loaders
from support import ENV_TEXT, SECRETS, SOURCE_DIR, T0, LoopTestCase, hours, stamp

RECORDED = SOURCE_DIR / "tests" / "golden" / "env_readings.jsonl"
PERCENT = "DAG_ROLLOUT_PERCENT"


class ExplainEnvTest(LoopTestCase):
    def explain(self, loader, text, code, *arguments):
        self.ws.env_file.write_text(text)
        self.ws.configure({"policy": {"loader": loader}})
        before = self.ws.fingerprint()
        result = self.check_code(
            self.ws.tool("dag_optimization_cycle", "--explain-env", *arguments), code)
        self.assertEqual(self.ws.fingerprint(), before)
        return result

    def test_all_readers_of_every_key_are_shown(self):
        result = self.explain("systemd", "A=1\n%s=10 # x\n" % PERCENT, 2)
        self.assertIn("loader systemd\n", result.stdout)
        self.assertIn("%s: 10 (line 2)\n" % PERCENT, result.stdout)
        self.assertIn("    systemd          10 # x (line 2)  <- otherwise\n", result.stdout)
        self.assertIn("    docker           10 # x (line 2)  (otherwise, not asked)\n", result.stdout)
        self.assertIn("    dotenv (node)    10 (line 2)\n", result.stdout)
        self.assertIn("DAG_NODE_TIMEOUT_MS: not in the file, the same for all\n", result.stdout)
        self.assertIn("service.env:2: %s is not the same for all" % PERCENT, result.stderr)

    def test_the_code_is_that_of_the_configured_loader(self):
        text = "export %s='10' # x\n" % PERCENT
        for loader, code in (("any", 2), ("systemd", 2), ("docker", 2), ("shell", 0), ("dotenv", 0)):
            document = self.explain(loader, text, code, "--json").document()
            self.assertEqual(document["schema"], "dagloop.env_explanation/1")
            self.assertEqual(document["loader"], loader)
            self.assertEqual(document["agrees"], code == 0)
            key = next(each for each in document["keys"] if each["key"] == PERCENT)
            self.assertEqual((key["value"], key["line"]), ("10", 1))
            self.assertEqual([reader["reader"] for reader in key["readers"]],
                             ["systemd", "docker", "shell", "dotenv (node)", "dotenv (python)",
                              "dotenv (ruby)", "dotenv (go)"])
            self.assertEqual([reader["sees"] for reader in key["readers"]],
                             ["nothing", "stop"] + ["value"] * 5)

    def test_no_secret_of_the_file_is_shown(self):
        result = self.explain("any", ENV_TEXT.replace("loop", "loop, password: hunter2-Secret"), 2)
        self.assertNotIn(SECRETS[0], result.stdout + result.stderr)

    def test_the_example_is_the_same_for_all(self):
        example = (SOURCE_DIR / "examples" / "service.env").read_text()
        result = self.explain("any", example, 0)
        self.assertEqual(result.stdout.count("the same for all"), len(result.stdout.splitlines()) - 1)

    def test_an_unknown_loader_is_refused(self):
        self.ws.configure({"policy": {"loader": "compose"}})
        result = self.ws.tool("dag_optimization_cycle", "--explain-env")
        self.check_code(result, 2)
        self.assertIn("loader", result.stderr)


class LoaderTest(LoopTestCase):
    def configure(self, loader):
        self.ws.configure({"policy": {"loader": loader}})

    def test_a_tick_refuses_what_the_loader_reads_otherwise(self):
        self.quiet_day()
        for loader in ("any", "systemd", "docker"):
            self.configure(loader)
            result = self.check_code(self.ws.tick(T0), 2)
            self.assertIn(PERCENT, result.stderr)
            self.assertIn("systemd" if loader != "docker" else "docker", result.stderr)
        self.assertEqual(self.ws.env_file.read_text(), ENV_TEXT)
        self.configure("shell")
        self.check_tick(T0, 0)

    def test_a_way_back_is_not_held_up(self):
        self.first_step()
        self.configure("any")
        self.ws.env_file.write_text(self.ws.env_file.read_text() + "\nexport LANG\n")
        result = self.check_code(
            self.ws.tool("apply_dag_policy", "--apply", "--rollback"), 0)
        self.assertEqual(self.ws.percent(), 0)
        self.assertIn("is not the same for all", result.stdout + result.stderr)

    def test_a_rollback_that_a_tick_decides_is_not_held_up_either(self):
        self.ready_to_roll_back()
        self.configure("any")
        self.check_tick(T0 + hours(2), 7)
        self.assertEqual(self.ws.env_file.read_text(), ENV_TEXT)

    def test_nor_is_the_one_that_a_report_asks_for_after_the_verification(self):
        self.first_step()
        self.ws.log.runs(T0, hours(8), 160, cohort="canary")
        self.ws.log.runs(T0, hours(8), 160, cohort="control")
        self.check_tick(T0 + hours(7), 0)
        self.configure("any")
        self.ws.log.runs(T0 + hours(8), hours(4), 200, cohort="canary", failed=80)
        self.ws.log.runs(T0 + hours(8), hours(4), 200, cohort="control")
        report = self.check_code(self.ws.tool("eval_dag_quality", "--json", "--as-of",
                                              stamp(T0 + hours(12))), 0)
        decided = self.ws.tool("decide_dag_policy", "--report", "-", stdin=report.stdout)
        self.assertIn("rollback from 10 % to 0 %", self.check_code(decided, 1).stdout)
        self.check_tick(T0 + hours(12), 1)
        self.assertEqual(self.ws.env_file.read_text(), ENV_TEXT)

    def test_but_nothing_else_is_done_meanwhile(self):
        self.first_step()
        self.configure("any")
        self.ws.log.runs(T0, hours(8), 160, cohort="canary")
        self.ws.log.runs(T0, hours(8), 160, cohort="control")
        self.check_code(self.ws.tick(T0 + hours(6)), 2)


class RecordTest(unittest.TestCase):
    def test_the_record_is_what_the_installed_loaders_read(self):
        documents = [json.loads(line) for line in RECORDED.read_text().splitlines()]
        self.assertGreater(len(documents), 300)
        texts = [bytes.fromhex(document["hex"]) if "hex" in document else document["text"].encode()
                 for document in documents]
        here = [loader for loader in env_loaders.LOADERS if loader.is_here]
        self.assertIn("bash", [loader.name for loader in here])
        for loader in here:
            for document, reading in zip(documents, env_loaders.readings_of(loader, texts)):
                recorded = next(group[1] for group in document["readings"]
                                if loader.name in group[0])
                self.assertEqual(reading, recorded, "%s: %r" % (loader.name, document))


if __name__ == "__main__":
    unittest.main()
