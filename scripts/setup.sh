#!/usr/bin/env bash
# Installs what is missing for one purpose and says what it installs; the second time it only looks.
#   scripts/setup.sh demo    what the hub and an agent call or play through
#   scripts/setup.sh test    the same, a C compiler for the race detector, systemd-analyze, PostgreSQL, a browser for the pages' tests
#   scripts/setup.sh package  what make package packs with
#   scripts/setup.sh wine    what make test-windows runs programs for Windows with
#   scripts/setup.sh systemd what make test-systemd starts a Debian with, into var/systemd
#   scripts/setup.sh lint    the linters, into .tools/bin
#   scripts/setup.sh pages   npm packages by their lock files
#   scripts/setup.sh mpd     the player that make bench sets the agent beside
#   scripts/setup.sh push    the servers that make bench sets the hub's push beside
#   scripts/setup.sh nginx   the server that make bench sets the hub's files beside
#   scripts/setup.sh drift   what gives make bench a sound card whose clock runs fast
# Debian's packages come by apt (as root or with sudo), Go tools by go install at a pinned version.
set -euo pipefail
cd "$(dirname "$0")/.."

golangci=github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
nats=github.com/nats-io/nats-server/v2@v2.15.2
govulncheck=golang.org/x/vuln/cmd/govulncheck@v1.9.0

say() { printf 'setup: %s\n' "$*"; }
die() { printf 'setup: %s\n' "$*" >&2; exit 1; }

has() { command -v "$1" >/dev/null 2>&1; }
package() { [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

updated=false # apt's lists, in this run

# missing prints the packages of its arguments that are not there. A tool is looked for by its command, so
# that one installed by other means counts; what has no command is looked for as a package.
missing() {
  local p
  for p in "$@"; do
    case $p in
      pulseaudio-utils) has parec ;;
      systemd) has systemd-analyze ;;
      dpkg) has dpkg-deb ;;
      postgresql) [ -n "$(compgen -G '/usr/lib/postgresql/*/bin/initdb')" ] || has initdb ;;
      nginx-core | libnginx-mod-nchan | libasound2-plugins | libc6-dev | libfaketime | wine64) package "$p" ;;
      *) has "$p" ;;
    esac || echo "$p"
  done
}

apt() {
  local want as_root=()
  mapfile -t want < <(missing "$@")
  [ ${#want[@]} -gt 0 ] || return 0
  has apt-get || die "please install by hand, this machine has no apt-get: ${want[*]}"
  if [ "$(id -u)" != 0 ]; then
    has sudo || die "neither root nor sudo here; please run as root: apt-get install ${want[*]}"
    as_root=(sudo)
  fi
  say "apt-get install ${want[*]}"
  $updated || "${as_root[@]}" apt-get update -q
  updated=true
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install -q -y --no-install-recommends -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 "${want[@]}"
  mapfile -t want < <(missing "$@")
  [ ${#want[@]} -eq 0 ] || die "still missing after apt-get: ${want[*]}"
}

# tool installs package@version unless .tools/bin has just that version, built by just this Go: a linter
# built by an older Go refuses newer source.
tool() {
  local version=${1##*@} path=${1%@*} bin about
  bin=.tools/bin/$(basename "$path")
  about=$(go version -m "$bin" 2>/dev/null || true)
  if [[ $about == *"$(go env GOVERSION)"* && $about =~ [[:space:]]mod[[:space:]][^[:space:]]+[[:space:]]$version[[:space:]] ]]; then
    return 0
  fi
  say "go install $1 into .tools/bin"
  GOBIN=$PWD/.tools/bin GOFLAGS=-buildvcs=false go install "$1"
}

pages() {
  local dir stamp
  for dir in hub/web agent/web; do
    stamp=$dir/node_modules/.by-lock-file # npm ci removes it with the rest
    [ -e "$dir/package-lock.json" ] && [ "$dir/package-lock.json" -nt "$stamp" ] || continue
    say "npm ci in $dir"
    npm --prefix "$dir" ci --ignore-scripts --no-audit --no-fund
    mkdir -p "$dir/node_modules"
    touch "$stamp"
  done
}

# debian makes a Debian with systemd in var/systemd/root. Its tools are unpacked, not installed: nothing of them is to run here.
debian() {
  local p at=var/systemd
  [ "$(id -u)" = 0 ] || die "to start a Debian in a container takes root"
  mkdir -p $at/tools
  for p in debootstrap systemd-container; do
    [ -z "$(compgen -G "$at/tools/$p*")" ] || continue
    say "unpacking $p into $at/tools"
    (cd $at/tools && apt-get download -q "$p" && dpkg -x "$p"_*.deb .)
  done
  [ ! -e $at/root ] || return 0
  say "making a Debian in $at/root"
  rm -rf $at/root.part
  DEBOOTSTRAP_DIR=$PWD/$at/tools/usr/share/debootstrap $at/tools/usr/sbin/debootstrap --variant=minbase \
    --include=systemd,systemd-sysv,dbus,ca-certificates "$(. /etc/os-release && echo "$VERSION_CODENAME")" $at/root.part
  mv $at/root.part $at/root
}

sound=(ffmpeg espeak-ng pulseaudio pulseaudio-utils libasound2-plugins)

for purpose in "${@:?demo, test, package, wine, systemd, lint, pages, mpd, push, nginx or drift}"; do
  case $purpose in
    demo) apt "${sound[@]}" ;;
    test)
      # libc6-dev is only a recommendation of gcc, and the race detector does not link without it.
      # systemd (3 MB) for systemd-analyze, which judges our units; nothing of it is started.
      # PostgreSQL's tests run servers of their own; the one that Debian starts at its installation is not used.
      apt "${sound[@]}" gcc libc6-dev systemd postgresql
      [ "$(id -u)" = 0 ] || apt fakeroot # packages are installed into a scratch root
      [ ! -e hub/web/package.json ] || apt chromium
      pages
      ;;
    package) apt dpkg zip ;;
    wine) apt wine wine64 ;;
    systemd) debian ;;
    lint) tool "$golangci"; tool "$govulncheck" ;;
    pages) pages ;;
    mpd) apt mpd ;;
    nginx) apt nginx-core ;;
    push) apt nginx-core libnginx-mod-nchan; tool "$nats" ;;
    drift) apt libfaketime ;;
    *) die "demo, test, package, wine, systemd, lint, pages, mpd, push, nginx or drift, not $purpose" ;;
  esac
done
