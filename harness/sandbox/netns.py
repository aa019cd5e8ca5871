"""The shape of the sandbox's network -> the addresses of everybody, and the scripts that build it.

    client host ──10.200.N.0/24──> node N ──cni0, 10.244.16N.0/20──> pods      (one veth pair a node, one a pod)
                                   node N ──under0, 10.201.0.N──> other nodes   (the bridge stands in node 1)

Network namespaces are files under STATE/netns in the supervisor's private mount namespace: the machine's own list never
shows them. A source address of the client host decides through which node's kube-proxy its packets enter. A pod has a
/32 address and sends everything to its node, so that packets between two pods of one node cross the node's NAT too.

A pod's hardware address follows from its IPv4 address, and both ends of its link know each other from the beginning: no
pod waits for the ARP of the one that had its address before, and two hundred of them need not hear who asks for whom.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Container
    from pathlib import Path

SERVICE_CIDR = IPv4Network("10.96.0.0/16")
CLIENT = "client"
MOST_NODES = 9
"""So many fit the plan of addresses, whatever is asked of the sandbox."""

_FIRST_CLIENT, _FIRST_POD = 10, 2
_POD_LINK, _LINK_DIGITS = "veth", 8

# Sysctls of a node: it routes, and it never tells a pod of a shorter way round its NAT.
_NODE_SYSCTLS = (
    ("net/ipv4/ip_forward", "1"),
    ("net/ipv4/conf/all/send_redirects", "0"),
    ("net/ipv4/conf/default/send_redirects", "0"),
    ("net/ipv4/conf/all/rp_filter", "0"),
    ("net/ipv4/conf/default/rp_filter", "0"),
)
# The sandbox has no IPv6: without this every new link tells all others of the bridge of itself, a dozen times. Loopback
# keeps its ::1, and a program may listen on [::].
_NO_IPV6 = "[ ! -w {0} ] || echo 1 > {0}".format("/proc/sys/net/ipv6/conf/default/disable_ipv6")
_BRIDGE_FILTER = "/proc/sys/net/bridge/bridge-nf-call-iptables"
_LOWEST_PORT = "/proc/sys/net/ipv4/ip_unprivileged_port_start"


def node_name(number: int) -> str:
    """The name of node `number` (from 1)."""
    return f"node{number}"


def node_number(name: str) -> int:
    """The inverse of `node_name`."""
    return int(name.removeprefix("node"))


def node_address(number: int) -> str:
    """The address under which a node is known: its InternalIP, where NodePorts answer."""
    return f"10.201.0.{number}"


def pod_network(number: int) -> IPv4Network:
    """The pods' network on node `number`: sixteen times what a node takes, so that an address rests before it returns.

    A kube-proxy that is late still sends to a pod's address, and a client's conntrack remembers it for two minutes.
    """
    return IPv4Network(f"10.244.{16 * number}.0/20")


def pod_gateway(number: int) -> str:
    """The node's own address on its pods' bridge."""
    return str(pod_network(number)[1])


def hardware_address(address: str) -> str:
    """The locally administered address that goes with an IPv4 address, as CNI's bridge plugin made it.

    >>> hardware_address("10.244.16.1")
    '0a:58:0a:f4:10:01'
    """
    return "0a:58:" + ":".join(f"{part:02x}" for part in IPv4Address(address).packed)


def pod_link(address: str) -> str:
    """The name of the node's end of a pod's link, which no other pod of the node has.

    >>> pod_link("10.244.16.2")
    'veth0af41002'
    """
    return f"{_POD_LINK}{int(IPv4Address(address)):0{_LINK_DIGITS}x}"


def client_addresses(nodes: int, each: int) -> tuple[str, ...]:
    """Every source address of the client host, those that enter through node 1 first."""
    return tuple(f"10.200.{node}.{_FIRST_CLIENT + n}" for node in range(1, nodes + 1) for n in range(each))


def linked_address(link: str) -> str | None:
    """The inverse of `pod_link`; None where the link is not a pod's."""
    digits = link.removeprefix(_POD_LINK)
    if len(digits) != _LINK_DIGITS or len(link) != len(_POD_LINK) + _LINK_DIGITS:
        return None
    return str(IPv4Address(int(digits, 16)))


class AddressesExhausted(Exception):
    """Every address of a node's network is taken; the text is that of CNI's host-local IPAM."""


def next_pod_address(number: int, last: str | None, taken: Container[str]) -> str:
    """The next free pod address on a node, round robin as the host-local IPAM does it: no address comes back soon.

    Raises:
        AddressesExhausted: every address of the node's network is taken.
    """
    network = pod_network(number)
    first, end = int(network[_FIRST_POD]), int(network.broadcast_address)
    start = first if last is None else int(IPv4Address(last)) + 1
    for offset in range(end - first):
        address = str(IPv4Address(first + (start - first + offset) % (end - first)))
        if address not in taken:
            return address
    raise AddressesExhausted(f"no IP addresses available in range set: {network[1]}-{network[-2]}")


