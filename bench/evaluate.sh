#!/usr/bin/env bash
# Measures eval_dag_quality on generated logs, side by side in one run: medians of five, whole
# processes, warm cache. Rows: 1 million run records in the window; the same log ten times as long
# with the same window (the other nine parts lie outside it); 1 million records of runs and nodes.
# usage: bench/evaluate.sh [BIN_DIR]   (default build/release/bin)
set -euo pipefail
cd "$(dirname "$0")/.."
bin=${1:-build/release/bin}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

generate() { "$bin/generate_rollout" --seed 1 --duplicates 0 --derived 0 "$@"; }
generate --start 2026-02-01T00:00:00Z --days 1 --runs-per-day 1000000 --nodes 0 >"$work/runs.jsonl"
generate --start 2026-01-01T00:00:00Z --days 9 --runs-per-day 1000000 --nodes 0 >"$work/old.jsonl"
cat "$work/old.jsonl" "$work/runs.jsonl" >"$work/long.jsonl"
rm "$work/old.jsonl"
generate --start 2026-02-01T00:00:00Z --days 1 --runs-per-day 200000 --nodes 4 >"$work/nodes.jsonl"

# Prints "wall-seconds peak-KiB" of one run.
measure() {
  python3 - "$@" <<'PY'
import resource, subprocess, sys, time
start = time.monotonic()
subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, check=True)
usage = resource.getrusage(resource.RUSAGE_CHILDREN)
print(f"{time.monotonic() - start:.3f} {usage.ru_maxrss}")
PY
}

row() {
  local name=$1 file=$2
  shift 2
  local seconds=() peak=0
  for _ in 0 1 2 3 4 5; do
    read -r wall memory < <(measure "$@" "$file")
    seconds+=("$wall")
    peak=$((memory > peak ? memory : peak))
  done
  local median
  median=$(printf '%s\n' "${seconds[@]:1}" | sort -n | sed -n 3p)  # the first run warms up
  printf '| %s | %s | %s | %s | %s |\n' "$name" "$(wc -l <"$file")" \
    "$(($(stat -c %s "$file") >> 20)) MiB" "$median s" "$((peak >> 10)) MiB"
}

evaluate() {
  row "$1" "$2" "$bin/eval_dag_quality" --window 1d --as-of 2026-02-02T00:00:00Z --json --source
}

echo '| what | records | size | wall | peak memory |'
echo '| --- | --- | --- | --- | --- |'
evaluate 'run records in the window' "$work/runs.jsonl"
evaluate 'the same window in a log ten times as long' "$work/long.jsonl"
evaluate 'run and node records in the window' "$work/nodes.jsonl"
row 'for comparison: wc -l' "$work/runs.jsonl" wc -l
