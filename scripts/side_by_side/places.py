"""The name of a place -> what an experiment has otherwise there: a proxy's period, or a load balancer on the way."""

from __future__ import annotations

from typing import Any

_BALANCER_WAIT = "8m"


def _proxy(period: str) -> dict[str, Any]:
    return {"cluster": {"sandbox": {"nodes": 2, "proxy": {"minSyncPeriod": period}}}, "path": "clusterip"}


def _balancer(profile: str) -> dict[str, Any]:
    path = {"loadbalancer": {"wait": _BALANCER_WAIT}}
    return {"cluster": {"sandbox": {"nodes": 2, "balancer": profile}}, "path": path, "rollout_timeout": "20m"}


PLACES: dict[str, dict[str, Any]] = {
    "as-written": {},
    "proxy-instant": _proxy("instant"),
    "proxy-1s": _proxy("1s"),
    "proxy-10s": _proxy("10s"),
    "proxy-30s": _proxy("30s"),
    "aws-nlb-ip": _balancer("aws-nlb-ip"),
    "aws-nlb-ip-slow": _balancer("aws-nlb-ip-slow"),
    "aws-nlb-instance": _balancer("aws-nlb-instance"),
    "gke-l4": _balancer("gke-l4"),
}
