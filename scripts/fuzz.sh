#!/usr/bin/env bash
# Builds the fuzz targets (clang, libFuzzer, ASan, UBSan) and runs each for a number of executions;
# prints a Markdown table. Ends with 1 where a target has a finding, which is kept with its log.
# usage: scripts/fuzz.sh [EXECUTIONS] [TARGET...]     (default: 100000, all targets)
set -euo pipefail
cd "$(dirname "$0")/.."

executions=${1:-100000}
targets=("${@:2}")
if [ "${#targets[@]}" -eq 0 ]; then
  targets=(log_line env_file mapping config decision approval)
fi

scripts/install_packages.sh build fuzz
cmake --preset fuzz >/dev/null
cmake --build --preset fuzz >&2

out=${DAGLOOP_FUZZ_DIR:-build/fuzz/runs}
export ASAN_OPTIONS=quarantine_size_mb=16:malloc_context_size=1:max_malloc_fill_size=0 UBSAN_OPTIONS=print_stacktrace=1
failed=0
echo "| target | executions | seconds | executions/s | edges covered | peak memory (MB) | findings |"
echo "| --- | ---: | ---: | ---: | ---: | ---: | ---: |"
for target in "${targets[@]}"; do
  mkdir -p "$out/$target/corpus" "$out/$target/findings"
  log="$out/$target/log"
  started=$(date +%s)
  status=0
  # An input may take half a gigabyte, and a second: slower ones are kept, too.
  build/fuzz/bin/fuzz_"$target" -runs="$executions" -seed=1 -entropic=0 -max_len=4096 \
    -timeout=5 -report_slow_units=1 \
    -rss_limit_mb=512 -dict=tests/fuzz/dictionaries/"$target".dict -print_final_stats=1 \
    -artifact_prefix="$out/$target/findings/" "$out/$target/corpus" tests/fuzz/corpus/"$target" \
    >"$log" 2>&1 || status=$?
  seconds=$(($(date +%s) - started))
  done_runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
  memory=$(sed -n 's/^stat::peak_rss_mb: *//p' "$log")
  covered=$(sed -n 's/.* cov: \([0-9]*\) .*/\1/p' "$log" | tail -1)
  found=$(find "$out/$target/findings" -type f | wc -l)
  rate=$((${done_runs:-0} / (seconds > 0 ? seconds : 1)))
  echo "| $target | ${done_runs:-0} | $seconds | $rate | ${covered:-0} | ${memory:-0} | $found |"
  if [ "$status" -ne 0 ] || [ "$found" -ne 0 ]; then
    echo "fuzz.sh: $target has a finding: see $log and $out/$target/findings" >&2
    failed=1
  fi
done
exit "$failed"
