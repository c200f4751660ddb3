#!/usr/bin/env bash
# The gates besides the release build and its tests: cppcheck and clang-tidy; what runs at once under
# ThreadSanitizer; the whole suite but real_traffic and cli_test_chaos, which take too long there, under
# AddressSanitizer and UBSan, with its coverage.
# usage: scripts/gates.sh [lint] [tsan] [asan]   (none: all)
set -euo pipefail
cd "$(dirname "$0")/.."
gates=("$@")
if [ "${#gates[@]}" -eq 0 ]; then gates=(lint tsan asan); fi
least_lines=97  # percent
jobs=$(($(nproc) + 1))

scripts/install_packages.sh build test lint
for gate in "${gates[@]}"; do
  echo "== $gate"
  case "$gate" in
    lint)
      cmake --preset release >/dev/null
      scripts/check_cppcheck.sh
      scripts/check_tidy.sh
      ;;
    asan)
      rm -rf build/asan/profile
      # %c: what a process executed is counted also where it is killed or ends by _exit.
      export LLVM_PROFILE_FILE="$PWD/build/asan/profile/%4m%c.profraw"
      cmake --preset asan >/dev/null
      cmake --build --preset asan
      ctest --preset asan -j "$jobs"
      scripts/coverage.sh "$least_lines"
      unset LLVM_PROFILE_FILE
      ;;
    tsan)
      cmake --preset tsan >/dev/null
      cmake --build --preset tsan
      ctest --preset tsan -j "$jobs"
      ;;
    *)
      echo "gates.sh: $gate: no such gate; give lint, tsan or asan" >&2
      exit 2
      ;;
  esac
done