def network_script(directory: Path, nodes: int, addresses_each: int) -> str:
    """The shell script that builds all nodes and the client host, with their namespaces as files in `directory`."""
    lines = ["set -e"]
    names = [CLIENT, *(node_name(n) for n in range(1, nodes + 1))]
    lines += [f": > {directory / name}; unshare --net={directory / name} ip link set lo up" for name in names]
    for number in range(1, nodes + 1):
        lines += _node(directory, number, nodes)
    lines += _client(directory, nodes, addresses_each)
    return "\n".join(lines) + "\n"


def attach_script(namespace: Path, address: str, gateway: str) -> str:
    """The shell script, run inside the node's namespace, that gives a new pod its namespace, link and address."""
    link, hardware = pod_link(address), hardware_address(address)
    outer = (
        f"link add {link} type veth peer name eth0 address {hardware} netns {namespace}",
        f"link set {link} master cni0 up",
        f"neigh replace {address} lladdr {hardware} dev cni0 nud permanent",
    )
    inner = (
        f"addr add {address}/32 dev eth0",
        "link set eth0 up",
        f"neigh replace {gateway} lladdr {hardware_address(gateway)} dev eth0 nud permanent",
        f"route add {gateway} dev eth0 scope link",
        f"route add default via {gateway} src {address}",
    )
    # As containerd has it: a program that is not root may listen on port 80.
    own = f"echo 0 > {_LOWEST_PORT}; ip link set lo up; {_NO_IPV6}"
    start = f"set -e\n: > {namespace}\nunshare --net={namespace} sh -c '{own}'\n"
    return start + _batch("", outer) + _batch(f"nsenter --net={namespace} ", inner)


def detach_script(namespace: Path, address: str) -> str:
    """The shell script, run inside the node's namespace, after which nothing answers at the pod's address.

    The node believes in the pod's hardware address for as long as it does in one that it has just heard of: until then
    what it sends is lost, and unreachable afterwards.
    """
    believed = f"ip neigh change {address} lladdr {hardware_address(address)} dev cni0 nud reachable"
    return f"ip link del {pod_link(address)}; {believed}; umount {namespace}; rm -f {namespace}"


def _node(directory: Path, number: int, nodes: int) -> list[str]:
    here = directory / node_name(number)
    lines = [f"nsenter --net={here} sh -c '{_sysctls()}'"]
    # An address of its own: a bridge without one takes its lowest port's, and another when that pod goes; until its
    # neighbours have learned that, what they send is lost.
    cni = [
        f"link add cni0 address {hardware_address(pod_gateway(number))} type bridge",
        f"addr add {pod_gateway(number)}/{pod_network(number).prefixlen} dev cni0",
        "link set cni0 up",
    ]
    if number == 1:
        under = ["link add under0 type bridge"]
    else:
        first = directory / node_name(1)
        under = [f"link add under0 type veth peer name under{number} netns {first}"]
    under += [f"addr add {node_address(number)}/24 dev under0", "link set under0 up"]
    toward = f"to-client{number}"
    client = [
        f"link add toclient0 type veth peer name {toward} netns {directory / CLIENT}",
        f"addr add 10.200.{number}.1/24 dev toclient0",
        "link set toclient0 up",
    ]
    # The way to everywhere else leads nowhere: what no rule translates is lost, as it is on a real node.
    world = ["link add world0 type bridge", "link set world0 arp off up", "route add default dev world0"]
    others = [n for n in range(1, nodes + 1) if n != number]
    routes = [f"route add {net} via {node_address(n)}" for n in others for net in (pod_network(n), f"10.200.{n}.0/24")]
    lines.append(_batch(f"nsenter --net={here} ", (*cni, *under, *client, *world, *routes)))
    if number > 1:
        lines.append(f"nsenter --net={directory / node_name(1)} ip link set under{number} master under0 up")
    return lines


def _client(directory: Path, nodes: int, each: int) -> list[str]:
    commands = []
    for number in range(1, nodes + 1):
        link, table = f"to-client{number}", 100 + number
        mine = client_addresses(nodes, each)[(number - 1) * each : number * each]
        commands += [f"addr add {address}/24 dev {link}" for address in mine]
        commands += [f"link set {link} up", f"route add default via 10.200.{number}.1 dev {link} table {table}"]
        commands += [f"rule add from 10.200.{number}.0/24 table {table}"]
    commands.append(f"route add default via 10.200.1.1 src {client_addresses(nodes, each)[0]}")
    return [_batch(f"nsenter --net={directory / CLIENT} ", commands)]


def _batch(prefix: str, commands: tuple[str, ...] | list[str]) -> str:
    return f"{prefix}ip -batch - <<'END'\n" + "\n".join(commands) + "\nEND\n"


def _sysctls() -> str:
    needed = [f"echo {value} > /proc/sys/{name}" for name, value in _NODE_SYSCTLS]
    # Where the machine has br_netfilter, bridged frames would be translated before they are routed. Pods are routed to
    # each other anyway, so the node can do without on every machine alike.
    return "; ".join([*needed, _NO_IPV6, f"[ ! -w {_BRIDGE_FILTER} ] || echo 0 > {_BRIDGE_FILTER}"])
