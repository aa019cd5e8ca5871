"""What the pytest fixtures do on kind: the text of tests that run in a test run of their own, on two workers or one."""

from __future__ import annotations

TESTS = '''
"""Each waits for the other while its worker uses the cluster, where there are two of them."""

import os
import threading
import time
from pathlib import Path

TOGETHER = Path(__file__).parent


def met(name: str, other: str) -> None:
    if os.environ.get("PYTEST_XDIST_WORKER"):
        (TOGETHER / name).touch()
        end = time.monotonic() + 100
        while not (TOGETHER / other).exists():
            assert time.monotonic() < end, f"{other} did not come"
            threading.Event().wait(0.05)


def test_rolled(rollout, rollout_cluster):
    facts = rollout_cluster.facts
    assert (facts.kind, facts.nodes) == ("kind", 1)
    assert (facts.proxy.mode, facts.proxy.min_sync_period_s, facts.proxy.source) == ("iptables", 1.0, "read")
    met("rolled", "beside")
    for _ in range(3):  # a machine that stood still says nothing of the cluster
        result = rollout(mitigations=["prestop", "min-ready"], load=50)
        if result.verdict != "inconclusive":
            break
    assert result.seamless, result


def test_used_beside(rollout_portal, rollout_cluster):
    (node,) = rollout_portal.call(rollout_cluster.kube.list, "v1", "Node")
    assert node["metadata"]["name"]
    met("beside", "rolled")
'''
