"""Reads the documents' blocks, and runs what they show as a newcomer would.

A block is fenced, or indented by four spaces. A line that begins with "$ " is a command; what
follows it, up to the next one, is its whole output as a terminal shows it: standard output and
standard error. Its exit code is 0, unless the next command is "echo $?".
"""

import dataclasses
import datetime
import os
import pathlib
import re
import shutil
import subprocess

from support import BIN_DIR, SOURCE_DIR

SESSION_TIMEOUT_S = 120
HOME = "/home/alice"  # what the documents show for the home directory
NOW_IS_WITHIN = datetime.timedelta(days=14)  # what the wall clock gives, and expiries after it

UNTRACKED = {".git", "build", "reports", "state", "tests"}
RFC_3339 = re.compile(r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
PATTERNS = [
    (re.compile(r"\b[0-9a-f]{64}\b"), "<digest>"),
    (re.compile(r"(?<![A-Za-z0-9+/])[A-Za-z0-9+/]{43}=(?!=)"), "<public key>"),
    (re.compile(r"\bafter \d+ ms;"), "after <n> ms;"),  # of a drill
]


@dataclasses.dataclass
class Command:
    """A command and the lines that it is shown to print."""
    line: int
    text: str
    output: list


@dataclasses.dataclass
class Block:
    """Some lines of a document that are set as code; `line` is the first one's number."""
    line: int
    lines: list

    def is_session(self):
        return any(line.startswith("$ ") for line in self.lines)

    def commands(self):
        """Returns the commands, in order, each with what it prints."""
        found = []
        goes_on = False
        for number, line in enumerate(self.lines, self.line):
            if goes_on:
                found[-1].text += "\n" + line
            elif line.startswith("$ "):
                found.append(Command(number, line[2:], []))
            elif found:
                found[-1].output.append(line)
            else:
                raise AssertionError("line %d: output before the first command" % number)
            goes_on = line.endswith("\\") and (goes_on or line.startswith("$ "))
        return found


def blocks_of(text):
    """Returns the blocks of a Markdown document."""
    found = []
    fence = False
    after_blank = True
    for number, line in enumerate(text.splitlines(), 1):
        if line.lstrip().startswith("```"):
            fence = not fence
            if fence:
                found.append(Block(number + 1, []))
        elif fence:
            found[-1].lines.append(line)
        elif line.startswith("    ") and line.strip():
            goes_on = found and found[-1].line + len(found[-1].lines) == number
            if not goes_on and after_blank:
                found.append(Block(number, []))
                goes_on = True
            if goes_on:
                found[-1].lines.append(line)
        elif not line.strip() and found and found[-1].line + len(found[-1].lines) == number:
            found[-1].lines.append("")  # within the block, if it goes on
        after_blank = not line.strip()
    for block in found:
        while block.lines and not block.lines[-1]:
            block.lines.pop()
        margin = min((len(l) - len(l.lstrip()) for l in block.lines if l), default=0)
        block.lines = [line[margin:] for line in block.lines]
    return [block for block in found if block.lines]


def is_same(shown, printed, now):
    """Returns whether a line is printed as it is shown, but for what differs from run to run.

    A time that is shown with a fraction stands for any time near `now`; all others are compared.
    """
    for pattern, word in PATTERNS:
        shown, printed = pattern.sub(word, shown), pattern.sub(word, printed)

    def of_the_document(match):
        return match[0] if match[0] in printed or not match[1] else "<time>"

    def of_the_clock(match):
        time = datetime.datetime.fromisoformat(match[0].replace("Z", "+00:00"))
        return "<time>" if abs(time - now) < NOW_IS_WITHIN else match[0]

    shown = RFC_3339.sub(of_the_document, shown).rstrip()
    printed = RFC_3339.sub(of_the_clock, printed).rstrip()
    return printed.startswith(shown[:-3]) if shown.endswith("...") else printed == shown


def difference(shown, printed, now):
    """Returns what differs between the lines shown and those printed, or None."""
    for i in range(max(len(shown), len(printed))):
        if i >= len(printed):
            return "does not print: %s" % shown[i]
        if i >= len(shown):
            return "prints, but the document does not show: %s" % printed[i]
        if not is_same(shown[i], printed[i], now):
            return "prints: %s\n  the document shows: %s" % (printed[i], shown[i])
    return None


def fault(command, code, printed, following, now):
    """Returns what is wrong with a command that ended with `code` and printed these lines."""
    told = following is not None and following.text == "echo $?"
    if code != 0 and not told:
        return "ends with exit code %d: %s" % (code, " | ".join(printed[:3]))
    return difference(command.output, printed, now)


def fresh_copy(directory, source=SOURCE_DIR):
    """Copies the files of a clone, with the executables under test as its quickstart build.

    The tests are left out: no document's session reads them, and they are most of the files.
    """
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=source, capture_output=True, text=True,
                             check=False)
    if tracked.returncode == 0 and tracked.stdout:
        for name in filter(None, tracked.stdout.split("\0")):
            if name.startswith("tests/") or not (source / name).exists():
                continue
            (directory / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source / name, directory / name, follow_symlinks=False)
    else:
        shutil.copytree(source, directory, dirs_exist_ok=True, symlinks=True,
                        ignore=lambda at, names: UNTRACKED & set(names)
                        if pathlib.Path(at) == source else set())
    (directory / "build/quickstart").mkdir(parents=True)
    (directory / "build/quickstart/bin").symlink_to(BIN_DIR.resolve())
    return directory


def bare_environment(home, path="/usr/bin:/bin"):
    """Returns what a shell starts with; what only sanitized or counted builds read is kept."""
    kept = {name: value for name, value in os.environ.items()
            if name.endswith("SAN_OPTIONS") or name == "LLVM_PROFILE_FILE"}
    return {**kept, "HOME": str(home), "PATH": path, "TERM": "dumb", "LANG": "C.UTF-8",
            "SHELL": "/bin/bash"}


def run_session(commands, directory, environment, bash=("bash",)):
    """Runs the commands in one shell. Yields each with its exit code and the lines it printed.

    `bash` is how it is called: within another tree, for one.
    """
    mark = "\x01%d %d\x01"
    script = "umask 022\nexec 2>&1 </dev/null\n"
    for i, command in enumerate(commands):
        # The exit code is still there for an "echo $?" that comes next.
        script += "%s\n__code=$?; printf '%s' %d $__code; (exit $__code)\n" % (
            command.text, mark.replace("\x01", "\\001"), i)
    done = subprocess.run([*bash, "--noprofile", "--norc", "-c", script], cwd=directory,
                          env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, timeout=SESSION_TIMEOUT_S, check=False)
    rest = done.stdout
    for i, command in enumerate(commands):
        match = re.search("\x01%d (\\d+)\x01" % i, rest)
        if not match:
            raise AssertionError("the session ends in `%s`: %s" % (command.text, rest))
        printed = rest[:match.start()].replace(environment["HOME"], HOME)
        yield command, int(match[1]), printed.splitlines()
        rest = rest[match.end():]
