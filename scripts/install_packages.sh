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
# Another apt (an upgrade at night, a second checkout) may hold a lock; it is waited for. apt's own
# option, DPkg::Lock::Timeout, does not cover the lock of the package lists.
wait_s=${DAGLOOP_APT_WAIT_S:-600}
retry_s=${DAGLOOP_APT_RETRY_S:-5}
errors=$(mktemp)
trap 'rm -f "$errors"' EXIT

# run_apt ARGUMENTS: apt-get, until it gets its locks.
run_apt() {
  local waited=0 told="" started
  while started=$SECONDS; ! "${as_root[@]}" env LC_ALL=C DEBIAN_FRONTEND=noninteractive \
      apt-get -qq -o "DPkg::Lock::Timeout=$retry_s" "$@" >/dev/null 2>"$errors"; do
    if ! grep -qi 'could not get lock' "$errors"; then
      cat "$errors" >&2
      echo "install_packages.sh: apt-get $1 failed; these packages are missing: ${missing[*]}" >&2
      exit 4
    fi
    if [ "$waited" -ge "$wait_s" ]; then
      cat "$errors" >&2
      echo "install_packages.sh: another apt still holds the lock after $wait_s s; run this again" \
        "when it has ended" >&2
      exit 4
    fi
    if [ -z "$told" ]; then
      told=yes
      echo "another apt holds the lock; waiting, for at most $wait_s s" >&2
    fi
    sleep "$retry_s"
    waited=$((waited + SECONDS - started))
  done
  # On a bare system debconf tells that apt-utils is missing, which nothing here needs.
  grep -v '^debconf: delaying package configuration' "$errors" >&2 || true
}

echo "installing: ${missing[*]}"
run_apt update
run_apt install -y --no-install-recommends "${missing[@]}"
