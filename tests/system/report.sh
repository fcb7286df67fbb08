#!/bin/bash
# The page of `cadence report` in a real Chromium: on a wide screen and on a phone, in light and dark, for who does not see it, and on paper.
# tests/system/report.sh BINARY. Needs chromium, jq, faketime, poppler-utils. With CADENCE_BLESS=1 it makes the pictures in packaging/pictures anew.
set -euo pipefail
cadence=$(realpath "${1:?the binary to test}")
cd "$(dirname "$(readlink -f "$0")")/../.."
work=$(mktemp -d)
browser=
# shellcheck disable=SC2317 # the trap calls it
end() {
  [[ -z $browser ]] || kill "$browser" 2>/dev/null || true
  wait 2>/dev/null || true
  rm -rf "$work"
}
trap end EXIT

# shellcheck source=tests/system/checks.sh
source tests/system/checks.sh

# --- forty days of a home: a cycle each two minutes, three outages, two addresses, a night in which the host was off

export TZ=UTC LC_ALL=C.UTF-8
today=2026-11-28
mkdir -p "$work/state/telemetry"
begin=$(date -d "$today -39 days" +%s)
awk -v begin="$begin" -v folder="$work/state/telemetry" '
  function day(at) { return strftime("%Y-%m-%d", at, 1) }
  BEGIN {
    srand(1)
    header = "time,cycle,verdict,readiness_ipv4,readiness_ipv6,address_ipv4,address_ipv6,router_ms,wan_ms,provider_ms,records,requests,recovery,elapsed_ms,next_s"
    hour = 3600; end = begin + 39 * 24 * hour + 12 * hour
    for (at = begin; at < end; at += 120) {
      since = at - begin
      if (since > 20 * 24 * hour && since < 20 * 24 * hour + 8 * hour) continue
      verdict = "HEALTHY"
      if (since >= 12 * 24 * hour && since < 12 * 24 * hour + 14 * 60) verdict = "WAN_DOWN"
      if (since >= 25 * 24 * hour && since < 25 * 24 * hour + 2 * hour) verdict = "WAN_DOWN"
      if (since >= 31 * 24 * hour && since < 31 * 24 * hour + 6 * 60) verdict = "ROUTER_DOWN"
      address = since < 12 * 24 * hour + 14 * 60 ? "93.184.216.34" : "93.184.216.77"
      evening = strftime("%H", at, 1) >= 19 ? 2 : 1
      router = verdict == "ROUTER_DOWN" ? "" : sprintf("%.1f", 0.5 + rand())
      wan = verdict == "HEALTHY" ? sprintf("%.1f", (14 + 8 * rand()) * evening) : ""
      provider = verdict == "HEALTHY" ? sprintf("%.1f", (60 + 30 * rand()) * evening) : ""
      file = folder "/" day(at) ".csv"
      if (file != before) { if (before) close(before); print header > file; before = file }
      printf "%sT%sZ,%d,%s,READY,,%s,,%s,%s,%s,noop=1,1,idle,90.0,120\n", day(at), strftime("%H:%M:%S", at, 1), ++cycle, verdict, address, router, wan, provider > file
    }
  }'
at() { date -d "@$((begin + $1))" +%Y-%m-%dT%H:%M:%SZ; }
outage=$((25 * 86400))
cat >"$work/state/history.jsonl" <<END
{"at":"$(at $((12 * 86400 + 840)))","seq":1,"cycle":1,"kind":"address","family":"ipv4","from":"93.184.216.34","to":"93.184.216.77","providers":["a"]}
{"at":"$(at $((12 * 86400 + 932)))","seq":2,"cycle":2,"kind":"converged","name":"vpn.example.com","type":"A","address":"93.184.216.77","seconds":62}
{"at":"$(at $((outage + 900)))","seq":3,"cycle":3,"kind":"recovery","phase":"started","attempt":1}
{"at":"$(at $((outage + 912)))","seq":4,"cycle":3,"kind":"recovery","phase":"completed","attempt":1}
{"at":"$(at $((outage + 1500)))","seq":5,"cycle":4,"kind":"recovery","phase":"not_helped","attempt":1}
{"at":"$(at $((outage + 6800)))","seq":6,"cycle":5,"kind":"recovery","phase":"started","attempt":2}
{"at":"$(at $((outage + 6812)))","seq":7,"cycle":5,"kind":"recovery","phase":"completed","attempt":2}
{"at":"$(at $((outage + 7200)))","seq":8,"cycle":6,"kind":"recovery","phase":"helped","attempt":2,"seconds":388}
END
faketime "$today 12:00:00" "$cadence" --state-dir "$work/state" report --since 40d --output "$work/report.html"

# --- the browser, by its debugging protocol over a pipe: no port, no library

