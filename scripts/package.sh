#!/usr/bin/env bash
# Puts packages of what make build and make cross have built into dist/: loa-hub and loa-agent as .deb for amd64 and
# arm64, loa-agent as .zip for Windows. VERSION is git's word for what was built.
set -euo pipefail
cd "$(dirname "$0")/.."
umask 022

# Debian's versions begin with a digit and sort: before the first tag by the day of the commit.
version=${VERSION:?}
if [[ $version =~ ^v?([0-9]+\..*)$ ]]; then
  version=${BASH_REMATCH[1]//-/+}
else
  version=0.0.0~git$(git log -1 --format=%cd --date=format:%Y%m%d%H%M 2>/dev/null || echo 0).${version//-/+}
fi
# The same source gives the same bytes, whenever it is packed.
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct 2>/dev/null || echo 0)
export SOURCE_DATE_EPOCH

stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
mkdir -p dist
rm -f dist/*.deb dist/*.zip

# fill writes a template's text with the names of one package.
fill() {
  sed -e "s/@NAME@/$name/g" -e "s/@SETTINGS@/$settings/g" -e "s/@VERSION@/$version/g" -e "s/@ARCH@/$arch/g" -e "s/@SIZE@/${size:-0}/g" "$1"
}

deb() { # name arch program
  local name=$1 arch=$2 settings=${1#loa-}.yaml size root=$stage/$1-$2 script
  install -D -m 0755 "$3" "$root/usr/bin/$name"
  install -D -m 0644 "packaging/systemd/$name.service" "$root/usr/lib/systemd/system/$name.service"
  install -D -m 0644 "packaging/sysusers.d/$name.conf" "$root/usr/lib/sysusers.d/$name.conf"
  install -D -m 0640 "internal/config/$name.sample.yaml" "$root/etc/loa/$settings"
  install -D -m 0644 LICENSE "$root/usr/share/doc/$name/copyright"
  install -D -m 0644 CHANGELOG.md "$root/usr/share/doc/$name/changelog"
  gzip -9n "$root/usr/share/doc/$name/changelog"
  size=$(du -sk "$root" | cut -f1)
  mkdir "$root/DEBIAN"
  fill "packaging/deb/$name.control" >"$root/DEBIAN/control"
  echo "/etc/loa/$settings" >"$root/DEBIAN/conffiles"
  for script in postinst prerm postrm; do
    fill "packaging/deb/$script" >"$root/DEBIAN/$script"
    chmod 0755 "$root/DEBIAN/$script"
  done
  (cd "$root" && find usr -type f -print0 | LC_ALL=C sort -z | xargs -0 md5sum) >"$root/DEBIAN/md5sums"
  dpkg-deb --root-owner-group -Zgzip --build "$root" "dist/${name}_${version}_$arch.deb"
}

zipped() { # program
  local name=loa-agent arch=amd64 settings=agent.yaml root=$stage/loa-agent
  mkdir "$root"
  cp "$1" "$root/loa-agent.exe"
  local file
  for file in packaging/windows/*; do # Windows' own editors and cmd want its ends of lines
    sed 's/$/\r/' "$file" >"$root/$(basename "$file")"
  done
  sed 's/$/\r/' LICENSE >"$root/LICENSE.txt"
  find "$root" -exec touch -d "@$SOURCE_DATE_EPOCH" {} +
  (cd "$stage" && find loa-agent -type f | LC_ALL=C sort | TZ=UTC zip -q -X -D "loa-agent_${version}_windows_amd64.zip" -@)
  mv "$stage/loa-agent_${version}_windows_amd64.zip" dist/
  echo "zip: built dist/loa-agent_${version}_windows_amd64.zip"
}

deb loa-hub amd64 bin/loa-hub
deb loa-agent amd64 bin/loa-agent
deb loa-hub arm64 dist/arm64/loa-hub
deb loa-agent arm64 dist/arm64/loa-agent
zipped dist/windows/loa-agent.exe
