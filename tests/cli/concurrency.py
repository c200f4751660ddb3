"""For tests: ticks, an operator's apply and an operator's rollback at once, as real processes, and
an editor, too.

Each round begins with a copy of a prepared service, starts its processes together in an order and
with delays from a seed, and is then looked at by an oracle that reads the journal by itself.
"""

import collections
import ctypes
import datetime
import hashlib
import json
import os
import pathlib
import re
import shutil
import sqlite3
import subprocess
import tempfile
import threading
import time
import unittest

from support import BIN_DIR, ENV_TEXT, Workspace, clean_environment, hours

ALLOWED_CODES = {0, 1, 3, 5, 6, 7}
TICK = "dag_optimization_cycle"
KEY = "DAG_ROLLOUT_PERCENT"
# What a tool says that has made a change, or finished one that it found interrupted.
SAID = {"applied": "^applied|^an interrupted apply .* was finished",
        "rolled_back": "^rolled back|is back in force|the reload hook failed$|"
                       "^an interrupted rollback .* was (finished|carried out)"}
RENAME_EXCHANGE = 2
AT_FDCWD = -100
LIBC = ctypes.CDLL(None, use_errno=True)


def exchange(one, other):
    """Exchanges two files in one step (renameat2)."""
    if LIBC.renameat2(AT_FDCWD, os.fsencode(one), AT_FDCWD, os.fsencode(other), RENAME_EXCHANGE):
        raise OSError(ctypes.get_errno(), "renameat2")


class Editor:
    """Puts numbered comment lines on top of a file and loses nobody's edit: what it took out by the
    exchange must be what it had read, else the line is put on top of what it took out."""

    def __init__(self, path):
        self.path = pathlib.Path(path)
        self.mine = self.path.with_name(self.path.name + ".editor")
        self.made = []

    def edit(self):
        line = b"# edit %d\n" % len(self.made)
        base = self.path.read_bytes()
        new = line + base
        while True:
            self.mine.write_bytes(new)
            self.mine.chmod(0o640)
            exchange(self.mine, self.path)
            found = self.mine.read_bytes()
            if found == base:
                break
            # A tool may have carried the line over into its own content meanwhile.
            base, new = new, found if line in found.splitlines(keepends=True) else line + found
        self.mine.unlink()
        self.made.append(line.decode().strip())

    def edit_after(self, delays):
        for delay in delays:
            time.sleep(delay)
            self.edit()


