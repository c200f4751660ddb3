"""Whatever is fed in as a value, no other key, line or code comes of it in the env file."""

import hashlib
import json
import os
import random
import resource
import subprocess
import unittest

from fault_trials import EVERY
from support import T0, LoopTestCase, stamp, without_words

MIB = 1 << 20
MAX_CPU_S = 1.0 if EVERY == 1 else 10.0  # in slow builds

FRAGMENTS = ["\n", "\r", "\r\n", "\0", "\x1b[2K", " ", "\t", "#", " #", "=", "'", '"', "\\", "\\\n",
             "$", "$(touch CANARY)", "`touch CANARY`", "${HOME}", ";touch CANARY;", "&& touch CANARY",
             "|sh", ">CANARY", "(", ")", "*", "~", "%", "!", "\u2028", "\u2029", "\u0085", "\u00a0",
             "\u202e", "\ufeff", "x", "10", "OTHER=1", "\nOTHER=1\n", "export X=1", "é", "😀", "\x7f"]

PLAIN = ["10", "a.b,c:d/e+f-g_h", "-x", "+1", ":", "/bin/sh", "..", "A" * 300]


def hostile_values():
    """Returns fragments alone, then mixed at random from a fixed seed."""
    mixer = random.Random(20260225)
    mixed = ["".join(mixer.choices(FRAGMENTS, k=mixer.randint(2, 5))) for _ in range(40)]
    hostile = [value for value in FRAGMENTS + mixed if not is_plain(value)]
    return hostile[::1 if EVERY == 1 else 4]


def is_plain(value):
    return bool(value) and all(c.isascii() and (c.isalnum() or c in "_.,:/+-") for c in value)


def canonical(value):
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.replace("\x7f", "\\u007f")


def by_systemd(text):
    """Reads an env file by the rules of systemd's EnvironmentFile=."""
    found = {}
    at = 0
    while at < len(text):
        end = text.find("\n", at)
        end = len(text) if end < 0 else end
        start = text[at:end].lstrip(" \t")
        if not start or start[0] in "#;":
            at = end + 1
            continue
        key, value, at = systemd_assignment(text, at)
        if key:
            found[key] = value
    return found


def systemd_assignment(text, at):
    equals = text.find("=", at)
    end = text.find("\n", at)
    if equals < 0 or 0 <= end < equals:
        return "", "", (len(text) if end < 0 else end + 1)
    key = text[at:equals].strip(" \t\r")
    at = equals + 1
    value, quote, blanks = "", "", ""
    while at < len(text):
        c = text[at]
        at += 1
        if quote:
            if c == quote:
                quote = ""
            elif quote == '"' and c == "\\" and at < len(text):
                if text[at] in '"\\`$':
                    value += text[at]
                elif text[at] != "\n":
                    value += "\\" + text[at]
                at += 1
            else:
                value += c
        elif c == "\n":
            break
        elif c in "'\"" and not value:
            quote = c
        elif c == "\\" and at < len(text):
            value, blanks = value + blanks + (text[at] if text[at] != "\n" else ""), ""
            at += 1
        elif c in " \t\r":
            blanks += c if value else ""
        else:
            value, blanks = value + blanks + c, ""
    return key, value, at


# Other keys of the service, as hostile as its readers bear.
OTHERS = """\
# $(touch CANARY) `touch CANARY`
F1='$(touch CANARY) `touch CANARY` # no comment
DAG_ROLLOUT_PERCENT=99
second line'
F2="\\$(touch CANARY) \\"quoted\\" \\\\ "
export F3=plain # 'comment
F4=''
F5='a=b=c;d|e&f>g<h*i?~'
"""


