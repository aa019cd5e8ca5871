"""Whole rollouts on paper, every failure with its true cause: told with everything known, and with less."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import pytest

from harness.analysis import judge
from harness.model.run import Run

from .cluster import PaperCluster, PaperPod, rolling
from .recordings import accuracy

ROOT = Path(__file__).resolve().parents[3]
GRACEFUL = {"prestop_s": 5, "min_ready_s": 5}


@pytest.fixture(scope="module")
def knowledge() -> dict[str, Callable[[Run], Run]]:
    return dict(accuracy.KNOWLEDGE)


def updated(**how: object) -> PaperCluster:
    pods, moments = rolling(**how)  # type: ignore[arg-type]
    return PaperCluster(pods, [moments])


def crashed(at: float, which: int, **how: object) -> PaperCluster:
    cluster = updated(**how)
    cluster.pods[which].down = ((at, at + 1.4),)
    cluster.slow_per_s = 4
    return cluster


def taken(word: str) -> PaperCluster:
    """A mitigated rollout; afterwards one of its new pods is taken away without mercy."""
    cluster = updated(**GRACEFUL)
    victim = cluster.pods[3]
    victim.prestop_s, victim.deleted, victim.closes, victim.exits = 0.0, 20.0, 20.01, 20.03
    cluster.updates = [(8.0, 24.0, 30.0)]
    victim.disrupted = word == "eviction"
    cluster.strangers = frozenset({victim.name}) if word == "foreign" else frozenset()
    cluster.scalings = (19.98,) if word == "scaling" else ()
    return cluster


def frozen() -> PaperCluster:
    cluster = updated(**GRACEFUL)
    for pod in cluster.pods:
        pod.hangs = ((31.0, 38.0),)
    cluster.end = 45.0
    return cluster


def recreated(start_s: float, replicas: int, **how: object) -> PaperCluster:
    old = [PaperPod(f"old-{i}", "r0", deleted=8.05, closes=8.06, exits=8.08) for i in range(replicas)]
    new = [
        PaperPod(f"new-{i}", "r1", born=8.4, listens=8.4 + start_s, ready=8.45 + start_s + 0.3 * i)
        for i in range(replicas)
    ]
    done = 8.6 + start_s + 0.3 * replicas
    return PaperCluster([*old, *new], [(8.0, done, done + 0.2)], **how)  # type: ignore[arg-type]


def stateful() -> PaperCluster:
    pods, t = [], 8.03
    for i in (2, 1, 0):
        pods.append(PaperPod(f"web-{i}", "r0", deleted=t, closes=t + 0.01, exits=t + 0.03, uid=f"old-{i}"))
        pods.append(PaperPod(f"web-{i}", "r1", born=t + 0.7, listens=t + 1.0, ready=t + 1.1, uid=f"new-{i}"))
        t += 1.2
    return PaperCluster(pods, [(8.0, t, t + 0.2)])


def failing_version() -> PaperCluster:
    cluster = updated(**GRACEFUL)
    for pod in cluster.pods[3:]:
        pod.errors = 0.2
    return cluster


def with_(cluster: PaperCluster, **more: object) -> PaperCluster:
    for name, value in more.items():
        setattr(cluster, name, value)
    return cluster


CASES: dict[str, tuple[Callable[[], PaperCluster], str]] = {
    "default": (updated, "dropping"),
    "one replica": (lambda: updated(replicas=1), "dropping"),
    "ten replicas": (lambda: updated(replicas=10), "dropping"),
    "prestop": (lambda: updated(prestop_s=5), "seamless"),
    "both": (lambda: updated(**GRACEFUL), "seamless"),
    "prestop shorter than the period": (
        lambda: with_(updated(prestop_s=5), period_s=10, end=60.0, foreign_syncs=(7.9,)),
        "dropping",
    ),
    "no probe, slow start": (lambda: updated(probed=False, start_s=0.2, listen_s=3.0, prestop_s=12), "dropping"),
    "fast shutdown": (lambda: with_(updated(graceful=False), slow_per_s=4), "dropping"),
    "crash long after": (lambda: crashed(33.2, -1, **GRACEFUL), "inconclusive"),
    "crash in the middle": (lambda: crashed(12.2, 1, **GRACEFUL), "inconclusive"),
    "crash in the control window": (lambda: crashed(4.2, 1, **GRACEFUL), "seamless"),
    "crash does not hide": (lambda: crashed(4.2, 1), "dropping"),
    "eviction": (lambda: taken("eviction"), "inconclusive"),
    "scaling": (lambda: taken("scaling"), "inconclusive"),
    "stranger": (lambda: taken("foreign"), "inconclusive"),
    "freeze": (frozen, "inconclusive"),
    "new version fails": (failing_version, "inconclusive"),
    "stall": (lambda: with_(updated(**GRACEFUL), stalls=((15.0, 17.2),)), "inconclusive"),
    "stall does not hide": (lambda: with_(updated(), stalls=((15.0, 17.2),)), "dropping"),
    "recreate fast": (lambda: recreated(0.3, 2), "dropping"),
    "recreate slow": (lambda: recreated(3.0, 2), "dropping"),
    "recreate one": (lambda: recreated(3.0, 1), "dropping"),
    "recreate, long period": (lambda: recreated(3.0, 2, period_s=10, end=50.0, foreign_syncs=(7.9,)), "dropping"),
    "stateful": (stateful, "dropping"),
    "ports come again": (lambda: with_(updated(), end=60.0, ports=(7000, 8999)), "dropping"),
    "low rate": (lambda: with_(updated(), new_per_s=10.0, kept_per_s=5.0), "dropping"),
}


@lru_cache(1)  # all that is known of one case is judged before the next
def recorded(name: str) -> tuple[PaperCluster, Run]:
    """The case, and what a harness would have recorded of it: to play that takes four times as long as to judge it."""
    cluster = CASES[name][0]()
    return cluster, cluster.run()


@pytest.mark.parametrize("less", ["all", "a", "b", "c", "d"])
@pytest.mark.parametrize("name", CASES)
def test_paper(name: str, less: str, knowledge: dict[str, Callable[[Run], Run]]) -> None:
    (cluster, run), (_, verdict) = recorded(name), CASES[name]
    result = judge(knowledge[less](run))
    truth = [cluster.truth[failure.stream, failure.worker, failure.seq] for failure in result.failures]
    wrong = [
        (failure, cause)
        for failure, (_, cause) in zip(result.failures, truth, strict=True)
        if failure.cause not in (cause, "unknown")
    ]
    right = sum(failure.cause == cause for failure, (_, cause) in zip(result.failures, truth, strict=True))
    misnamed = sum(bool(f.pod) and f.pod != pod for f, (pod, _) in zip(result.failures, truth, strict=True))
    assert result.verdict == verdict, result.reason
    assert len(wrong) <= 0.02 * len(truth), wrong[:3]
    assert misnamed <= 0.02 * len(truth)
    assert less != "all" or right >= 0.95 * len(truth)
