#!/bin/bash
# From a cycle to an alert: real cycles in a loopback world, node_exporter, Prometheus and Alertmanager; two homes; each query of the dashboard.
# tests/system/metrics.sh BINARY WORLD. Needs prometheus, prometheus-node-exporter, prometheus-alertmanager, curl, jq.
# shellcheck disable=SC2317 # `until_so` calls the functions
set -euo pipefail
cadence=$(realpath "${1:?the binary to test}")
program=$(realpath "${2:?the world: cargo build --example world}")
cd "$(dirname "$(readlink -f "$0")")/../.."
rules=$(realpath packaging/prometheus)
dashboard=$rules/dashboard.json
work=$(mktemp -d)
started=()
end() {
  [[ ${#started[@]} == 0 ]] || kill "${started[@]}" 2>/dev/null || true
  wait 2>/dev/null || true
  rm -rf "$work"
}
trap end EXIT

# shellcheck source=tests/system/checks.sh
source tests/system/checks.sh
start() { "$@" >"$work/log.${#started[@]}" 2>&1 & started+=($!); }
# until_so COMMAND..: within half a minute
until_so() { for _ in {1..150}; do if "$@" >/dev/null 2>&1; then return 0; fi; sleep 0.2; done; return 1; }
free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

check "the rules are" "0 failed" "$(promtool check rules "$rules/cadence.rules.yml" >/dev/null && promtool test rules "$rules/cadence.test.yml" >/dev/null && echo "0 failed")"

# --- two homes: in one a record does not exist, in the other all is well

for home in lake town; do
  mkdir -p "$work/$home/metrics"
  start "$program" "$work/$home"
  until_so test -S "$work/$home/socket"
  chmod 0600 "$work/$home/token"
  sed -i "s#^token_file = .*#token_file = \"$work/$home/token\"#; s#^\[network\]#&\ninterface = \"lo\"#" "$work/$home/cadence.toml"
  printf '\n[metrics]\ntextfile = "%s"\n' "$work/$home/metrics/cadence.prom" >>"$work/$home/cadence.toml"
done
printf '\n[[record]]\nname = "missing.example.com"\n' >>"$work/lake/cadence.toml"
cycle() { "$cadence" --config "$work/$1/cadence.toml" --state-dir "$work/$1/state" reconcile --quiet "${@:2}" || true; }
for home in lake town; do
  cycle "$home" --trust
  cycle "$home"
  "$cadence" --config "$work/$home/cadence.toml" --state-dir "$work/$home/state" metrics >"$work/$home.txt"
  check "$home: promtool takes what a cycle writes" "" "$(promtool check metrics <"$work/$home/metrics/cadence.prom" 2>&1)"
  check "$home: a cycle writes what the command prints" same "$(diff -q <(grep -v '^#\|next_cycle' "$work/$home.txt") <(grep -v '^#\|next_cycle' "$work/$home/metrics/cadence.prom") >/dev/null && echo same)"
done
check "nothing else is left in the folder" cadence.prom "$(ls -A "$work/lake/metrics")"

# --- node_exporter, Prometheus, Alertmanager

declare -A port
for name in lake town prometheus alertmanager; do port[$name]=$(free_port); done
for home in lake town; do
  start prometheus-node-exporter --collector.disable-defaults --collector.textfile --collector.textfile.directory="$work/$home/metrics" \
    --web.listen-address="127.0.0.1:${port[$home]}"
done
cat >"$work/alertmanager.yml" <<END
route: {receiver: nobody}
receivers: [{name: nobody}]
END
start prometheus-alertmanager --config.file="$work/alertmanager.yml" --storage.path="$work/am" --cluster.listen-address= \
  --web.listen-address="127.0.0.1:${port[alertmanager]}"
# What waits for minutes is not waited for here; promtool has seen to that.
sed 's/for: [0-9]*m$/for: 0s/' "$rules/cadence.rules.yml" >"$work/rules.yml"
cat >"$work/prometheus.yml" <<END
global: {scrape_interval: 1s, evaluation_interval: 1s}
rule_files: [$work/rules.yml]
alerting: {alertmanagers: [{static_configs: [{targets: ["127.0.0.1:${port[alertmanager]}"]}]}]}
scrape_configs:
  - job_name: homes
    static_configs:
      - {targets: ["127.0.0.1:${port[lake]}"], labels: {home: lake}}
      - {targets: ["127.0.0.1:${port[town]}"], labels: {home: town}}
END
start prometheus --config.file="$work/prometheus.yml" --storage.tsdb.path="$work/tsdb" --web.listen-address="127.0.0.1:${port[prometheus]}"
api=http://127.0.0.1:${port[prometheus]}/api/v1
query() { curl -sG "$api/query" --data-urlencode "query=$1"; }
homes() { [[ $(query "count(count by (home) (cadence_build_info))" | jq -r '.data.result[0].value[1]') == 2 ]]; }
check "both homes are seen" yes "$(until_so homes && echo yes)"
check "node_exporter takes the file" 0 "$(query 'max(node_textfile_scrape_error)' | jq -r '.data.result[0].value[1]')"
alerts() { curl -s "http://127.0.0.1:${port[alertmanager]}/api/v2/alerts" | jq -r '[.[].labels | "\(.home) \(.alertname) \(.name // "")"] | sort | join("; ")'; }
fired() { [[ $(alerts) == *CadenceRecordWrong* ]]; }
until_so fired || true
check "the record that does not exist is told, of its home alone" "lake CadenceRecordWrong missing.example.com" "$(alerts)"

# --- each query of the dashboard

while IFS= read -r it; do
  it=${it//\$home/.*}
  # A rate takes two scrapes.
  has_answer() { [[ $(query "$it" | jq '.data.result | length') -gt 0 ]]; }
  check "the dashboard's query: ${it:0:70}" "some" "$(until_so has_answer && echo some)"
done < <(jq -r '.panels[].targets[].expr' "$dashboard")

# --- the line of one home is lost

"$program" "$work/town" line down >/dev/null
for _ in 1 2; do cycle town; done
down() { [[ $(alerts) == *"town CadenceLineDown"* ]]; }
check "a line that is down is told" yes "$(until_so down && echo yes)"
exit "$failed"