mkfifo "$work/to" "$work/from"
chromium --headless --no-sandbox --no-first-run --hide-scrollbars --user-data-dir="$work/profile" --remote-debugging-pipe \
  3<"$work/to" 4>"$work/from" 2>"$work/chromium.log" &
browser=$!
exec 5>"$work/to" 6<"$work/from"
number=0
session=
# cdp METHOD [PARAMS]: its result
cdp() {
  local message method=$1 params=${2:-}
  number=$((number + 1))
  jq -cjn --argjson id "$number" --arg method "$method" --argjson params "${params:-{\}}" --arg session "$session" \
    '{id: $id, method: $method, params: $params} + if $session == "" then {} else {sessionId: $session} end' >&5
  printf '\0' >&5
  while IFS= read -r -d '' -t 30 message <&6; do
    if jq -e --argjson id "$number" '.id == $id' <<<"$message" >/dev/null; then
      result=$(jq -c '.result // error(.error.message)' <<<"$message")
      return
    fi
  done
  echo "no answer to $method: $(tail -3 "$work/chromium.log")" >&2
  return 1
}
value() { cdp Runtime.evaluate "$(jq -cn --arg it "$1" '{expression: $it, returnByValue: true}')" && jq -r '.result.value' <<<"$result"; }

cdp Target.createTarget '{"url":"about:blank"}'
cdp Target.attachToTarget "$(jq -c '{targetId: .targetId, flatten: true}' <<<"$result")"
session=$(jq -r .sessionId <<<"$result")
cdp Page.enable
cdp Page.navigate "{\"url\":\"file://$work/report.html\"}"
for _ in {1..50}; do
  [[ $(value document.readyState) != complete ]] || break
  sleep 0.1
done

# --- on two screens, light and dark

for screen in wide:1000:1500:light phone:390:2400:light phone-dark:390:2400:dark; do
  IFS=: read -r name width height scheme <<<"$screen"
  cdp Emulation.setDeviceMetricsOverride "{\"width\":$width,\"height\":$height,\"deviceScaleFactor\":1,\"mobile\":false}"
  cdp Emulation.setEmulatedMedia "{\"features\":[{\"name\":\"prefers-color-scheme\",\"value\":\"$scheme\"}]}"
  check "$name: nothing is wider than the screen" "$width" "$(value 'Math.max(innerWidth, document.documentElement.scrollWidth)')"
  check "$name: no table has to be moved sideways" 0 "$(value '[...document.querySelectorAll(".wide")].filter(it => it.scrollWidth > it.clientWidth).length')"
  small='[...document.querySelectorAll("svg text")].filter(it => it.getBoundingClientRect().height < 8 && it.textContent).length'
  check "$name: no letter of a picture is too small to read" 0 "$(value "$small")"
  cdp Page.captureScreenshot '{"format":"png"}'
  jq -r .data <<<"$result" | base64 -d >"$work/report-$name.png"
done
check "light and dark differ" different "$(cmp -s "$work"/report-phone.png "$work"/report-phone-dark.png && echo same || echo different)"
check "nothing is asked of the network" 0 "$(value 'performance.getEntriesByType("resource").length')"

# --- for who does not see it

cdp Accessibility.enable
cdp Accessibility.getFullAXTree
tree=$(jq -r '.nodes[] | select(.ignored | not) | "\(.role.value)\t\(.name.value // "")"' <<<"$result")
named() { grep -cP "^$1\t$2" <<<"$tree" || true; }
check "a heading for the page and one for each part" 7 "$(named heading .+)"
check "the five questions are terms" 5 "$(named term '')"
check "each column has its head" 14 "$(named columnheader .+)"
check "each picture says what it shows" 3 "$(named 'image' '.*(: down on|How long answers took)')"
check "and none is without a name" 0 "$(named 'image' '$')"

# --- on paper

cdp Page.printToPDF '{"preferCSSPageSize":true}'
jq -r .data <<<"$result" | base64 -d >"$work/report.pdf"
pdftotext -layout "$work/report.pdf" "$work/report.txt"
paper() { grep -c "$1" "$work/report.txt" || true; }
check "the five answers are on paper" 1 "$(paper '99\..* %')"
check "the outages are" 1 "$(paper '2026.11.14 00:00 .*2.*h .*the line .*by the last of 2 power cycles')"
check "and the addresses" 2 "$(paper '^ *93\.184\.216\.')"

for name in wide phone; do
  picture=packaging/pictures/report-$name.png
  if [[ -n ${CADENCE_BLESS:-} ]]; then
    cp "$work/report-$name.png" "$picture"
  fi
  size() { file -b "$1" | grep -oE '[0-9]+ x [0-9]+'; }
  check "$picture is of this page" "$(size "$work/report-$name.png")" "$(size "$picture" 2>/dev/null || echo missing)"
done
exit "$failed"
