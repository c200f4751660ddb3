#!/usr/bin/env bash
# Prints how many lines and branches the tests of the asan preset executed, as a Markdown table by layer.
# Run the tests first, with LLVM_PROFILE_FILE="$PWD/build/asan/profile/%4m%c.profraw" (scripts/gates.sh does).
# usage: scripts/coverage.sh [LEAST_PERCENT_OF_LINES]
set -euo pipefail
cd "$(dirname "$0")/.."
least=${1:-0}
build=build/asan
llvm-profdata-14 merge -sparse "$build"/profile/*.profraw -o "$build/profile/all.profdata"
objects=()
for file in "$build"/bin/*; do
  if [ -f "$file" ] && [ -x "$file" ]; then objects+=(-object "$file"); fi
done
llvm-cov-14 export -summary-only -instr-profile "$build/profile/all.profdata" "${objects[@]}" \
  -ignore-filename-regex '/tests/|/build/|/usr/' | python3 -c '
import collections, json, sys
least = float(sys.argv[1])
layers = collections.defaultdict(lambda: [0, 0, 0, 0])
for file in json.load(sys.stdin)["data"][0]["files"]:
    parts = file["filename"].split("/")
    layer = "tools" if parts[-2] == "tools" else parts[-2]
    sums = file["summary"]
    for name in (layer, "all"):
        for i, (kind, what) in enumerate((("lines", "covered"), ("lines", "count"),
                                          ("branches", "covered"), ("branches", "count"))):
            layers[name][i] += sums[kind][what]
order = ["base", "record", "kpi", "evidence", "source", "decide", "policy", "state", "report", "cycle", "tools"]
print("| layer | lines | executed | branches | executed |\n| --- | ---: | ---: | ---: | ---: |")
share = lambda part, whole: "%.1f %%" % (100.0 * part / whole) if whole else "-"
for name in [each for each in order if each in layers] + ["all"]:
    lines, all_lines, branches, all_branches = layers[name]
    print("| %s | %d | %s | %d | %s |" % (name, all_lines, share(lines, all_lines), all_branches,
                                          share(branches, all_branches)))
lines, all_lines = layers["all"][:2]
if not all_lines or 100.0 * lines / all_lines < least:
    sys.exit("coverage.sh: fewer than %g %% of the lines were executed" % least)
' "$least"
