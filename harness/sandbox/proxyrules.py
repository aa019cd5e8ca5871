"""Services and EndpointSlices -> one nftables ruleset, the way kube-proxy's nftables mode routes and rejects.

Source: pkg/proxy/nftables/proxier.go and pkg/proxy/topology.go (CategorizeEndpoints): ready endpoints; where there is
none, those that still serve while terminating (on since 1.26), with a policy of `Local` each node for itself. A Service
without any endpoint is rejected; what a node may send only to pods of its own, when it has none, is dropped. What a
node or one of its pods sends to an address for the outside knows no policy, as if it had gone out and come back.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.sandbox.netns import SERVICE_CIDR, node_number, pod_network

if TYPE_CHECKING:
    from collections.abc import Iterable

TABLE = "kube-proxy"
_MASQUERADE_MARK = "0x4000"
_AFFINITY_S = 10800
"""For so long a client stays with its pod where the Service does not say (v1.DefaultClientIPServiceAffinitySeconds)."""
_CHAINS = """\
  chain services { }
  chain no-endpoints { }
  chain prerouting { type nat hook prerouting priority dstnat; policy accept; }
  chain output { type nat hook output priority -100; policy accept; }
  chain postrouting { type nat hook postrouting priority srcnat; policy accept; }
  chain filter-input { type filter hook input priority filter; policy accept; }
  chain filter-forward { type filter hook forward priority filter; policy accept; }
  chain filter-output { type filter hook output priority filter; policy accept; }
