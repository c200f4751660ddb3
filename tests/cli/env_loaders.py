"""Lets the real loaders of env files read texts: who is installed here, and what they see.

A reading is {key: value}, or None where the loader refuses the file. Each reads in an empty
environment, so that what it gives hangs on the text alone.
"""

import ctypes
import http.server
import json
import os
import pathlib
import shutil
import socketserver
import subprocess
import tempfile
import threading

EMPTY = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": "/nonexistent", "LC_ALL": "C.UTF-8"}
LIBSYSTEMD = "/usr/lib/x86_64-linux-gnu/systemd/libsystemd-shared-252.so"
DOCKER_VERSION = "1.40"

PYTHON = """
import io, json, sys
from dotenv import dotenv_values
for path in sys.argv[1:]:
    try:
        values = dotenv_values(path, encoding="utf-8")
        print(json.dumps({k: v for k, v in values.items() if v is not None}))
    except UnicodeDecodeError:
        print("null")
"""
NODE = """
const dotenv = require("dotenv"), fs = require("fs");
for (const path of process.argv.slice(1))
  console.log(JSON.stringify(dotenv.parse(fs.readFileSync(path, {encoding: "utf8"}))));
"""
RUBY = """
require "dotenv"; require "json"
ARGV.each do |path|
  begin
    puts JSON.generate(Dotenv::Environment.new(path, true).to_h)
  rescue ArgumentError, Dotenv::FormatError, JSON::GeneratorError
    puts "null"
  end
end
"""
GO = """
package main

import ("encoding/json"; "fmt"; "os"; "github.com/joho/godotenv")

func main() {
    for _, path := range os.Args[1:] {
        values, err := godotenv.Read(path)
        if err != nil { values = nil }
        text, _ := json.Marshal(values)
        fmt.Println(string(text))
    }
}
"""


def _lines(command, paths, **options):
    """Runs a reader that prints a JSON line a file."""
    run = subprocess.run([*command, *map(str, paths)], capture_output=True, check=True, text=True,
                         env={**EMPTY, **options.pop("env", {})}, **options)
    return [json.loads(line) for line in run.stdout.split("\n") if line]


class Loader:
    """`name` is that of the reader in dagloop; `is_here` says whether it is installed."""

    def __init__(self, name, is_here, read):
        self.name, self.is_here, self.read = name, is_here, read


def _runs(*command):
    if shutil.which(command[0]) is None:
        return False
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def read_by_systemd(paths):
    library = ctypes.CDLL(LIBSYSTEMD)
    library.log_set_max_level(0)
    strings = ctypes.POINTER(ctypes.c_char_p)
    library.strv_env_clean_with_callback.restype = strings
    library.strv_env_clean_with_callback.argtypes = [strings, ctypes.c_void_p, ctypes.c_void_p]
    readings = []
    for path in paths:
        found = strings()
        if library.load_env_file(None, str(path).encode(), ctypes.byref(found)) < 0:
            readings.append(None)
            continue
        reading, index = {}, 0
        if found:
            found = library.strv_env_clean_with_callback(found, None, None)
        while found and found[index] is not None:
            key, _, value = found[index].decode().partition("=")
            reading[key] = value
            index += 1
        readings.append(reading)
    return readings


def read_by_shell(shell):
    def read(paths):
        readings = []
        for path in paths:
            # In a directory of its own, where no command that it names is found.
            with tempfile.TemporaryDirectory(prefix="dll_") as directory:
                run = subprocess.run(
                    [shutil.which(shell), "-c", 'set -a; . "$1" >/dev/null 2>&1; exec /usr/bin/env -0',
                     "sh", str(path)], cwd=directory,
                    env={"PATH": directory, "HOME": EMPTY["HOME"]}, capture_output=True,
                    stdin=subprocess.DEVNULL, timeout=20, check=False)
            if run.returncode != 0:
                readings.append(None)
                continue
            pairs = [pair.partition(b"=") for pair in run.stdout.split(b"\0") if pair]
            readings.append({key.decode("latin-1"): value.decode("utf-8", "replace")
                             for key, _, value in pairs
                             if key not in (b"PATH", b"HOME", b"PWD", b"SHLVL", b"_", b"OLDPWD")})
        return readings
    return read


