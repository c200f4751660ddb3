#!/usr/bin/env bash
# Runs clang-tidy over src/ and tools/ as build/release compiles them: several files of a layer at
# once. build/release must be configured.
set -euo pipefail
cd "$(dirname "$0")/.."
python3 - <<'PYTHON' |
import json, os, re
units = [each["file"] for each in json.load(open("build/release/compile_commands.json"))
         if re.search(r" -o (src|tools)/CMakeFiles/", each["command"])]
def weight(unit):  # of what is compiled: the longest first
    parts = re.findall(r'#include "(.*)"', open(unit).read()) if "/Unity/" in unit else [unit]
    return -sum(os.path.getsize(part) for part in parts if os.path.isabs(part))
print("\n".join(sorted(units, key=weight)))
PYTHON
  # suspicious-include is about #include "x.cpp", which is how those are put together.
  xargs -P "$(nproc)" -n 1 clang-tidy -p build/release --quiet --warnings-as-errors='*' \
    --checks=-bugprone-suspicious-include
