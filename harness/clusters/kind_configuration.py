"""The settings of a kind cluster -> kind's configuration of it, the same text that scripts/kind-up.sh writes.

By https://kind.sigs.k8s.io/docs/user/configuration and pkg/apis/config/v1alpha4/types.go of kind.
"""

from __future__ import annotations

from harness.model.duration import duration
from harness.model.kind_settings import KindSettings


def configuration(settings: KindSettings) -> str:
    """What `kind create cluster --config -` reads.

    >>> print(configuration(KindSettings.model_validate({"nodes": 2, "proxy": {"mode": "nftables"}})), end="")
    kind: Cluster
    apiVersion: kind.x-k8s.io/v1alpha4
    networking:
      kubeProxyMode: nftables
    kubeadmConfigPatches:
      - |
        kind: KubeProxyConfiguration
        nftables:
          minSyncPeriod: 1s
    nodes:
      - role: control-plane
      - role: worker
    """
    image = [] if settings.node_image is None else [f"    image: {settings.node_image}"]
    roles = ["control-plane", *["worker"] * (settings.nodes - 1)]
    lines = [
        "kind: Cluster",
        "apiVersion: kind.x-k8s.io/v1alpha4",
        "networking:",
        f"  kubeProxyMode: {settings.proxy.mode}",
        *_patch(settings),
        "nodes:",
        *(line for role in roles for line in (f"  - role: {role}", *image)),
    ]
    return "".join(f"{line}\n" for line in lines)


def _patch(settings: KindSettings) -> list[str]:
    """The section of kube-proxy's configuration is named after its mode; without kube-proxy there is none to patch."""
    if settings.proxy.mode == "none":
        return []
    return [
        "kubeadmConfigPatches:",
        "  - |",
        "    kind: KubeProxyConfiguration",
        f"    {settings.proxy.mode}:",
        f"      minSyncPeriod: {duration(settings.proxy.min_sync_period_s)}",
    ]
