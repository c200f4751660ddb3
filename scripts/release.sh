#!/usr/bin/env bash
# What is slow and seldom finds anything, before a release (docs/testing.md, "Before a release").
# Ends with a table of the stages and their seconds.
# usage: scripts/release.sh [alone] [bare] [fuzz] [chaos] [exhaustive]   (none: all)
#        DAGLOOP_FUZZ_EXECUTIONS: executions of each fuzz target (default 1000000)
set -euo pipefail
cd "$(dirname "$0")/.."
jobs=$(($(nproc) + 1))
tree=""
inside=""

# alone: each file is compiled by itself, so none leans on what another one includes.
alone() {
  scripts/install_packages.sh build test
  cmake --preset debug >/dev/null
  cmake --build --preset debug
  ctest --preset debug -j "$jobs"
}

# bare: what a newcomer does on a Debian that has nothing but git; of what is committed alone.
bare() {
  if [ "$(id -u)" -ne 0 ]; then
    echo "release.sh: bare makes a tree of Debian and runs in it: run it as root" >&2
    exit 4
  fi
  scripts/install_packages.sh release
  tree=$(mktemp -d)
  # Its own processes and mounts: all of them end with it.
  unshare --mount --pid --fork --kill-child --mount-proc scripts/bare_tree.sh "$tree" &
  inside=$!
  wait "$inside"
  inside=""
  remove_tree
}

remove_tree() {
  if [ -n "$inside" ]; then
    kill -KILL "$inside" 2>/dev/null || true
    wait "$inside" 2>/dev/null || true
  fi
  if [ -n "$tree" ]; then rm -rf --one-file-system "$tree"; fi
  tree=""
}

fuzz() { scripts/fuzz.sh "${DAGLOOP_FUZZ_EXECUTIONS:-1000000}"; }

# chaos: a kill or an error at every system call of the executables, over all stories.
chaos() {
  scripts/install_packages.sh build test
  cmake --preset release >/dev/null
  cmake --build --preset release
  scripts/chaos.sh
}

# exhaustive: under the sanitizers, with a fault at every place instead of one in many.
exhaustive() {
  local build=build/exhaustive timeout_s=14400
  scripts/install_packages.sh build test lint
  cmake --preset asan -B "$build" -DDAGLOOP_COVERAGE=OFF -DDAGLOOP_FAULT_EVERY=1 \
    -DDAGLOOP_TEST_TIMEOUT_S="$timeout_s" >/dev/null
  cmake --build "$build"
  ctest --test-dir "$build" --output-on-failure --timeout "$timeout_s" -j "$jobs"
}

stages=("$@")
if [ "${#stages[@]}" -eq 0 ]; then stages=(alone bare fuzz chaos exhaustive); fi
for stage in "${stages[@]}"; do
  case "$stage" in
    alone | bare | fuzz | chaos | exhaustive) ;;
    *)
      echo "release.sh: $stage: no such stage; give alone, bare, fuzz, chaos or exhaustive" >&2
      exit 2
      ;;
  esac
done
table=""
stage=""
finish() {
  local code=$?
  remove_tree
  if [ -n "$stage" ]; then echo "release.sh: $stage failed" >&2; fi
  printf '%s%6d s  in all\n' "$table" "$SECONDS"
  exit "$code"
}
trap finish EXIT
for stage in "${stages[@]}"; do
  echo "== $stage"
  started=$SECONDS
  "$stage"
  table+="$(printf '%6d s  %s' "$((SECONDS - started))" "$stage")"$'\n'
done
stage=""