class _Engine(http.server.BaseHTTPRequestHandler):
    """Just enough of a docker engine to see the environment that a container would have."""

    def do_HEAD(self):
        self._answer(200, {})

    def do_GET(self):
        self._answer(200, {})

    def do_POST(self):
        length = int(self.headers.get("Content-Length", 0))
        body = json.loads(self.rfile.read(length) or b"{}")
        self.server.seen = body.get("Env") or []
        self._answer(201, {"Id": "0" * 64, "Warnings": []})

    def _answer(self, code, document):
        body = json.dumps(document).encode()
        self.send_response(code)
        self.send_header("Api-Version", DOCKER_VERSION)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *unused):
        pass

    def address_string(self):
        return "docker"


class _EngineServer(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True
    seen = None


def read_by_docker(paths):
    with tempfile.TemporaryDirectory(prefix="dlk_") as directory:
        path = os.path.join(directory, "engine.sock")
        with _EngineServer(path, _Engine) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            environment = {**EMPTY, "DOCKER_HOST": "unix://" + path,
                           "DOCKER_API_VERSION": DOCKER_VERSION, "HOME": directory}
            readings = []
            for name in paths:
                server.seen = None
                run = subprocess.run([shutil.which("docker"), "create", "--env-file", str(name), "image"],
                                     env=environment, capture_output=True, check=False)
                seen = server.seen if run.returncode == 0 else None
                readings.append(None if seen is None
                                else dict(pair.split("=", 1) for pair in seen if "=" in pair))
            server.shutdown()
            return readings


def read_by_go(paths):
    with tempfile.TemporaryDirectory(prefix="dlg_") as directory:
        source = pathlib.Path(directory) / "main.go"
        source.write_text(GO)
        program = pathlib.Path(directory) / "reader"
        subprocess.run(["go", "build", "-o", str(program), str(source)], check=True,
                       capture_output=True,
                       env={**EMPTY, "GOPATH": "/usr/share/gocode", "GO111MODULE": "off",
                            "GOCACHE": directory + "/cache"})
        return _lines([str(program)], paths)


def _node_path():
    """Where node finds dotenv: what the machine has, or DAGLOOP_NODE_MODULES."""
    return {"NODE_PATH": os.environ.get("DAGLOOP_NODE_MODULES", "/usr/share/nodejs")}


def _node_is_here():
    if shutil.which("node") is None:
        return False
    run = subprocess.run(["node", "-e", 'require("dotenv")'], env={**EMPTY, **_node_path()},
                         capture_output=True, check=False)
    return run.returncode == 0


def _system_python():
    # That of the system, for which Debian packs the library.
    return "/usr/bin/python3"


LOADERS = [
    Loader("systemd", os.path.exists(LIBSYSTEMD), read_by_systemd),
    Loader("docker", shutil.which("docker") is not None, read_by_docker),
    Loader("bash", shutil.which("bash") is not None, read_by_shell("bash")),
    Loader("dash", shutil.which("dash") is not None, read_by_shell("dash")),
    Loader("node", _node_is_here(),
           lambda paths: _lines(["node", "-e", NODE], paths, env=_node_path())),
    Loader("python", _runs(_system_python(), "-c", "import dotenv"),
           lambda paths: _lines([_system_python(), "-W", "ignore", "-c", PYTHON], paths)),
    Loader("ruby", _runs("ruby", "-e", 'require "dotenv"'),
           lambda paths: _lines(["ruby", "-e", RUBY], paths)),
    Loader("go", shutil.which("go") is not None and os.path.isdir(
        "/usr/share/gocode/src/github.com/joho/godotenv"), read_by_go),
]


def readings_of(loader, texts):
    """Returns what `loader` makes of each of `texts` (bytes)."""
    with tempfile.TemporaryDirectory(prefix="dlt_") as directory:
        paths = []
        for number, text in enumerate(texts):
            paths.append(pathlib.Path(directory) / ("%d.env" % number))
            paths[-1].write_bytes(text)
        return loader.read(paths)
