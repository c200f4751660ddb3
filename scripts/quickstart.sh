#!/usr/bin/env bash
# From a fresh clone on Debian 12 to a first report: installs what is missing, builds, and runs one
# dry-run cycle on the bundled example logs.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/install_packages.sh build
cmake --preset quickstart >/dev/null
cmake --build --preset quickstart

echo
echo "== one dry-run cycle on examples/rollout_healthy.jsonl"
build/quickstart/bin/dag_optimization_cycle --config examples/dagloop.json \
  --as-of 2026-02-25T00:00:00Z
cat <<'TEXT'

The report to read:  reports/quickstart/dag_quality_latest.md
The decision:        reports/quickstart/dag_policy_decision_latest.json

Nothing was changed. To go on (README.md, "A first session"):
  export PATH="$PWD/build/quickstart/bin:$PATH"
  approve_dag_policy --init-key --key state/alice.key --as alice   # once; prints the approvers entry
  approve_dag_policy --config examples/dagloop.json --as alice --key state/alice.key \
    --decision reports/quickstart/dag_policy_decision_latest.json
  apply_dag_policy --config examples/dagloop.json --apply \
    --decision reports/quickstart/dag_policy_decision_latest.json \
    --approval reports/quickstart/dag_policy_approval_latest.json
  crontab: */15 * * * * cd /srv/dagloop && DAGLOOP_CONFIG=... scripts/run_dag_optimization_cycle.sh
TEXT
