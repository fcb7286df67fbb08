# shellcheck shell=bash
# shellcheck disable=SC2154 # variables of home.sh, internet.sh, nut.sh, tunnel.sh and of whoever sources it
# A home with a modem, which is the wire between its router and the internet, on a smart plug. Sourced after internet.sh and miniupnpd.sh.

# How long it takes to start, and what it is given when it dials.
modem_boots=5
next_line=(11.22.33.88 2606:2800:222:1)
plug=192.168.77.150

# make_home_with_modem BINARY: the home of internet.sh, with a switch on which the plug is as well.
make_home_with_modem() {
  # shellcheck disable=SC2034 # of home.sh
  far=5 switched=yes
  make_internet "$1"
  # It starts as any other time.
  kill "$wire"; wait "$wire" 2>/dev/null || true
  ip netns add plug
  ip -n plug link set lo up
  plug_into_switch plug p0
  add plug p0 "$plug/24"
  : >"$work/power"
  echo secret >"$work/plug.password"
  chown 65534:65534 "$work/plug.password"
  chmod 600 "$work/plug.password"
  ip netns exec plug python3 "${BASH_SOURCE%/*}/plug.py" "$plug" 8080 secret 2>"$work/plug.log" | modem &
  until [[ -s $work/modem && -n $(within plug ss -Hltn "src = $plug:8080") ]]; do sleep 0.05; done
}

# make_whole_home BINARY: the same with all that is optional: a UPS, a router that forwards ports, a VPN, and somebody outside who knows it by name.
make_whole_home() {
  make_home_with_modem "$1"
  make_outside vpn.example.com=192.0.2.1 home.example.com=2001:db8::1
  make_tunnel
  # shellcheck disable=SC2034 # of nut.sh
  front=(ip netns exec client)
  make_ups 13493
  start_ups
  start_router
  dial 11.22.33.44 2606:2800:220:1
}

# modem: has its power from whoever writes "off" and "on". Each is a line in $work/power, with its time.
modem() {
  local word end is_on=yes
  start_modem
  while read -r word; do
    echo "$word $(date +%s%3N)" >>"$work/power"
    case $word:$is_on in
      off:yes)
        is_on=''
        # It may hang.
        kill -KILL "$wire"
        wait "$wire" 2>/dev/null || true
        for end in a0 b0; do ip -n wire link set "$end" down; done
        ;;
      on:)
        is_on=yes
        sleep "$modem_boots"
        for end in a0 b0; do ip -n wire link set "$end" up; done
        dial "${next_line[@]}"
        start_modem
        ;;
    esac
  done
}
# dial IPV4 PREFIX: the line has that address and prefix.
dial() {
  renumber "$1" "$2::2"
  ip -n client -6 addr flush dev c0 to 2606:2800:200::/40
  ip -n router -6 addr flush dev r0 to 2606:2800:200::/40
  add client c0 "$2::2/64" nodad
  add router r0 "$2::1/64" nodad
}
start_modem() { wire "$far" wire a0 b0; echo "$wire" >"$work/modem"; }
# It lets nothing through, and lives; and it does again.
hang() { kill -STOP "$(<"$work/modem")"; }
go_on() { kill -CONT "$(<"$work/modem")"; }
cuts() { grep -c ^off "$work/power" || true; }

# whole_home: the configuration, with everything that is optional. Its files are in $etc, and its state in $kept.
whole_home() {
  cat <<TOML
mode = "test"
[[record]]
name = "vpn.example.com"
[[record]]
name = "home.example.com"
type = "AAAA"
suffix = "::7:0:0:0:1234"
prefix = 56
[cloudflare]
api_url = "https://9.9.9.9/client/v4"
[network]
wan_targets = ["tls://1.1.1.1:443", "tls://8.8.8.8:443", "tls://[2001:db8:1::1]:443"]
ip_providers = ["https://1.1.1.1/ip", "https://8.8.8.8/ip"]
ip6_providers = ["https://[2001:db8:1::1]/ip6", "https://[2001:db8:2::1]/ip6"]
doh = ["https://9.9.9.9/dns-query"]
ca_file = "${etc:=$work}/ca.pem"
vpn_guard = true
[policy]
unsettled_interval = "15s"
[recovery]
enabled = true
interface = "c0"
plug = "http"
method = "POST"
off_url = "http://$plug:8080/switch"
on_url = "http://$plug:8080/switch"
headers = ["Authorization: Bearer {password}"]
password_file = "$etc/plug.password"
off_body = '{"on": false}'
on_body = '{"on": true}'
state_url = "http://$plug:8080/state"
state_pointer = "/state"
state_on = "on"
state_off = "off"
off_time = "5s"
expected_network_recovery = "10s"
escalation_buffer = "5s"
boot_grace = "20s"
[ups]
nut = "ups@127.0.0.1:$port"
[vpn]
interface = "$server"
[[forward]]
internal = 51820
[metrics]
textfile = "$kept/cadence.prom"
TOML
}
