"""A context of a kubeconfig is a cluster: what it tells of itself is believed, what it does not tell stays unknown."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import anyio
import pytest
from kubernetes.aio.config import kube_config
from paper_api import paper_kube, serving

from harness.clusters.cluster import Given
from harness.clusters.kubeconfig import KubeconfigCluster, cluster_facts, context_cluster
from harness.errors import ClusterError
from harness.model.run import ClusterFacts, FactSource, ProxyFacts

pytestmark = pytest.mark.anyio

VERSION = {"GET /version": [{"gitVersion": "v1.36.2"}]}
NODES = {"GET /api/v1/nodes": [{"items": [{}, {}, {}]}]}
PROXY = "GET /api/v1/namespaces/kube-system/configmaps/kube-proxy"


def configured(text: str) -> dict[str, list[Any]]:
    return {PROXY: [{"data": {"config.conf": text}}]}


async def facts(*tables: dict[str, list[Any]]) -> ClusterFacts:
    async with paper_kube({what: answer for table in tables for what, answer in table.items()}) as (kube, _):
        return await cluster_facts(kube, "kind")


# What it tells of itself


async def test_a_cluster_tells_its_version_its_nodes_and_how_services_reach_pods() -> None:
    assert await facts(VERSION, NODES, configured("mode: nftables\nnftables:\n  minSyncPeriod: 10s\n")) == ClusterFacts(
        kind="kind",
        kubernetes="v1.36.2",
        nodes=3,
        proxy=ProxyFacts(mode="nftables", min_sync_period_s=10.0, source=FactSource.READ),
    )


async def test_nodes_that_may_not_be_listed_are_not_known() -> None:
    known = await facts(VERSION, {"GET /api/v1/nodes": [403]})
    assert known.nodes is None
    assert known.kubernetes == "v1.36.2"


async def test_a_cluster_that_does_not_tell_its_version_is_none() -> None:
    with pytest.raises(ClusterError, match=r"GET /version on .*: the API answered 403"):
        await facts({"GET /version": [403]}, NODES)


@pytest.mark.parametrize(
    ("text", "mode", "period_s"),
    [
        ("mode: iptables\niptables: {minSyncPeriod: 1m30s}", "iptables", 90.0),
        ("mode: ''\niptables: {minSyncPeriod: 5s}", "iptables", 5.0),
        ("iptables: {minSyncPeriod: 5s}", "iptables", 5.0),
        ("mode: ipvs\niptables: {minSyncPeriod: 5s}", "ipvs", 0.0),
        ("mode: iptables\niptables: {minSyncPeriod: 0s}", "iptables", 1.0),
        ("mode: iptables\niptables: {minSyncPeriod: }", "iptables", 1.0),
    ],
    ids=["as said", "mode left empty", "mode left out", "another mode's", "zero is the default", "period left empty"],
)
async def test_the_proxys_period_is_read_where_its_mode_keeps_it(text: str, mode: str, period_s: float) -> None:
    read = ProxyFacts(mode=mode, min_sync_period_s=period_s, source=FactSource.READ)
    assert (await facts(VERSION, NODES, configured(text))).proxy == read


@pytest.mark.parametrize(
    "table",
    [
        {},
        {PROXY: [403]},
        {PROXY: [{"data": {}}]},
        {PROXY: [{}]},
        configured("just words"),
        configured("mode: [unclosed"),
        configured("mode: iptables\niptables: {minSyncPeriod: soon}"),
    ],
    ids=["no such ConfigMap", "forbidden", "another key", "no data", "no mapping", "no YAML", "no duration"],
)
async def test_what_cannot_be_read_of_the_proxy_is_not_known_and_never_assumed(table: dict[str, list[Any]]) -> None:
    assert (await facts(VERSION, NODES, table)).proxy == ProxyFacts()


# What it gives


@pytest.mark.parametrize(("given", "image"), [("harness:1", "harness:1"), (None, "python:3.13-slim")])
async def test_load_comes_from_a_pod_of_a_stock_image_or_the_one_given_with_a_clock_of_its_own(
    given: str | None, image: str
) -> None:
    pods = "/api/v1/namespaces/shop/pods"
    pod = f"{pods}/rollout-harness-load-0"
    answers = {f"POST {pods}": [{}], f"GET {pod}": [{"status": {"phase": "Running"}}], f"DELETE {pod}": [{}]}
    answers["POST /api/v1/namespaces/shop/secrets"] = [{}]
    async with paper_kube(answers) as (kube, api):
        cluster = KubeconfigCluster(kube, ClusterFacts(kind="context"), Given(worker_image=given))
        cluster.check(())
        async with cluster.worker("shop", "{}", {}):
            pass
        assert api.asked(f"POST {pods}")[0].body["spec"]["containers"][0]["image"] == image
        assert not cluster.client.same_machine
        assert cluster.client.source_addresses == ()


async def test_what_its_images_hold_is_not_known_and_its_death_is_noticed_elsewhere() -> None:
    async with paper_kube({}) as (kube, _):
        cluster = KubeconfigCluster(kube, ClusterFacts(kind="context"), Given())
        assert cluster.server(("nginx:1.29.1",)) is None
        died = False
        async with anyio.create_task_group() as tasks:

            async def wait() -> None:
                nonlocal died
                await cluster.died()
                died = True

            tasks.start_soon(wait)
            await anyio.wait_all_tasks_blocked()
            tasks.cancel_scope.cancel()
        assert not died


# Where it is found


async def test_a_context_of_the_users_kubeconfig_is_connected_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serving(VERSION | NODES) as api:
        (tmp_path / "config").write_text(json.dumps(api.kubeconfig))
        monkeypatch.setenv("KUBECONFIG", str(tmp_path / "config"))
        # The official client reads KUBECONFIG once, when it is imported.
        monkeypatch.setattr(kube_config, "KUBE_CONFIG_DEFAULT_LOCATION", str(tmp_path / "config"))
        async with context_cluster("paper", Given()) as cluster:
            assert cluster.facts == ClusterFacts(kind="context:paper", kubernetes="v1.36.2", nodes=3)
            assert cluster.kube.server == f"127.0.0.1:{api.port}"


async def test_a_context_that_is_not_in_it_is_told_with_those_that_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serving({}) as api:
        (tmp_path / "config").write_text(json.dumps(api.kubeconfig))
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "config"))
    monkeypatch.setattr(kube_config, "KUBE_CONFIG_DEFAULT_LOCATION", str(tmp_path / "config"))
    with pytest.raises(ClusterError, match=r"reading the kubeconfig for context 'prod': .* Contexts there: paper\."):
        async with context_cluster("prod", Given()):
            pytest.fail("there is no such cluster")


async def test_without_a_kubeconfig_it_is_told_where_one_was_looked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    with pytest.raises(ClusterError, match=rf"there is no kubeconfig at {tmp_path}/none. Set KUBECONFIG."):
        async with context_cluster("prod", Given()):
            pytest.fail("there is no cluster")
