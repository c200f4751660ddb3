#!/usr/bin/env bash
# usage: scripts/chaos.sh [--sample N] [--seed N]
# Kills the executables, and fails their calls, at the n-th system call (strace), over all stories: a
# proposal, an approval, changes and rollbacks by tick and by hand, and their recovery. Without
# --sample every point is tried. Prints the table of docs/reliability.md; exit code 1 where anything
# was found. Tries the executables of DAGLOOP_BIN_DIR, or those of build/release.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export DAGLOOP_BIN_DIR="${DAGLOOP_BIN_DIR:-$PWD/build/release/bin}" DAGLOOP_SOURCE_DIR="$PWD"
if [ ! -x "$DAGLOOP_BIN_DIR/dag_optimization_cycle" ]; then
  echo "chaos.sh: there is no $DAGLOOP_BIN_DIR/dag_optimization_cycle; build it, or set DAGLOOP_BIN_DIR" >&2
  exit 2
fi
exec python3 -B tests/cli/chaos.py "$@"
