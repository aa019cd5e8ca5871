"""A cluster's configuration -> how its Services reach pods: kube-proxy and its period, or what replaces it.

What ordinary users may not read is unknown, and is never assumed.
"""

from __future__ import annotations

from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from harness.errors import ClusterError
from harness.kube.client import Kube
from harness.model.duration import seconds
from harness.model.run import FactSource, ProxyFacts

_PERIOD_WHERE_ZERO_S = 1.0
"""kube-proxy's own default where its configuration says 0 (pkg/proxy/apis/config/v1alpha1/defaults.go)."""

_SYSTEM = "kube-system"
_CONFIGURATIONS = (("kube-proxy", "config.conf"), ("kube-proxy-config", "config"))
"""Where kubeadm, and so kind, keeps kube-proxy's configuration, and where EKS does: ConfigMap and key."""

_REPLACED = ("true", "strict")
_REPLACEMENTS = ((_SYSTEM, "anetd", "GKE Dataplane V2"), ("openshift-ovn-kubernetes", "ovnkube-node", "OVN-Kubernetes"))
"""DaemonSets that do kube-proxy's work: namespace, name, and how people call it."""


async def proxy_facts(kube: Kube) -> ProxyFacts:
    """What the API tells of it; its period is kube-proxy's, and of nothing else known."""
    cilium = await _found(kube, "v1", "ConfigMap", "cilium-config", _SYSTEM)
    if cilium is not None and str((cilium.get("data") or {}).get("kube-proxy-replacement")).lower() in _REPLACED:
        return ProxyFacts(mode="Cilium", source=FactSource.READ)
    for name, key in _CONFIGURATIONS:
        config_map = await _found(kube, "v1", "ConfigMap", name, _SYSTEM)
        if config_map is not None:
            return _configured(config_map, key)
    for namespace, name, words in _REPLACEMENTS:
        if await _found(kube, "apps/v1", "DaemonSet", name, namespace) is not None:
            return ProxyFacts(mode=words, source=FactSource.READ)
    return ProxyFacts()


def _configured(config_map: dict[str, Any], key: str) -> ProxyFacts:
    try:
        config = YAML(typ="safe", pure=True).load(config_map["data"][key])
        mode = config.get("mode") or "iptables"
        period_s = seconds(config.get(mode, {}).get("minSyncPeriod") or "0s") or _PERIOD_WHERE_ZERO_S
    except (KeyError, AttributeError, TypeError, ValueError, YAMLError):
        return ProxyFacts()
    return ProxyFacts(mode=mode, min_sync_period_s=period_s, source=FactSource.READ)


async def _found(kube: Kube, api_version: str, kind: str, name: str, namespace: str) -> dict[str, Any] | None:
    try:
        return await kube.find(api_version, kind, name, namespace)
    except ClusterError:  # it may not be read
        return None