"""


@dataclass(frozen=True, slots=True, order=True)
class Endpoint:
    """One address of a service port. `ready` implies `serving`; a terminating one is never ready."""

    address: str
    port: int
    node: str
    ready: bool
    serving: bool


@dataclass(frozen=True, slots=True, order=True, kw_only=True)
class ServicePort:
    """One port of a Service with everything that may answer it; `node_port` is 0 where it has none.

    `external_ips`: other addresses at which nodes take what is for it: a load balancer's, where that passes packets on
    as they are (`ipMode: VIP`). `affinity_s`: how long a client's address stays with its pod, 0 = not.
    """

    namespace: str
    name: str
    port_name: str
    protocol: str
    cluster_ip: str
    port: int
    node_port: int
    external_local: bool
    internal_local: bool
    endpoints: tuple[Endpoint, ...]
    external_ips: tuple[str, ...] = ()
    health_check_port: int = 0
    affinity_s: int = 0

    def usable(self, node: str = "") -> tuple[Endpoint, ...]:
        """The endpoints that get traffic, only those on `node` where one is given."""
        here = [endpoint for endpoint in self.endpoints if node in ("", endpoint.node)]
        return tuple([e for e in here if e.ready] or [e for e in here if e.serving])


def service_ports(services: Iterable[dict[str, Any]], slices: Iterable[dict[str, Any]]) -> tuple[ServicePort, ...]:
    """Every port of every Service that has a cluster address, in a fixed order."""
    by_service: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for endpoint_slice in slices:
        metadata = endpoint_slice["metadata"]
        name = (metadata.get("labels") or {}).get("kubernetes.io/service-name", "")
        by_service.setdefault((metadata["namespace"], name), []).append(endpoint_slice)
    found = []
    for service in services:
        spec, metadata = service["spec"], service["metadata"]
        if spec.get("clusterIP") in (None, "", "None") or spec.get("type") == "ExternalName":
            continue
        mine = by_service.get((metadata["namespace"], metadata["name"]), [])
        outside = _external_ips(service)
        found += [_service_port(metadata, spec, port, mine, outside) for port in spec.get("ports") or ()]
    return tuple(sorted(found))


def ruleset(ports: Iterable[ServicePort], node: str, node_address: str, *, gone: frozenset[str] = frozenset()) -> str:
    """The text for one `nft -f` transaction that puts these rules in the place of the old ones.

    `gone`: the `affinity_sets` of the rules before; those that are not needed any more are deleted.

    The chains that hook into the kernel stay as they are: only their rules are replaced, so no packet meets a gap.
    """
    ports = tuple(ports)
    rules = _gathered(ports, node, node_address)
    addresses = [port.cluster_ip for port in ports]
    masqueraded: set[str] = set()
    for port in ports:
        masqueraded |= {endpoint.address for endpoint in port.usable()}
        if port.internal_local or port.external_local:
            masqueraded |= {endpoint.address for endpoint in port.usable(node)}
    sets = [_affinity_set(name, seconds) for name, seconds in rules.affinities.items()]
    chains = [f"  chain {name} {{ }}" for name in rules.chains]
    head = [f"table ip {TABLE} {{", _CHAINS.rstrip(), *sets, *chains, "}", f"flush table ip {TABLE}"]
    lines = [*head, *(f"delete set ip {TABLE} {name}" for name in sorted(gone - rules.affinities.keys()))]
    lines += [f"table ip {TABLE} {{"]
    for name, body in rules.chains.items():
        lines += _chain(name, body)
    lines += _chain("services", rules.services)
    lines += _chain("no-endpoints", [*rules.rejects, *_other_ports(addresses)])
    lines += _chain("prerouting", ["jump services"])
    lines += _chain("output", ["jump services"])
    lines += _chain("postrouting", _masquerade(sorted(masqueraded)))
    for hook in ("filter-input", "filter-forward", "filter-output"):
        lines += _chain(hook, ["ct state new jump no-endpoints"])
    return "\n".join([*lines, "}"]) + "\n"


def sync_due(changed_at: float, last_ended: float | None, min_period_s: float) -> float:
    """When a change is programmed: at once after quiet, else when the cool-down since the last sync's end is over.

    >>> sync_due(100.0, last_ended=None, min_period_s=1.0)
    100.0
    >>> sync_due(100.0, last_ended=99.5, min_period_s=1.0)
    100.5
    """
    return changed_at if last_ended is None else max(changed_at, last_ended + min_period_s)


def affinity_sets(ports: Iterable[ServicePort], node: str, node_address: str) -> frozenset[str]:
    """The names of the sets in which `ruleset` keeps which client belongs to which endpoint.

    An endpoint to which nothing is sent has none, and what is not there cannot be deleted later.
    """
    return frozenset(_gathered(ports, node, node_address).affinities)


def _gathered(ports: Iterable[ServicePort], node: str, node_address: str) -> _Rules:
    rules = _Rules(pods=str(pod_network(node_number(node))))
    for port in ports:
        match = f"ip daddr {port.cluster_ip} {port.protocol} dport {port.port}"
        rules.route(port, match, port.usable(node if port.internal_local else ""))
        outside = [f"ip daddr {address} {port.protocol} dport {port.port}" for address in port.external_ips]
        if port.node_port:
            outside.append(f"ip daddr {node_address} {port.protocol} dport {port.node_port}")
        for match in outside:
            rules.route_from_outside(port, match, node)
    return rules


def _affinity(port: ServicePort, endpoint: Endpoint) -> str:
    """The name of an endpoint's chain and set, the same in every sync, so that clients stay where they are."""
    named = f"{port.namespace}/{port.name}/{port.port_name}/{port.protocol}/{endpoint.address}/{endpoint.port}"
    return f"endpoint-{hashlib.sha256(named.encode()).hexdigest()[:16]}"


def _affinity_set(name: str, seconds: int) -> str:
    return f"  set {name} {{ type ipv4_addr; flags dynamic,timeout; timeout {seconds}s; }}"


class _Rules:
    """The rules of one node, as they are gathered. `pods`: the network of its own pods."""

    def __init__(self, pods: str) -> None:
        self._pods = pods
        self.services: list[str] = []
        self.rejects: list[str] = []
        self.chains: dict[str, list[str]] = {}
        self.affinities: dict[str, int] = {}

    def route_from_outside(self, port: ServicePort, match: str, node: str) -> None:
        """What comes to a node for the outside: masqueraded where it may go on to another node."""
        mark = f"meta mark set meta mark | {_MASQUERADE_MARK} "
        if not port.external_local:
            self.route(port, match, port.usable(), mark)
            return
        if anywhere := port.usable():
            self._send(port, f"{match} ip saddr {self._pods}", anywhere)
            self._send(port, f"{match} fib saddr type local", anywhere, mark)
        self.route(port, match, port.usable(node))

    def route(self, port: ServicePort, match: str, endpoints: tuple[Endpoint, ...], mark: str = "") -> None:
        """What matches goes to one of the endpoints; without any it is rejected, or dropped where another node has."""
        if endpoints:
            self._send(port, match, endpoints, mark)
        else:
            self.rejects.append(f"{match} {'drop' if port.usable() else 'reject'}")

    def _send(self, port: ServicePort, match: str, endpoints: tuple[Endpoint, ...], mark: str = "") -> None:
        choice = f"numgen random mod {len(endpoints)}"
        if not port.affinity_s:
            targets = ", ".join(f"{n} : {e.address} . {e.port}" for n, e in enumerate(endpoints))
            self.services.append(f"{match} {mark}dnat ip to {choice} map {{ {targets} }}")
            return
        names = [_affinity(port, endpoint) for endpoint in endpoints]
        for name, endpoint in zip(names, endpoints, strict=True):
            self.affinities[name] = port.affinity_s
            self.chains[name] = [
                f"update @{name} {{ ip saddr }}",
                f"meta l4proto {port.protocol} dnat ip to {endpoint.address}:{endpoint.port}",
            ]
            self.services.append(f"{match} ip saddr @{name} {mark}goto {name}")
        targets = ", ".join(f"{n} : goto {name}" for n, name in enumerate(names))
        self.services.append(f"{match} {mark}{choice} vmap {{ {targets} }}")


