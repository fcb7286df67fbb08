# The bill of materials of the binary (CycloneDX 1.5, https://cyclonedx.org/docs/1.5/json/), out of what `cargo metadata` says.
# $packages: "NAME VERSION" of each package in the binary, a line each; $lock: Cargo.lock; $time: seconds since 1970.
def purl: "pkg:cargo/\(.name)@\(.version | @uri)";
def named: "\(.name) \(.version)";
def links: [
  if .repository then {type: "vcs", url: .repository} else empty end,
  if .homepage then {type: "website", url: .homepage} else empty end
];
# As SPDX writes it; some packages still have a slash.
def licenses: if .license then [{expression: (.license | gsub(" ?/ ?"; " OR "))}] else [] end;
($packages | split("\n") | map(select(. != "")) | INDEX(.)) as $in_binary
| ($lock | [scan("name = \"([^\"]+)\"\nversion = \"([^\"]+)\"\nsource = [^\n]+\nchecksum = \"([0-9a-f]{64})\"")]
    | INDEX("\(.[0]) \(.[1])") | map_values(.[2])) as $checksums
| (.packages | INDEX(.id)) as $by_id
| .resolve.root as $root
| [.packages[] | select(.id == $root or $in_binary[named])] as $ours
| ($ours | INDEX(.id)) as $is_ours
| def component: {
    type: (if .id == $root then "application" else "library" end),
    "bom-ref": purl, name, version, description: (.description // "" | gsub("\\s+"; " ") | sub("^ | $"; "")), purl: purl,
    hashes: [$checksums[named] // empty | {alg: "SHA-256", content: .}], licenses: licenses, externalReferences: links
  } | with_entries(select(.value != [] and .value != ""));
{
  "$schema": "http://cyclonedx.org/schema/bom-1.5.schema.json",
  bomFormat: "CycloneDX", specVersion: "1.5", version: 1,
  metadata: {timestamp: ($time | todate), component: ($by_id[$root] | component)},
  components: ([$ours[] | select(.id != $root) | component] | sort_by(."bom-ref")),
  dependencies: ([.resolve.nodes[] | select($is_ours[.id]) | {
    ref: ($by_id[.id] | purl),
    dependsOn: ([.deps[] | select(any(.dep_kinds[]; .kind == null)) | .pkg | select($is_ours[.]) | $by_id[.] | purl] | unique)
  }] | sort_by(.ref))
}
