#!/usr/bin/env bash
# Measures dagloop beside DuckDB, a plain Python script, jq and the raw limits, and its databases beside
# queries by hand, in one invocation, and writes docs/benchmarks.md. The logs are generated (seeded), 30 days of run records of which the
# last three days are the window. Needs build/release (scripts/test.sh makes it).
# usage: scripts/bench.sh [RECORDS...]      (default 1000000 10000000)
#        DAGLOOP_BENCH_ROWS: rows of the databases (default 10000000)
#        DAGLOOP_BENCH_TICK: records of the history that ticks are measured on (default 10000000)
#        DAGLOOP_BENCH_DIR: where the logs are kept (default: a temporary directory, 7 GB)
set -euo pipefail
cd "$(dirname "$0")/.."
sizes=("$@")
[ "${#sizes[@]}" -gt 0 ] || sizes=(1000000 10000000)
bin=$PWD/build/release/bin
work=${DAGLOOP_BENCH_DIR:-$(mktemp -d)}
[ -n "${DAGLOOP_BENCH_DIR:-}" ] || trap 'rm -rf "$work"' EXIT
mkdir -p "$work"
rounds=${DAGLOOP_BENCH_ROUNDS:-3}
start=2026-02-28T00:00:00Z
end=2026-03-03T00:00:00Z

scripts/install_packages.sh build test bench
command -v npm >/dev/null || scripts/install_packages.sh node
cp bench/package.json "$work"
(cd "$work" && npm install --silent --no-audit --no-fund >/dev/null)

generate() {  # generate FILE RECORDS [FLAGS]
  local file=$1 records=$2
  shift 2
  [ -s "$file" ] || "$bin/generate_rollout" --seed 1 --start 2026-02-01T00:00:00Z --days 30 \
    --runs-per-day "$((records / 30))" --nodes 0 --derived 0 --duplicates 0 "$@" >"$file"
}

commands() {  # commands RECORDS: one `name <tab> command` a line
  local records=$1 log=$work/$1.jsonl shuffled=$work/$1.shuffled.jsonl
  local eval="$bin/eval_dag_quality --json --window 3d --as-of $end --source"
  local duck="node bench/duckdb.mjs $work"
  local window="$start $end 2"
  printf '%s\t%s\n' \
    'wc -l' "wc -l $log" \
    'newline scan, 2 threads' "$work/newlines $log" \
    'dagloop, 2 threads' "$eval $log" \
    'dagloop, 1 thread' "taskset -c 0 $eval $log" \
    'dagloop, 2 threads, keys shuffled' "$eval $shuffled" \
    'DuckDB, read_json' "$duck json $log $work/$records.duckdb $window" \
    'DuckDB, read_json, keys shuffled' "$duck json $shuffled $work/$records.duckdb $window" \
    'DuckDB, own table, already loaded' "$duck table $log $work/$records.duckdb $window"
  [ "$records" -gt 1000000 ] && return
  printf '%s\t%s\n' \
    'Python script' "python3 bench/plain.py $log $start $end" \
    'jq' "jq -n --arg from $start --arg to $end -f bench/kpis.jq $log"
}

g++ -std=c++20 -O3 -pthread -o "$work/newlines" bench/newlines.cpp
for records in "${sizes[@]}"; do
  generate "$work/$records.jsonl" "$records"
  generate "$work/$records.shuffled.jsonl" "$records" --shuffle-keys
  node bench/duckdb.mjs "$work" load "$work/$records.jsonl" "$work/$records.duckdb" - - 2
  {
    echo
    echo "### $records records, $(($(stat -c %s "$work/$records.jsonl") >> 20)) MiB"
    echo
    commands "$records" | python3 bench/measure.py "$rounds" 'wc -l'
  } | tee "$work/$records.md"
done

python3 bench/databases.py "${DAGLOOP_BENCH_ROWS:-10000000}" "$rounds" "$bin" | tee "$work/databases.md"

{
  echo
  echo "### A tick over a history of ${DAGLOOP_BENCH_TICK:-10000000} records"
  echo
  python3 bench/tick.py "${DAGLOOP_BENCH_TICK:-10000000}" "$rounds" "$bin" "$work"
} | tee "$work/tick.md"

{
  echo
  echo "### A replay of a month, 1000000 records, 2881 ticks"
  echo
  python3 bench/replay.py 1000000 "$rounds" "$bin" "$work"
} | tee "$work/replay.md"

{
  sed '/^## Measured/q' docs/benchmarks.md
  echo
  echo "On $(nproc) cores of $(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -1), warm cache, $(date -u +%F)."
  for records in "${sizes[@]}"; do cat "$work/$records.md"; done
  cat "$work/tick.md" "$work/replay.md" "$work/databases.md"
} >"$work/benchmarks.md"
cp "$work/benchmarks.md" docs/benchmarks.md
