"""How traffic reaches the pods -> what follows from it for whoever waits for a rollout and judges its failures."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Hops:
    """What stands on a path between client and pods.

    `node_first`: the client's packets reach the node that translates them as they were sent, and kube-proxy alone
    decides which pod gets them; else something before it has a list and a delay of its own. `ends_tcp`: a hop on it
    ends the client's TCP connection, so that it may answer for a pod, and what the kernel says is said of the hop.
    """

    node_first: bool = False
    ends_tcp: bool = False


PATHS = {
    "clusterip": Hops(node_first=True),
    "nodeport": Hops(node_first=True),
    "loadbalancer": Hops(),
    "ingress": Hops(ends_tcp=True),
    "gateway": Hops(ends_tcp=True),
    "url": Hops(ends_tcp=True),
}
"""By the name that experiments and run.json have for it."""


def hops(path: str) -> Hops:
    """What stands on a path; of one that is not known, a balancer that passes packets through."""
    return PATHS.get(path, Hops())