def canonical(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def sha256(text):
    return hashlib.sha256(text.encode()).hexdigest()


class Scene:
    """A prepared service, put into place anew before each round."""

    def __init__(self, test, name):
        self.test = test
        self.name = name
        self.kept = test.ws.dir.parent / name
        shutil.copytree(test.ws.dir, self.kept)
        test.keep_state(name)

    def put_in_place(self):
        shutil.rmtree(self.test.ws.dir)
        shutil.copytree(self.kept, self.test.ws.dir)
        self.test.put_state_back(self.name)


class Oracle:
    """Reads journal, state and env file of a workspace after a round."""

    def __init__(self, test, tools):
        self.test = test
        self.tools = tools
        self.texts, self.row = test.stored()
        self.entries = [json.loads(text) for text in self.texts]
        self.state = json.loads(self.row[1])
        self.env = test.ws.env_file.read_text()

    def check_chain(self):
        previous = "0" * 64
        for number, (text, entry) in enumerate(zip(self.texts, self.entries), 1):
            self.test.assertEqual(text, canonical(entry))
            covered = {key: value for key, value in entry.items() if key != "hash"}
            self.test.assertEqual(entry["hash"], sha256(canonical(covered)))
            self.test.assertEqual((entry["sequence"], entry["previous_hash"]), (number, previous))
            previous = entry["hash"]
        self.test.assertEqual(self.row[2], previous)
        self.test.assertEqual(self.entries[-1]["state_sha256"],
                              sha256("%d\n%s" % (self.row[0], self.row[1])))

    def check_one_change_at_a_time(self):
        is_open = False
        before = None
        for entry in self.entries:
            kind = entry["type"]
            if kind in ("apply_started", "rollback_started"):
                # A way back is announced anew where the env file was edited meanwhile.
                again = kind == "rollback_started" and before in ("hook_failed", kind)
                self.test.assertTrue(not is_open or again, self.events())
                is_open = True
            elif kind in ("applied", "rolled_back", "undone"):
                self.test.assertTrue(is_open, self.events())
                is_open = False
            before = kind
        self.test.assertFalse(is_open, self.events())
        self.test.assertIsNone(self.state["intent"])

    def check_approvals_are_used_once(self):
        started = collections.Counter(entry["decision_digest"] for entry in self.entries
                                      if entry["type"] == "apply_started")
        undone = collections.Counter(entry["decision_digest"] for entry in self.entries
                                     if entry["type"] == "undone")
        for digest, count in started.items():
            carried_out = count - undone[digest]  # 0: an edit came first
            self.test.assertIn(carried_out, (0, 1), self.events())
            self.test.assertEqual(self.state["used_decisions"].count(digest), carried_out)

    def percent(self):
        """Returns what the journal says is in force."""
        percent = None
        for entry in self.entries:
            if entry["type"] in ("adopted", "applied", "rolled_back"):
                percent = entry["after"].get(KEY, percent)
        return percent

    def check_env_file(self, edits=()):
        self.test.assertEqual(self.state["in_force"][KEY], self.percent())
        lines = self.env.split("\n")
        # What was written on top of our content, at the moment that it was taken back.
        aside = self.test.ws.env_file.with_name("service.env.conflict")
        kept = aside.read_text().split("\n") if aside.exists() else []
        for edit in edits:
            self.test.assertEqual(lines.count(edit) or kept.count(edit), 1, self.env)
        rest = "\n".join(line for line in lines if line not in edits)
        self.test.assertEqual(rest, ENV_TEXT.replace("'0'", "'%s'" % self.percent()))

    def check_what_the_tools_said(self):
        """Each tool that said that it changed something did, and no other."""
        notes = [note for tool in self.tools for note in tool.notes()]
        for kind, words in SAID.items():
            count = sum(re.search(words, note) is not None for note in notes)
            self.test.assertEqual(self.since_the_scene(kind), count, (self.events(), notes))

    def since_the_scene(self, kind):
        return sum(entry["type"] == kind for entry in self.entries[self.test.entries_before:])

    def events(self):
        return [entry["type"] for entry in self.entries]


class Tool:
    """A process of a round."""

    def __init__(self, workspace, words):
        self.words = words
        self.process = subprocess.Popen(
            [BIN_DIR / words[0], "--json", *words[1:]], cwd=workspace.dir, text=True,
            env=clean_environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def wait(self):
        self.stdout, self.stderr = self.process.communicate(timeout=60)
        self.code = self.process.returncode
        return self.code

    def notes(self):
        return json.loads(self.stdout)["notes"] if self.stdout else []

    def __str__(self):
        return "%s: exit %s\n%s%s" % (self.words, self.code, self.stdout, self.stderr)


class ConcurrencyTestCase(unittest.TestCase):
    """Scenes: a first and a second step that wait to be applied, and a step that fails.

    Derived classes say where the state is, and keep and put it back where it is not a file of the
    workspace.
    """

    @classmethod
    def use_state(cls):
        """Configures the state; the default is a file of the workspace."""

    @classmethod
    def keep_state(cls, scene):
        """Keeps the state for `scene`."""

    @classmethod
    def put_state_back(cls, scene):
        """Puts the state of `scene` back."""

    @classmethod
    def stored(cls):
        """Returns the journal's documents, and version, document and head's hash of the state."""
        with sqlite3.connect(cls.ws.state) as database:
            texts = [row[0] for row in
                     database.execute("SELECT document FROM journal ORDER BY sequence")]
            row = database.execute("SELECT version, document, head_hash FROM state").fetchone()
        database.close()
        return texts, row

    @classmethod
    def setUpClass(cls):
        root = pathlib.Path(tempfile.mkdtemp(prefix="dl_"))
        cls.addClassCleanup(shutil.rmtree, root)
        (root / "ws").mkdir()
        cls.ws = Workspace(root / "ws")
        cls.ws.fill()
        cls.ws.add_approver("alice")
        cls.ws.configure({"reports": {"formats": ["json"]}, "policy": {"reload": ["true"]}})
        cls.use_state()
        policy = {**cls.ws.settings["policy"], "reload": ["false"]}
        cls.ws.write(cls.ws.dir / "failing.json", {**cls.ws.settings, "policy": policy})
        cls.scenes = list(cls.make_scenes())

    @classmethod
    def make_scenes(cls):
        now = datetime.datetime.now(datetime.timezone.utc)
        start = now - hours(16)
        cls.ws.log.runs(start - hours(48), hours(48), 240)
        cls.tick(start)
        cls.approve()
        first = Scene(cls, "first")
        cls.tick(start)
        applied = Scene(cls, "applied")
        for cohort in ("canary", "control"):
            cls.ws.log.runs(start, hours(16), 320, cohort=cohort)
        cls.tick(start + hours(8))
        cls.tick(now)
        cls.approve()
        yield Scene(cls, "second")
        applied.put_in_place()
        cls.ws.log.runs(start, hours(16), 320, cohort="canary", failed=160)
        cls.ws.log.runs(start, hours(16), 320, cohort="control")
        yield Scene(cls, "failing")
        first.put_in_place()
        cls.ws.log.runs(start, hours(16), 320)
        yield Scene(cls, "first_now")

    @classmethod
    def tick(cls, as_of):
        result = cls.ws.tick(as_of, "--apply")
        if result.code != 0:
            raise AssertionError(str(result))

    @classmethod
    def approve(cls):
        shutil.copy(cls.ws.decision_file, cls.ws.dir / "decision.json")
        if cls.ws.approve().code != 0:
            raise AssertionError("not approved")

    def commands(self, dice):
        """Two ticks, an apply, a rollback, in any order; sometimes beside dry runs, sometimes of a
        service that will not load."""
        config = "failing.json" if dice.random() < 0.15 else "config.json"
        tick = [TICK, "--config", config, "--apply"]
        change = ["apply_dag_policy", "--config", config, "--as", "operator", "--apply"]
        apply = [*change, "--decision", "decision.json", "--approval",
                 "approvals/dag_policy_approval_latest.json"]
        commands = [tick, tick, apply, [*change, "--rollback"]]
        if dice.random() < 0.2:
            commands += [tick[:-1], tick[:-1]]
        dice.shuffle(commands)
        return commands

    def play_round(self, dice, edit_delays=()):
        dice.choice(self.scenes).put_in_place()
        self.entries_before = len(self.stored()[0])
        editor = Editor(self.ws.env_file)
        editing = threading.Thread(target=editor.edit_after, args=(edit_delays,))
        editing.start()
        tools = []
        for command in self.commands(dice):
            tools.append(Tool(self.ws, command))
            time.sleep(dice.choice((0, 0, 0.002, 0.01)))
        for tool in tools:
            self.figures[tool.wait()] += 1
        editing.join()
        if json.loads(self.stored()[1][1])["intent"] is not None:
            # What was written over by the editor at that very moment is for the next tick.
            tools.append(Tool(self.ws, [TICK, "--config", "config.json", "--apply"]))
            tools[-1].wait()
        for tool in tools:
            self.assertIn(tool.code, ALLOWED_CODES, str(tool))
        return Oracle(self, tools), editor

    def setUp(self):
        self.figures = collections.Counter()

    def check(self, oracle, edits=()):
        oracle.check_chain()
        oracle.check_one_change_at_a_time()
        oracle.check_approvals_are_used_once()
        oracle.check_what_the_tools_said()
        for kind in ("applied", "rolled_back", "hook_failed", "refused"):
            self.figures[kind] += oracle.since_the_scene(kind)
        oracle.check_env_file(edits)
