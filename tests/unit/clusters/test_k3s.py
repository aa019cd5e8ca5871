"""k3s in a container of a Docker that is played: made, reached, filled and removed; and what is said when it is not."""

from __future__ import annotations

import base64
import gc
import json
import ssl
import warnings
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import pytest
import trustme
from paper_api import PaperApi, serving
from played_docker import PlayedDocker, meant, playing
from pydantic import ValidationError

from harness.clusters import k3s, k3s_container
from harness.clusters.cluster import Given
from harness.clusters.k3s import K3sCluster, k3s_cluster
from harness.clusters.k3s_container import arguments
from harness.errors import ClusterError, SetupError
from harness.model.cluster_settings import ClusterSettings
from harness.model.k3s_settings import K3S_IMAGE, K3sSettings
from harness.model.run import FactSource, ProxyFacts

pytestmark = pytest.mark.anyio

SLOW_PROXY = {"proxy": {"minSyncPeriod": "10s"}}
AS_ARGUMENTS = ["server", "--tls-san", "localhost", "--disable", "traefik"]
SLOW_ARGUMENT = ["--kube-proxy-arg", "iptables-min-sync-period=10s"]
ARG = "--kube-proxy-arg"
NAME = "rollout-harness-k3s-0"
PULLED = meant(K3S_IMAGE)
REMOVED = f"remove {NAME} with its volumes, by force"


def node(*said: str, ready: str = "True") -> dict[str, Any]:
    condition = {"type": "Ready", "status": ready, "reason": "KubeletNotReady", "message": "no CNI yet"}
    annotations = {"k3s.io/node-args": json.dumps([*AS_ARGUMENTS, *said])}
    return {"metadata": {"name": NAME, "annotations": annotations}, "status": {"conditions": [condition]}}


def answers(*nodes: dict[str, Any]) -> dict[str, list[Any]]:
    listed = [{"items": [each], "metadata": {"resourceVersion": "1"}} for each in nodes]
    return {"GET /version": [{"gitVersion": "v1.36.2+k3s1"}], "GET /api/v1/nodes": listed}


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[PlayedDocker]:
    """A Docker with the images that a run needs in its registry, reached as `localhost`."""
    from testcontainers.core.config import ConnectionMode, testcontainers_config

    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/docker.sock")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(k3s_container, "fresh_name", lambda: NAME)
    monkeypatch.setattr(testcontainers_config, "tc_host_override", "localhost")
    monkeypatch.setattr(testcontainers_config, "connection_mode_override", ConnectionMode.docker_host)
    played = PlayedDocker(registry={PULLED: "sha256:k3s"})
    with playing(played, tmp_path / "docker.sock"):
        yield played
    assert played.unexpected == []


@pytest.fixture(autouse=True)
def _sockets_of_dockers_client() -> Iterator[None]:
    """Docker's client leaves those of what it executed, or could not reach, to the garbage collector."""
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


Serving = Callable[..., Any]


@pytest.fixture
def api(docker: PlayedDocker, authority: trustme.CA) -> Serving:
    """Serves these answers as k3s' API, whose kubeconfig lies in the container."""
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost").configure_cert(tls)
    trusted = base64.b64encode(authority.cert_pem.bytes()).decode()

    @asynccontextmanager
    async def up(answers: dict[str, list[Any]]) -> AsyncIterator[PaperApi]:
        async with serving(answers, tls=tls) as paper:
            config = paper.kubeconfig
            # As k3s writes it: for those inside of the container.
            inside = {"server": "https://127.0.0.1:6443", "certificate-authority-data": trusted}
            config["clusters"] = [{"name": "paper", "cluster": inside}]
            docker.kubeconfig, docker.port = json.dumps(config), paper.port
            yield paper

    return up


@asynccontextmanager
async def running(
    settings: dict[str, Any], tell: Callable[[str], None] = print, **given: Any
) -> AsyncIterator[K3sCluster]:
    async with k3s_cluster(K3sSettings.model_validate(settings), Given(tell=tell, **given)) as cluster:
        yield cluster


