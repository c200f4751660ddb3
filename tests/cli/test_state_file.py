"""A state file that another process holds, or that is not what was written.

Exit code 4, a message that says what to do, nothing changed, and the file kept as it is.
"""

import pathlib
import random
import sqlite3
import subprocess
import time
import unittest

import loop_oracle
from fault_trials import NEW_TEXT, FaultTestCase, Trial, in_parallel
from support import BIN_DIR, ENV_TEXT, T0, Result, clean_environment, hours

TIMEOUT_S = 60
FLIPS = 150
HOOK_THAT_LOCKS = """
import os, pathlib, sqlite3, time
taken, took = os.pipe()
if os.fork():
    os.close(took)
    os.read(taken, 1)
    os._exit(0)
os.setsid()
holder = sqlite3.connect("state/loop.db", isolation_level=None)
holder.execute("BEGIN EXCLUSIVE")
os.write(took, b"x")
until = time.monotonic() + %d
while not pathlib.Path("release").exists() and time.monotonic() < until:
    time.sleep(0.01)
""" % TIMEOUT_S


class Running:
    """A tool that runs."""

    def __init__(self, directory, command):
        self.process = subprocess.Popen(
            [str(BIN_DIR / command[0]), *map(str, command[1:])], cwd=directory,
            env=clean_environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True)
        self.args = command

    def wait_until_it_waits_for(self, path):
        """Returns once the tool has the file open and has gone to sleep several times since."""
        proc = pathlib.Path("/proc") / str(self.process.pid)
        deadline = time.monotonic() + TIMEOUT_S
        first = None
        while time.monotonic() < deadline and self.process.poll() is None:
            is_open = any(str(link.readlink()) == str(path) for link in (proc / "fd").iterdir()
                          if link.is_symlink())
            sleeps = int((proc / "status").read_text().split("voluntary_ctxt_switches:")[1].split()[0])
            if is_open and first is None:
                first = sleeps
            if first is not None and sleeps > first + 5:
                return
            time.sleep(0.005)
        raise AssertionError("the tool never waited: %s" % (self.process.communicate(),))

    def result(self):
        stdout, stderr = self.process.communicate(timeout=TIMEOUT_S)
        return Result(subprocess.CompletedProcess(self.args, self.process.returncode, stdout,
                                                  stderr))


class BusyTest(FaultTestCase):
    def hold(self):
        """Takes the state's lock as another process would; closing the result frees it."""
        holder = sqlite3.connect(self.ws.state, isolation_level=None)
        self.addCleanup(holder.close)
        holder.execute("BEGIN EXCLUSIVE")
        return holder

    def test_a_lock_that_is_soon_freed_is_waited_for(self):
        self.ready_to_apply()
        holder = self.hold()
        tick = Running(self.ws.dir, self.tick_command(T0))
        tick.wait_until_it_waits_for(self.ws.state)
        holder.execute("ROLLBACK")
        self.check_code(tick.result(), 0)
        self.check_whole(self.ws, (NEW_TEXT,), "freed")

    def test_a_lock_that_is_kept_ends_the_tool_before_anything(self):
        self.ready_to_apply()
        before = self.ws.fingerprint()  # not while it is held: closing the file would free it
        holder = self.hold()
        commands = [self.tick_command(T0), self.apply_command(),
                    self.tool_command("apply_dag_policy", "--status")]
        for tool in [Running(self.ws.dir, command) for command in commands]:
            result = self.check_code(tool.result(), 4)
            self.assertRegex(result.stderr, r"loop\.db: database is locked; .*try again")
        holder.execute("ROLLBACK")
        self.assertEqual(self.ws.fingerprint(), before)
        self.check_code(self.ws.tick(T0, "--apply"), 0)
        self.check_whole(self.ws, (NEW_TEXT,), "freed")

    def test_a_lock_taken_in_the_middle_leaves_the_change_to_the_next_tick(self):
        # The hook runs between two commits, and leaves one behind that holds the lock.
        flag = self.ws.dir / "release"
        (self.ws.dir / "hook.py").write_text(HOOK_THAT_LOCKS)
        self.ready_to_apply(["python3", "hook.py"])
        result = self.check_code(self.ws.tick(T0, "--apply"), 4)
        self.assertIn("try again", result.stderr)
        self.assertEqual(self.ws.env_file.read_text(), NEW_TEXT)
        flag.touch()
        self.ws.configure({"policy": {"reload": ["true"]}})
        self.check_code(self.ws.tick(T0, "--apply"), 3)
        store = self.check_whole(self.ws, (NEW_TEXT,), "freed")
        self.assertEqual(store.count("applied"), 1)


