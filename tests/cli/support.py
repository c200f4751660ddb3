"""Drives the built executables: workspaces, logs, approvals, and looks at what they left behind.

Binaries are taken from DAGLOOP_BIN_DIR, shipped configuration from DAGLOOP_SOURCE_DIR.
"""

import base64
import datetime
import hashlib
import json
import os
import pathlib
import shutil
import sqlite3
import subprocess
import tempfile
import unittest

import ed25519

SOURCE_DIR = pathlib.Path(
    os.environ.get("DAGLOOP_SOURCE_DIR", pathlib.Path(__file__).resolve().parents[2]))
BIN_DIR = pathlib.Path(os.environ.get("DAGLOOP_BIN_DIR", SOURCE_DIR / "build" / "debug" / "bin"))

T0 = datetime.datetime(2025, 6, 2, tzinfo=datetime.timezone.utc)
TOOL_TIMEOUT_S = 60

os.umask(0o022)  # what everybody may write is refused

ENV_TEXT = """\
# service settings; keep this comment
DATABASE_URL=postgresql://svc:hunter2-Secret@db.internal/prod
export API_TOKEN="tok_4f9a8b7c6d5e4f3a2b1c0d9e"

DAG_ROLLOUT_PERCENT='0'   # moved by the loop
DAG_NODE_TIMEOUT_MS=30000
DAG_NODE_MAX_ATTEMPTS=3
PLAIN_NAME=value without newline at the end"""

SECRETS = ("hunter2-Secret", "tok_4f9a8b7c6d5e4f3a2b1c0d9e")


def hours(count):
    return datetime.timedelta(hours=count)


def minutes(count):
    return datetime.timedelta(minutes=count)