async def test_it_is_pulled_made_reached_by_the_mapped_port_and_removed(
    docker: PlayedDocker, api: Serving, tmp_path: Path
) -> None:
    docker.late, docker.said, told, removals = 2, b"level=info msg=ready\n", list[str](), list[str]()
    async with api(answers(node(*SLOW_ARGUMENT, ready="False"), node(*SLOW_ARGUMENT))) as paper:
        async with running(SLOW_PROXY, told.append, making=removals.append) as cluster:
            assert paper.asked("GET /api/v1/nodes")
            facts = cluster.facts
            assert (facts.kind, facts.kubernetes, facts.nodes) == ("k3s", "v1.36.2+k3s1", 1)
            assert facts.proxy == ProxyFacts(mode="iptables", min_sync_period_s=10.0, source=FactSource.READ)
            assert list(cluster.standing()) == removals == [f"docker rm --force --volumes {NAME}"]
            assert await cluster.export_logs(tmp_path / "logs")
            assert docker.steps[-1] == f"start {NAME}"
        assert docker.steps[-1] == REMOVED
    assert docker.steps[:2] == [f"pull {PULLED}", "pull testcontainers/ryuk:0.8.1"]
    made, host = docker.created, docker.created["HostConfig"]
    assert made["Cmd"] == [
        "server",
        "--tls-san=localhost",
        "--disable=traefik",
        "--kube-proxy-arg=iptables-min-sync-period=10s",
    ]
    assert (host["Privileged"], host["Tmpfs"]) == (True, {"/run": "", "/var/run": ""})
    assert not [each for each in made.get("Env") or () if each.startswith("K3S_URL")]  # which would join another server
    assert (tmp_path / "logs" / "k3s.log").read_bytes() == docker.said
    assert told == [
        f"pulling {K3S_IMAGE}",
        f"k3s runs in container {NAME}; should this harness be killed, it stays until "
        f"docker rm --force --volumes {NAME}",
    ]


async def test_images_of_this_machine_are_put_on_the_node_once_and_others_left_to_it(
    docker: PlayedDocker, api: Serving
) -> None:
    docker.images |= {PULLED: "sha256:k3s", "shop:1.1": "sha256:11", "shop:1.2": "sha256:12", "there:1": "sha256:t"}
    docker.on_node["there:1"] = "sha256:t"
    async with api(answers(node())), running({"images": ["shop:1.1"]}, worker_image="worker:1") as cluster:
        assert docker.on_node.keys() == {"there:1", "shop:1.1"}
        await cluster.bring(("shop:1.2", "shop:1.1", "there:1", "nowhere:1"))
        assert docker.on_node.keys() == {"there:1", "shop:1.1", "shop:1.2"}
    archive = "/tmp/rollout-harness-image.tar"
    assert docker.imports == [["ctr", "images", "import", "--platform", "linux/amd64", archive]] * 2
    assert docker.files == {}
    assert not any(step.startswith("pull rancher") for step in docker.steps)


async def test_no_image_is_put_there_where_that_is_not_wanted(docker: PlayedDocker, api: Serving) -> None:
    docker.images["shop:1.1"] = "sha256:11"
    async with api(answers(node())), running({"images": ["shop:1.1"], "loadImages": False}) as cluster:
        await cluster.bring(("shop:1.1",))
    assert docker.imports == []


async def test_it_stays_where_it_is_to_be_kept_and_the_way_to_it_is_told(docker: PlayedDocker, api: Serving) -> None:
    told = list[str]()
    async with api(answers(node())), running({"keep": True}, told.append) as cluster:
        assert cluster.standing() == ()
    assert docker.steps[-1] == f"start {NAME}"
    assert f"docker exec {NAME} kubectl" in told[-1]
    assert f"docker rm --force --volumes {NAME}" in told[-1]


@pytest.mark.parametrize("keep", [False, True])
async def test_whoever_is_interrupted_as_it_comes_up_leaves_nothing(docker: PlayedDocker, keep: bool) -> None:
    docker.images[PULLED] = "sha256:k3s"
    async with anyio.create_task_group() as tasks:

        async def interrupt() -> None:
            assert await anyio.to_thread.run_sync(docker.asked.wait, 60)
            tasks.cancel_scope.cancel()

        tasks.start_soon(interrupt)
        async with running({"keep": keep}):
            pytest.fail("it has no kubeconfig")
    assert docker.steps[-1] == REMOVED


async def test_it_is_removed_when_the_run_fails(docker: PlayedDocker, api: Serving) -> None:
    async with api(answers(node())):
        with pytest.raises(KeyError):
            async with running({}):
                raise KeyError
    assert docker.steps[-1] == REMOVED


TROUBLE: list[tuple[str, dict[str, Any], str]] = [
    ("the registry has it not", {"registry": {}}, "manifest unknown. Put it on this machine"),
    ("no registry is reached", {"registry": {PULLED: 500}}, "no such host. Put it on this machine"),
    (
        "a port is taken",
        {"start_error": "failed to bind host port: port is already allocated"},
        "port is already allocated. Another program took that port meanwhile",
    ),
    (
        "it ends at once",
        {"status": "exited", "said": b"level=fatal msg=\"failed to find memory cgroup (v2)\"\n\n"},
        "it has ended: level=fatal msg=\"failed to find memory cgroup (v2)\". See https://docs.k3s.io",
    ),
    ("it never comes up", {}, "it has written no kubeconfig within 0 s"),
]  # fmt: skip


