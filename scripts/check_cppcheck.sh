#!/usr/bin/env bash
# Runs cppcheck over include/, src/ and tools/; false alarms stand in cmake/cppcheck_suppressions.txt.
set -euo pipefail
cd "$(dirname "$0")/.."
cppcheck --quiet --error-exitcode=1 --enable=warning,performance,portability --std=c++20 \
  --language=c++ --library=posix -j "$(nproc)" -I include -I src \
  --suppress=missingIncludeSystem --suppressions-list=cmake/cppcheck_suppressions.txt src tools
