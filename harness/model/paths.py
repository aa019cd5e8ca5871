"""How traffic reaches the pods -> what follows from it for whoever waits for a rollout and judges its failures.

A run keeps the hops of its path as values, so that a new kind of hop is one more value and no branch of a judge. What
every path has in common is known without a run too, for plans and for records that were made before hops were kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum


class HopKind(StrEnum):
    """What stands on a path."""

    NODE_PROXY = "node-proxy"  # kube-proxy, or what does its work: it translates, in the node's kernel
    PASSTHROUGH = "passthrough"  # a balancer of layer 4: it passes packets on
    REVERSE_PROXY = "reverse-proxy"  # it ends the client's connection and opens one of its own
    UNKNOWN = "unknown"


UNSIGNED = "-"
"""What `answers_as` has for a hop of which it is known that its own answers say nothing of who gave them."""


class Targets(StrEnum):
    """Of what a hop keeps a list, from which it takes where it sends a new connection."""

    PODS = "pods"
    NODES = "nodes"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """How long something takes, in seconds, by what was configured."""

    least_s: float
    most_s: float

    def __str__(self) -> str:
        same = self.most_s - self.least_s < 0.0005
        return f"{self.most_s:g} s" if same else f"{self.least_s:g} to {self.most_s:g} s"


AT_ONCE = Span(least_s=0.0, most_s=0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hop:
    """One thing between client and pods.

    `retries`: whether it sends a failed request again by itself; None: not known. `removal`, `addition`: how long after
    a change of the Service's endpoints it still sends to a pod that left, and does not yet send to one that came; both
    at once where no rollout changes its list, None where it is not known. `instances`: how many of them share the
    traffic, each with a list of its own. `settings`: what it was set to, in words. `answers_as`: what a request's
    record has under `via` where it answered by itself, with 502, 503 or 504: `UNSIGNED` where nothing; empty where that
    is not known. `draining_s`: how long after a target left its list it ends what is still open to that; None where it
    does not, or that is not known.
    """

    name: str
    kind: HopKind
    targets: Targets
    retries: bool | None = False
    removal: Span | None = None
    addition: Span | None = None
    instances: int = 1
    implies: str = ""
    answers_as: str = ""
    draining_s: float | None = None
    settings: dict[str, str] = field(default_factory=dict)

    @property
    def ends_tcp(self) -> bool:
        """Whether it ends the client's TCP connection, so that it may answer for a pod."""
        return self.kind in (HopKind.REVERSE_PROXY, HopKind.UNKNOWN)

    @property
    def decides(self) -> bool:
        """Whether rollouts change its list, so that its delays are those of the path."""
        return self.removal != AT_ONCE or self.addition != AT_ONCE


@dataclass(frozen=True, slots=True, kw_only=True)
class Hops:
    """What a path comes to, all of its hops together.

    `node_first`: the client's ports reach the node as they were, and kube-proxy alone decides which pod gets them; else
    something before it has a list and a delay of its own. `ends_tcp`: a hop on it ends the client's TCP connection, so
    that it may answer for a pod, and what the kernel says is said of the hop. `external`: there is more on it than the
    node's proxy. `one_list`: all that is sent goes by one list of endpoints, of which one sync changes everything.
    """

    node_first: bool = False
    ends_tcp: bool = False
    external: bool = True
    one_list: bool = True


PATHS = {
    "clusterip": Hops(node_first=True, external=False),
    "nodeport": Hops(node_first=True, external=False),
    "loadbalancer": Hops(),
    "ingress": Hops(ends_tcp=True),
    "gateway": Hops(ends_tcp=True),
    "url": Hops(ends_tcp=True),
}
"""By the name that experiments and run.json have for it."""


def hops(path: str, recorded: Sequence[Hop] = ()) -> Hops:
    """What a path comes to: by the hops that a run has recorded, else by its name.

    Of a path that is not known, a balancer that passes packets through.
    """
    if not recorded:
        return PATHS.get(path, Hops())
    deciding = [hop for hop in recorded if hop.decides]
    ends_tcp = any(hop.ends_tcp for hop in recorded)
    return Hops(
        node_first=not ends_tcp and all(hop.kind == HopKind.NODE_PROXY for hop in deciding),
        ends_tcp=ends_tcp,
        external=any(hop.kind != HopKind.NODE_PROXY for hop in recorded),
        one_list=all(hop.kind == HopKind.NODE_PROXY and hop.instances == 1 for hop in deciding),
    )
