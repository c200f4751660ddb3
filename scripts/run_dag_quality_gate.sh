#!/usr/bin/env bash
# The gate as a CI step: evaluates DAGLOOP_SOURCE and judges it; the exit code is the gate's.
# Settings come from the environment: DAGLOOP_SOURCE, DAGLOOP_CONFIG, DAGLOOP_WINDOW, DAGLOOP_OUT,
# DAGLOOP_BIN_DIR (where the executables are; default: PATH, then this tree's builds). Further
# arguments are passed on.
set -euo pipefail
source "$(dirname "$(readlink -f "$0")")/find_executable.sh"
find_executable dag_quality_gate
exec "$executable" "$@"
