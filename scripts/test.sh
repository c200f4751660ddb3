#!/usr/bin/env bash
# Installs what is missing, looks at the sources, builds with warnings as errors, and runs every test.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/install_packages.sh build test
scripts/check_format.sh
scripts/check_local_names.py
cmake --preset release
cmake --build --preset release
# A test waits for processes, servers and disks half of its time.
ctest --preset release -j "$(($(nproc) + 1))"
