#!/usr/bin/env bash
# From a fresh clone on Debian 12 to a first report: installs what is missing, builds, and runs one
# dry-run cycle on the bundled example logs. Says what it does, and ends with what to type next.
set -euo pipefail
cd "$(dirname "$0")/.."

step() { printf '\n== %s\n' "$*"; }
show() { printf '$ %s\n' "$*"; }

step "1 of 4: install the packages of scripts/packages.txt that are missing"
show scripts/install_packages.sh build
scripts/install_packages.sh build

step "2 of 4: configure build/quickstart"
show cmake --preset quickstart
cmake --preset quickstart >/dev/null

step "3 of 4: build the executables into build/quickstart/bin"
show cmake --build --preset quickstart
cmake --build --preset quickstart

# The dry run would go by what an earlier session did, and hold: its story is told once.
if [ -e state/quickstart.db ]; then
  step "4 of 4 is left out: state/quickstart.db is there, from an earlier session"
  echo "What was built is new. To start the session over:"
  echo "rm -r state reports/quickstart; git checkout examples/service.env; scripts/quickstart.sh"
  exit 0
fi

step "4 of 4: one dry-run cycle on examples/rollout_healthy.jsonl"
show 'export PATH="$PWD/build/quickstart/bin:$PATH"'
export PATH="$PWD/build/quickstart/bin:$PATH"
show dag_optimization_cycle --config examples/dagloop.json --as-of 2026-02-25T00:00:00Z
dag_optimization_cycle --config examples/dagloop.json --as-of 2026-02-25T00:00:00Z

here="$(printf '%q' "$PWD")"
cat <<TEXT

== done in $SECONDS s; no policy was changed
The report to read:  reports/quickstart/dag_quality_latest.md
The decision:        reports/quickstart/dag_policy_decision_latest.json

== what to type next (README.md, "A first session", says what each line does)
cd $here
export PATH="\$PWD/build/quickstart/bin:\$PATH"
mkdir -p state
approve_dag_policy --init-key --key state/alice.key --as alice > state/alice.json
echo "{\"approvers\": [\$(cat state/alice.json)]}" > state/approvers.json
apply_dag_policy --config examples/dagloop.json --apply --propose \\
  --decision reports/quickstart/dag_policy_decision_latest.json
approve_dag_policy --config examples/dagloop.json --as alice --key state/alice.key \\
  --decision reports/quickstart/dag_policy_decision_latest.json --yes
apply_dag_policy --config examples/dagloop.json --apply \\
  --decision reports/quickstart/dag_policy_decision_latest.json \\
  --approval reports/quickstart/dag_policy_approval_latest.json
apply_dag_policy --config examples/dagloop.json --rollback --apply
apply_dag_policy --config examples/dagloop.json --verify-journal

== the cron line of this example (crontab -e), once the approvers file is there; it has a state of its own
*/15 * * * * cd $here && DAGLOOP_APPLY=1 DAGLOOP_CONFIG=examples/dagloop.json DAGLOOP_STATE=sqlite:state/cron.db DAGLOOP_OUT=reports/quickstart/cron $here/scripts/run_dag_optimization_cycle.sh --as-of 2026-02-25T00:00:00Z
To approve what it proposes:
approve_dag_policy --config examples/dagloop.json --as alice --key state/alice.key \\
  --decision reports/quickstart/cron/dag_policy_decision_latest.json
The next tick applies it; those after that end with 3, for the example's log has no runs since the change.

For your service: a configuration of its own (docs/operations.md, "Setting up"), and no --as-of.
TEXT
