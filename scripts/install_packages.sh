#!/usr/bin/env bash
# Installs the Debian packages of the sections named (build, test) that are missing.
# usage: scripts/install_packages.sh build [test]
set -euo pipefail
cd "$(dirname "$0")/.."

missing=()
for section in "$@"; do
  while read -r package; do
    if ! dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed'; then
      missing+=("$package")
    fi
  done < <(sed -n "/^\[$section\]/,/^\[/p" scripts/packages.txt | grep -v -e '^\[' -e '^#')
done
if [ "${#missing[@]}" -eq 0 ]; then
  exit 0
fi

as_root=()
if [ "$(id -u)" -ne 0 ]; then
  if ! command -v sudo >/dev/null; then
    echo "install_packages.sh: these packages are missing: ${missing[*]}" >&2
    echo "install_packages.sh: run this script as root, or install sudo" >&2
    exit 4
  fi
  as_root=(sudo)
fi
echo "installing: ${missing[*]}"
"${as_root[@]}" apt-get update -qq
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
  apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
