"""Little workloads, pods and Services to ask about."""

from __future__ import annotations

from typing import Any

Object = dict[str, Any]


def hook(**handler: Any) -> Object:
    return {"lifecycle": {"preStop": handler}}


def shell(line: str) -> Object:
    return hook(exec={"command": ["sh", "-c", line]})


def container(**more: Any) -> Object:
    """One that does all that can be asked of it; None takes a field away."""
    whole: Object = {
        "name": "web",
        "ports": [{"name": "http", "containerPort": 80}],
        "readinessProbe": {"httpGet": {"port": "http"}},
        **hook(sleep={"seconds": 5}),
    }
    return {key: value for key, value in (whole | more).items() if value is not None}


def workload(kind: str = "Deployment", *containers: Object, pod: Object | None = None, **spec: Any) -> Object:
    """One without a hazard, as far as `spec` and `pod` leave it so."""
    template = {
        "metadata": {"labels": {"app": "web"}},
        "spec": {"containers": list(containers or (container(),)), **(pod or {})},
    }
    return {
        "kind": kind,
        "metadata": {"name": "web"},
        "spec": {"replicas": 3, "minReadySeconds": 5} | spec | {"template": template},
    }


def service(*ports: Object) -> Object:
    return {
        "kind": "Service",
        "metadata": {"name": "web"},
        "spec": {"ports": list(ports or ({"port": 80, "targetPort": "http"},))},
    }


def rolling(surge: Any, unavailable: Any) -> Object:
    return {"strategy": {"rollingUpdate": {"maxSurge": surge, "maxUnavailable": unavailable}}}
