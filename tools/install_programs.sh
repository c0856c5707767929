#!/usr/bin/env bash
# The programs of other people that `make test-engines` runs: Debian's packages, installed where that is possible and
# where they are missing. A test whose program is not there skips and says so, so nothing here fails the build.
set -uo pipefail

missing=()
want() { # PACKAGE for a program: want PACKAGE PROGRAM-OR-PATH...
  local package=$1 found
  shift
  for found in "$@"; do
    compgen -G "$found" >/dev/null && return
    command -v "$found" >/dev/null && return
  done
  missing+=("$package")
}

want default-jre-headless java                       # Spark
want postgresql initdb '/usr/lib/postgresql/*/bin'   # lineage shared by several hosts
want podman podman                                   # programs in images
want runc runc crun
want busybox-static busybox                          # the image
want faketime faketime                               # clocks that jump
want rclone rclone                                   # a network file system, mounted
want fuse3 fusermount3
want strace strace                                   # deaths and refusals at system calls
want openssl openssl                                 # a certificate for the mail server
want nodejs node                                     # the graph in the browser's runtime
want npm npm
want chromium chromium chromium-browser google-chrome # pages

[ ${#missing[@]} -eq 0 ] && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" \
    >/dev/null && exit 0
fi
echo "Not installed, so that their tests are skipped: ${missing[*]}" >&2
exit 0
