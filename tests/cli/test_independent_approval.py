"""The canonical form and the approval, written once more from docs/formats.md alone, against the
executables: what is signed here is accepted there, and the other way round."""

import base64
import datetime
import decimal
import hashlib
import json
import os
import random
import struct
import unittest

import ed25519
from support import T0, LoopTestCase, stamp, without_words

SEED = bytes(range(32))

# RFC 8032, 7.1: secret key, public key, message, signature.
VECTORS = (
    ("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
     "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
     "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46b"
     "d25bf5f0595bbe24655141438e7a100b"),
    ("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
     "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
     "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c"
     "387b2eaeb4302aeeb00d291612bb0c00"),
    ("c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
     "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
     "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc659"
     "4a7c15e9716ed28dc027beceea1ec40a"),
)


def number_text(value):
    """Prints a number that was written with a fraction or an exponent."""
    if value == 0:
        return "0"
    sign, digits, exponent = decimal.Decimal(repr(value)).as_tuple()
    text = "".join(map(str, digits)).rstrip("0")
    exponent += len(digits) - len(text)
    power = exponent + len(text) - 1
    scientific = "%s%se%s%02d" % (text[0], "." + text[1:] if text[1:] else "",
                                  "-" if power < 0 else "+", abs(power))
    if exponent >= 0:
        plain = str(int(abs(value)))
    elif power >= 0:
        plain = text[:power + 1] + "." + text[power + 1:]
    else:
        plain = "0." + "0" * (-power - 1) + text
    is_plain = abs(value) < 2.0**63 and len(plain) <= len(scientific)
    return ("-" if sign else "") + (plain if is_plain else scientific)


def string_text(text):
    def escaped(character):
        short = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
        if character in short:
            return short[character]
        code = ord(character)
        return "\\u%04x" % code if code < 0x20 or code == 0x7f else character
    return '"' + "".join(map(escaped, text)) + '"'


def canonical(value):
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, str):
        return string_text(value)
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return number_text(value)
    if isinstance(value, list):
        return "[" + ",".join(map(canonical, value)) + "]"
    members = sorted(value.items(), key=lambda member: member[0].encode())
    return "{" + ",".join(string_text(k) + ":" + canonical(v) for k, v in members) + "}"


def decision_digest(document):
    covered = without_words({key: value for key, value in document.items() if key != "digest"})
    text = "dagloop.policy_decision/1\n" + canonical(covered)
    return hashlib.sha256(text.encode()).hexdigest()


def signed_bytes(approval):
    covered = {key: approval[key]
               for key in ("approved_at", "approver", "decision_digest", "expires_at")}
    return ("dagloop.policy_approval/1\n" + canonical(covered)).encode()


def literals(dice):
    """Numbers in many ways of writing, each with a fraction or an exponent."""
    yield from ("0.0", "-0.0", "0e5", "1.0", "-1.50", "100000.0", "1e5", "1E5", "10000.0", "1e4",
                "0.001", "0.0001", "1e-4", "1.23e-4", "12345.678e-10", "1e21", "1e22", "1e23",
                "123456789012345680000.0", "9007199254740993.0", "9223372036854775807.0",
                "9223372036854774784.0", "1152921504606846976.0", "-9.223372036854775e18", "1.5e300",
                "5e-324", "2.2250738585072014e-308", "1.7976931348623157e308", "0.1", "0.30000000000000004",
                "1.0000000000000002", "4.35", "0.000001", "123e-7", "1e-7", "1e+0", "12e10", "123e9")
    for _ in range(300):
        value, = struct.unpack("<d", struct.pack("<Q", dice.getrandbits(64)))
        if value == value and abs(value) != float("inf"):
            yield repr(value) if set(repr(value)) & set(".e") else repr(value) + ".0"
        digits = dice.randint(1, 10**dice.randint(1, 17))
        yield "%s%de%d" % (dice.choice(("", "-")), digits, dice.randint(-30, 30))
        yield "%d.%d" % (dice.randint(0, 10**dice.randint(0, 9)), dice.randint(0, 10**9))


TEXTS = ["", "\"\\/", "\b\f\n\r\t\x00\x01\x1f\x7f\x80", "é ü ß", "漢字 \U0001F600", "\u2028\u2029", "e\u0301",
         "\uffff\ufffd", "</script>", "a" * 5000]


