# shellcheck shell=bash
# shellcheck disable=SC2016 # perl's variables
# shellcheck disable=SC2034,SC2154 # variables for the scripts that source it, and of them
# A VPN at home by WireGuard (wireguard-go), who keeps its name, and somebody who is not at home and knows it by that name alone. Sourced after
# internet.sh.

# What Debian ships for the other end: it looks the name of a peer up anew.
reresolve=/usr/share/doc/wireguard-tools/examples/reresolve-dns/reresolve-dns.sh

# make_outside NAME=CONTENT..: behind the internet, by an address of its own; and these records, of which each change is a line in $work/changes.
make_outside() {
  ip netns add outside
  ip -n outside link set lo up
  ip link add o0 netns outside type veth peer name i2 netns internet
  add outside o0 93.184.216.2/24
  add internet i2 93.184.216.1/24
  ip -n outside route add default via 93.184.216.1
  within internet sysctl -qw net.ipv4.ip_forward=1

  add internet lo 9.9.9.9/32
  certify api "IP:9.9.9.9"
  ip netns exec internet python3 "$here/names.py" 9.9.9.9 "$work/api.pem" "$work/api.key" "$@" >"$work/changes" &
  until [[ -n $(within internet ss -Hltn "src = 9.9.9.9:443") ]]; do sleep 0.05; done
  echo 'nameserver 9.9.9.9' >"$work/resolv.conf"
  mount --bind "$work/resolv.conf" "$(readlink -f /etc/resolv.conf)"
}
where() { within outside python3 -c 'import socket; print(socket.gethostbyname("vpn.example.com"))'; }

# tunnel NAMESPACE INTERFACE: one end. Names of interfaces are shared by all namespaces (sockets in /var/run/wireguard): these are their own.
tunnel() {
  ip netns exec "$1" env WG_PROCESS_FOREGROUND=1 LOG_LEVEL=error wireguard-go -f "$2" >"$work/$2.log" 2>&1 &
  until [[ -e /run/wireguard/$2.sock ]]; do sleep 0.05; done
}
# key NAME: its private key is in $work/NAME.key, for root alone.
key() { (umask 077; wg genkey >"$work/$1.key"); }

# make_tunnel: the server at home, $server, and the client outside, $client, who does not know yet where that is.
make_tunnel() {
  mkdir -p /run/wireguard
  server=wgs$$ client=wgc$$
  key server
  key client
  tunnel client "$server"
  within client wg set "$server" private-key "$work/server.key" listen-port 51820 peer "$(wg pubkey <"$work/client.key")" allowed-ips 10.99.0.2/32
  ip -n client addr add 10.99.0.1/24 dev "$server"
  ip -n client link set "$server" up
  tunnel outside "$client"
  mkdir -p "$work/etc" "$work/bin"
  cat >"$work/etc/$client.conf" <<CONF
[Peer]
PublicKey = $(wg pubkey <"$work/server.key")
Endpoint = vpn.example.com:51820
CONF
  ip -n outside addr add 10.99.0.2/24 dev "$client"
  ip -n outside link set "$client" up
  # What answers in the tunnel alone.
  within client perl -MSocket -e '
    socket(my $s, AF_INET, SOCK_DGRAM, 0); bind($s, pack_sockaddr_in(7777, inet_aton("10.99.0.1"))) or die;
    while (my $from = recv $s, my $said, 99, 0) { send $s, $said, 0, $from }' &
  # What Debian ships waits until the last handshake is over 135 s old: the clock of that process goes on by this.
  cat >"$work/bin/date" <<'SH'
#!/bin/bash
[[ $* == +%s ]] && exec /bin/date -d '+200 seconds' +%s
exec /bin/date "$@"
SH
  chmod 755 "$work/bin/date"
}
peer() {
  within outside env WG_ENDPOINT_RESOLUTION_RETRIES=0 wg set "$client" private-key "$work/client.key" \
    peer "$(wg pubkey <"$work/server.key")" allowed-ips 10.99.0.1/32 endpoint "$1"
}
# look_up_anew: what the timer of the other end runs.
look_up_anew() {
  within outside env WG_ENDPOINT_RESOLUTION_RETRIES=0 PATH="$work/bin:$PATH" bash "$reresolve" "$work/etc/$client.conf"
}
# gets_in [SECONDS]: whether somebody outside gets into the tunnel.
gets_in() {
  within outside perl -MSocket -e '
    socket(my $s, AF_INET, SOCK_DGRAM, 0);
    setsockopt $s, SOL_SOCKET, SO_RCVTIMEO, pack("l!l!", $ARGV[0], 0);
    send $s, "hello", 0, pack_sockaddr_in(7777, inet_aton("10.99.0.1"));
    my $said;
    print defined recv($s, $said, 99, 0) ? "inside" : "outside"' "${1:-2}"
}
# What cadence says of it.
verdict() { jq -r '"\(.vpn.reach), \(.vpn.reason)"' <<<"$report" | sed "s/$server/wg0/"; }
