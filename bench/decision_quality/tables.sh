#!/usr/bin/env bash
# Writes the tables of docs/decision-quality.md, "Real traffic", as CSV.
# usage: bench/decision_quality/tables.sh [ROLLOUTS [ROLLOUTS_OF_EXECUTABLES [DIRECTORY]]]
# In process: ROLLOUTS (1000) a line of this engine, a fifth of that of each other rule. The same
# stories through the executables: ROLLOUTS_OF_EXECUTABLES (100) a line; 0: not at all.
set -euo pipefail
cd "$(dirname "$0")/../.."
rollouts=${1:-1000}
through_executables=${2:-100}
results=${3:-bench/decision_quality/results}
bin=build/release/bin

cmake --preset release > /dev/null
cmake --build --preset release --target real_traffic dag_optimization_cycle approve_dag_policy
mkdir -p "$results"
for table in no-change faults; do
  "$bin/real_traffic" -n "$rollouts" -t "$table" > "$results/$table.csv.new"
  mv "$results/$table.csv.new" "$results/$table.csv"
done
[ "$through_executables" = 0 ] && exit 0
for table in no-change faults; do
  "$bin/real_traffic" -n "$through_executables" -t "$table" -r "the executables" -b "$bin" \
    > "$results/$table-executables.csv.new"
  mv "$results/$table-executables.csv.new" "$results/$table-executables.csv"
done