class IndependentTest(LoopTestCase):
    def setUp(self):
        super().setUp()
        self.quiet_day()
        self.check_code(self.ws.tool("eval_dag_quality", "--as-of", stamp(T0)), 0)
        self.check_code(self.ws.tool("decide_dag_policy", "--report",
                                     self.ws.reports / "dag_quality_latest.json"), 0)
        self.check_code(self.ws.propose(), 0)
        document = json.loads(self.ws.approvers.read_text())
        self.alice_key = base64.b64decode(document["approvers"][0]["public_key"])
        key = base64.b64encode(ed25519.public_key(SEED)).decode()
        document["approvers"].append({"name": "zoë \"z\"", "public_key": key})
        self.ws.write(self.ws.approvers, document)

    def awkward_decision(self):
        """Returns the text of a decision with all kinds of numbers and strings, and its digest."""
        document = self.ws.decision()
        trigger = {**document["triggers"][0], "reason": {"code": "x", "args": {}, "text": "y"}}
        numbers = list(literals(self.dice))
        document["triggers"] = [{**trigger, "value": "@%d@" % at, "sample_count": 2**63 - 1 - at,
                                 "baseline_sample_count": 2**53 + 1, "threshold": "@%d@" % (at + 1)}
                                for at in range(0, len(numbers) - 1, 2)]
        document["reasons"] += [{"code": "text", "args": {"said": text, text[:9] + "k": 1}, "text": "not signed"}
                                for text in TEXTS]
        text = json.dumps(document, ensure_ascii=self.dice.random() < 0.5,
                          indent=self.dice.choice((None, 3)))
        for at, number in enumerate(numbers):
            text = text.replace('"@%d@"' % at, number)
        document = json.loads(text)
        digest = decision_digest(document)
        return text.replace(document["digest"], digest), digest

    def approval(self, digest, expires_at):
        now = datetime.datetime.now(datetime.timezone.utc)
        approval = {"schema": "dagloop.policy_approval/1", "decision_digest": digest,
                    "approver": "zoë \"z\"", "approved_at": stamp(now.replace(microsecond=1000)),
                    "expires_at": expires_at}
        signature = ed25519.sign(SEED, signed_bytes(approval))
        return {**approval, "signature": base64.b64encode(signature).decode()}

    def apply(self, approval, *arguments):
        self.ws.write(self.ws.approval_file, approval)
        return self.ws.tool("apply_dag_policy", "--decision", self.ws.decision_file, "--approval",
                            self.ws.approval_file, *arguments)

    def test_an_approval_made_here_is_accepted_there_whatever_is_in_the_decision(self):
        for seed in range(4):
            self.dice = random.Random(seed)
            text, digest = self.awkward_decision()
            self.ws.decision_file.write_text(text, encoding="utf-8")
            self.check_code(self.ws.propose(), 0)
            approval = self.approval(digest, self.ws.decision()["expires_at"])
            shown = self.check_code(self.apply(approval), 0)
            self.assertIn("the approval holds", shown.stdout)
        self.check_code(self.apply(approval, "--apply"), 0)
        self.assertEqual(self.ws.percent(), 10)

    def test_any_other_byte_of_it_is_refused(self):
        decision = self.ws.decision()
        approval = self.approval(decision["digest"], decision["expires_at"])
        self.check_code(self.apply(approval), 0)
        for member, value in (("approver", "alice"), ("expires_at", "2200-01-01T00:00:00Z"),
                              ("approved_at", "2025-01-01T00:00:00Z"), ("decision_digest", "0" * 64)):
            self.check_code(self.apply({**approval, member: value}), 5)
        signature = base64.b64decode(approval["signature"])
        response = int.from_bytes(signature[32:], "little") + ed25519.ORDER
        for other in (bytes(64), signature[32:] + signature[:32], signature[:32] + bytes(32),
                      signature[:32] + response.to_bytes(32, "little"),
                      ed25519.encode(ed25519.NEUTRAL) + signature[32:]):
            other = base64.b64encode(other).decode()
            self.check_code(self.apply({**approval, "signature": other}), 5)

    def test_an_approval_made_there_holds_here(self):
        decision = self.ws.decision()
        self.assertEqual(decision["digest"], decision_digest(decision))
        self.check_code(self.ws.approve(), 0)
        approval = json.loads(self.ws.approval_file.read_text())
        signature = base64.b64decode(approval["signature"])
        self.assertTrue(ed25519.verify(self.alice_key, signed_bytes(approval), signature))
        changed = {**approval, "approver": "bob"}
        self.assertFalse(ed25519.verify(self.alice_key, signed_bytes(changed), signature))

    def test_a_key_file_holds_the_seed_and_one_written_here_signs_there(self):
        prefix = "dagloop-ed25519-secret-1 "
        text = self.ws.key_of("alice").read_text()
        self.assertTrue(text.startswith(prefix))
        seed = base64.b64decode(text[len(prefix):])
        self.assertEqual(ed25519.public_key(seed), self.alice_key)
        key = self.ws.dir / "z.key"
        key.write_text(prefix + base64.b64encode(SEED).decode() + "\n")
        os.chmod(key, 0o600)
        self.check_code(self.ws.tool("approve_dag_policy", "--decision", self.ws.decision_file,
                                     "--as", "zoë \"z\"", "--key", key, "--yes", "--out",
                                     self.ws.approvals), 0)
        approval = json.loads(self.ws.approval_file.read_text())
        self.assertTrue(ed25519.verify(ed25519.public_key(SEED), signed_bytes(approval),
                                       base64.b64decode(approval["signature"])))

    def test_what_has_no_canonical_form_is_refused(self):
        document = self.ws.decision_file.read_text()
        for bad in ('"\\ud800"', '"\\udc00\\ud800"', '"\udcff"', "9223372036854775808",
                    "-9223372036854775809", "1e999", "NaN", '{"a":1,"a":1}', "[" * 70 + "]" * 70):
            text = document.replace('"reasons":', '"note": %s, "reasons":' % bad, 1)
            self.ws.decision_file.write_bytes(text.encode("utf-8", "surrogateescape"))
            refused = self.ws.tool("apply_dag_policy", "--decision", self.ws.decision_file)
            self.check_code(refused, 2)


class VectorTest(unittest.TestCase):
    def test_this_ed25519_is_that_of_rfc_8032(self):
        for secret, public, message, signature in VECTORS:
            secret, public, message, signature = map(bytes.fromhex,
                                                     (secret, public, message, signature))
            self.assertEqual(ed25519.public_key(secret), public)
            self.assertEqual(ed25519.sign(secret, message), signature)
            self.assertTrue(ed25519.verify(public, message, signature))
            self.assertFalse(ed25519.verify(public, message + b"x", signature))


if __name__ == "__main__":
    unittest.main()
