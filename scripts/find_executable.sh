# shellcheck shell=bash
# Sourced by the scripts beside it. find_executable NAME sets `executable` to its path, looked for
# in DAGLOOP_BIN_DIR or, where that is not set, on PATH (cron's has only /usr/bin and /bin) and in
# the builds of the tree that this file lies in, of which the newer wins.
find_executable() {
  local name="$1" root found
  if [ -n "${DAGLOOP_BIN_DIR:-}" ]; then
    executable="$DAGLOOP_BIN_DIR/$name"
    if [ -x "$executable" ]; then return; fi
    echo "$(basename "$0"): config: DAGLOOP_BIN_DIR: there is no $executable;" \
      "give the directory of dagloop's executables, or unset it" >&2
    exit 2
  fi
  if executable="$(command -v "$name")"; then return; fi
  root="$(dirname "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")")"
  executable=
  for found in "$root/build/release/bin/$name" "$root/build/quickstart/bin/$name"; do
    if [ ! -x "$found" ]; then continue; fi
    if [ -z "$executable" ] || [ "$found" -nt "$executable" ]; then executable="$found"; fi
  done
  if [ -n "$executable" ]; then return; fi
  echo "$(basename "$0"): config: $name: is neither on PATH nor in $root/build/quickstart/bin" \
    "nor in $root/build/release/bin; build it with $root/scripts/quickstart.sh, or set" \
    "DAGLOOP_BIN_DIR to the directory of dagloop's executables" >&2
  exit 2
}
