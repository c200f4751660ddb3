"""A real PostgreSQL server on loopback: a free port, a temporary directory, stopped afterwards."""

import glob
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile

PASSWORD = "pw-Secret-77"
START_TIMEOUT_S = 60


def binaries():
    found = sorted(glob.glob("/usr/lib/postgresql/*/bin/initdb"))
    on_path = shutil.which("initdb")
    if not found and not on_path:
        raise AssertionError("PostgreSQL is not installed: run scripts/install_packages.sh test")
    return pathlib.Path(found[-1] if found else on_path).parent


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class PostgresServer:
    """Runs as the user postgres where the tests run as root, which PostgreSQL refuses."""

    def __init__(self):
        self.bin = binaries()
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="dagloop_pg_"))
        self.port = free_port()
        self.as_owner = []
        if os.geteuid() == 0:
            shutil.chown(self.dir, "postgres")
            self.as_owner = ["runuser", "-u", "postgres", "--"]
        password_file = self.dir / "password"
        password_file.write_text(PASSWORD + "\n")
        os.chmod(password_file, 0o644)
        self.data = self.dir / "data"
        self._run("initdb", "-D", self.data, "-U", "admin", "-A", "scram-sha-256", "--pwfile",
                  password_file, "-E", "UTF8", "--locale", "C", "--no-sync")
        with (self.data / "postgresql.conf").open("a") as settings:
            settings.write("listen_addresses='127.0.0.1'\nport=%d\nunix_socket_directories=''\n"
                           "fsync=off\nmax_connections=50\n" % self.port)
        self.start()

    def _run(self, name, *arguments):
        subprocess.run([*self.as_owner, str(self.bin / name), *map(str, arguments)], check=True,
                       stdout=subprocess.DEVNULL, timeout=START_TIMEOUT_S, cwd=self.dir)

    def start(self):
        self._run("pg_ctl", "-D", self.data, "-w", "-l", self.dir / "server.log", "start")

    def stop(self, mode="fast"):
        self._run("pg_ctl", "-D", self.data, "-m", mode, "-w", "stop")

    def close(self):
        if (self.data / "postmaster.pid").exists():
            self.stop("immediate")
        shutil.rmtree(self.dir, ignore_errors=True)

    def uri(self, database="postgres", user="admin", password=PASSWORD, parameters=""):
        return "postgresql://%s:%s@127.0.0.1:%d/%s%s" % (user, password, self.port, database,
                                                         parameters)

    def sql(self, text, database="postgres"):
        """Runs SQL and returns what psql prints: rows, unaligned."""
        done = subprocess.run(
            [str(self.bin / "psql"), "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d",
             self.uri(database)], input=text, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True, timeout=600, check=False)
        if done.returncode != 0:
            raise AssertionError(done.stderr)
        return done.stdout

    def kill_sessions(self):
        """Ends every other session, as a failing server would."""
        self.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                 "WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'")

    def freeze(self):
        for pid in self._pids():
            os.kill(pid, signal.SIGSTOP)

    def _pids(self):
        return [int((self.data / "postmaster.pid").read_text().split()[0])]
