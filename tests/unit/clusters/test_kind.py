"""A kind cluster is taken as it is or made for the run, and what was made is removed again, whatever happens.

`docker` and `kind` play back what the real ones said; the API behind them is one on paper. Where it is no matter of
processes they do so in the process of the test.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import pytest
import yaml
from kind_playback import Playback, answered, digest, recorded
from paper_api import PaperApi, serving

from harness.clusters import container_engine, full_image, kind, kind_images, kind_nodes, programs
from harness.clusters.cluster import Given
from harness.clusters.full_image import containerfile, full_image_name
from harness.clusters.kind import kind_cluster
from harness.clusters.kind_sharing import Sharing, folder, where
from harness.clusters.kubeconfig import KubeconfigCluster
from harness.errors import ClusterError, SetupError, UsageError
from harness.model.kind_settings import KindSettings

pytestmark = pytest.mark.anyio

Json = dict[str, Any]
PODS = "/api/v1/namespaces/shop/pods"
CONFIG = yaml.safe_load(recorded("kubectl", "-n", "kube-system", "get", "configmap", "kube-proxy", "-o", "yaml")[1])
READY: Json = {"conditions": [{"type": "Ready", "status": "True"}]}
RUNNING: Json = {"status": {"desiredNumberScheduled": 1, "numberReady": 1}}
FULL = full_image_name()


def node(name: str, **ready: str) -> Json:
    return {"metadata": {"name": name}, "status": {"conditions": [{"type": "Ready", **ready}]}}


def answers(nodes: int = 1) -> dict[str, list[Any]]:
    return {
        "GET /version": [{"gitVersion": "v1.36.2"}],
        "GET /api/v1/nodes": [{"items": [node(f"n{number}", status="True") for number in range(nodes)]}],
        "GET /api/v1/namespaces/kube-system": [{"metadata": {"name": "kube-system", "uid": "u-1"}}],
        "GET /apis/apps/v1/namespaces/kube-system/daemonsets/kube-proxy": [RUNNING],
        "GET /api/v1/namespaces/kube-system/configmaps/kube-proxy": [CONFIG],
        "POST /api/v1/namespaces/shop/secrets": [{}],
        f"POST {PODS}": [{}],
        f"GET {PODS}/rollout-harness-load-0": [{"status": {"phase": "Running"}}],
        f"DELETE {PODS}/rollout-harness-load-0": [{}],
    }


class World:
    """The programs, and the API of whatever cluster they bring up."""

    def __init__(self, playback: Playback, api: PaperApi) -> None:
        self.playback, self.api = playback, api

    def did(self, *parts: str) -> list[str]:
        """What changed something, or begins with one of `parts`, in order."""
        changing = ("kind create", "kind delete", "kind load", "docker image save", "podman image save", *parts)
        return [call for call in self.playback.calls if call.startswith(changing)]


async def in_this_process(
    *command: str, stdin: bytes = b"", patience_s: float | None = None, into: Path | None = None
) -> programs.Ended:
    """As `programs.ended` does it, without a process."""
    program = shutil.which(command[0])
    assert program is not None
    await anyio.lowlevel.checkpoint()
    code, out, err = answered(Path(program).parent, list(command), lambda: stdin)
    if into is not None:
        await anyio.Path(into).write_text(out)
    return programs.Ended(command=command, code=code, stdout=out, stderr=err)


@pytest.fixture
def as_processes(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (container_engine, full_image, kind, kind_images):
        monkeypatch.setattr(module, "ended", programs.ended)


@pytest.fixture
async def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    async with serving(answers()) as api:
        playback = Playback(tmp_path / "bin", "kind docker", kubeconfig=api.kubeconfig)
        monkeypatch.setenv("PATH", str(playback.folder))
        monkeypatch.delenv("KIND_EXPERIMENTAL_PROVIDER", raising=False)
        for module in (container_engine, full_image, kind, kind_images):
            monkeypatch.setattr(module, "ended", in_this_process)
        (tmp_path / "tmp").mkdir()
        monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
        monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
        yield World(playback, api)
        assert playback.unexpected == []
        assert [
            each.name for each in (tmp_path / "tmp").iterdir() if not each.name.startswith("rollout-harness-0")
        ] == []


def settings(**given: Any) -> KindSettings:
    return KindSettings.model_validate(given)


WORKER = Given(worker_image="harness:1")
NAME = "rollout-harness"
CREATE = f"kind create cluster --name {NAME} --config - --kubeconfig <tmp>"
DELETE = f"kind delete cluster --name {NAME} --kubeconfig <tmp>"
SAVE, LOAD = "docker image save --platform linux/amd64", f"kind load image-archive <tmp> --name {NAME}"


async def test_one_that_does_not_exist_is_made_for_the_run_and_removed_after_it(world: World) -> None:
    async with kind_cluster(settings(proxy={"minSyncPeriod": "1s"}), WORKER) as cluster:
        cluster.check(())  # there is an image for the worker
        assert world.did() == [CREATE]
        made = yaml.safe_load((world.playback.folder / f"{NAME}.yaml").read_text())
        assert yaml.safe_load(made["kubeadmConfigPatches"][0])["iptables"] == {"minSyncPeriod": "1s"}
        facts = cluster.facts
        assert (facts.kind, facts.kubernetes, facts.nodes) == ("kind", "v1.36.2", 1)
        assert (facts.proxy.mode, facts.proxy.min_sync_period_s, facts.proxy.source) == ("iptables", 1.0, "read")
        assert cluster.standing() == (f"kind delete cluster --name {NAME}",)
    assert world.did() == [CREATE, DELETE]
    assert world.playback.clusters == {}


async def test_a_cluster_that_exists_is_taken_as_it_is_and_left(world: World) -> None:
    world.playback.has("mine")
    async with kind_cluster(settings(name="mine"), WORKER) as cluster:
        assert cluster.facts.kubernetes == "v1.36.2"
        assert f"kind delete cluster --name {NAME}" not in cluster.standing()
    assert world.did() == []
    assert list(world.playback.clusters) == ["mine"]


async def test_a_name_that_is_only_a_part_of_anothers_is_another_cluster(world: World) -> None:
    world.playback.has("mine")
    async with kind_cluster(settings(name="min"), WORKER):
        assert set(world.playback.clusters) == {"mine", "min"}
    assert set(world.playback.clusters) == {"mine"}


async def test_one_that_is_kept_is_not_removed_by_this_run_nor_by_the_next(world: World) -> None:
    told: list[str] = []
    for run in (settings(keep=True), settings(), settings(keep=True)):
        async with kind_cluster(run, replace(WORKER, tell=told.append)):
            pass
    assert world.did() == [CREATE]
    assert told == [
        f"making kind cluster {NAME}",
        f"kind cluster {NAME} stays: kind export kubeconfig --name {NAME} (context kind-{NAME}); "
        f"kind delete cluster --name {NAME} removes it",
    ]


async def test_images_of_this_machine_are_put_on_the_nodes_once_and_others_are_left_to_the_nodes(world: World) -> None:
    async with kind_cluster(settings(images=("nginx:1.29.1",)), WORKER) as cluster:
        assert world.did()[1:] == [f"{SAVE} nginx:1.29.1", LOAD]
        await cluster.bring(("nginx:1.28.0", "nginx:1.29.1", "shop:1", "nginx@sha256:0123"))
        assert world.did()[3:] == [f"{SAVE} nginx:1.28.0", LOAD]
        (images,) = world.playback.clusters[NAME]["images"].values()
        assert images == {image: digest(image) for image in ("nginx:1.29.1", "nginx:1.28.0")}
    world.playback.has("mine")
    async with kind_cluster(settings(name="mine", loadImages=False, images=("nginx:1.29.1",)), WORKER) as cluster:
        await cluster.bring(("nginx:1.28.0",))
    assert world.playback.clusters["mine"]["images"] == {"mine-control-plane": {}}


async def test_an_older_docker_saves_without_the_platform(world: World) -> None:
    Playback(world.playback.folder, kubeconfig=world.api.kubeconfig, api="1.47")
    async with kind_cluster(settings(), WORKER) as cluster:
        await cluster.bring(("nginx:1.28.0",))
    assert "docker image save nginx:1.28.0" in world.playback.calls


@pytest.mark.parametrize("chosen", ["", "podman"], ids=["because there is no docker", "because the variable says so"])
async def test_podman_runs_the_nodes_where_kind_chooses_it(
    world: World, monkeypatch: pytest.MonkeyPatch, chosen: str
) -> None:
    programs_there = "kind docker podman" if chosen else "kind podman"
    if not chosen:
        (world.playback.folder / "docker").unlink()
    Playback(world.playback.folder, programs_there, kubeconfig=world.api.kubeconfig)
    monkeypatch.setenv("KIND_EXPERIMENTAL_PROVIDER", chosen)
    async with kind_cluster(settings(), WORKER) as cluster:
        await cluster.bring(("nginx:1.28.0",))
    assert world.did()[1:3] == ["podman image save nginx:1.28.0", LOAD]
    assert not any(call.startswith("docker") for call in world.playback.calls)


async def worker_image(cluster: KubeconfigCluster, world: World) -> str:
    async with cluster.worker("shop", "{}", {}):
        (pod,) = world.api.asked(f"POST {PODS}")
        return str(pod.body["spec"]["containers"][0]["image"])


async def test_without_an_image_for_the_load_the_full_one_is_built_as_the_containerfile_says(world: World) -> None:
    Playback(world.playback.folder, kubeconfig=world.api.kubeconfig, builds=True)
    async with kind_cluster(settings(), Given()) as cluster:
        assert (world.playback.folder / "built").read_bytes() == containerfile().read_bytes()
        assert world.did("docker build")[1:] == [f"docker build --quiet --tag {FULL} -", f"{SAVE} {FULL}", LOAD]
        assert await worker_image(cluster, world) == FULL


async def test_where_it_cannot_be_had_a_stock_python_sends_the_load_and_that_is_told(world: World) -> None:
    told: list[str] = []
    stock = "python:3.13-slim"
    Playback(world.playback.folder, kubeconfig=world.api.kubeconfig, here={stock: digest(stock)})
    async with kind_cluster(settings(), Given(tell=told.append)) as cluster:
        assert await worker_image(cluster, world) == stock
        assert world.did()[1:] == [f"{SAVE} {stock}", LOAD]
    assert "no such host): a stock Python sends the load" in told[-1]


async def test_two_who_want_the_same_cluster_at_once_share_it_and_the_last_removes_it(world: World) -> None:
    told: list[str] = []
    first_in, first_out, second_out = anyio.Event(), anyio.Event(), anyio.Event()

    async def second() -> None:
        await first_in.wait()
        async with kind_cluster(settings(), replace(WORKER, tell=told.append)):
            first_out.set()
            await second_out.wait()
        assert world.playback.clusters == {}

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(second)
        async with kind_cluster(settings(), WORKER):
            first_in.set()
            await first_out.wait()
        assert list(world.playback.clusters) == [NAME]  # the other one still uses it
        second_out.set()
    assert world.did() == [CREATE, DELETE]
    assert told == [f"mind: another run uses kind cluster {NAME} too, and load disturbs load"]


async def test_what_a_killed_run_left_goes_with_the_next_one_but_not_one_made_by_hand_since(world: World) -> None:
    for uid, left in (("u-1", []), ("u-0", [NAME])):
        world.playback.has(NAME)
        (folder() / f"{NAME}.made").write_text(uid)
        async with kind_cluster(settings(), WORKER):
            pass
        assert list(world.playback.clusters) == left


@pytest.mark.usefixtures("as_processes")
async def test_one_that_is_being_made_is_removed_when_the_run_is_interrupted(world: World) -> None:
    world.playback.trouble("kind create cluster", hangs=True)
    with anyio.CancelScope() as scope:
        async with anyio.create_task_group() as tasks:

            async def interrupt() -> None:
                while NAME not in world.playback.clusters:  # noqa: ASYNC110 - another process makes it
                    await anyio.sleep(0.01)
                scope.cancel()

            tasks.start_soon(interrupt)
            async with kind_cluster(settings(), WORKER):
                pytest.fail("there is no cluster")
    assert world.did() == [CREATE, DELETE]
    assert world.playback.clusters == {}


async def test_who_is_interrupted_while_another_makes_it_does_not_wait_for_that(world: World) -> None:
    told, scope, over, waiting = list[str](), anyio.CancelScope(), anyio.Event(), anyio.Event()

    def tell(words: str) -> None:
        told.append(words)
        waiting.set()

    async def second() -> None:
        with scope:
            async with kind_cluster(settings(), replace(WORKER, tell=tell)):
                pytest.fail("another one is making it")
        over.set()

    async with anyio.create_task_group() as tasks, Sharing(NAME, print).alone():
        tasks.start_soon(second)
        await waiting.wait()
        scope.cancel()
        with anyio.fail_after(60):  # it would wait for ever
            await over.wait()
    assert told == [f"waiting for another process that makes or removes kind cluster {NAME}"]
    assert world.did("kind get") == []


async def test_it_is_removed_when_the_run_fails(world: World) -> None:
    with pytest.raises(KeyError):
        async with kind_cluster(settings(), WORKER):
            raise KeyError
    assert world.did() == [CREATE, DELETE]


async def test_one_that_differs_from_what_was_asked_for_is_refused(world: World) -> None:
    world.playback.has("mine")
    asked = settings(name="mine", nodes=3, proxy={"mode": "nftables", "minSyncPeriod": "10s"})
    with pytest.raises(UsageError) as refused:
        async with kind_cluster(asked, WORKER):
            pytest.fail("it is another cluster")
    assert str(refused.value) == (
        "using kind cluster mine: it has 1 node, not 3, proxy mode iptables, not nftables, minSyncPeriod 1s, not 10s. "
        "Remove it (kind delete cluster --name mine), or give another `name`."
    )
    assert list(world.playback.clusters) == ["mine"]


async def test_without_kube_proxy_one_that_is_there_is_used_and_none_is_made(world: World) -> None:
    with pytest.raises(UsageError, match=r"nothing carries Services to pods\. Make it first: scripts/kind-up"):
        async with kind_cluster(settings(proxy={"mode": "none"}), WORKER):
            pytest.fail("nothing carries Services")
    assert world.did() == []
    cilium = {"data": {"kube-proxy-replacement": "true"}}
    missing = "GET /apis/apps/v1/namespaces/kube-system/daemonsets/kube-proxy"
    world.api.answers = {
        **answers(),
        "GET /api/v1/namespaces/kube-system/configmaps/cilium-config": [cilium],
        missing: [404],
    }
    world.playback.has(NAME)
    async with kind_cluster(settings(proxy={"mode": "none"}), WORKER) as cluster:
        assert (cluster.facts.proxy.mode, cluster.facts.proxy.min_sync_period_s) == ("Cilium", None)
    world.api.answers = answers()
    with pytest.raises(UsageError, match="it has proxy mode iptables, not none"):
        async with kind_cluster(settings(proxy={"mode": "none"}), WORKER):
            pytest.fail("kube-proxy carries Services")


@pytest.mark.parametrize("tmpdir", [None, "", "/somewhere"])
def test_the_locks_are_where_the_script_has_its(repository: Path, tmpdir: str | None) -> None:
    environment = {"TEMP": "/elsewhere", "TMP": "/elsewhere", **({} if tmpdir is None else {"TMPDIR": tmpdir})}
    line = re.findall(r"(?m)^locks=.*$", (repository / "scripts" / "kind-up.sh").read_text())
    assert len(line) == 1
    script = ["sh", "-c", f'{line[0]}; echo "$locks"']
    said = subprocess.run(script, env={"PATH": "/usr/bin:/bin", **environment}, capture_output=True, text=True)
    assert str(where(environment)) == said.stdout.strip()


def test_a_folder_for_locks_that_cannot_be_had_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    there = tmp_path / f"rollout-harness-{os.getuid()}"
    there.touch()
    with pytest.raises(ClusterError) as failed:
        Sharing(NAME, print)
    assert str(failed.value) == (
        f"taking turns on kind clusters by locks in {there}: Not a directory. "
        "Remove what is there under this name, or set TMPDIR to a folder of your own."
    )


async def test_who_waits_for_another_says_so(world: World) -> None:
    told: list[str] = []
    first, second = Sharing(NAME, print), Sharing(NAME, told.append)

    async def wait() -> None:
        async with second.alone():
            told.append("alone")

    async with anyio.create_task_group() as tasks, first.alone():
        tasks.start_soon(wait)
        while not told:
            await anyio.lowlevel.checkpoint()
    assert told == [f"waiting for another process that makes or removes kind cluster {NAME}", "alone"]


async def test_nodes_that_are_not_ready_in_time_are_told_with_the_last_condition(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kind_nodes, "READY_S", 1.0)  # it never is: no time would be enough
    said = {"status": "False", "reason": "KubeletNotReady", "message": "cni plugin not initialized"}
    world.api.answers = {**answers(), "GET /api/v1/nodes": [{"items": [node("n0", **said)]}]}
    with pytest.raises(ClusterError) as failed:
        async with kind_cluster(settings(), WORKER):
            pytest.fail("it is not ready")
    assert "last seen: node n0: Ready=False, KubeletNotReady: cni plugin not initialized" in str(failed.value)
    assert world.did() == [CREATE, DELETE]


@pytest.mark.parametrize("missing", ["docker", "kind"])
async def test_a_program_that_is_missing_is_named_and_nothing_is_run(world: World, missing: str) -> None:
    (world.playback.folder / missing).unlink()
    with pytest.raises(SetupError, match=rf"starting a kind cluster: {missing} is not installed. See https://"):
        async with kind_cluster(settings(), WORKER):
            pytest.fail("there is no cluster")
    assert world.did() == []


@pytest.mark.usefixtures("as_processes")
async def test_a_step_that_does_not_end_is_told(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.playback.trouble("kind get clusters", hangs=True)
    monkeypatch.setattr(programs, "PATIENCE_S", 0.5)  # it never ends: no time would be enough
    with pytest.raises(ClusterError, match=r"running `kind get clusters`: it did not end within 0\.5 s"):
        async with kind_cluster(settings(), WORKER):
            pytest.fail("there is no cluster")


def test_the_full_image_has_the_versions_that_the_harness_is_tested_with_on_a_base_that_cannot_change(
    repository: Path,
) -> None:
    pins = re.findall(r"(\S+)==(\S+)", containerfile().read_text())
    locked = dict(re.findall(r"(?m)^(\S+?)==(\S+)", (repository / "requirements" / "runtime.txt").read_text()))
    assert {"httptools", "uvloop", "httpx"} <= dict(pins).keys()
    assert dict(pins) == {name: locked[name] for name, _ in pins}
    base = re.findall(r"(?m)^ARG BASE=(.*)$", containerfile().read_text())
    assert len(base) == 1
    assert re.fullmatch(r"python:3\.13-slim@sha256:[0-9a-f]{64}", base[0])
