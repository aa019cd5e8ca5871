"""Settings of a cluster that need not be up yet -> what a run on it will know of its data plane, as far as they say."""

from __future__ import annotations

from harness.clusters.sandbox_balancer import balancer, balancer_facts
from harness.model.cluster_settings import ClusterSettings, SandboxSettings
from harness.model.run import ClusterFacts, ProxyFacts


def expected_facts(settings: ClusterSettings) -> ClusterFacts:
    """What is known of it beforehand; of a context only by asking it."""
    if settings.sandbox is not None:
        return _of_sandbox(settings.sandbox)
    return ClusterFacts(kind=settings.provider, proxy=ProxyFacts(min_sync_period_s=_period_s(settings)))


def _of_sandbox(sandbox: SandboxSettings) -> ClusterFacts:
    balancing = sandbox.balancing
    return ClusterFacts(
        kind="sandbox",
        proxy=ProxyFacts(min_sync_period_s=sandbox.proxy.period_s),
        balancer=None if balancing is None else balancer_facts(balancer(balancing)),
    )


def _period_s(settings: ClusterSettings) -> float | None:
    """kube-proxy's minSyncPeriod, where it is read back as what was asked for."""
    if settings.kind is not None:
        return None if settings.kind.proxy.mode == "none" else settings.kind.proxy.min_sync_period_s
    return None if settings.k3s is None else settings.k3s.proxy.min_sync_period_s
