"""How Services reach pods: read where it can be, named where there is no kube-proxy, and else unknown."""

from __future__ import annotations

import json
from typing import Any

import pytest
from paper_api import paper_kube

from harness.clusters.data_plane import proxy_facts
from harness.model.run import FactSource, ProxyFacts
from harness.reporters.place import proxy

pytestmark = pytest.mark.anyio

SYSTEM = "GET /api/v1/namespaces/kube-system/configmaps"
DAEMONS = "GET /apis/apps/v1/namespaces/{}/daemonsets/{}"
PERIOD_1S = "proxy {}, minSyncPeriod 1 s (read)"


def configured(config: str) -> dict[str, list[Any]]:
    return {f"{SYSTEM}/kube-proxy": [{"data": {"config.conf": config}}]}


KUBE_PROXY = configured("mode: iptables\niptables: {minSyncPeriod: 5s}\n")


def read(mode: str, period_s: float | None = None) -> ProxyFacts:
    return ProxyFacts(mode=mode, min_sync_period_s=period_s, source=FactSource.READ)


def cilium(replaces: str) -> dict[str, list[Any]]:
    return {f"{SYSTEM}/cilium-config": [{"data": {"kube-proxy-replacement": replaces}}]}


@pytest.mark.parametrize(
    ("answers", "facts", "words"),
    [
        (KUBE_PROXY, read("iptables", 5.0), "proxy iptables, minSyncPeriod 5 s (read)"),
        (
            {f"{SYSTEM}/kube-proxy-config": [{"data": {"config": "mode: ipvs\nipvs: {minSyncPeriod: 0s}\n"}}]},
            read("ipvs", 0.0),
            "proxy ipvs, minSyncPeriod 0 s (read)",
        ),
        (
            configured("mode: nftables\nnftables: {minSyncPeriod: 0s}\n"),
            read("nftables", 1.0),
            PERIOD_1S.format("nftables"),
        ),
        (configured("nftables: {minSyncPeriod: 9s}\n"), read("iptables", 1.0), PERIOD_1S.format("iptables")),
        (configured("mode: ipvs\n"), read("ipvs", 0.0), "proxy ipvs, minSyncPeriod 0 s (read)"),
        (
            configured("mode: kernelspace\nkernelspace: {}\n"),
            read("kernelspace"),
            "proxy kernelspace, minSyncPeriod not known",
        ),
        ({**KUBE_PROXY, **cilium("true")}, read("Cilium"), "proxy Cilium in place of kube-proxy"),
        (cilium("strict"), read("Cilium"), "proxy Cilium in place of kube-proxy"),
        ({**KUBE_PROXY, **cilium("false")}, read("iptables", 5.0), "proxy iptables, minSyncPeriod 5 s (read)"),
        (
            {DAEMONS.format("kube-system", "anetd"): [{"kind": "DaemonSet"}]},
            read("GKE Dataplane V2"),
            "proxy GKE Dataplane V2 in place of kube-proxy",
        ),
        (
            {DAEMONS.format("openshift-ovn-kubernetes", "ovnkube-node"): [{"kind": "DaemonSet"}]},
            read("OVN-Kubernetes"),
            "proxy OVN-Kubernetes in place of kube-proxy",
        ),
        ({}, ProxyFacts(), "proxy mode not known, minSyncPeriod not known"),
        (
            {f"{SYSTEM}/{name}": [403] for name in ("kube-proxy", "kube-proxy-config", "cilium-config")},
            ProxyFacts(),
            "proxy mode not known, minSyncPeriod not known",
        ),
        (
            configured("- a list"),
            ProxyFacts(),
            "proxy mode not known, minSyncPeriod not known",
        ),
    ],
    ids=[
        "kubeadm",
        "eks",
        "nftables",
        "iptables",
        "ipvs",
        "windows",
        "both",
        "cilium",
        "beside",
        "gke",
        "ovn",
        "nothing",
        "forbidden",
        "garbled",
    ],
)
async def test_it_is_known_from_what_can_be_read(answers: dict[str, list[Any]], facts: ProxyFacts, words: str) -> None:
    async with paper_kube(answers) as (kube, _):
        found = await proxy_facts(kube)
    assert found == facts
    assert proxy(found) == words


def nodes(*arguments: str | None) -> dict[str, list[Any]]:
    made = [
        {"metadata": {"name": "n", "annotations": {"k3s.io/node-args": said} if said else {}}} for said in arguments
    ]
    return {"GET /api/v1/nodes": [{"items": made, "metadata": {"resourceVersion": "1"}}]}


def kube_proxy(*arguments: str) -> str:
    words = [word for argument in arguments for word in ("--kube-proxy-arg", argument)]
    return json.dumps(["server", "--disable", "traefik", *words])


SLOW = kube_proxy("iptables-min-sync-period=10s")


@pytest.mark.parametrize(
    ("answers", "facts"),
    [
        pytest.param(nodes('["server"]'), read("iptables", 1.0), id="k3s"),
        pytest.param(nodes(SLOW), read("iptables", 10.0), id="slow"),
        pytest.param(nodes(SLOW, SLOW), read("iptables", 10.0), id="two nodes"),
        pytest.param(nodes(kube_proxy("proxy-mode=ipvs", "iptables-min-sync-period=9s")), read("ipvs"), id="ipvs"),
        pytest.param(
            nodes(kube_proxy("proxy-mode=ipvs", "ipvs-min-sync-period=0s")), read("ipvs", 0.0), id="ipvs, at once"
        ),
        pytest.param(nodes(kube_proxy("iptables-min-sync-period=0s")), read("iptables", 0.0), id="at once"),
        pytest.param(nodes(kube_proxy("proxy-mode=nftables")), read("nftables", 1.0), id="nftables"),
        pytest.param(
            nodes(kube_proxy("proxy-mode=nftables", "iptables-min-sync-period=9s")),
            read("nftables"),
            id="nftables, perhaps slow",
        ),
        pytest.param(
            nodes(kube_proxy("--ipvs-min-sync-period=2s", "proxy-mode=ipvs")), read("ipvs", 2.0), id="ipvs, slow"
        ),
        pytest.param(nodes(SLOW, '["agent"]'), ProxyFacts(), id="they differ"),
        pytest.param(nodes(SLOW, None), ProxyFacts(), id="not all of k3s"),
        pytest.param(nodes('["server","--disable-kube-proxy"]'), ProxyFacts(), id="off"),
        pytest.param(nodes(kube_proxy("config=/etc/kube-proxy.yaml")), ProxyFacts(), id="by a file"),
        pytest.param(nodes(kube_proxy("iptables-min-sync-period=soon")), ProxyFacts(), id="no period"),
        pytest.param(nodes("no list"), ProxyFacts(), id="garbled"),
        pytest.param({**nodes(SLOW), **cilium("true")}, read("Cilium"), id="replaced"),
        pytest.param({"GET /api/v1/nodes": [403]}, ProxyFacts(), id="forbidden"),
    ],
)
async def test_of_k3s_it_is_known_from_the_arguments_that_its_nodes_tell(
    answers: dict[str, list[Any]], facts: ProxyFacts
) -> None:
    async with paper_kube(answers) as (kube, _):
        assert await proxy_facts(kube) == facts