def stamp(time):
    """Prints a time as RFC 3339 with milliseconds."""
    return time.strftime("%Y-%m-%dT%H:%M:%S.") + "%03dZ" % (time.microsecond // 1000)


def parse_stamp(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


WORDS = {"text": "code", "evidence": "met", "clipped": "clip", "expected_effect": "rule_effect",
         "assumption": "model"}


def without_words(value):
    """Leaves out what is said in words of a member beside it."""
    if isinstance(value, list):
        return [without_words(each) for each in value]
    if not isinstance(value, dict):
        return value
    return {key: without_words(each) for key, each in value.items()
            if key not in WORDS or WORDS[key] not in value}


def write_shipped_allowlist(path):
    """Writes the text alone: a checkout's files may be a group's to write, and that is refused."""
    shutil.copyfile(SOURCE_DIR / "config" / "policy_allowlist.json", path)


def lay_over(settings, overrides):
    """Lays `overrides` over a configuration, section by section."""
    for key, value in overrides.items():
        if isinstance(value, dict):
            settings.setdefault(key, {}).update(value)
        else:
            settings[key] = value


class Result:
    """What a tool's run came to."""

    def __init__(self, completed):
        self.code = completed.returncode
        self.stdout = completed.stdout
        self.stderr = completed.stderr

    def document(self):
        return json.loads(self.stdout)

    def __str__(self):
        return "exit %d\n--- stdout\n%s--- stderr\n%s" % (self.code, self.stdout, self.stderr)


# Of a sanitized build: leaks cannot be looked for under strace, nor without descriptors.
NO_LEAK_CHECK = {"ASAN_OPTIONS": "detect_leaks=0"}


def clean_environment(extra=None):
    """Returns the environment without settings of the loop, so that a developer's never count."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("DAGLOOP_")}
    environment.update(extra or {})
    return environment


def run_tool(name, *arguments, cwd=None, env=None, stdin=None):
    completed = subprocess.run(
        [str(BIN_DIR / name), *[str(argument) for argument in arguments]], cwd=cwd,
        env=clean_environment(env), input=stdin, stdin=None if stdin else subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=TOOL_TIMEOUT_S,
        check=False)
    return Result(completed)


class Log:
    """Writes an execution log in the words of the data contract."""

    def __init__(self, path):
        self.path = pathlib.Path(path)
        self.next_id = 1
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.touch()

    def lines(self, *lines):
        with self.path.open("a", encoding="utf-8") as file:
            for line in lines:
                file.write(line if isinstance(line, str) else json.dumps(line))
                file.write("\n")

    def runs(self, start, length, count, **shape):
        """Adds `count` runs that end evenly spread over [start, start + length).

        Shape: cohort; failed (how many, spread evenly) with error_code; duration_ms; retried (how
               many runs have a failed first attempt); unverified (runs with a
               verification_reason); fields (more members of the run records).
        """
        records = []
        for i in range(count):
            end = start + length * i / count
            records.extend(self._run(end, i, count, shape))
        self.lines(*records)

    def _run(self, end, i, count, shape):
        def is_one_of(name):
            share = shape.get(name, 0)
            return (i + 1) * share // count > i * share // count

        failed = is_one_of("failed")
        common = {"pipeline_run_id": "run-%06d" % self.next_id, "execution_mode": "dag"}
        self.next_id += 1
        if shape.get("cohort"):
            common["cohort"] = shape["cohort"]
        duration = shape.get("duration_ms", 1000)
        attempts = [{"attempt": 1, "status": "failed" if failed else "succeeded"}]
        if is_one_of("retried"):
            attempts = [{"attempt": 1, "status": "failed"}, {"attempt": 2, "status": "succeeded"}]
        for attempt in attempts:
            yield {**common, **attempt, "created_at": stamp(end), "node_id": "n1",
                   "node_type": "skill", "duration_ms": duration / 2}
        run = {**common, "request_id": "req-" + common["pipeline_run_id"], "created_at": stamp(end),
               "user_id": "user-private-7", "status": "failed" if failed else "succeeded",
               "duration_ms": duration}
        if failed:
            run["error_code"] = shape.get("error_code", "TOOL_TIMEOUT")
        if is_one_of("unverified"):
            run["verification_reason"] = "count differs"
        run.update(shape.get("fields", {}))
        yield run


class Workspace:
    """One service with its env file, log, configuration, approver and loop, in one directory."""

    def __init__(self, directory):
        self.dir = pathlib.Path(directory)
        self.env_file = self.dir / "service.env"
        self.reports = self.dir / "reports"
        self.approvals = self.dir / "approvals"
        self.state = self.dir / "state" / "loop.db"
        self.allowlist = self.dir / "allowlist.json"
        self.rules = self.dir / "rules.json"
        self.approvers = self.dir / "approvers.json"
        self.config = self.dir / "config.json"
        self.log = Log(self.dir / "logs" / "runs.jsonl")
        self.settings = self._settings()

    def fill(self):
        """Writes the files of a service at 0 % that was never touched by the loop."""
        self.env_file.write_text(ENV_TEXT)
        os.chmod(self.env_file, 0o640)
        self.approvals.mkdir()
        write_shipped_allowlist(self.allowlist)
        self.write(self.rules, {"schema": "dagloop.policy_rules/1", "rules": []})
        self.configure({})

    def _settings(self):
        return {
            "window": "1d",
            "input": {"sources": [str(self.log.path)], "max_age": "6h"},
            # The figures alone: a hundred runs tell a story. test_sequential_evidence.py has the rest.
            "decision": {"soak": "6h", "cooldown": "1d", "min_sample": 20, "evidence": "point"},
            "policy": {"env_file": str(self.env_file), "loader": "shell", "allowlist": str(self.allowlist),
                       "rules": str(self.rules), "approvers": str(self.approvers),
                       "approvals_dir": str(self.approvals)},
            "state": "sqlite:" + str(self.state),
            "reports": {"dir": str(self.reports), "formats": ["json", "md"]},
        }

    def configure(self, overrides):
        """Lays `overrides` over the settings and writes the file."""
        lay_over(self.settings, overrides)
        self.write(self.config, self.settings)

    @staticmethod
    def write(path, document):
        pathlib.Path(path).write_text(json.dumps(document, indent=2))

    def tool(self, name, *arguments, **options):
        return run_tool(name, "--config", self.config, *arguments, cwd=self.dir, **options)

    def tick(self, as_of, *arguments, **options):
        return self.tool("dag_optimization_cycle", "--json", "--as-of", stamp(as_of), *arguments,
                         **options)

    def key_of(self, name):
        return self.dir / (name + ".key")

    def add_approver(self, name):
        """Makes a key pair and puts its entry into the approvers file."""
        made = run_tool("approve_dag_policy", "--init-key", "--key", self.key_of(name), "--as",
                        name, cwd=self.dir)
        if made.code != 0:
            raise AssertionError("no key: %s" % made)
        document = {"approvers": []}
        if self.approvers.exists():
            document = json.loads(self.approvers.read_text())
        document["approvers"].append(made.document())
        self.write(self.approvers, document)

    @property
    def decision_file(self):
        return self.reports / "dag_policy_decision_latest.json"

    @property
    def approval_file(self):
        return self.approvals / "dag_policy_approval_latest.json"

    def decision(self):
        return json.loads(self.decision_file.read_text())

    def approve(self, name="alice", decision=None):
        return self.tool("approve_dag_policy", "--decision", decision or self.decision_file, "--as",
                         name, "--key", self.key_of(name), "--yes", "--out", self.approvals)

    def propose(self, decision=None):
        """Makes a decision the one that the state holds as proposed."""
        return self.tool("apply_dag_policy", "--decision", decision or self.decision_file,
                         "--propose", "--apply")

    def approve_elsewhere(self, name, key_of=None):
        """Approves on a machine whose approvers file has this name with this key, and no other.

        There the approval holds; here it may not.
        """
        key = self.key_of(key_of or name)
        seed = base64.b64decode(key.read_text().split()[1])
        public_key = base64.b64encode(ed25519.public_key(seed)).decode()
        approvers = self.dir / "elsewhere_approvers.json"
        self.write(approvers, {"approvers": [{"name": name, "public_key": public_key}]})
        config = self.dir / "elsewhere.json"
        policy = {**self.settings["policy"], "approvers": str(approvers), "approval_people": 1}
        self.write(config, {**self.settings, "policy": policy})
        return run_tool("approve_dag_policy", "--config", config, "--decision", self.decision_file,
                        "--as", name, "--key", key, "--yes", "--out", self.approvals, cwd=self.dir)

    def status(self):
        return self.tool("apply_dag_policy", "--status").document()

    def verify_journal(self):
        return self.tool("apply_dag_policy", "--verify-journal")

    def journal(self):
        """Returns the journal's events, as stored."""
        if not self.state.exists():
            return []
        with sqlite3.connect("file:%s?mode=ro" % self.state, uri=True) as database:
            rows = database.execute("SELECT document FROM journal ORDER BY sequence").fetchall()
        return [json.loads(row[0]) for row in rows]

    def events(self):
        """Returns the types of the journal's events, but for ticks that only counted."""
        types = [event["type"] for event in self.journal()]
        return [each for each in types if each != "observed"]

    def percent(self):
        for line in self.env_file.read_text().splitlines():
            if line.startswith("DAG_ROLLOUT_PERCENT="):
                return int(line.split("=")[1].split()[0].strip("'\""))
        raise AssertionError("no rollout key")

    def replace_by(self, other):
        """Becomes a copy of another workspace; paths in its configuration follow."""
        text = self.config.read_text()
        shutil.rmtree(self.dir)
        shutil.copytree(other.dir, self.dir)
        self.config.write_text(text)

    def fingerprint(self):
        """Returns every file's hash but the reports'."""
        return {str(path.relative_to(self.dir)): hashlib.sha256(path.read_bytes()).hexdigest()
                for path in sorted(self.dir.rglob("*"))
                if path.is_file() and self.reports not in path.parents}


class LoopTestCase(unittest.TestCase):
    """A test with a workspace of its own."""

    maxDiff = None

    def setUp(self):
        directory = tempfile.mkdtemp(prefix="dl_")
        self.addCleanup(shutil.rmtree, directory)
        self.ws = Workspace(directory)
        self.ws.fill()
        self.ws.add_approver("alice")

    def check_code(self, result, code):
        self.assertEqual(result.code, code, str(result))
        return result

    def check_tick(self, as_of, code, *arguments):
        """Runs an applying tick and returns its result document."""
        result = self.check_code(self.ws.tick(as_of, "--apply", *arguments), code)
        return result.document()

    def check_reason(self, document, code):
        codes = [reason["code"] for reason in document["decision"]["reasons"]]
        self.assertIn(code, codes, json.dumps(document, indent=1))

    def check_note(self, document, words):
        self.assertTrue(any(words in note for note in document["notes"]), document["notes"])

    def quiet_day(self, until=T0):
        """Two days of good runs without cohorts before `until`: the ground for a first step."""
        self.ws.log.runs(until - hours(48), hours(48), 480)

    def promote(self, as_of, expected_percent):
        """Proposes, approves and applies one step at `as_of`."""
        proposed = self.check_tick(as_of, 0)
        self.assertEqual(proposed["phase"], "proposed", proposed)
        self.check_code(self.ws.approve(), 0)
        applied = self.check_tick(as_of, 0)
        self.assertEqual(applied["phase"], "verifying", applied)
        self.assertEqual(self.ws.percent(), expected_percent)

    def ready_to_apply(self, hook=("/bin/sh", "-c", "true")):
        """Proposes and approves the first step; the next tick at T0 applies it."""
        self.ws.configure({"policy": {"reload": list(hook)}})
        self.quiet_day()
        self.check_tick(T0, 0)
        self.check_code(self.ws.approve(), 0)

    def ready_to_roll_back(self):
        """Brings the service to 10 %, where it burns: the next tick at T0 + 2 h rolls back."""
        self.first_step()
        self.ws.log.runs(T0, hours(2), 100, cohort="canary", failed=30)
        self.ws.log.runs(T0, hours(2), 100, cohort="control")

    def first_step(self):
        """Brings the service to 10 % at T0, under verification."""
        self.quiet_day()
        self.promote(T0, 10)
