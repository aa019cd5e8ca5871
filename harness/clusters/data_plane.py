"""A cluster's configuration -> how its Services reach pods: kube-proxy and its period, or what replaces it.

What ordinary users may not read is unknown, and is never assumed.
"""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from harness.errors import ClusterError
from harness.kube.client import Kube
from harness.model.duration import seconds
from harness.model.run import FactSource, ProxyFacts

_PERIOD_WHERE_ZERO_S = {"iptables": 1.0, "nftables": 1.0, "ipvs": 0.0}
"""By mode, what kube-proxy takes where its configuration says 0 or nothing: only of ipvs 0 stays 0, which is a sync at
every change (SetDefaults_KubeProxyConfiguration in pkg/proxy/apis/config/v1alpha1/defaults.go; the flags' help in
cmd/kube-proxy/app/options.go). Of any other mode it is not known."""

_PERIOD_WITHOUT_ARGUMENT_S = {"iptables": 1.0, "nftables": 1.0}
"""The same where it has no such configuration, only arguments, and none of them is for this: of ipvs 0 or 1s, by its
version (NewOptions in cmd/kube-proxy/app/options.go). What an argument says is so, 0 too."""

_SYSTEM = "kube-system"
_CONFIGURATIONS = (("kube-proxy", "config.conf"), ("kube-proxy-config", "config"))
"""Where kubeadm, and so kind, keeps kube-proxy's configuration, and where EKS does: ConfigMap and key."""

_K3S_ARGUMENTS = "k3s.io/node-args"
"""Annotation of each node: k3s' own arguments, those of its configuration file too, `--flag=value` as two words
(pkg/nodeconfig of k3s). Its kube-proxy has no ConfigMap."""

_NO_KUBE_PROXY = "--disable-kube-proxy"
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
    if (of_k3s := await _by_k3s(kube)) is not None:
        return of_k3s
    for namespace, name, words in _REPLACEMENTS:
        if await _found(kube, "apps/v1", "DaemonSet", name, namespace) is not None:
            return ProxyFacts(mode=words, source=FactSource.READ)
    return ProxyFacts()


def _configured(config_map: dict[str, Any], key: str) -> ProxyFacts:
    try:
        config = YAML(typ="safe", pure=True).load(config_map["data"][key])
        mode = config.get("mode") or "iptables"
        period_s = seconds(config.get(mode, {}).get("minSyncPeriod") or "0s") or _PERIOD_WHERE_ZERO_S.get(mode)
    except (KeyError, AttributeError, TypeError, ValueError, YAMLError):
        return ProxyFacts()
    return ProxyFacts(mode=mode, min_sync_period_s=period_s, source=FactSource.READ)


async def _by_k3s(kube: Kube) -> ProxyFacts | None:
    """kube-proxy inside of k3s, by the arguments that its nodes tell of; None where they are no nodes of k3s."""
    try:
        nodes = await kube.list("v1", "Node")
    except ClusterError:
        return None
    annotations = [(node.get("metadata") or {}).get("annotations") or {} for node in nodes]
    said = {each.get(_K3S_ARGUMENTS) for each in annotations}
    if not said or None in said:
        return None
    facts = {_argued(str(words)) for words in said}
    return facts.pop() if len(facts) == 1 else ProxyFacts()  # nodes differ


def _argued(words: str) -> ProxyFacts:
    """What k3s' arguments, a JSON list, make of its kube-proxy; nothing where that stands in a file, or it is off."""
    try:
        given = [str(word) for word in json.loads(words)]
    except (ValueError, TypeError):
        return ProxyFacts()
    if any(word.startswith(_NO_KUBE_PROXY) for word in given):
        return ProxyFacts()
    pairs = [value.partition("=") for flag, value in pairwise(given) if flag == "--kube-proxy-arg"]
    arguments = {name.removeprefix("--"): value for name, _, value in pairs}  # of one name the last counts
    if "config" in arguments:
        return ProxyFacts()
    mode = arguments.get("proxy-mode") or "iptables"
    try:
        period_s = _argued_period_s(mode, arguments)
    except ValueError:
        return ProxyFacts()
    return ProxyFacts(mode=mode, min_sync_period_s=period_s, source=FactSource.READ)


def _argued_period_s(mode: str, arguments: dict[str, str]) -> float | None:
    own, of_iptables = arguments.get(f"{mode}-min-sync-period"), arguments.get("iptables-min-sync-period")
    if own is not None:
        return seconds(own)
    if mode == "nftables" and of_iptables is not None:
        return None  # newer ones take that, older ones do not (processV1Alpha1Flags in cmd/kube-proxy/app/options.go)
    return _PERIOD_WITHOUT_ARGUMENT_S.get(mode)


async def _found(kube: Kube, api_version: str, kind: str, name: str, namespace: str) -> dict[str, Any] | None:
    try:
        return await kube.find(api_version, kind, name, namespace)
    except ClusterError:  # it may not be read
        return None
