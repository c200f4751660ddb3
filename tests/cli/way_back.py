"""How long a way back takes while something else is wrong: a table of faults and seconds.

Each way back is due already: asked for by hand, interrupted, or decided by a tick that died.
"""

import socket
import struct
import subprocess
import threading
import time

from fault_trials import FaultTestCase, Trial
from support import BIN_DIR, ENV_TEXT, T0, LoopTestCase, clean_environment, hours, stamp

LIMIT_S = 60


class SilentServer:
    """Accepts every connection and never says a word, as a dead pooler does."""

    def __init__(self):
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.accepted = []
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        try:
            while True:
                self.accepted.append(self.socket.accept())
        except OSError:
            pass  # closed

    def close(self):
        self.socket.close()
        for connection, _ in self.accepted:
            connection.close()

    def uri(self, scheme="postgresql", rest="/logs"):
        return "%s://reader@127.0.0.1:%d%s" % (scheme, self.socket.getsockname()[1], rest)


class FrozenLoginServer(SilentServer):
    """Lets everybody in, as PostgreSQL does, and never answers a statement."""

    def accept(self):
        try:
            while True:
                self.accepted.append(self.socket.accept())
                connection = self.accepted[-1][0]
                connection.recv(4096)
                words = b"".join(
                    b"S" + struct.pack("!i", 4 + len(each)) + each
                    for each in (b"server_version\0" + b"15.0\0", b"client_encoding\0UTF8\0"))
                connection.sendall(b"R" + struct.pack("!ii", 8, 0) + words +
                                   b"Z" + struct.pack("!i", 5) + b"I")
        except OSError:
            pass  # closed

    def uri(self, scheme="postgresql", rest="/counts?sslmode=disable&gssencmode=disable"):
        return super().uri(scheme, rest)


class HangTestCase(LoopTestCase):
    """Tools that run while something hangs, and end by themselves."""

    def start(self, name, *arguments):
        return subprocess.Popen([str(BIN_DIR / name), "--config", str(self.ws.config), *arguments],
                                cwd=self.ws.dir, env=clean_environment(), text=True,
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE)

    def start_tick(self, as_of):
        return self.start("dag_optimization_cycle", "--apply", "--as-of", stamp(as_of))

    def check_ends(self, tool, limit, *words):
        started = time.monotonic()
        said = tool.communicate(timeout=limit)[1]
        self.assertEqual(tool.returncode, 4, said)
        print("ends after %.1f s: %s" % (time.monotonic() - started, said.strip()[:150]))
        for word in words:
            self.assertIn(word, said)
        return said


class WayBackTestCase(FaultTestCase):
    """A canary at 10 % that burns, and a rollback of it that is due."""

    def setUp(self):
        super().setUp()
        self.ready_to_roll_back()
        self.rollback = self.tool_command("apply_dag_policy", "--apply", "--rollback")
        self.next_tick = self.tick_command(T0 + hours(2))

    def place_of_writing(self, command):
        """Returns the number of the call with which `command` begins to write the env file."""
        with Trial(self.ws) as trial:
            _, calls = trial.calls(command)
        return next(int(call.number) for call in calls if "service.env" in call.path)

    def die_before_writing(self, trial, command):
        at = self.place_of_writing(command)
        self.assertEqual(trial.run(command, at=at, kind="kill_before").code, -9)
        self.assertNotEqual(trial.env_file.read_text(), ENV_TEXT)

    def seconds_until_back(self, trial, command):
        """Runs `command` and returns when the earlier policy was in force."""
        started = time.monotonic()
        with subprocess.Popen([str(BIN_DIR / command[0]), *map(trial.moved, command[1:])],
                              cwd=trial.dir, env=clean_environment(), stdin=subprocess.DEVNULL,
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as tool:
            while trial.env_file.read_text() != ENV_TEXT and time.monotonic() < started + LIMIT_S:
                time.sleep(0.01)
            took = time.monotonic() - started
            said = tool.communicate(timeout=2 * LIMIT_S)[1]
        self.assertEqual(trial.env_file.read_text(), ENV_TEXT, said.decode())
        return took

    def check_ways_back(self, fault, apply_fault):
        """Tries each way back in a copy of the workspace, after `apply_fault` of that copy."""
        ways = (("by hand", None, self.rollback),
                ("interrupted", self.rollback, self.next_tick),
                ("decided", self.next_tick, self.next_tick))
        for name, dies, command in ways:
            with self.subTest(fault=fault, way=name), Trial(self.ws) as trial:
                if dies:
                    self.die_before_writing(trial, dies)
                with apply_fault(trial):
                    took = self.seconds_until_back(trial, command)
                    self.assertLess(took, LIMIT_S)
                    print("%-24s %-12s %6.2f s" % (fault, name, took), flush=True)
                self.check_whole(trial, (ENV_TEXT,), "%s, %s" % (fault, name))
