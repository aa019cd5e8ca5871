"""Readiness probes -> which ports they look at, and how soon they can make a pod Ready."""

from __future__ import annotations

from harness.spec.workload import Object, containers

_PERIOD_DEFAULT_S = 10.0


def readiness_probe(container: Object) -> Object | None:
    """The container's readiness probe; None without one."""
    return container.get("readinessProbe") or None


def is_probed(pod: Object) -> bool:
    """Whether any container has a readiness probe; without one a pod is Ready, and sent to, as soon as it runs."""
    return any(readiness_probe(container) for container in containers(pod))


def probed_ports(container: Object) -> tuple[int | str, ...]:
    """The port that the container's readiness probe connects to; none where it connects to nothing (exec).

    A name is one of the container's own ports (pkg/probe/util.go, ResolveContainerPort).
    """
    probe = readiness_probe(container) or {}
    handler = probe.get("httpGet") or probe.get("tcpSocket") or probe.get("grpc")
    port: int | str | None = (handler or {}).get("port")
    if port is None:
        return ()
    names = {entry.get("name"): entry.get("containerPort") for entry in container.get("ports") or ()}
    return (names.get(port) or port,)


def readiness_s(pod: Object) -> tuple[float, float]:
    """Seconds from a container's start to Ready: (at least, and what a first probe just missed may add)."""
    probes = [probe for container in containers(pod) if (probe := readiness_probe(container))]
    least = max((_earliest_s(probe) for probe in probes), default=0.0)
    return least, max((_period_s(probe) for probe in probes), default=0.0)


def _earliest_s(probe: Object) -> float:
    more = int(probe.get("successThreshold") or 1) - 1
    return float(probe.get("initialDelaySeconds") or 0) + more * _period_s(probe)


def _period_s(probe: Object) -> float:
    return float(probe.get("periodSeconds") or _PERIOD_DEFAULT_S)
