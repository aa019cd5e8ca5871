"""The shape of a balancer's network -> its addresses, the script that builds it, and the rules by which it sends.

    client host ──10.203.0.0/24── balancer ──10.204.N.0/24── node N      10.202.0.0/24: the addresses of Services

It changes where a packet goes and not where it comes from, as balancers of layer 4 do that preserve the client's
address. So what answers must go back through it: a node sends back through the balancer's link what came by it. Pods
reach it from their node, by its address, as they reach all that is outside the cluster.
"""

from __future__ import annotations

from ipaddress import IPv4Network
from typing import TYPE_CHECKING

from harness.sandbox.netns import CLIENT, client_addresses, node_address, node_name, pod_network

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from harness.sandbox.balancer.targets import Key

BALANCER = "balancer"
ADDRESSES = IPv4Network("10.202.0.0/24")
_CLIENTS = "10.200.0.0/16"
_MARK = "0x1"
_RETURN_TABLE = 300
_TABLE = "balancer"
_RETURN = f"""\
table ip {BALANCER}-return {{
  chain prerouting {{
    type filter hook prerouting priority mangle; policy accept;
    iifname "lb0" ct mark set {_MARK}
    ct mark {_MARK} meta mark set meta mark | {_MARK}
  }}
  chain postrouting {{
    type nat hook postrouting priority srcnat; policy accept;
    oifname "lb0" ip daddr {ADDRESSES} masquerade
  }}
}}
"""


def balancer_script(directory: Path, nodes: int, addresses_each: int) -> str:
    """The shell script that adds the balancer's namespace to the network of `netns.network_script`."""
    here, client = directory / BALANCER, directory / CLIENT
    source = client_addresses(nodes, addresses_each)[0]
    lines = ["set -e", f": > {here}", f"unshare --net={here} ip link set lo up"]
    mine = [
        f"link add client0 type veth peer name to-balancer netns {client}",
        "addr add 10.203.0.1/24 dev client0",
        "link set client0 up",
        f"route add {_CLIENTS} via 10.203.0.2 dev client0",
        f"route add blackhole {ADDRESSES}",  # what no rule translates is lost
    ]
    theirs = [
        "addr add 10.203.0.2/24 dev to-balancer",
        "link set to-balancer up",
        f"route add {ADDRESSES} via 10.203.0.1 dev to-balancer src {source}",
        f"rule add to {ADDRESSES} lookup main priority 10",
    ]
    commands = {here: mine, client: theirs}
    for number in range(1, nodes + 1):
        node = directory / node_name(number)
        mine += [
            f"link add node{number} type veth peer name lb0 netns {node}",
            f"addr add 10.204.{number}.1/24 dev node{number}",
            f"link set node{number} up",
        ]
        routes = (f"{pod_network(number)}", f"{node_address(number)}/32")
        mine += [f"route add {route} via 10.204.{number}.2 dev node{number}" for route in routes]
        commands[node] = [
            f"addr add 10.204.{number}.2/24 dev lb0",
            "link set lb0 up",
            f"route add default via 10.204.{number}.1 dev lb0 table {_RETURN_TABLE}",
            f"rule add fwmark {_MARK}/{_MARK} to {_CLIENTS} lookup {_RETURN_TABLE} priority 20",
            f"route add {ADDRESSES} via 10.204.{number}.1 dev lb0",  # for Pods, as the node that they leave by
        ]
    sysctls = "; ".join(f"echo {v} > /proc/sys/net/ipv4/{k}" for k, v in (("ip_forward", 1), ("conf/all/rp_filter", 0)))
    lines.append(f"nsenter --net={here} sh -c '{sysctls}'")
    for namespace, batch in commands.items():
        lines.append(f"nsenter --net={namespace} ip -batch - <<'END'\n" + "\n".join(batch) + "\nEND")
    for number in range(1, nodes + 1):
        inside = f"nsenter --net={directory / node_name(number)}"
        # A refusal that the node itself sends goes the way of what it refuses.
        lines.append(f"{inside} sh -c 'echo 1 > /proc/sys/net/ipv4/fwmark_reflect; nft -f -' <<'END'\n{_RETURN}END")
    return "\n".join(lines) + "\n"


SILENT = f"""\
table ip {BALANCER}-silent {{}}
flush table ip {BALANCER}-silent
table ip {BALANCER}-silent {{
  chain input {{
    type filter hook input priority filter; policy accept;
    icmp type destination-unreachable icmp code host-unreachable drop
  }}
}}
"""
"""An address that has gone is silence to a cloud's balancer; here a node would say so, of one packet a second."""


def rules(serving: Mapping[tuple[str, str, int], Iterable[Key]]) -> str:
    """The text for one `nft -f` transaction: by address, protocol and port, the targets of new connections.

    An open connection stays with its target, whatever becomes of that. Where there is no target, what comes is lost.
    """
    # Linux follows connections only where some rule asks for it: else the last target would take along what is open.
    lines = ["    ct state established accept"]
    for (address, protocol, port), targets in sorted(serving.items()):
        if keys := tuple(targets):
            choice = ", ".join(f"{n} : {to} . {number}" for n, (to, number) in enumerate(keys))
            lines.append(
                f"    ip daddr {address} {protocol} dport {port} dnat ip to numgen random mod {len(keys)} "
                f"map {{ {choice} }}"
            )
    hook = "  chain prerouting { type nat hook prerouting priority dstnat; policy accept; }"
    head = f"table ip {_TABLE} {{\n{hook}\n}}\nflush table ip {_TABLE}\n"
    return "\n".join([f"{head}table ip {_TABLE} {{", "  chain prerouting {", *lines, "  }", "}"]) + "\n"