@pytest.mark.parametrize(("state", "says"), [row[1:] for row in TROUBLE], ids=[row[0] for row in TROUBLE])
async def test_what_keeps_it_from_starting_is_told_with_what_to_do(
    docker: PlayedDocker, monkeypatch: pytest.MonkeyPatch, state: dict[str, Any], says: str
) -> None:
    monkeypatch.setattr(k3s, "READY_S", 0.0)
    for name, value in state.items():
        setattr(docker, name, value)
    with pytest.raises(SetupError) as failed:
        async with running({}):
            pytest.fail("there is no cluster")
    assert says in str(failed.value)
    assert (docker.steps[-1] == REMOVED) == bool(docker.created)


async def test_a_node_that_is_not_ready_in_time_is_told_with_its_last_condition(
    docker: PlayedDocker, api: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(k3s, "READY_S", 0.0)
    async with api(answers(node(ready="False"))):
        with pytest.raises(SetupError, match=rf"last seen: node {NAME}: Ready=False, KubeletNotReady: no CNI yet"):
            async with running({}):
                pytest.fail("it is not ready")
    assert docker.steps[-1] == REMOVED


async def test_a_kube_proxy_other_than_asked_for_ends_it(docker: PlayedDocker, api: Serving) -> None:
    async with api(answers(node("--kube-proxy-arg", "proxy-mode=ipvs"))):
        with pytest.raises(SetupError, match="mode ipvs with minSyncPeriod unknown, not iptables and 10s"):
            async with running(SLOW_PROXY):
                pytest.fail("it is another")
    assert docker.steps[-1] == REMOVED


async def test_a_kube_proxy_that_cannot_be_read_is_named_as_it_was_configured(
    docker: PlayedDocker, api: Serving
) -> None:
    bare = {"metadata": {"name": "n"}, "status": {"conditions": [{"type": "Ready", "status": "True"}]}}
    async with api(answers(bare)), running(SLOW_PROXY) as cluster:
        assert cluster.facts.proxy == ProxyFacts(mode="iptables", min_sync_period_s=10.0, source=FactSource.CONFIGURED)


async def test_a_docker_that_does_not_run_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    with pytest.raises(SetupError, match=r"looking for Docker, .* Start Docker, or set DOCKER_HOST\."):
        async with running({}):
            pytest.fail("there is no Docker")


async def test_what_could_not_be_removed_is_told_with_the_command(
    docker: PlayedDocker, api: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    from docker.errors import APIError
    from docker.models.containers import Container

    def refuse(*_: object, **__: object) -> None:
        raise APIError("device or resource busy")

    monkeypatch.setattr(Container, "remove", refuse)
    async with api(answers(node())):
        with pytest.raises(ClusterError, match=rf"busy\. Remove it: docker rm --force --volumes {NAME}\."):
            async with running({}):
                pass


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"disable": []}, []),
        ({"disable": ["traefik", "metrics-server"]}, ["--disable=traefik", "--disable=metrics-server"]),
        (
            {"disable": [], "proxy": {"mode": "ipvs", "minSyncPeriod": "500ms"}},
            [f"{ARG}=proxy-mode=ipvs", f"{ARG}=ipvs-min-sync-period=500ms"],
        ),
        ({"disable": [], "proxy": {"mode": "ipvs"}}, [f"{ARG}=proxy-mode=ipvs", f"{ARG}=ipvs-min-sync-period=1s"]),
        ({"proxy": {"mode": "nftables"}}, ["--disable=traefik", f"{ARG}=proxy-mode=nftables"]),
    ],
)
def test_settings_become_arguments(settings: dict[str, Any], words: list[str]) -> None:
    assert arguments(K3sSettings.model_validate(settings), "h") == ["server", "--tls-san=h", *words]


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"nodes": 2}, "Extra inputs are not permitted"),
        ({"proxy": {"minSyncPeriod": "31s"}}, "at most 30s"),
        ({"proxy": {"minSyncPeriod": "0s"}}, "greater than 0 and at most"),
        ({"proxy": {"mode": "nftables", "minSyncPeriod": "5s"}}, "no argument for it in mode nftables"),
        ({"disable": ["treafik"]}, "'traefik'"),
        ({"image": ""}, "at least 1 character"),
    ],
)
def test_settings_that_mean_nothing_are_refused(settings: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        ClusterSettings.model_validate({"k3s": settings})