class HostileTestCase(LoopTestCase):
    def setUp(self):
        super().setUp()
        self.quiet_day()
        self.env_text = OTHERS + "DAG_ROLLOUT_PERCENT=0\nMODE=%s\nLAST='z'" % "off"
        self.ws.env_file.write_text(self.env_text)
        self.allow(["off"])
        self.check_code(self.ws.tick(T0), 0)
        self.good = self.ws.decision()

    def allow(self, values, **members):
        key = {"name": "MODE", "type": "enum", "values": values, "default": values[0], "owner": "o",
               "description": "d", **members}
        rollout = {"name": "DAG_ROLLOUT_PERCENT", "type": "int", "min": 0, "max": 100,
                   "default": "0", "owner": "o", "description": "d"}
        self.ws.write(self.ws.allowlist,
                      {"schema": "dagloop.policy_allowlist/1", "keys": [rollout, key]})

    def decide(self, patch):
        """Writes a decision as a hand that knows its digest would."""
        decision = {key: value for key, value in self.good.items() if key != "digest"}
        decision["patch"] = patch
        signed = "dagloop.policy_decision/1\n" + canonical(without_words(decision))
        decision["digest"] = hashlib.sha256(signed.encode("utf-8", "surrogatepass")).hexdigest()
        self.ws.write(self.ws.decision_file, decision)

    def run_measured(self, function):
        """Runs a tool; none may take long or end by a bug."""
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        result = function()
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        self.assertLess(cpu, MAX_CPU_S, str(result)[:2000])
        self.assertIn(result.code, (0, 1, 2, 3, 4, 5, 6, 7), str(result)[:2000])
        self.assertNotRegex(result.stdout + result.stderr, "[\x00-\x08\x0b-\x1f\x7f]")
        return result

    def try_to_apply(self, patch):
        self.decide(patch)
        self.proposed = self.run_measured(self.ws.propose)
        approved = self.run_measured(self.ws.approve)
        if approved.code != 0:
            return approved
        return self.run_measured(lambda: self.ws.tool(
            "apply_dag_policy", "--decision", self.ws.decision_file, "--approval",
            self.ws.approval_file, "--apply"))

    def by_shell(self):
        """Returns what the env file sets in a real shell."""
        ran = subprocess.run(["env", "-i", "PATH=" + os.environ["PATH"], "sh", "-c",
                              'set -a; . ./service.env; exec env -0'], cwd=self.ws.dir,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60, check=True)
        self.assertEqual(ran.stderr, b"")
        pairs = (entry.split("=", 1) for entry in ran.stdout.decode().split("\0") if entry)
        return {key: value for key, value in pairs if key not in ("PATH", "PWD", "_", "SHLVL")}

    def check_env(self, **changed):
        """The env file says what it said before, but for the keys that were meant."""
        text = self.ws.env_file.read_text()
        self.assertEqual({**self.shell_before, **changed}, self.by_shell())
        self.assertEqual({**by_systemd(self.env_text), **changed}, by_systemd(text))
        self.assertFalse((self.ws.dir / "CANARY").exists())
        if not changed:
            self.assertEqual(text, self.env_text)

    @property
    def shell_before(self):
        now = self.ws.env_file.read_text()
        self.ws.env_file.write_text(self.env_text)
        before = self.by_shell()
        self.ws.env_file.write_text(now)
        return before


class DecisionTest(HostileTestCase):
    def test_a_hostile_value_that_the_allowlist_allows_is_refused(self):
        for value in hostile_values():
            with self.subTest(value=value):
                self.allow(["off", value])
                result = self.try_to_apply({"MODE": {"before": "off", "after": value}})
                self.assertEqual(result.code, 2, str(result))
                self.assertEqual(self.ws.env_file.read_text(), self.env_text)
        self.check_env()

    def test_a_plain_value_becomes_exactly_itself(self):
        for value in PLAIN:
            with self.subTest(value=value):
                self.allow(["off", value])
                result = self.try_to_apply({"MODE": {"before": "off", "after": value}})
                self.check_code(result, 0)
                self.check_env(MODE=value)
                self.ws.env_file.write_text(self.env_text)
                for path in self.ws.state.parent.iterdir():
                    path.unlink()

    def test_a_hostile_value_before_is_refused(self):
        for value in hostile_values()[::2]:
            with self.subTest(value=value):
                self.allow(["off", "on", value])
                result = self.try_to_apply({"MODE": {"before": value, "after": "on"}})
                self.assertIn(result.code, (2, 6), str(result))
        self.check_env()

    def test_a_hostile_key_is_refused(self):
        for value in hostile_values()[::2] + ["F1", "PATH", "MODE\n", "MODE=off\nX"]:
            with self.subTest(value=value):
                result = self.try_to_apply({value: {"before": "off", "after": "on"}})
                # It is not even proposed, so to apply it is to apply what does not wait.
                self.assertEqual(self.proposed.code, 2, str(self.proposed))
                self.assertIn(result.code, (2, 5), str(result))
        self.check_env()


