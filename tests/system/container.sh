#!/bin/bash
# The container image: built from the static binary, and run as its Quadlet, its compose file and its manifest for Kubernetes say, by podman on
# a booted Debian 13 with the loopback world around it (container/host.sh).
# As root: tests/system/container.sh. Takes no binary: the image has its own. Needs what packaging/container/build needs (see there),
# binutils, buildah, file, python3-venv, strace, PyPI, and what debian.sh needs.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/../.."
export PATH=${CARGO_HOME:-${HOME-}/.cargo}/bin:$PATH
# shellcheck source=tests/system/lab.sh
source tests/system/lab.sh
root_packages+=,podman,runc,catatonit,docker-compose

[[ $(id -u) == 0 ]] || { echo "$0: needs root, for namespaces" >&2; exit 77; }
work=$(mktemp -d)
trap 'sweep; rm -rf "$work"' EXIT
trap 'exit 1' INT TERM HUP

binary=$(packaging/container/build binary)
cargo build --quiet --locked --example world
prepare_root trixie


# image NUMBER: builds it in a storage of its own, and leaves it in an archive as a release has it. Prints the image's id.
image() {
  BUILDER="buildah --root $work/$1 --runroot $work/run$1 --storage-driver vfs" packaging/container/build image "$binary" "" "$work/$1.tar" >"$work/said$1"
  cut -d ' ' -f 1 "$work/said$1"
}
first=$(image 1) second=$(image 2)
cat "$work/said1"
echo "the binary: $(file -b "$binary")"
if [[ $first != "$second" ]]; then echo "FAILED another image the second time: $second"; exit 1; fi
cmp "$work/1.tar" "$work/2.tar"
if readelf -d "$binary" 2>/dev/null | grep -q NEEDED; then echo "FAILED the binary loads libraries"; exit 1; fi
echo "the image, compressed: $(gzip -9c "$work/1.tar" | wc -c) bytes; the same a second time"

# The manifest, by the schemas of Kubernetes. What its CronJob starts is run as a Pod, which podman knows, with a configuration besides.
manifest=packaging/container/kubernetes.yaml
{ python3 -m venv "$work/venv" && "$work/venv/bin/pip" install --quiet kubernetes-validate; } >"$work/pip" 2>&1 || { tail -n 1 "$work/pip"; exit 1; }
"$work/venv/bin/kubernetes-validate" --strict --quiet "$manifest"
"$work/venv/bin/python" - "$manifest" >"$work/pod.yaml" <<'END'
import sys, yaml
volume, job = yaml.safe_load_all(open(sys.argv[1]))
spec = job["spec"]["jobTemplate"]["spec"]["template"]["spec"]
spec["containers"][0]["volumeMounts"].append({"name": "config", "mountPath": "/etc/cadence", "readOnly": True})
spec["volumes"].append({"name": "config", "hostPath": {"path": "/etc/cadence"}})
# No memory can be limited in a system that is booted in a namespace.
del spec["containers"][0]["resources"]
# An empty variable counts as not set.
spec["containers"][0]["env"][0]["value"] = ""
# Podman has no fsGroup.
assert spec["securityContext"]["fsGroup"] == 65532
volume["metadata"]["annotations"] = {"volume.podman.io/uid": "65532", "volume.podman.io/gid": "65532"}
pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "cycle"}, "spec": spec}
print(yaml.safe_dump_all([volume, pod]))
END
echo "the manifest is as Kubernetes' schemas say"

timeout -k 2 10m tests/system/container/host.sh trixie "$work/1.tar" "$(realpath -m "${CARGO_TARGET_DIR:-target}")/debug/examples/world" "$root_packages" "$work/pod.yaml"
