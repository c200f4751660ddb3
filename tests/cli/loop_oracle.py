"""Judges what a loop left behind, without any of its code: env file, state, journal, approvals.

The chain of the journal is computed here from docs/formats.md, "State and journal".
"""

import hashlib
import json
import pathlib
import shutil
import sqlite3
import tempfile

STARTS = ("apply_started", "rollback_started")
ENDS = ("applied", "rolled_back", "undone", "conflict")
NO_HASH = "0" * 64


class Store:
    """The state document, the journal's entries and head, as stored; all empty where there is none.

    Read from a copy, for SQLite takes back the half of a commit that it finds.
    """

    def __init__(self, path):
        self.state, self.state_sha256, self.entries, self.head = None, None, [], (0, NO_HASH)
        path = pathlib.Path(path)
        if not path.exists() or path.stat().st_size == 0:
            return
        with tempfile.TemporaryDirectory(prefix="dlo_") as directory:
            for suffix in ("", "-journal"):
                if pathlib.Path(str(path) + suffix).exists():
                    shutil.copy(str(path) + suffix, directory)
            database = sqlite3.connect(pathlib.Path(directory) / path.name)
            try:
                self._read(database)
            finally:
                database.close()

    def _read(self, database):
        if not database.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            return
        self.take(database.execute("SELECT document, head_sequence, head_hash FROM state"),
                  database.execute("SELECT document FROM journal ORDER BY sequence"))

    def take(self, states, entries):
        for document, sequence, head in states:
            self.state = json.loads(document) if document else None
            self.state_sha256 = self.state and self.state.pop("sha256", None)
            self.head = (sequence, head)
        self.entries = [row[0] for row in entries]

    def events(self):
        return [json.loads(entry)["type"] for entry in self.entries]

    def count(self, event):
        return self.events().count(event)


def canonical(document):
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def sha256(text):
    return hashlib.sha256(text.encode()).hexdigest()


def chain_fault(store):
    """Says where the journal's chain is broken, or the state edited; None where all is whole."""
    if store.state_sha256 and sha256(canonical(store.state)) != store.state_sha256:
        return "the state is not what its hash covers"
    head = (0, NO_HASH)
    for number, text in enumerate(store.entries, 1):
        entry = json.loads(text)
        stored = entry.pop("hash")
        if entry["sequence"] != number or entry["previous_hash"] != head[1]:
            return "entry %d does not follow the one before it" % number
        if sha256(canonical(entry)) != stored:
            return "entry %d is not what its hash covers" % number
        head = (number, stored)
    return None if head == tuple(store.head) else "the head is not the last entry"


def env_values(text, keys):
    values = {}
    for line in text.splitlines():
        key, _, rest = line.partition("=")
        if key in keys:
            values[key] = rest.split("#")[0].strip().strip("'\"")
    return values


def standing_fault(store, env_text):
    """Says how state, journal and env file contradict one another; None where they agree."""
    state = store.state
    if state is None:
        return None if not store.entries else "a journal without a state"
    under_way = [event for event in store.events() if event in STARTS + ENDS]
    is_open = bool(under_way) and under_way[-1] in STARTS
    intent = state["intent"]
    if is_open != (intent is not None) or is_open != (state["phase"] == "applying"):
        return "the journal says that a change is %sunder way, the state says %s" % (
            "" if is_open else "not ", state["phase"])
    if intent is not None:
        if sha256(env_text) not in (intent["before_sha256"], intent["after_sha256"]):
            return "the env file is neither what the intent found nor what it writes"
    elif state["in_force"] and env_values(env_text, state["in_force"]) != state["in_force"]:
        return "the state takes %s for the policy in force" % state["in_force"]
    return _approval_fault(store)


def _approval_fault(store):
    used = store.state["used_decisions"]
    if len(set(used)) != len(used):
        return "a decision is marked as used twice"
    applied = [json.loads(entry)["decision_digest"] for entry in store.entries
               if json.loads(entry)["type"] == "applied"]
    if len(set(applied)) != len(applied):
        return "an approval was used twice"
    if not set(applied) <= set(used):
        return "an approval that was used could be used again"
    return None


def fault(workspace, contents, store=None):
    """Says what is wrong with a workspace whose env file may be any of `contents`, else None."""
    store = store or Store(workspace.state)
    text = workspace.env_file.read_text()
    if text not in contents:
        return "the env file is neither the old nor the new: %r" % text
    return chain_fault(store) or standing_fault(store, text)


def outcome(store):
    """What two runs must agree in: the state, but for what the machine's clock sets."""
    if store.state is None:
        return None
    state = dict(store.state)
    for name in ("in_force_since", "cooldown_until", "last_rollback", "rolled_back"):
        state[name] = state[name] is not None
    state["used_decisions"] = len(state["used_decisions"])
    for name in ("pending_decision", "change"):
        state[name] = state[name] and state[name]["patch"]
    state["predictions"] = [{**entry, "applied_at": True} for entry in state["predictions"]]
    return state
