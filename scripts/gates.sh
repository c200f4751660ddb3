#!/usr/bin/env bash
# The gates besides the release build and its tests: clang-tidy; the whole suite under
# AddressSanitizer and UBSan, with its coverage; what runs at once under ThreadSanitizer.
# usage: scripts/gates.sh [tidy] [tsan] [asan]   (none: all)
set -euo pipefail
cd "$(dirname "$0")/.."
gates=("$@")
if [ "${#gates[@]}" -eq 0 ]; then gates=(tidy tsan asan); fi
least_lines=97  # percent; see docs/reliability.md

scripts/install_packages.sh build test lint
for gate in "${gates[@]}"; do
  echo "== $gate"
  case "$gate" in
    tidy)
      cmake --preset release >/dev/null
      scripts/check_tidy.sh
      ;;
    asan)
      rm -rf build/asan/profile
      export LLVM_PROFILE_FILE="$PWD/build/asan/profile/%4m.profraw"
      cmake --preset asan >/dev/null
      cmake --build --preset asan
      # How the sources look is the same in every build.
      ctest --preset asan -j "$(nproc)" -E '^(cppcheck|format)$'
      scripts/coverage.sh "$least_lines"
      unset LLVM_PROFILE_FILE
      ;;
    tsan)
      cmake --preset tsan >/dev/null
      cmake --build --preset tsan
      ctest --preset tsan -j "$(nproc)"
      ;;
    *)
      echo "gates.sh: $gate: no such gate; give tidy, tsan or asan" >&2
      exit 2
      ;;
  esac
done
