#!/usr/bin/env python3
"""Writes docs/man/*.1 from the executables' --help and the texts below.

usage: scripts/make_man_pages.py BIN_DIR OUT_DIR
"""

import pathlib
import re
import subprocess
import sys

DATE = "November 25, 2026"

LOGS = """Logs are read from files, standard input, PostgreSQL or ClickHouse; see docs/sources.md. If data
is missing, stale, or malformed beyond the configured limit, it is never treated as good data."""

WRITES_NOTHING = """Without
.Fl -apply
the change is only shown, and only reports are written."""

# Per executable: what it does, and examples with what they are for.
PAGES = {
    "eval_dag_quality": (
        "evaluates execution logs of DAGs",
        f"""computes the KPIs of a window and of its baseline, each with its interval, per population, cohort
and node, and writes the quality report as JSON, Markdown and HTML.
.Pp
{LOGS}""",
        [("Yesterday's report from a directory of logs",
          "eval_dag_quality --source /var/log/planner --window 1d"),
         ("From a database, as one document on standard output",
          "eval_dag_quality --source 'postgresql://reader@db/planner' --json"),
         ("A benchmark that is over, up to its last record",
          "eval_dag_quality --source build/logs --as-of last")],
        ["dag_quality_latest.json, .md, .html"]),
    "dag_quality_gate": (
        "judges a quality report: PASS, FAIL or INSUFFICIENT",
        f"""evaluates the gate's checks on a quality report, or on logs, and ends with the verdict's exit
code. With too few runs the verdict is INSUFFICIENT, which is never a pass.
.Pp
{LOGS}""",
        [("A step of CI", "dag_quality_gate --source build/logs --gate gate.json"),
         ("Judge a report, and refuse an old one",
          "dag_quality_gate --report reports/dag_quality_latest.json --max-report-age 1h")],
        ["dag_quality_gate_latest.json"]),
    "decide_dag_policy": (
        "decides: promote, hold or rollback",
        """decides from a quality report, the gate's verdict, the env file and the history of policies. It
writes the decision with its reasons, its recommendations and a patch of allowlisted keys. The same
inputs give the same decision.""",
        [("Decide from the latest report",
          "decide_dag_policy --config dagloop.json --report reports/dag_quality_latest.json")],
        ["dag_policy_decision_latest.json"]),
    "approve_dag_policy": (
        "signs an approval of exactly one decision",
        """shows a decision, asks, and signs an approval of exactly that decision (Ed25519). With
.Fl -init-key
it makes a key pair instead, and prints the approver's entry for the approvers file. Only its owner may
be able to read a key file.""",
        [("Make a key, once", "approve_dag_policy --init-key --key alice.key --as alice"),
         ("Approve the pending decision",
          "approve_dag_policy --config dagloop.json --as alice --key alice.key \\e\n"
          "    --decision reports/dag_policy_decision_latest.json")],
        ["dag_policy_approval_latest.json"]),
    "apply_dag_policy": (
        "applies an approved decision to an env file, or rolls back",
        f"""changes only the values of a decision's keys in the env file, atomically, and only if the file has
not changed since the decision. {WRITES_NOTHING} Going back to a policy that was
approved before needs no approval.""",
        [("Apply", "apply_dag_policy --config dagloop.json --apply \\e\n"
          "    --decision reports/dag_policy_decision_latest.json \\e\n"
          "    --approval reports/dag_policy_approval_latest.json"),
         ("Go back to the last verified policy",
          "apply_dag_policy --config dagloop.json --rollback --apply"),
         ("Let a policy that evidence excluded be rolled out anew, after the cool-down",
          "apply_dag_policy --config dagloop.json --new-rollout --apply \\e\n"
          "    --why \"the release of Tuesday mends it\"")],
        []),
    "dag_optimization_cycle": (
        "runs one tick of the loop",
        f"""evaluates the logs, judges the gate, and decides. It applies a change that was approved. It verifies
the change in force, and rolls it back if the runs after it are worse. It may run at any time, any
number of times, and from several hosts at once. {WRITES_NOTHING}
.Pp
{LOGS}""",
        [("A line of crontab, whose PATH is /usr/bin:/bin",
          "*/15 * * * * cd /srv/planner && "
          "/usr/local/bin/dag_optimization_cycle --config dagloop.json --apply")],
        ["dag_quality_latest.json, .md, .html", "dag_quality_gate_latest.json",
         "dag_policy_decision_latest.json", "dag_trends_latest.json",
         "dag_rollback_drill_latest.json"]),
    "replay_dag_policy": (
        "replays past logs: what the loop would have decided",
        f"""reads past logs as the cycle would have read them, tick by tick, for one or several configurations.
It prints a comparison, the alarms with their figures and evidence, and a timeline of decisions. It
writes reports only with
.Fl -out .
Decisions of the replay have no effect on the log.
.Pp
{LOGS}""",
        [("The last 30 days, under two configurations",
          "replay_dag_policy --config dagloop.json --config new.json \\e\n"
          "    --source /var/log/planner"),
         ("Thresholds with at most two false alarms a month, and whether they find a known regression",
          "replay_dag_policy --config dagloop.json --suggest-thresholds 2 \\e\n"
          "    --from 2026-02-01T00:00:00Z --to 2026-03-01T00:00:00Z \\e\n"
          "    --regression 2026-02-20T00:00:00Z/2026-02-21T12:00:00Z")],
        ["dag_policy_replay_latest.json, .md"]),
}

