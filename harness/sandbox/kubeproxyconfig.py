"""kube-proxy's period -> the ConfigMap from which others read it, where kubeadm keeps it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.sandbox.apiclient import Object

PATH = "/api/v1/namespaces/kube-system/configmaps"
_AT_ONCE_S = 0.001
"""A real kube-proxy takes 0 for 1 s (SetDefaults_KubeProxyConfiguration): of one without a period the least is said."""


def config_map(min_sync_period_s: float) -> Object:
    """The configuration of a kube-proxy in mode nftables with that minSyncPeriod, in seconds; 0: none."""
    lines = (
        "apiVersion: kubeproxy.config.k8s.io/v1alpha1",
        "kind: KubeProxyConfiguration",
        "mode: nftables",
        "nftables:",
        f"  minSyncPeriod: {1000 * (min_sync_period_s or _AT_ONCE_S):.10g}ms",
    )
    return {
        "metadata": {"name": "kube-proxy", "labels": {"app": "kube-proxy"}},
        "data": {"config.conf": "\n".join(lines) + "\n"},
    }
