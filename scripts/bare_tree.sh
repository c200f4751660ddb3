#!/usr/bin/env bash
# Makes a bare Debian 12 in the empty directory TREE, with git and this repository's last commit,
# and does in it what a newcomer does (tests/cli/newcomer.py). Mounts in TREE: scripts/release.sh,
# which runs this, gives it mounts of its own.
# usage: scripts/bare_tree.sh TREE
set -euo pipefail
cd "$(dirname "$0")/.."
tree=$1
chmod 755 "$tree"
release=bookworm
# From where this machine's apt gets its packages.
mirror=$(apt-get indextargets --format '$(RELEASE) $(REPO_URI)' "Created-By: Packages" |
  awk -v release="$release" '$1 == release && !uri { uri = $2 } END { print uri }')
if [ -z "$mirror" ]; then
  echo "bare_tree.sh: this machine's apt knows no mirror of $release" >&2
  exit 4
fi
if [ -n "$(git status --porcelain)" ]; then
  echo "bare_tree.sh: there are changes that are not committed; they are not looked at" >&2
fi
started=$SECONDS
if ! debootstrap --variant=minbase --include=ca-certificates,git "$release" "$tree" "$mirror" \
    >"$tree/debootstrap.log" 2>&1; then
  tail -20 "$tree/debootstrap.log" >&2
  exit 4
fi
echo "debootstrap: $((SECONDS - started)) s"

# Its apt works as this machine's does.
rm -rf "$tree/etc/apt"
cp -a /etc/apt "$tree/etc/apt"
cp -a /usr/share/keyrings/. "$tree/usr/share/keyrings"
cp -L /etc/resolv.conf /etc/hosts "$tree/etc"
mount -t proc proc "$tree/proc"
mount -t devpts devpts "$tree/dev/pts"

git bundle create --quiet "$tree/dagloop.bundle" HEAD
chroot "$tree" git -c advice.detachedHead=false clone --quiet /dagloop.bundle /root/dagloop
python3 -B tests/cli/newcomer.py "$tree" /root/dagloop
