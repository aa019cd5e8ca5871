"""The NetworkPolicies of a namespace -> those that keep the load from the application's pods.

A pod that some policy selects for a direction is let through only what one of them allows:
https://kubernetes.io/docs/concepts/services-networking/network-policies/. Blocks of addresses allow no pod here, since
which addresses pods will have is not known.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from harness.preflight.finding import Finding, Weight
from harness.preflight.surroundings import Object
from harness.spec.selector import matches
from harness.spec.workload import spec_of

Labels = Mapping[str, str]


def in_the_way(
    policies: Sequence[Object], application: Labels, worker: Labels, *, namespace: Labels, ports: Sequence[int | str]
) -> Iterator[Finding]:
    """Where nothing lets requests out of the worker's pod, or into the application's. `ports`: that these serve on."""
    for direction, of, peer in (("Egress", worker, application), ("Ingress", application, worker)):
        selecting = [policy for policy in policies if _selects(policy, direction, of)]
        allowed = any(
            _allows(rule, direction, peer, namespace, ports)
            for policy in selecting
            for rule in spec_of(policy).get(direction.lower()) or ()
        )
        if selecting and not allowed:
            names = ", ".join(policy["metadata"]["name"] for policy in selecting)
            way = "out of the load's pod" if direction == "Egress" else "from the load into its pods"
            yield Finding(
                weight=Weight.MIND,
                words=f"NetworkPolicy {names} lets no request {way}, where the network heeds it",
                mend=f"Allow {_shown(worker)}.",
            )


def _selects(policy: Object, direction: str, labels: Labels) -> bool:
    spec = spec_of(policy)
    types = spec.get("policyTypes") or ["Ingress", *(["Egress"] if spec.get("egress") else [])]
    return direction in types and _matches(spec.get("podSelector"), labels)


def _allows(rule: Object, direction: str, peer: Labels, namespace: Labels, ports: Sequence[int | str]) -> bool:
    peers = rule.get("from" if direction == "Ingress" else "to") or ()
    return _allows_port(rule.get("ports") or (), ports) and (
        not peers or any(_is(each, peer, namespace) for each in peers)
    )


def _is(peer: Object, labels: Labels, namespace: Labels) -> bool:
    if "ipBlock" in peer:
        return False
    if peer.get("namespaceSelector") is not None and not _matches(peer["namespaceSelector"], namespace):
        return False
    return _matches(peer.get("podSelector"), labels)


def _allows_port(allowed: Sequence[Object], ports: Sequence[int | str]) -> bool:
    if not allowed:
        return True
    for each in allowed:
        wished = each.get("port")
        if each.get("protocol", "TCP") != "TCP":
            continue
        if wished is None or wished in ports:
            return True
        if each.get("endPort") and any(isinstance(port, int) and wished <= port <= each["endPort"] for port in ports):
            return True
    return False


def _matches(selector: Object | None, labels: Labels) -> bool:
    """An empty or absent selector is everybody."""
    return not selector or matches(selector, dict(labels))


def _shown(labels: Labels) -> str:
    return ", ".join(f"{key}: {value}" for key, value in labels.items())