PLANTED = """
create trigger a before update on state begin select raise(ignore); end;
create trigger b before insert on state begin select raise(ignore); end;
create trigger c before insert on journal begin select raise(ignore); end;
create trigger d after insert on journal begin delete from journal where sequence = new.sequence; end;
"""


class PlantedTest(FaultTestCase):
    """Triggers of somebody who could write the state file once."""

    def plant(self, sql=PLANTED):
        with sqlite3.connect(self.ws.state) as store:
            store.executescript(sql)
        store.close()

    def check_refused(self, result):
        self.check_code(result, 4)
        self.assertIn("loop.db: holds what dagloop did not make: trigger a on state, ", result.stderr)
        self.assertIn("DROP TRIGGER", result.stderr)

    def test_nothing_is_applied_and_no_journal_is_called_intact(self):
        self.ready_to_apply()
        self.plant()
        for command in (self.apply_command(), self.tick_command(T0),
                        self.tool_command("apply_dag_policy", "--status"),
                        self.tool_command("apply_dag_policy", "--verify-journal"),
                        self.tool_command("dag_optimization_cycle", "--as-of", "2025-06-02T00:00:00Z")):
            with Trial(self.ws) as trial:
                self.check_refused(trial.run(command))
                self.assertEqual(trial.env_file.read_text(), ENV_TEXT)
        self.plant("drop trigger a; drop trigger b; drop trigger c; drop trigger d")
        self.check_code(self.ws.tool(*self.apply_command()[:1], *self.apply_command()[3:]), 0)
        self.assertEqual(self.ws.env_file.read_text(), NEW_TEXT)

    def test_a_rollback_goes_on_and_is_in_state_and_journal(self):
        self.ready_to_roll_back()
        self.plant()
        by_tick = self.tick_command(T0 + hours(2))
        by_hand = self.tool_command("apply_dag_policy", "--rollback", "--apply")
        for command, code in ((by_tick, 7), (by_hand, 0)):
            with Trial(self.ws) as trial:
                result = self.check_code(trial.run(command), code)
                self.assertIn("what dagloop did not make", result.stdout)
                store = self.check_whole(trial, (ENV_TEXT,), "rolled back")
                self.assertEqual(store.state["phase"], "rolled_back")
                self.assertEqual(store.count("rolled_back"), 1)

    def test_a_table_that_takes_anything_is_no_state(self):
        self.first_step()
        self.plant("alter table journal rename to j; create table journal (sequence, document);"
                   "insert into journal select * from j; drop table j;")
        for command in (self.tick_command(T0), self.tool_command("apply_dag_policy", "--rollback")):
            result = self.check_code(self.ws.tool(command[0], *command[3:]), 4)
            self.assertIn("has another table journal than dagloop made", result.stderr)