def _other_ports(cluster_ips: list[str]) -> list[str]:
    drop = f"ip daddr {SERVICE_CIDR} drop"
    known = ", ".join(sorted(set(cluster_ips)))
    return [f"ip daddr {{ {known} }} reject", drop] if known else [drop]


def _masquerade(endpoints: list[str]) -> list[str]:
    rules = [f"meta mark & {_MASQUERADE_MARK} == {_MASQUERADE_MARK} masquerade fully-random"]
    if endpoints:
        # Hairpin: a pod that reaches itself through a Service must not see its own address as the client's.
        pairs = ", ".join(f"{address} . {address}" for address in endpoints)
        rules.append(f"ip saddr . ip daddr {{ {pairs} }} masquerade fully-random")
    return rules


def _chain(name: str, rules: list[str]) -> list[str]:
    return [f"  chain {name} {{", *(f"    {rule}" for rule in rules), "  }"]


def _service_port(
    metadata: dict[str, Any],
    spec: dict[str, Any],
    port: dict[str, Any],
    slices: list[dict[str, Any]],
    external_ips: tuple[str, ...],
) -> ServicePort:
    name = port.get("name") or ""
    local = spec.get("externalTrafficPolicy") == "Local"
    sticky = ((spec.get("sessionAffinityConfig") or {}).get("clientIP") or {}).get("timeoutSeconds") or _AFFINITY_S
    endpoints = {endpoint for one in slices for endpoint in _endpoints(one, name)}
    return ServicePort(
        namespace=metadata["namespace"],
        name=metadata["name"],
        port_name=name,
        protocol=port.get("protocol", "TCP").lower(),
        cluster_ip=spec["clusterIP"],
        port=port["port"],
        node_port=port.get("nodePort", 0) if spec.get("type") in ("NodePort", "LoadBalancer") else 0,
        external_local=local,
        internal_local=spec.get("internalTrafficPolicy") == "Local",
        endpoints=tuple(sorted(endpoints)),
        external_ips=external_ips,
        health_check_port=spec.get("healthCheckNodePort", 0) if local and spec.get("type") == "LoadBalancer" else 0,
        affinity_s=sticky if spec.get("sessionAffinity") == "ClientIP" else 0,
    )


def _external_ips(service: dict[str, Any]) -> tuple[str, ...]:
    """The addresses of its load balancer for which nodes answer: not those where that translates (`ipMode: Proxy`)."""
    given = ((service.get("status") or {}).get("loadBalancer") or {}).get("ingress") or ()
    return tuple(entry["ip"] for entry in given if entry.get("ip") and entry.get("ipMode", "VIP") == "VIP")


def _endpoints(endpoint_slice: dict[str, Any], port_name: str) -> Iterable[Endpoint]:
    if endpoint_slice.get("addressType", "IPv4") != "IPv4":
        return
    numbers = [
        p["port"] for p in endpoint_slice.get("ports") or () if p.get("port") and (p.get("name") or "") == port_name
    ]
    for endpoint in endpoint_slice.get("endpoints") or ():
        conditions = endpoint.get("conditions") or {}
        ready = conditions.get("ready") is not False
        serving = conditions.get("serving", ready) is not False
        for number in numbers:
            for address in endpoint["addresses"][:1]:
                yield Endpoint(address, number, endpoint.get("nodeName") or "", ready, serving)
