"""Services and EndpointSlices -> one nftables ruleset, the way kube-proxy's nftables mode routes and rejects.

Source: pkg/proxy/nftables/proxier.go and pkg/proxy/topology.go (CategorizeEndpoints): ready endpoints; where there is
none, those that still serve while terminating (on since 1.26); where there is none either, REJECT.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.sandbox.netns import SERVICE_CIDR

if TYPE_CHECKING:
    from collections.abc import Iterable

TABLE = "kube-proxy"
_MASQUERADE_MARK = "0x4000"
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
    """One port of a Service with everything that may answer it; `node_port` is 0 where it has none."""

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
        found += [_service_port(metadata, spec, port, mine) for port in spec.get("ports") or ()]
    return tuple(sorted(found))


def ruleset(ports: Iterable[ServicePort], node: str, node_address: str) -> str:
    """The text for one `nft -f` transaction that puts these rules in the place of the old ones.

    The chains that hook into the kernel stay as they are: only their rules are replaced, so no packet meets a gap.
    """
    services: list[str] = []
    rejects: list[str] = []
    addresses: list[str] = []
    masqueraded: set[str] = set()
    for port in ports:
        addresses.append(port.cluster_ip)
        match = f"ip daddr {port.cluster_ip} {port.protocol} dport {port.port}"
        _route(match, port.usable(node if port.internal_local else ""), "", services, rejects)
        if port.node_port:
            mark = "" if port.external_local else f"meta mark set meta mark | {_MASQUERADE_MARK} "
            match = f"ip daddr {node_address} {port.protocol} dport {port.node_port}"
            _route(match, port.usable(node if port.external_local else ""), mark, services, rejects)
        masqueraded |= {endpoint.address for endpoint in port.usable()}
    lines = [f"table ip {TABLE} {{", _CHAINS.rstrip(), "}", f"flush table ip {TABLE}", f"table ip {TABLE} {{"]
    lines += _chain("services", services)
    lines += _chain("no-endpoints", [*rejects, *_other_ports(addresses)])
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


def _route(match: str, endpoints: tuple[Endpoint, ...], mark: str, services: list[str], rejects: list[str]) -> None:
    if endpoints:
        targets = ", ".join(f"{n} : {e.address} . {e.port}" for n, e in enumerate(endpoints))
        services.append(f"{match} {mark}dnat ip to numgen random mod {len(endpoints)} map {{ {targets} }}")
    else:
        rejects.append(f"{match} reject")


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
    metadata: dict[str, Any], spec: dict[str, Any], port: dict[str, Any], slices: list[dict[str, Any]]
) -> ServicePort:
    name = port.get("name") or ""
    endpoints = {endpoint for one in slices for endpoint in _endpoints(one, name)}
    return ServicePort(
        namespace=metadata["namespace"],
        name=metadata["name"],
        port_name=name,
        protocol=port.get("protocol", "TCP").lower(),
        cluster_ip=spec["clusterIP"],
        port=port["port"],
        node_port=port.get("nodePort", 0) if spec.get("type") in ("NodePort", "LoadBalancer") else 0,
        external_local=spec.get("externalTrafficPolicy") == "Local",
        internal_local=spec.get("internalTrafficPolicy") == "Local",
        endpoints=tuple(sorted(endpoints)),
    )


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
