# shellcheck shell=bash
# A home of network namespaces: a client, its router (NAT, IPv4 and IPv6), the internet, and every way in which they fail.
#
#   client  c0 192.168.77.2  fd77::2           c1 192.168.88.2          (c1: a second uplink, unused unless asked for)
#   router  r0 192.168.77.1  fd77::1 fe80::1   w0 11.22.33.44
#   spare   r1 192.168.88.1                    w1 11.22.44.55
#   internet i0, i1; hosts 1.1.1.1, 8.8.8.8, 2001:db8:1::1 and 2001:db8:2::1
#
# Sourced by a script that `alone` has put into namespaces of its own: whatever is made here ends with it, however it ends.

# shellcheck source=tests/system/alone.sh
source "${BASH_SOURCE%/*}/alone.sh"

add() { ip -n "$1" addr add "$3" dev "$2" ${4:+"$4"}; ip -n "$1" link set "$2" up; }
within() { local namespace=$1; shift; ip netns exec "$namespace" "$@"; }

# wire MILLISECONDS NAMESPACE ONE OTHER: carries frames between two interfaces, each that late; this kernel has no netem. Whoever sends into it has
# to fill in its checksums (`whole`). USR1 makes it as quick as it can be, USR2 slow again.
wire() {
  # shellcheck disable=SC2016 # perl's variables
  ip netns exec "$2" perl -MSocket -MTime::HiRes=time -e '
    my ($far, @ends, @queue) = (shift() / 1000);
    my $delay = $far;
    @SIG{"USR1", "USR2"} = (sub { $delay = 0 }, sub { $delay = $far });
    for (@ARGV) {
      socket(my $end, 17, SOCK_RAW, unpack "S", pack "n", 3) or die "AF_PACKET: $!";
      open(my $index, "/sys/class/net/$_/ifindex") or die;
      bind($end, pack "S n i x12", 17, 3, <$index>) or die "$_: $!";
      push @ends, $end;
    }
    while () {
      my $watched = "";
      vec($watched, fileno $_, 1) = 1 for @ends;
      my $ready = select $watched, undef, undef, @queue ? ($queue[0][0] > time ? $queue[0][0] - time : 0) : undef;
      for my $at (0, 1) {
        # A signal leaves them as they were asked for.
        next unless $ready > 0 && vec $watched, fileno $ends[$at], 1;
        my $from = recv $ends[$at], my $frame, 65535, 0;
        # Not what we sent ourselves.
        push @queue, [time + $delay, 1 - $at, $frame] unless unpack("x10 C", $from) == 4;
      }
      while (@queue && $queue[0][0] <= time) { my $due = shift @queue; send $ends[$due->[1]], $due->[2], 0; }
    }' "$1" "$3" "$4" &
  # shellcheck disable=SC2034 # for the scripts that source it
  wire=$!
}
# whole NAMESPACE INTERFACE: each frame leaves with its checksum, and as it will be on the wire.
whole() {
  # shellcheck disable=SC2016 # perl's variables
  ip netns exec "$1" perl -MSocket -e '
    socket(my $any, AF_INET, SOCK_DGRAM, 0) or die;
    # Each ethtool command that switches one kind of offload: checksums of both directions, then segments (linux/ethtool.h).
    for (0x15, 0x17, 0x1f, 0x21, 0x24, 0x2c) {
      my $off = pack "LL", $_, 0;
      ioctl $any, 0x8946, (my $request = pack "a16 P x16", $ARGV[0], $off);
    }' "$2"
}

