#!/usr/bin/env bash
# The gate as a CI step: evaluates DAGLOOP_SOURCE and judges it; the exit code is the gate's.
# Settings come from the environment: DAGLOOP_SOURCE, DAGLOOP_CONFIG, DAGLOOP_WINDOW, DAGLOOP_OUT,
# DAGLOOP_BIN_DIR (where the executables are; default: PATH). Further arguments are passed on.
set -euo pipefail
exec "${DAGLOOP_BIN_DIR:+$DAGLOOP_BIN_DIR/}dag_quality_gate" "$@"
