"""What a version of Kubernetes cannot do of a workload is said before it is tried."""

from __future__ import annotations

from typing import Any

import pytest

from harness.model.kubernetes_version import version_of
from harness.preflight.abilities import unable
from harness.preflight.finding import Weight

BLOCKS, MIND = Weight.BLOCKS, Weight.MIND


def workload(
    kind: str = "Deployment", *, seconds: int | None = None, signal: str = "", ready_s: int = 0
) -> dict[str, Any]:
    lifecycle: dict[str, Any] = {} if seconds is None else {"preStop": {"sleep": {"seconds": seconds}}}
    lifecycle |= {"stopSignal": signal} if signal else {}
    container = {"name": "web", "image": "nginx", "lifecycle": lifecycle}
    spec: dict[str, Any] = {"template": {"spec": {"containers": [container]}}}
    return {"kind": kind, "spec": spec | ({"minReadySeconds": ready_s} if ready_s else {})}


SLEEPS, SLEEPS_NOT = workload(seconds=5), workload(seconds=0)
SIGNALS = workload(signal="SIGQUIT")
WAITS = workload("StatefulSet", ready_s=5)


@pytest.mark.parametrize(
    ("version", "what", "weights"),
    [
        ("v1.28.15", SLEEPS, [BLOCKS]),
        ("v1.29.3-eks-4f4795d", SLEEPS, [MIND]),
        ("v1.30.0", SLEEPS, []),
        ("v1.36.2", SLEEPS, []),
        ("v1.28.15", SLEEPS_NOT, [BLOCKS, BLOCKS]),
        ("v1.31.0", SLEEPS_NOT, [BLOCKS]),
        ("v1.32.0", SLEEPS_NOT, [MIND]),
        ("v1.33.0", SLEEPS_NOT, []),
        ("v1.32.0", SIGNALS, [MIND]),
        ("v1.36.2", SIGNALS, [MIND]),
        ("v1.21.14", WAITS, [MIND]),
        ("v1.22.17", WAITS, [MIND]),
        ("v1.23.0", WAITS, []),
        ("v1.21.14", workload("Deployment", ready_s=5), []),
        ("v1.21.14", workload(), []),
        ("something else", SLEEPS, []),
    ],
)
def test_what_a_version_lacks(version: str, what: dict[str, Any], weights: list[Weight]) -> None:
    assert [found.weight for found in unable(version, what)] == weights


def test_it_says_since_when_what_happens_and_what_to_do() -> None:
    (found,) = unable("v1.28.15", SLEEPS)
    assert found.line == (
        "preStop.sleep is not known before Kubernetes 1.30, and this is v1.28.15: the hook would be empty. "
        "Use an exec hook that sleeps."
    )
    (found,) = unable("v1.36.2", SIGNALS)
    assert found.line == (
        "mind: lifecycle.stopSignal is behind the feature gate ContainerStopSignals in v1.36.2, where it is off "
        "unless "
        "somebody has switched it on: containers get the stop signal of their image then. What stands after "
        "applying is "
        "read back and said."
    )


def test_versions_are_read_with_whatever_a_vendor_adds() -> None:
    assert version_of("v1.31.7-gke.1265000") == (1, 31)
    assert version_of("v1.30+") == (1, 30)
