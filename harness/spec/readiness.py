"""Readiness and startup probes -> which ports they look at, and how soon they can make a pod Ready.

Until its startup probe has succeeded a container is not Ready, whatever its readiness probe says or lacks:
https://kubernetes.io/docs/concepts/workloads/pods/probes/#startup-probe
"""

from __future__ import annotations

from harness.spec.hooks import exec_words, shell_line
from harness.spec.workload import Object, containers

_PERIOD_DEFAULT_S = 10.0
_IDLE_LINES = frozenset({":", "true", "/bin/true", "exit", "exit 0"})


def is_probed(pod: Object) -> bool:
    """Whether a container has a probe to pass; without one a pod is Ready, and sent to, as soon as it runs."""
    return any(ready_probes(container) for container in containers(pod))


def ready_probes(container: Object) -> tuple[Object, ...]:
    """The probes that the container must have passed to be Ready, in their order."""
    return tuple(probe for kind in ("startupProbe", "readinessProbe") if (probe := container.get(kind)))


def probed_ports(container: Object) -> tuple[int | str, ...]:
    """The ports that they connect to; none where they connect to nothing (exec).

    A name is one of the container's own ports (pkg/probe/util.go, ResolveContainerPort).
    """
    names = {entry.get("name"): entry.get("containerPort") for entry in container.get("ports") or ()}
    ports = (asked_port(probe) for probe in ready_probes(container))
    return tuple(dict.fromkeys(names.get(port) or port for port in ports if port is not None))


def asked_port(probe: Object) -> int | str | None:
    """The port that a probe connects to; None where it connects to nothing."""
    handler = probe.get("httpGet") or probe.get("tcpSocket") or probe.get("grpc")
    port: int | str | None = (handler or {}).get("port")
    return port


def lost_probes(pod: Object) -> dict[str, str]:
    """By container, the port that a probe of it connects to by a name which none of its own ports has: it fails always.

    A word of digits is a number, as the kubelet reads it.

    >>> lost_probes({"containers": [{"name": "web", "readinessProbe": {"tcpSocket": {"port": "admin"}}}]})
    {'web': 'admin'}
    """
    found = {}
    for container in containers(pod):
        names = {entry.get("name") for entry in container.get("ports") or ()}
        ports = (asked_port(probe) for probe in ready_probes(container))
        lost = [port for port in ports if isinstance(port, str) and not port.isdecimal() and port not in names]
        if lost:
            found[str(container.get("name"))] = lost[0]
    return found


def only_idle(pod: Object) -> tuple[Object, ...]:
    """The containers with probes to pass, where none of the pod's asks anything: a pod is Ready as soon as it runs."""
    probed = tuple(container for container in containers(pod) if ready_probes(container))
    return probed if all(_is_idle(probe) for container in probed for probe in ready_probes(container)) else ()


def _is_idle(probe: Object) -> bool:
    """Whether it runs what succeeds whatever the server does.

    >>> _is_idle({"exec": {"command": ["sh", "-c", "exit 0"]}}), _is_idle({"exec": {"command": ["/healthy"]}})
    (True, False)
    """
    words = exec_words(probe)
    if (line := shell_line(words)) is not None:
        return " ".join(words[line].split()).rstrip("; ") in _IDLE_LINES
    return bool(words) and words[0].rpartition("/")[2] == "true"


def readiness_s(pod: Object) -> tuple[float, float]:
    """Seconds from a container's start to Ready: (at least, and what a first probe just missed may add)."""
    probes = [found for container in containers(pod) if (found := ready_probes(container))]
    least = max((sum(map(_earliest_s, each)) for each in probes), default=0.0)
    return least, max((_period_s(probe) for each in probes for probe in each), default=0.0)


def _earliest_s(probe: Object) -> float:
    more = int(probe.get("successThreshold") or 1) - 1
    return float(probe.get("initialDelaySeconds") or 0) + more * _period_s(probe)


def _period_s(probe: Object) -> float:
    return float(probe.get("periodSeconds") or _PERIOD_DEFAULT_S)
