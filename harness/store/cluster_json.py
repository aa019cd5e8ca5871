"""The cluster and the hops of run.json -> what the judge knows of them; what is not said is not known."""

from __future__ import annotations

from typing import Any

from harness.inputs.shape import COUNT, FLAG, TEXT, Kind, Shape, is_number, map_of
from harness.model.duration import seconds
from harness.model.paths import Hop, HopKind, Span, Targets
from harness.model.run import BalancerFacts, ClusterFacts, FactSource, ProxyFacts

SPAN = Kind("a number of seconds from 0 on", lambda value: is_number(value) and 0 <= value < 1e9)
_DELAY = {"least_s!": SPAN, "most_s!": SPAN}
_BALANCER: dict[str, Shape] = {
    "targets": TEXT,
    "removal": _DELAY,
    "addition": _DELAY,
    "settings": map_of(TEXT),
    "retries": FLAG,
    "answers_as": TEXT,
    "draining_s": SPAN,
}
CLUSTER_SHAPE: Shape = {
    **dict.fromkeys(("kind", "kubernetes", "server"), TEXT),
    "nodes": Kind("a number of nodes, or a list of them", lambda value: isinstance(value, int | list)),
    "proxy": dict.fromkeys(("mode", "minSyncPeriod", "source"), TEXT),
    "balancer": {"profile!": TEXT, "kind": TEXT, **_BALANCER},
}
HOP_SHAPE: Shape = {"name!": TEXT, "kind!": TEXT, "instances": COUNT, "implies": TEXT, **_BALANCER}


def cluster(data: dict[str, Any]) -> ClusterFacts:
    """Where the run was made."""
    proxy = data.get("proxy") or {}
    period = proxy.get("minSyncPeriod")
    source = proxy.get("source")
    if source is None and period is not None:
        source = FactSource.CONFIGURED  # recordings name the period that they were configured with
    return ClusterFacts(
        kind=str(data.get("kind", "unknown")),
        kubernetes=data.get("kubernetes"),
        nodes=data.get("nodes"),
        proxy=ProxyFacts(
            mode=proxy.get("mode"),
            min_sync_period_s=None if period is None else seconds(period),
            source=None if source is None else FactSource(source),
        ),
        server=data.get("server"),
        balancer=None if not data.get("balancer") else _balancer(data["balancer"]),
    )


def _balancer(data: dict[str, Any]) -> BalancerFacts:
    return BalancerFacts(
        profile=str(data["profile"]),
        targets=_targets(data),
        kind=_kind(data.get("kind", HopKind.PASSTHROUGH)),
        retries=bool(data.get("retries")),
        **_delays(data),
    )


def hop(data: dict[str, Any]) -> Hop:
    """One hop of the path."""
    return Hop(
        name=str(data["name"]),
        kind=_kind(data["kind"]),
        targets=_targets(data),
        retries=data.get("retries"),
        instances=int(data.get("instances", 1)),
        implies=str(data.get("implies", "")),
        **_delays(data),
    )


def _kind(said: str) -> HopKind:
    """Of a kind that a newer harness knows, one of which nothing is known."""
    return HopKind(said) if said in {*HopKind} else HopKind.UNKNOWN


def _targets(data: dict[str, Any]) -> Targets:
    said = str(data.get("targets"))
    return Targets(said) if said in {*Targets} else Targets.UNKNOWN


def _delays(data: dict[str, Any]) -> dict[str, Any]:
    spans = {name: data.get(name) for name in ("removal", "addition")}
    return {
        **{name: None if not span else Span(**span) for name, span in spans.items()},
        "answers_as": str(data.get("answers_as") or ""),
        "draining_s": None if data.get("draining_s") is None else float(data["draining_s"]),
        "settings": {str(name): str(value) for name, value in (data.get("settings") or {}).items()},
    }