# With $far the internet is so many milliseconds beyond the router, each way. With $switched there is a switch between the client and the router.
make_home() {
  mount -t tmpfs tmpfs /run
  local namespace end
  for namespace in client router spare internet; do
    ip netns add "$namespace"
    ip -n "$namespace" link set lo up
    within "$namespace" sysctl -qw net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.default.accept_dad=0
  done
  if [[ ${switched-} ]]; then
    ip netns add switch
    ip -n switch link add lan up type bridge
    plug_into_switch client c0
    plug_into_switch router r0
  else
    ip link add c0 netns client type veth peer name r0 netns router
  fi
  if [[ ${far-} ]]; then
    ip netns add wire
    ip link add w0 netns router type veth peer name a0 netns wire
    ip link add i0 netns internet type veth peer name b0 netns wire
    for end in a0 b0; do ip -n wire link set "$end" up; done
    whole router w0
    whole internet i0
    wire "$far" wire a0 b0
  else
    ip link add w0 netns router type veth peer name i0 netns internet
  fi
  ip link add c1 netns client type veth peer name r1 netns spare
  ip link add w1 netns spare type veth peer name i1 netns internet

  add client c0 192.168.77.2/24; add client c0 fd77::2/64 nodad
  add router r0 192.168.77.1/24; add router r0 fd77::1/64 nodad; add router r0 fe80::1/64 nodad
  add router w0 11.22.33.44/24;  add router w0 2001:db8:11::44/64 nodad
  add internet i0 11.22.33.1/24; add internet i0 2001:db8:11::1/64 nodad
  add client c1 192.168.88.2/24
  add spare r1 192.168.88.1/24
  add spare w1 11.22.44.55/24
  add internet i1 11.22.44.1/24
  local host
  for host in 1.1.1.1/32 8.8.8.8/32 2001:db8:1::1/128 2001:db8:2::1/128; do add internet lo "$host"; done
  default_routes
  ip -n spare route add default via 11.22.44.1

  for namespace in router spare; do
    within "$namespace" sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 net.ipv4.icmp_ratelimit=0 net.ipv6.icmp.ratelimit=0
  done
  within router nft -f - <<'RULES'
table inet home {
  chain nat { type nat hook postrouting priority srcnat; oifname "w0" masquerade; }
  chain count { type filter hook forward priority 10; iifname "r0" tcp flags syn / syn,ack counter; }
}
table inet fault {
  chain in { type filter hook input priority -10; }
  chain through { type filter hook forward priority -10; }
}
table netdev fault { chain r0 { type filter hook ingress device "r0" priority 0; }; }
RULES
  within spare nft -f - <<'RULES'
table inet home {
  chain nat { type nat hook postrouting priority srcnat; oifname "w1" masquerade; }
  chain count { type filter hook forward priority 10; iifname "r1" tcp flags syn / syn,ack counter; }
}
RULES
}

plug_into_switch() {
  ip link add "$2" netns "$1" type veth peer name "$2" netns switch
  ip -n switch link set "$2" master lan up
}

default_routes() {
  ip -n client route replace default via 192.168.77.1
  ip -n client -6 route replace default via fd77::1
  ip -n router route replace default via 11.22.33.1
  ip -n router -6 route replace default via 2001:db8:11::1
}

# How many connections the client opened through a router.
opened_through() { within "$1" nft -j list chain inet home count | jq '[.. | .packets? // empty] | add'; }

# Every fault is undone by `heal`.
fault() {
  local through="add rule inet fault through"
  case $1 in
    none) ;;
    client-link-down) ip -n client link set c0 down ;;                                      # the cable is out
    client-no-route)  ip -n client route del default; ip -n client -6 route del default ;;  # no DHCP lease
    router-unplugged) ip -n router link set r0 down; ip -n client neigh flush all ;;        # no carrier
    router-no-arp)    within router nft add rule netdev fault r0 drop; ip -n client neigh flush all ;; # off, behind a switch
    router-hung)      within router nft add rule inet fault in drop; within router nft "$through" drop ;; # its switch chip lives
    wan-drop)         within router nft "$through" drop ;;                                  # a black hole
    wan-unreach)      within router nft "$through" reject with icmpx type host-unreachable ;;
    wan-no-route)     ip -n router route del default; ip -n router -6 route del default ;;  # PPPoE is down
    wan-rst)          within router nft "$through" meta l4proto tcp reject with tcp reset ;; # an ISP's block page
    *) echo "no fault $1" >&2; exit 2 ;;
  esac
}

heal() {
  within router nft flush table inet fault
  within router nft flush table netdev fault
  ip -n client link set c0 up
  ip -n router link set r0 up
  # A link that was down has lost these.
  ip -n client addr replace fd77::2/64 dev c0 nodad
  ip -n router addr replace fd77::1/64 dev r0 nodad
  ip -n router addr replace fe80::1/64 dev r0 nodad
  ip -n client neigh flush all
  default_routes
}
