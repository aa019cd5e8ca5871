"""The shape of the sandbox's network -> the addresses of everybody, and the scripts that build it.

    client host ──10.200.N.0/24──> node N ──cni0, 10.244.N.0/24──> pods        (one veth pair a node, one a pod)
                                   node N ──under0, 10.201.0.N──> other nodes   (the bridge stands in node 1)

Network namespaces are files under STATE/netns in the supervisor's private mount namespace: the machine's own list never
shows them. A source address of the client host decides through which node's kube-proxy its packets enter. A pod has a
/32 address and sends everything to its node, so that packets between two pods of one node cross the node's NAT too.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

SERVICE_CIDR = IPv4Network("10.96.0.0/16")
CLIENT = "client"
_FIRST_CLIENT, _FIRST_POD = 10, 2

# Sysctls of a node: it routes, and it never tells a pod of a shorter way round its NAT.
_NODE_SYSCTLS = (
    ("net/ipv4/ip_forward", "1"),
    ("net/ipv4/conf/all/send_redirects", "0"),
    ("net/ipv4/conf/default/send_redirects", "0"),
    ("net/ipv4/conf/all/rp_filter", "0"),
    ("net/ipv4/conf/default/rp_filter", "0"),
)
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
    """The pods' network on node `number`."""
    return IPv4Network(f"10.244.{number}.0/24")


def pod_gateway(number: int) -> str:
    """The node's own address on its pods' bridge."""
    return str(pod_network(number)[1])


def _gateway_mac(number: int) -> str:
    """A locally administered address, as the bridge plugin of CNI makes it of the gateway's IPv4 address."""
    return "0a:58:" + ":".join(f"{part:02x}" for part in pod_network(number)[1].packed)


def client_addresses(nodes: int, each: int) -> tuple[str, ...]:
    """Every source address of the client host, those that enter through node 1 first."""
    return tuple(f"10.200.{node}.{_FIRST_CLIENT + n}" for node in range(1, nodes + 1) for n in range(each))


def next_pod_address(number: int, last: str | None, taken: frozenset[str]) -> str:
    """The next free pod address on a node, round robin as the host-local IPAM does it: no address comes back soon.

    Raises:
        RuntimeError: every address of the node's network is taken.
    """
    network = pod_network(number)
    first, end = int(network[_FIRST_POD]), int(network.broadcast_address)
    start = first if last is None else int(IPv4Address(last)) + 1
    for offset in range(end - first):
        address = str(IPv4Address(first + (start - first + offset) % (end - first)))
        if address not in taken:
            return address
    raise RuntimeError(f"no free address in {network}")


def network_script(directory: Path, nodes: int, addresses_each: int) -> str:
    """The shell script that builds all nodes and the client host, with their namespaces as files in `directory`."""
    lines = ["set -e"]
    names = [CLIENT, *(node_name(n) for n in range(1, nodes + 1))]
    lines += [f": > {directory / name}; unshare --net={directory / name} ip link set lo up" for name in names]
    for number in range(1, nodes + 1):
        lines += _node(directory, number, nodes)
    lines += _client(directory, nodes, addresses_each)
    return "\n".join(lines) + "\n"


def attach_script(namespace: Path, link: str, address: str, gateway: str) -> str:
    """The shell script, run inside the node's namespace, that gives a new pod its namespace, link and address."""
    outer = (f"link add {link} type veth peer name eth0 netns {namespace}", f"link set {link} master cni0 up")
    inner = (
        f"addr add {address}/32 dev eth0",
        "link set eth0 up",
        f"route add {gateway} dev eth0 scope link",
        f"route add default via {gateway} src {address}",
    )
    # As containerd has it: a program that is not root may listen on port 80.
    start = f"set -e\n: > {namespace}\nunshare --net={namespace} sh -c 'echo 0 > {_LOWEST_PORT}; ip link set lo up'\n"
    return start + _batch("", outer) + _batch(f"nsenter --net={namespace} ", inner)


def detach_script(namespace: Path, link: str) -> str:
    """The shell script, run inside the node's namespace, after which nothing answers at the pod's address."""
    return f"ip link del {link} 2>/dev/null; umount {namespace} 2>/dev/null; rm -f {namespace}"


def _node(directory: Path, number: int, nodes: int) -> list[str]:
    here = directory / node_name(number)
    lines = [f"nsenter --net={here} sh -c '{_sysctls()}'"]
    # An address of its own: a bridge without one takes its lowest port's, and another when that pod goes; until its
    # neighbours have learned that, what they send is lost.
    cni = [
        f"link add cni0 address {_gateway_mac(number)} type bridge",
        f"addr add {pod_gateway(number)}/24 dev cni0",
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
    return "; ".join([*needed, f"[ ! -w {_BRIDGE_FILTER} ] || echo 0 > {_BRIDGE_FILTER}"])
