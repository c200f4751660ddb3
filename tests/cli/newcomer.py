"""What a newcomer does on a bare Debian: quickstart.sh, the README's session, the cron line.

usage: newcomer.py TREE CLONE    (as root; scripts/bare_tree.sh makes the tree; CLONE is within it)

All that is printed there is compared, line by line. Ends with 1 where anything differs.
"""

import datetime
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time

from documentation import HOME, bare_environment, blocks_of, difference, fault, run_session

ROOT_HOME = "/root"
ROOT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
PROXIES = ("http_proxy", "https_proxy", "no_proxy")  # apt in the tree gets through as it does here
INSTALLS, CONFIGURES, BUILDS, DRY_RUN, DONE, NEXT, CRON = range(7)  # what quickstart.sh prints
PROGRESS = re.compile(r"^\[\d+/\d+\] (Building|Linking|Generating) ")  # ninja's
CRON_LINE = re.compile(r"^\*/15 \* \* \* \* (.+)$")


def one_line(command):
    """Returns a command as one line, with single spaces."""
    return " ".join(command.replace("\\\n", " ").split())


def processor_s(pid):
    """Returns the processor time of a process and of those that it has waited for."""
    fields = pathlib.Path("/proc/%d/stat" % pid).read_text().rpartition(") ")[2].split()
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")


