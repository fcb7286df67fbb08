#!/bin/bash
# What the CronJob of packaging/container/kubernetes.yaml starts each minute, in the root of the image: its arguments, variables, volumes and
# rights as the manifest has them, from nothing to a published record.
# As root: tests/system/from_nothing/pod.sh ROOT CONFIG WORLD: the image's root, packed, and its configuration; the last line tells how long it took
set -euo pipefail
# shellcheck source=tests/system/debian/host.sh
source "$(dirname "$(readlink -f "$0")")/../debian/host.sh"
manifest=$(readlink -f "$(dirname "$(readlink -f "$0")")/../../../packaging/container/kubernetes.yaml")

alone "$@"
mount -t tmpfs tmpfs /run
work=/run/work root=/run/work/root
mkdir -p "$root"
tar --numeric-owner -C "$root" -xpf "$1"
make_network
start_world "$3"

/usr/bin/python3 -c 'import json, sys, yaml; print(json.dumps(list(yaml.safe_load_all(sys.stdin))[1]["spec"]))' <"$manifest" >"$work/job.json"
job() { jq -r "$1" "$work/job.json"; }
pod() { job ".jobTemplate.spec.template.spec | $1"; }
check "its schedule" "* * * * *" "$(job .schedule)"
user=$(pod .securityContext.runAsUser) group_id=$(pod .securityContext.runAsGroup) shared=$(pod .securityContext.fsGroup)
check "its rights" "true false ALL" \
  "$(pod '.containers[0].securityContext | "\(.readOnlyRootFilesystem) \(.allowPrivilegeEscalation) \(.capabilities.drop | join(" "))"')"

# As Kubernetes lays them out where there is an fsGroup: a volume is writable for it, a secret readable.
mkdir -p "$work/state" "$work/secret" "$root/proc"
chown "root:$shared" "$work/state" "$work/secret"
chmod 2775 "$work/state"
key=$(sed -n 's/^# kubectl create secret .*--from-file=\([^=]*\)=.*/\1/p' "$manifest")
mode=$(pod '.volumes[] | .secret // empty | .defaultMode')
install -o root -g "$shared" -m "$(printf %o $((mode | 0440)))" "$work/world/token" "$work/secret/$key"
# shellcheck disable=SC2016 # jq's variables
mapfile -t mounts < <(pod '.volumes as $volumes | .containers[0].volumeMounts[] | .name as $name
  | "\(if any($volumes[]; .name == $name and .secret) then "secret" else "state" end) \(.mountPath)"')
check "its volumes" 2 ${#mounts[@]}
for place in "${mounts[@]}"; do mkdir -p "$root/${place#* }"; done
mount --bind "$root" "$root"
mount -o remount,ro,bind "$root"
for place in "${mounts[@]}"; do mount --bind "$work/${place%% *}" "$root/${place#* }"; done
mount -t proc proc "$root/proc"

# The image's variables, the manifest's, and where this internet is; with the record to keep, in the place of the manifest's.
mapfile -t environment < <(jq -r '.Env[]' "$2"; pod '.containers[0].env[] | "\(.name)=\(.value)"'; variables "$work/world/cadence.toml")
mapfile -t command < <(jq -r '.Entrypoint[]' "$2"; pod '.containers[0].args[]')
run() {
  env -i "${environment[@]}" /usr/bin/setpriv --no-new-privs /usr/sbin/chroot --userspec="$user:$group_id" --groups="$shared" "$root" "${command[@]}"
}

begun=$(now)
said='' pods=0
until published "${addresses[0]}" || ((pods == 4)); do
  ((pods == 0)) || sleep "$(awk -v begun="$begun" -v now="$(now)" -v pods=$pods 'BEGIN {print begun + 60 * pods - now}')"
  pods=$((pods + 1))
  said+=$(run 2>&1) || said+=" exit $?"
done
took=$(since "$begun")
check "published" "${addresses[0]}" "$(world published)"
check "what its Pods said" "" "$said"
check "whose the state is" "$user" "$(stat -c %u "$work/state/state.json")"
echo "$took s, with $pods Pods, one a minute"
end_world
exit $((failed > 0))