class DamageTest(FaultTestCase):
    def setUp(self):
        super().setUp()
        # Evidence fills the last pages: a tick has counted it, and the next one finds a fire.
        self.ws.configure({"decision": {"evidence": "sequential", "warmup": "0s"}})
        self.first_step()
        for cohort, failed in (("canary", 60), ("control", 0)):
            self.ws.log.runs(T0, hours(2), 100, cohort=cohort)
            self.ws.log.runs(T0 + hours(2), hours(2), 100, cohort=cohort, failed=failed)
        self.check_tick(T0 + hours(2), 0)
        store = sqlite3.connect(self.ws.state, isolation_level=None)
        store.execute("VACUUM")  # a page that nothing uses may be missed, and nothing is
        store.close()
        self.whole = self.ws.state.read_bytes()
        self.commands = {
            "status": self.tool_command("apply_dag_policy", "--status"),
            "tick": self.tick_command(T0 + hours(4)),
            "rollback": self.tool_command("apply_dag_policy", "--apply", "--rollback"),
            "journal": self.tool_command("apply_dag_policy", "--verify-journal")}

    def run_on(self, content, name):
        """Runs a command on a state file of that content; returns its result, env file, state."""
        with Trial(self.ws) as trial:
            trial.state.write_bytes(content)
            result = trial.run(self.commands[name])
            self.assertIn(result.code, range(8), str(result))
            if result.code == 4:
                self.assertRegex(result.stderr, r"loop\.db.*: .+; .+")
                self.assertEqual(trial.state.read_bytes(), content, "the file is not kept")
                self.assertEqual(trial.env_file.read_text(), NEW_TEXT)
            else:
                self.assertEqual(loop_oracle.env_values(trial.env_file.read_text(),
                                                        ["DAG_ROLLOUT_PERCENT"]),
                                 {"DAG_ROLLOUT_PERCENT": "10" if name in ("status", "journal")
                                  else "0"})
            return result

    def check_refused(self, content, *words):
        for name in self.commands:
            result = self.check_code(self.run_on(content, name), 4)
            for word in words:
                self.assertIn(word, result.stderr, name)

    def test_a_file_that_is_no_state(self):
        noise = random.Random(1).randbytes(len(self.whole))
        self.check_refused(noise, "backup")
        self.check_refused(b"not a database, but a note\n" * 100, "backup")
        self.check_refused(bytes(len(self.whole)), "backup")
        self.check_refused(bytes(100) + self.whole[100:], "backup")
        self.check_refused(self.whole[:68] + b"dagX" + self.whole[72:], "no dagloop state")
        self.check_refused(self.whole[:60] + bytes(4) + self.whole[64:], "no dagloop state")

    def test_what_sqlite_says_of_damage_is_told_in_valid_utf8(self):
        # It repeats the bytes that it cannot read; all that a tool prints is decoded strictly.
        damaged = self.whole.replace(b"CREATE TABLE journal", b"CREATE TABL\xd3 journal")
        self.assertNotEqual(damaged, self.whole)
        self.check_refused(damaged, "TABL\\xd3")

    def test_a_file_that_was_cut(self):
        pages = len(self.whole) // 4096
        self.assertGreater(pages, 2)
        # One of a single byte is an empty one to SQLite, and to the loop: none was made yet.
        sizes = [15, 16, 99, 100, 511, 512, 4095]
        sizes += [page * 4096 for page in range(1, pages)]
        sizes += [page * 4096 + 100 for page in range(1, pages - 1)]
        in_parallel(lambda size: self.check_refused(self.whole[:size], "; "), sizes)
        # The last page is the evidence's alone.
        self.check_evidence_damaged(self.whole[:len(self.whole) - 4000])

    def check_evidence_damaged(self, content):
        """All but a way back by hand needs the evidence."""
        for name in ("status", "tick", "journal"):
            result = self.check_code(self.run_on(content, name), 4)
            self.assertIn("backup", result.stderr, name)
        result = self.check_code(self.run_on(content, "rollback"), 0)
        self.assertIn("goes without it", result.stdout)

    def evidence_pages(self):
        """Pages of nothing but evidence: it is at the end, and fills all but the last."""
        store = sqlite3.connect(self.ws.state)
        size = store.execute("SELECT length(document) FROM evidence").fetchone()[0]
        store.close()
        pages = len(self.whole) // 4096
        self.assertGreater(size, 4 * 4096)
        return range(pages - size // 4096 + 1, pages - 1)

    def test_damaged_evidence_holds_up_no_way_back(self):
        for page in self.evidence_pages():
            at = page * 4096
            # The middle one leads to a page of the state, which is not to be freed.
            for content in (bytes(4096), bytes((0, 0, 0, 2)) + self.whole[at + 4:at + 4096],
                            self.whole[at:at + 2000] + b"?" * 2096):
                damaged = self.whole[:at] + content + self.whole[at + 4096:]
                if damaged != self.whole:
                    self.check_evidence_damaged(damaged)

    def test_a_page_that_is_not_there(self):
        for page in range(len(self.whole) // 4096):
            at = page * 4096
            for content in (bytes(4096), b"\xff" * 4096):
                damaged = self.whole[:at] + content + self.whole[at + 4096:]
                self.assertEqual(self.run_on(damaged, "journal").code, 4, "page %d" % page)
                self.run_on(damaged, "status")
                self.run_on(damaged, "rollback")

    def test_flipped_bytes_are_told_or_change_nothing(self):
        status = self.run_on(self.whole, "status").stdout
        dice = random.Random(7)
        places = list(range(100)) + [dice.randrange(len(self.whole)) for _ in range(FLIPS)]
        # The text of the state itself, where a bit would be another policy.
        text = self.whole.index(b'"verified"')
        places += range(text, text + 100, 3)

        def one(at):
            damaged = bytearray(self.whole)
            damaged[at] ^= dice.choice((0x01, 0x02, 0x10, 0xFF))
            seen = self.run_on(bytes(damaged), "status")
            if seen.code == 0:
                self.assertEqual(seen.stdout, status, "byte %d" % at)
            else:
                self.assertEqual(seen.code, 4, seen)
            if at % 5 == 0:
                self.run_on(bytes(damaged), "rollback")

        in_parallel(one, places)


if __name__ == "__main__":
    unittest.main()
