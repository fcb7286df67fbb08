# shellcheck shell=bash
# shellcheck disable=SC2034 # its variables are for the scripts that source it
# The home of home.sh with servers in its internet, and cycles that look at it. Sourced by the scripts that judge what is seen.

# shellcheck source=tests/system/home.sh
source "${BASH_SOURCE%/*}/home.sh"

# make_internet BINARY: the home, and servers, each of which is a target of the WAN probe and tells the public address.
make_internet() {
  make_home
  work=$(mktemp -d /run/cadence.XXXXXX)
  chmod 755 "$work"
  install -m 755 "$1" "$work/cadence"
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=authority \
    -keyout "$work/ca.key" -out "$work/ca.pem" 2>/dev/null
  chmod 644 "$work/ca.pem"
  certify internet "IP:1.1.1.1,IP:8.8.8.8,IP:2001:db8:1::1,IP:2001:db8:2::1,DNS:both.example,DNS:four.example"
  mkdir "$work/www"
  tell_addresses 93.184.216.34 2606:2800:220:1:248:1893:25c8:1946
  local host
  for host in 1.1.1.1 8.8.8.8 '[2001:db8:1::1]' '[2001:db8:2::1]'; do serve internet "$host:443" internet www; done
}

# certify NAME ALTERNATIVES: a certificate of the authority that the client trusts, in NAME.pem and NAME.key.
certify() {
  openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$1" -keyout "$work/$1.key" 2>/dev/null |
    openssl x509 -req -days 2 -CA "$work/ca.pem" -CAkey "$work/ca.key" -out "$work/$1.pem" \
      -extfile <(echo "subjectAltName=$2") 2>/dev/null
}

# tell_addresses IPV4 IPV6: what the servers say of the client.
tell_addresses() { echo "$1" >"$work/www/ip"; echo "$2" >"$work/www/ip6"; }

# serve NAMESPACE ADDRESS:PORT CERTIFICATE FOLDER: HTTPS, when this returns.
serve() {
  (cd "$work/$4" && exec ip netns exec "$1" openssl s_server -quiet -accept "$2" -WWW \
    -cert "$work/$3.pem" -key "$work/$3.key" >/dev/null 2>&1) &
  until [[ -n $(within "$1" ss -Hltn "src = $2") ]]; do sleep 0.05; done
}

# configure RECORD_TYPE [LINE..]: the configuration, with these lines in [network].
configure() {
  local type=$1
  shift
  cat >"$work/cadence.toml" <<TOML
[[record]]
name = "vpn.example.com"
type = "$type"
[network]
ip_providers = ["https://1.1.1.1/ip", "https://8.8.8.8/ip"]
ip6_providers = ["https://[2001:db8:1::1]/ip6", "https://[2001:db8:2::1]/ip6"]
ca_file = "$work/ca.pem"
$(printf '%s\n' "$@")
TOML
}
targets4='wan_targets = ["tls://1.1.1.1:443", "tcp://8.8.8.8:443"]'
targets6='wan_targets = ["tls://[2001:db8:1::1]:443"]'

# One cycle on a fresh state, or the one in $kept, by a user with no rights at all. Leaves the report in $report, and the exit code in $code.
cycle() {
  local state
  state=${kept:-$(mktemp -d "$work/state.XXXXXX")}
  chown 65534:65534 "$state"
  code=0
  # With $later its clock since the boot is so many seconds ahead.
  report=$(within client ${later:+unshare -T --boottime "$later" --fork} setpriv --reuid 65534 --regid 65534 --clear-groups --bounding-set -all --no-new-privs \
    env -i CADENCE_CONFIG="$work/cadence.toml" CLOUDFLARE_API_TOKEN=unused "$work/cadence" reconcile --json --state-dir "$state" 2>/dev/null) || code=$?
}
# Another command on the state in $kept, by the same user. Leaves what it said in $said.
cadence() {
  code=0
  said=$(within client ${later:+unshare -T --boottime "$later" --fork} setpriv --reuid 65534 --regid 65534 --clear-groups --bounding-set -all --no-new-privs \
    env -i CADENCE_CONFIG="$work/cadence.toml" CLOUDFLARE_API_TOKEN=unused "$work/cadence" "$@" --state-dir "$kept" 2>/dev/null) || code=$?
}
# A cycle of which one sees EXPECTED. Another where it failed slower than that: a busy host takes longer than what it is asked about.
cycle_to_see() {
  for _ in 1 2 3 4 5; do
    cycle
    [[ $(seen) != "$1" && $(seen) == *SLOW_FAIL* ]] || break
  done
}
# What a cycle saw, in words: verdict, then host, router and wan, each `ok` or how it failed.
seen() {
  jq -r '[.verdict] + [.signals[] | select(.signal | IN("host", "router", "wan"))
    | .signal + "=" + if .ok then "ok" + (.method // "" | if . == "" then . else "/" + . end) else .failure end] | join(" ")' <<<"$report"
}

failed=0 checks=0 report=null
# check WHAT EXPECTED FOUND
check() {
  local mark=ok
  checks=$((checks + 1))
  [[ $2 == "$3" ]] || { mark=FAIL; failed=$((failed + 1)); }
  printf '%-4s %-37s %s' "$mark" "$1" "$3"
  if [[ $mark == FAIL ]]; then printf '\n     expected%29s %s\n     %s' '' "$2" "$(jq -c .signals? <<<"$report")"; fi
  printf '%s\n' "$(jq -r 'if . then " (\(.elapsed_ms | round) ms)" else "" end' <<<"$report")"
}

told_all() {
  echo "$checks checks, $failed failed"
  [[ $failed == 0 ]]
}