# (executable, exit code): what the code means there, where docs/cli.md speaks of others too.
OWN_MEANINGS = {
    ("eval_dag_quality", "0"): "done",
    ("dag_quality_gate", "0"): "gate PASS",
    ("dag_quality_gate", "1"): "gate FAIL",
    ("decide_dag_policy", "0"): "decision promote or hold",
    ("decide_dag_policy", "1"): "decision rollback",
    ("approve_dag_policy", "0"): "signed, or the key was made",
    ("apply_dag_policy", "0"): "done; dry run complete",
    ("dag_optimization_cycle", "0"): "decision promote or hold; dry run complete",
    ("dag_optimization_cycle", "1"): "decision rollback, done or shown by a dry run",
    ("replay_dag_policy", "0"): "done, whatever would have been decided",
    ("replay_dag_policy", "1"): "a marked regression would have been missed",
    ("replay_dag_policy", "3"): "no tick of a configuration had data",
}
NEVER = {("eval_dag_quality", "1"), ("approve_dag_policy", "1"),
         # Only a tick waits for the runs after a change.
         *((tool, "8") for tool in PAGES if tool != "dag_optimization_cycle")}

EXIT_CODES = pathlib.Path(__file__).parent.parent / "docs/cli.md"


def escaped(text):
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return "\\&" + text if text[:1] in ".'" else text


def options_of(tool, bin_dir):
    """Yields (flags, argument, variable, text) of every option that --help lists."""
    text = subprocess.run([bin_dir / tool, "--help"], check=True, capture_output=True,
                          text=True).stdout
    joined = re.sub(r"\n {10,}", "  ", text.split("Options:\n")[1])
    for line in joined.strip("\n").split("\n"):
        head, _, about = line.strip().partition("  ")
        flags = re.match(r"[-a-z,]+", head)[0].split(",")
        argument = re.search(r" ((?:TEXT|FLOAT)(?: \.\.\.)?)", head)
        variable = re.search(r"Env:([A-Z_]+)", head)
        yield (flags, argument and re.sub("TEXT|FLOAT", "VALUE", argument[1]), variable and variable[1],
               about.strip())


def exit_codes(tool):
    """Yields the codes of docs/cli.md with what they mean for this executable."""
    for code, meaning in re.findall(r"^\| (\d+) \| (.*) \|$", EXIT_CODES.read_text(), re.M):
        if (tool, code) not in NEVER:
            yield code, OWN_MEANINGS.get((tool, code), meaning)


def page(tool, bin_dir):
    name, about, examples, files = PAGES[tool]
    lines = [f".Dd {DATE}", f".Dt {tool.upper()} 1", ".Os", ".Sh NAME", f".Nm {tool}",
             f".Nd {name}", ".Sh SYNOPSIS", f".Nm {tool}", ".Op Ar options", ".Sh DESCRIPTION",
             f".Nm {tool}", about, ".Sh OPTIONS", ".Bl -tag -width Ds"]
    variables = []
    for flags, argument, variable, text in options_of(tool, bin_dir):
        value = f" Ar {argument}" if argument else ""
        names = " , ".join(f"Fl {escaped(flag[1:])}" for flag in flags)
        lines += [f".It {names}{value}", escaped(text)]
        if variable:
            variables.append((variable, flags[-1]))
    lines += [".El", ".Sh ENVIRONMENT", "A flag wins over its variable, a variable over the",
              "configuration file.", ".Bl -tag -width Ds"]
    for variable, flag in variables:
        lines += [f".It Ev {variable}", f"as {escaped(flag)}"]
    lines.append(".El")
    if files:
        lines += [".Sh FILES", "In the directory of the reports, and by time in its",
                  ".Pa archive :", ".Bl -tag -width Ds"]
        lines += [f".It Pa {file}" for file in files] + [".El"]
    lines += [".Sh EXIT STATUS", ".Bl -tag -width Ds"]
    for code, meaning in exit_codes(tool):
        lines += [f".It {code}", escaped(meaning)]
    lines += [".El", ".Sh EXAMPLES"]
    for title, command in examples:
        lines += [f"{title}:", ".Bd -literal -offset indent", command, ".Ed"]
    others = [other for other in sorted(PAGES) if other != tool]
    lines.append(".Sh SEE ALSO")
    lines += [f".Xr {other} 1{' ,' if other != others[-1] else ''}" for other in others]
    return "\n".join(lines) + "\n"


def main():
    bin_dir, out_dir = map(pathlib.Path, sys.argv[1:])
    out_dir.mkdir(parents=True, exist_ok=True)
    for tool in PAGES:
        (out_dir / f"{tool}.1").write_text(page(tool, bin_dir.resolve()))


if __name__ == "__main__":
    main()
