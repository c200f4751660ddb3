"""Runs one command and says what it took."""

import os
import subprocess
import sys
import time
from typing import NamedTuple


class Taken(NamedTuple):
    wall: float  # seconds
    cpu: float  # seconds
    memory: float  # MiB, the most
    output: bytes


def run(command, keeps_output=True):
    """Runs `command`; a failure ends the benchmark."""
    start = time.monotonic()
    output = subprocess.PIPE if keeps_output else subprocess.DEVNULL
    process = subprocess.Popen(command, stdout=output)
    text = process.stdout.read() if keeps_output else b""
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.monotonic() - start
    if os.waitstatus_to_exitcode(status) != 0:
        sys.exit("failed: " + " ".join(map(str, command)))
    return Taken(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, text)
