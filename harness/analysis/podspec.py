"""A pod's template -> what it promises: how long preStop holds it, and whether Ready means that it listens."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

_SLEEP = re.compile(r"^\s*(?:exec\s+)?(?:/\S+/)?sleep\s+(\d+(?:\.\d+)?)\s*([smh]?)\b")
_UNIT_S = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0}
_SHELLS = ("sh", "bash", "dash", "ash")


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """What a pod's own spec says about its ends.

    `prestop_s`: it surely goes on serving that long after its deletion; 0 where nothing is said, which does not mean
    that it stops at once: a spec may be known in part only. `listens_when_ready`: its readiness probe connects to the
    port to which the Service sends, so that a Ready pod has listened.
    """

    prestop_s: float = 0.0
    grace_s: float | None = None
    listens_when_ready: bool = False


def promise(spec: dict[str, Any], targets: Iterable[str | int]) -> Promise:
    """What the pod spec promises; `targets` are the target ports of the Services before it (numbers or names).

    Only the hook of the container that serves holds the listener: the one that declares the target port. Where none
    does, any may serve, and what they all hold is promised.
    """
    containers = [container for container in spec.get("containers") or () if isinstance(container, dict)]
    grace = spec.get("terminationGracePeriodSeconds")
    targets = tuple(targets)
    serving = [container for container in containers if _declares(container, targets)] or containers
    prestop_s = min((prestop_seconds(container) or 0.0 for container in serving), default=0.0)
    return Promise(
        prestop_s=prestop_s if grace is None else min(prestop_s, float(grace)),
        grace_s=None if grace is None else float(grace),
        listens_when_ready=_listens_when_ready(containers, targets),
    )


def prestop_seconds(container: dict[str, Any]) -> float | None:
    """How long the container's preStop hook surely sleeps before anything else; None without a hook.

    A hook that does something else first, or what cannot be read from here, promises nothing: 0.
    """
    hook = (container.get("lifecycle") or {}).get("preStop")
    if not hook:
        return None
    if "sleep" in hook:
        return float((hook["sleep"] or {}).get("seconds") or 0)
    command = [str(word) for word in (hook.get("exec") or {}).get("command") or ()]
    if len(command) >= 3 and command[0].rsplit("/", 1)[-1] in _SHELLS and command[1].startswith("-"):
        line = command[2]
    else:
        line = " ".join(command)
    found = _SLEEP.match(line)
    return float(found[1]) * _UNIT_S[found[2]] if found else 0.0


def _declares(container: dict[str, Any], targets: tuple[str | int, ...]) -> bool:
    ports = container.get("ports") or ()
    return any(port.get("name") in targets or port.get("containerPort") in targets for port in ports)


def _listens_when_ready(containers: list[dict[str, Any]], targets: tuple[str | int, ...]) -> bool:
    names = {port.get("name"): port.get("containerPort") for c in containers for port in c.get("ports") or ()}
    wanted = {names.get(target, target) for target in targets}
    for container in containers:
        probe = container.get("readinessProbe") or {}
        handler = probe.get("httpGet") or probe.get("tcpSocket") or probe.get("grpc")
        if handler:
            port = handler.get("port")
            if not wanted or names.get(port, port) in wanted:
                return True
    return False


def service_targets(manifests: Iterable[dict[str, Any]]) -> tuple[str | int, ...]:
    """The target ports of the Services among the manifests."""
    return tuple(
        port.get("targetPort") or port["port"]
        for manifest in manifests
        if manifest.get("kind") == "Service"
        for port in (manifest.get("spec") or {}).get("ports") or ()
        if port.get("port")
    )