class Newcomer:
    """Types into the tree, and counts what is not as the README and quickstart.sh say."""

    def __init__(self, tree, clone):
        self.tree, self.clone = tree, clone
        self.faults = 0
        self.environment = bare_environment(ROOT_HOME, ROOT_PATH)
        readme = (tree / clone.lstrip("/") / "README.md").read_text()
        self.commands = [c for b in blocks_of(readme) if b.is_session() for c in b.commands()]

    def within(self, directory, *command):
        """Returns how a command is called from here to run in a directory of the tree."""
        return [shutil.which("chroot"), str(self.tree), "env", "-C", directory, *command]

    def wrong(self, what):
        self.faults += 1
        print("newcomer.py: " + what, file=sys.stderr, flush=True)

    def compare(self, where, shown, printed):
        found = difference(shown, printed, datetime.datetime.now(datetime.timezone.utc))
        if found:
            self.wrong("%s %s" % (where, found))

    def quickstart(self):
        """Runs quickstart.sh; prints its times; returns what it printed, by sections."""
        proxies = {name: os.environ[name] for name in PROXIES if name in os.environ}
        started = time.monotonic()
        shell = subprocess.Popen(self.within(self.clone, "scripts/quickstart.sh"),
                                 env={**self.environment, **proxies}, stdin=subprocess.DEVNULL,
                                 stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        sections, real_s, used_s = [], [], []
        for line in map(str.rstrip, shell.stdout):
            if line.startswith("== "):
                sections.append([])
                real_s.append(time.monotonic() - started)
                used_s.append(processor_s(shell.pid))
            if sections:
                sections[-1].append(line)
            elif line:
                self.wrong("quickstart.sh prints: " + line)
        if shell.wait() != 0 or len(sections) != CRON + 1:
            print("\n".join(line for section in sections[-2:] for line in section))
            sys.exit("newcomer.py: quickstart.sh ends with exit code %d after %d steps"
                     % (shell.returncode, len(sections)))
        for what, begin, end in [("packages", INSTALLS, CONFIGURES), ("build", CONFIGURES, DRY_RUN),
                                 ("dry run", DRY_RUN, DONE)]:
            print("quickstart.sh, %s: %.1f s, %.1f s of processor time"
                  % (what, real_s[end] - real_s[begin], used_s[end] - used_s[begin]), flush=True)
        return [[line for line in section if line] for section in sections]

    def check_quickstart(self, sections):
        """Compares what quickstart.sh printed with what it is to print."""
        export, dry_run, *rest = self.commands
        built = [line for line in sections[BUILDS] if not PROGRESS.match(line)]
        installed = [re.sub(r"^installing: .*", "installing: ...", line)
                     for line in sections[INSTALLS]]
        shown = {
            INSTALLS: ["$ scripts/install_packages.sh build", "installing: ..."],
            CONFIGURES: ["$ cmake --preset quickstart"],
            BUILDS: ["$ cmake --build --preset quickstart"],
            DRY_RUN: ["$ " + export.text, "$ " + dry_run.text, *dry_run.output],
            DONE: ["The report to read:  reports/quickstart/dag_quality_latest.md",
                   "The decision:        reports/quickstart/dag_policy_decision_latest.json"],
        }
        printed = {**dict(enumerate(sections)), INSTALLS: installed, BUILDS: built,
                   DRY_RUN: [line.replace(ROOT_HOME, HOME) for line in sections[DRY_RUN]]}
        for section, lines in shown.items():
            self.compare("quickstart.sh, `%s`," % sections[section][0], lines, printed[section][1:])
        told = "\n".join(sections[NEXT][1:]).replace("\\\n", " ").splitlines()
        self.compare("quickstart.sh, what to type next,",
                     ["cd " + self.clone, *(one_line(c.text) for c in (export, *rest))],
                     list(map(one_line, told)))
        if not any(map(CRON_LINE.match, sections[CRON])):
            self.wrong("quickstart.sh prints no cron line")

    def session(self):
        """Runs the README's session in the clone."""
        started = time.monotonic()
        now = datetime.datetime.now(datetime.timezone.utc)
        results = list(run_session(self.commands, "/", self.environment,
                                   self.within(self.clone, "bash")))
        print("the README's session: %d commands, %.1f s" % (len(results),
                                                            time.monotonic() - started), flush=True)
        for (command, code, printed), after in zip(results, [*self.commands[1:], None]):
            found = fault(command, code, printed, after, now)
            if found:
                self.wrong("README.md:%d: `%s` %s" % (command.line, command.text, found))
        self.run("the clone after the session", self.clone, "git status --porcelain", [])

    def run(self, where, directory, command, shown, shell="bash", environment=None):
        done = subprocess.run(self.within(directory, shell, "-c", command), text=True,
                              env=environment or self.environment, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        if done.returncode != 0:
            self.wrong("%s ends with exit code %d: %s" % (where, done.returncode, done.stdout))
        if shown is not None:
            self.compare(where, shown, done.stdout.splitlines())
        return done.stdout

    def cron(self, section):
        """Runs the section's line as cron does: it proposes, and applies once that is approved."""
        environment = {"HOME": ROOT_HOME, "LOGNAME": "root", "SHELL": "/bin/sh",
                       "PATH": "/usr/bin:/bin"}
        (command,) = [m[1] for m in map(CRON_LINE.match, section) if m]
        (approve,) = re.findall(r"^approve_dag_policy (?:.*\\\n)*.*$", "\n".join(section), re.M)
        started = time.monotonic()
        for what in "proposal", "change":
            self.run("the cron line's " + what, ROOT_HOME, command, None, "/bin/sh", environment)
            if what == "proposal":
                self.run("the approval", self.clone,
                         "%s\n%s --yes" % (self.commands[0].text, approve), None)
        self.run("the env file", self.clone, "grep -o '^DAG_ROLLOUT_PERCENT=[0-9]*' "
                 "examples/service.env", ["DAG_ROLLOUT_PERCENT=30"])
        print("the cron line, twice: %.1f s" % (time.monotonic() - started), flush=True)


def main():
    newcomer = Newcomer(pathlib.Path(sys.argv[1]), sys.argv[2])
    sections = newcomer.quickstart()
    newcomer.check_quickstart(sections)
    newcomer.session()
    newcomer.cron(sections[CRON])
    sys.exit(1 if newcomer.faults else 0)


if __name__ == "__main__":
    main()
