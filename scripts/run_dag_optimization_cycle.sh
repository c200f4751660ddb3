#!/usr/bin/env bash
# One tick for cron: a dry run unless DAGLOOP_APPLY=1; the exit code is the tick's.
# Settings come from the environment: DAGLOOP_CONFIG, DAGLOOP_SOURCE, DAGLOOP_WINDOW,
# DAGLOOP_ENV_FILE, DAGLOOP_STATE, DAGLOOP_OUT, DAGLOOP_BIN_DIR (where the executables are; default:
# PATH). Further arguments are passed on.
set -euo pipefail
arguments=("$@")
if [ "${DAGLOOP_APPLY:-0}" = 1 ]; then
  arguments+=(--apply)
fi
exec "${DAGLOOP_BIN_DIR:+$DAGLOOP_BIN_DIR/}dag_optimization_cycle" "${arguments[@]}"
