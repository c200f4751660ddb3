#!/usr/bin/env bash
# One tick for cron: a dry run unless DAGLOOP_APPLY=1; the exit code is the tick's.
# Settings come from the environment: DAGLOOP_CONFIG, DAGLOOP_SOURCE, DAGLOOP_WINDOW,
# DAGLOOP_ENV_FILE, DAGLOOP_STATE, DAGLOOP_OUT, DAGLOOP_BIN_DIR (where the executables are; default:
# PATH, then this tree's builds). Further arguments are passed on.
set -euo pipefail
source "$(dirname "$(readlink -f "$0")")/find_executable.sh"
find_executable dag_optimization_cycle
arguments=("$@")
if [ "${DAGLOOP_APPLY:-0}" = 1 ]; then
  arguments+=(--apply)
fi
exec "$executable" "${arguments[@]}"
