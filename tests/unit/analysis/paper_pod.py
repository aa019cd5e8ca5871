"""A pod on paper: its true moments, a rolling update of such pods, and what the API would show of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from zlib import crc32

WALL = 1_800_000_000.0
NEVER = 1e9


@dataclass
class PaperPod:
    """The truth about one pod. `closes`: its listener closes; `exits`: its container ends, its network soon after."""

    name: str
    revision: str
    born: float = -10.0
    listens: float = -9.0
    ready: float = -9.0
    deleted: float = NEVER
    closes: float = NEVER
    exits: float = NEVER
    uid: str = ""
    prestop_s: float = 0.0
    probed: bool = True
    graceful: bool = True
    down: tuple[tuple[float, float], ...] = ()  # crashed, restarted in place
    hangs: tuple[tuple[float, float], ...] = ()  # frozen: accepts, and does not answer
    errors: float = 0.0  # share of answers with status 503
    disrupted: bool = False

    @property
    def net_gone(self) -> float:
        return self.exits + 0.08

    @property
    def ended_seen(self) -> float:
        return self.exits + 0.25

    def listening(self, t: float) -> bool:
        return self.listens <= t < self.closes and not any(a <= t < b for a, b in self.down)


def stamp(t: float) -> str:
    return datetime.fromtimestamp(int(WALL + t), tz=UTC).isoformat().replace("+00:00", "Z")


def pod_object(
    pod: PaperPod, *, ready: bool, running: bool = True, deletion: bool = False, restarts: int = 0,
    last: dict[str, Any] | None = None, state: dict[str, Any] | None = None,
) -> dict[str, Any]:  # fmt: skip
    container: dict[str, Any] = {"name": "web", "ports": [{"containerPort": 80}]}
    if pod.prestop_s:
        container["lifecycle"] = {"preStop": {"sleep": {"seconds": pod.prestop_s}}}
    if pod.probed:
        container["readinessProbe"] = {"httpGet": {"port": 80}}
    metadata: dict[str, Any] = {
        "name": pod.name,
        "uid": pod.uid,
        "labels": {"app": "web", "pod-template-hash": pod.revision},
        "ownerReferences": [{"name": f"web-{pod.revision}"}],
        "creationTimestamp": stamp(pod.born),
    }
    if deletion:
        metadata |= {"deletionTimestamp": stamp(pod.deleted + 30), "deletionGracePeriodSeconds": 30}
    conditions = [{"type": "Ready", "status": str(ready)}]
    if deletion and pod.disrupted:
        conditions.append({"type": "DisruptionTarget", "status": "True", "reason": "EvictionByEvictionAPI"})
    status: dict[str, Any] = {"phase": "Running" if running else "Pending", "conditions": conditions}
    if running:
        status["podIP"] = f"10.0.0.{crc32(pod.uid.encode()) % 250}"
        status["containerStatuses"] = [
            {"restartCount": restarts, "state": state or {"running": {}}, "lastState": last or {}, "ready": ready}
        ]
    if state:
        status["phase"] = "Succeeded"
    return {"metadata": metadata, "spec": {"containers": [container]}, "status": status}


def endpoint(pod: PaperPod, how: str) -> dict[str, Any]:
    conditions = {"ready": how == "ready", "serving": True, "terminating": how == "terminating"}
    return {"addresses": ["10.0.0.1"], "conditions": conditions, "targetRef": {"name": pod.name, "uid": pod.uid}}


def slice_object(endpoints: list[dict[str, Any]]) -> dict[str, Any]:
    labels = {"kubernetes.io/service-name": "web"}
    return {"metadata": {"name": "web-abc", "labels": labels}, "addressType": "IPv4", "endpoints": endpoints}


def rolling(
    replicas: int = 3,
    *,
    at: float = 8.0,
    prestop_s: float = 0.0,
    min_ready_s: float = 0.0,
    start_s: float = 0.3,
    listen_s: float | None = None,
    probed: bool = True,
    graceful: bool = True,
    drain_s: float = 0.02,
    tag: str = "",
    old: list[PaperPod] | None = None,
) -> tuple[list[PaperPod], tuple[float, float, float]]:
    """Old and new pods of a rolling update (maxSurge 1, maxUnavailable 0), and its (update, complete, settled)."""
    before = (
        old
        if old is not None
        else [
            PaperPod(f"old{tag}-{i}", f"r0{tag}", prestop_s=prestop_s, probed=probed, graceful=graceful)
            for i in range(replicas)
        ]
    )
    t, new = at + 0.03, []
    for i, pod in enumerate(before):
        ready = t + start_s
        listens = t + (start_s - 0.03 if listen_s is None else listen_s)
        new.append(
            PaperPod(
                f"new{tag}-{i}",
                f"r1{tag}",
                born=t,
                listens=listens,
                ready=ready,
                prestop_s=prestop_s,
                probed=probed,
                graceful=graceful,
            )
        )
        pod.deleted = ready + min_ready_s + 0.03
        pod.closes = pod.deleted + pod.prestop_s + 0.01
        pod.exits = pod.closes + drain_s
        t = pod.deleted + 0.03
    complete = before[-1].deleted + 0.05
    return [*before, *new], (at, complete, max(pod.exits for pod in before) + 0.6)