class PolicyFilesTest(HostileTestCase):
    def test_a_hostile_default_or_name_of_the_allowlist_changes_nothing(self):
        for value in hostile_values()[::3]:
            with self.subTest(value=value):
                self.allow([value, "off"])
                self.run_measured(lambda: self.ws.tick(T0, "--apply"))
                self.allow(["off"], name=value)
                self.run_measured(lambda: self.ws.tick(T0, "--apply"))
        self.check_env()

    def test_a_hostile_operand_of_a_rule_is_never_written(self):
        when = [{"kpi": "pipeline_success_rate", "comparator": ">=", "threshold": 0.5,
                 "min_sample": 1}]
        for value in hostile_values()[::3]:
            with self.subTest(value=value):
                self.allow(["off", value])
                self.ws.write(self.ws.rules, {"schema": "dagloop.policy_rules/1", "rules": [
                    {"id": "r", "group": "g", "rank": 1, "when": when, "reason": "r",
                     "expected_effect": "e",
                     "then": {"env_key": "MODE", "operation": "set", "operand": value}}]})
                for _ in range(2):
                    tick = self.run_measured(lambda: self.ws.tick(T0, "--apply"))
                    if tick.code == 0 and self.ws.approve().code != 0:
                        break
                self.assertIn(self.by_shell()["MODE"], ("off",))
                self.ws.env_file.write_text(self.env_text)
                for path in self.ws.state.parent.iterdir():
                    path.unlink()
        self.check_env()


class PresentValueTest(HostileTestCase):
    def test_a_hostile_value_of_the_key_itself_is_never_guessed(self):
        for value in hostile_values()[::2]:
            if "\0" in value:
                continue
            for line in ("MODE=%s", "MODE='%s'", 'MODE="%s"'):
                with self.subTest(value=value, line=line):
                    text = self.env_text.replace("MODE=off", line % value)
                    self.ws.env_file.write_bytes(text.encode())
                    tick = self.run_measured(lambda: self.ws.tick(T0, "--apply"))
                    kept = self.ws.env_file.read_bytes()
                    self.assertEqual(kept, text.encode(), str(tick))
        self.assertFalse((self.ws.dir / "CANARY").exists())


class LengthTest(HostileTestCase):
    """A mebibyte in every way in: refused within a second of computing."""

    def check_all(self, value):
        self.allow(["off", "on", value])
        result = self.try_to_apply({"MODE": {"before": "off", "after": value}})
        self.assertEqual(result.code, 2, str(result)[:2000])
        self.try_to_apply({"MODE": {"before": value, "after": "on"}})
        self.try_to_apply({value: {"before": "off", "after": "on"}})
        self.allow([value, "off"])
        self.run_measured(lambda: self.ws.tick(T0))
        self.allow(["off"], name=value)
        self.run_measured(lambda: self.ws.tick(T0))
        self.allow(["off"])
        self.check_env()
        for line in ("MODE='%s'", "OTHER='%s'", "MODE=%s", "%s", "# %s"):
            self.ws.env_file.write_text(self.env_text.replace("LAST='z'", line % value))
            self.run_measured(lambda: self.ws.tick(T0))
            self.run_measured(lambda: self.ws.tool("apply_dag_policy", "--rollback"))
        self.ws.env_file.write_text(self.env_text)
        for member in ("approver", "decision_digest", "approved_at"):
            self.check_approval({"approver": "alice", member: value})

    def check_approval(self, members):
        approval = {"schema": "dagloop.policy_approval/1", **members}
        self.ws.write(self.ws.approval_file, approval)
        self.run_measured(lambda: self.ws.tool("apply_dag_policy", "--decision",
                                               self.ws.decision_file, "--approval",
                                               self.ws.approval_file, "--apply"))

    def test_of_hostile_text(self):
        for unit in ("$(touch CANARY)\n", "\\\"", "😀"):
            self.check_all(unit * (MIB // len(unit)))

    def test_of_letters(self):
        self.check_all("A" * MIB)


if __name__ == "__main__":
    unittest.main()
