"""scripts/kind-up.sh makes a cluster, may be run again, and leaves nothing of what it could not make.

`kind`, `docker` and `kubectl` play back what the real ones said.
"""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from kind_playback import Playback, digest, recorded

CREATE = "kind create cluster --name rollout-harness --config - --wait 180s"
DELETE = "kind delete cluster --name rollout-harness"
KUBECONFIG = {"contexts": [{"name": "paper", "context": {}}]}
NAME = "rollout-harness"


class Script:
    """The script, on a machine with these programs."""

    def __init__(self, repository: Path, playback: Playback, place: Path) -> None:
        self.file, self.playback = repository / "scripts" / "kind-up.sh", playback
        self.environment = {
            "PATH": playback.path,
            "TMPDIR": str(place),
            "HOME": str(place),
            "KUBECONFIG": str(place / "k"),
        }

    def start(self, *options: str, **more: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            ["sh", str(self.file), *options],
            env={**self.environment, **more},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *options: str, **more: str) -> tuple[int, str]:
        """Its exit code, and what it said on standard error."""
        with self.start(*options, **more) as process:
            _, said = process.communicate(timeout=100)
        return process.returncode, said

    @property
    def did(self) -> list[str]:
        return [call for call in self.playback.calls if call.startswith(("kind create", "kind delete", "kind load"))]


@pytest.fixture
def script(repository: Path, tmp_path: Path) -> Iterator[Script]:
    playback = Playback(tmp_path / "bin", kubeconfig=KUBECONFIG)
    (tmp_path / "tmp").mkdir()
    yield Script(repository, playback, tmp_path / "tmp")
    assert playback.unexpected == []
    assert not list((tmp_path / "tmp").glob("kind-up.*"))


def test_it_makes_one_and_then_finds_it_and_exports_its_kubeconfig_and_removes_it(
    script: Script, tmp_path: Path
) -> None:
    load = f"kind load image-archive <tmp> --name {NAME}"
    code, said = script.run("--nodes", "2")
    assert (code, said.splitlines()[-1].startswith("kind-up: ready.")) == (0, True), said
    assert script.did == [CREATE, load, load]
    images = {image: digest(image) for image in ("nginx:1.28.0", "nginx:1.29.1")}
    assert list(script.playback.clusters[NAME]["images"].values()) == [images, images]
    elsewhere = tmp_path / "elsewhere"
    code, said = script.run("--kubeconfig", str(elsewhere))
    assert (code, elsewhere.exists()) == (0, True)
    assert f"cluster {NAME} is there already" in said
    assert script.did == [CREATE, load, load]  # nothing is made or put there twice
    for _ in range(2):
        assert script.run("--down")[0] == 0
    assert script.playback.clusters == {}


def test_what_is_there_and_is_another_than_was_asked_for_is_refused_and_else_taken(script: Script) -> None:
    script.playback.has(NAME, nodes=1)
    for option, said in (
        ("--nodes=3", "has 1 nodes, not 3"),
        ("--proxy-mode=nftables", "has proxy mode iptables, not nftables"),
        ("--min-sync-period=10s", "has minSyncPeriod 1s, not 10s"),
    ):
        code, words = script.run(option, "--images", "")
        assert (code, said in words) == (2, True), words
    assert script.run("--nodes=1", "--min-sync-period=1000ms", "--images=")[0] == 0
    assert script.did == []


def test_an_image_that_is_neither_here_nor_to_be_had_is_named_and_the_cluster_stays(script: Script) -> None:
    code, said = script.run(IMAGES="shop:1")
    assert code == 2
    assert "image shop:1 is not on this machine, and node rollout-harness-control-plane cannot pull it" in said
    assert list(script.playback.clusters) == [NAME]


TROUBLE = {
    "docker info": (
        recorded("docker", "info", rc=1)[2],
        "docker does not answer (Cannot connect to the Docker daemon",
        [],
    ),
    "kind create cluster": ("ERROR: no room\n", "was not made; kind says why above", [CREATE, DELETE]),
    "kubectl wait": (
        "error: timed out waiting for the condition on nodes/a\n",
        "are Ready after 180s",
        [CREATE, DELETE],
    ),
}


@pytest.mark.parametrize("command", TROUBLE)
def test_what_cannot_be_made_is_told_and_nothing_of_it_is_left(script: Script, command: str) -> None:
    stderr, seen, did = TROUBLE[command]
    script.playback.trouble(command, stderr=stderr, leaves=True)
    code, said = script.run()
    assert (code, seen in said) == (2, True), said
    assert script.did == did
    assert script.playback.clusters == {}


@pytest.mark.parametrize("missing", ["docker", "kind", "kubectl"])
def test_what_is_missing_is_named_with_where_it_is_had(script: Script, tmp_path: Path, missing: str) -> None:
    (script.playback.folder / missing).unlink()
    only = tmp_path / "only"
    only.mkdir()
    for program in ["sh", "awk", "cat", "chmod", "grep", "id", "mkdir", "mktemp", "rm", "sed", "tail", "tr", "wc"]:
        (only / program).symlink_to(next(p for p in (Path("/usr/bin", program), Path("/bin", program)) if p.exists()))
    code, said = script.run(PATH=f"{script.playback.folder}:{only}")
    assert (code, "installed" in said, "https://" in said) == (2, True, True), said
    assert script.did == []


def test_a_kind_that_is_too_old_is_refused(script: Script) -> None:
    script.playback.trouble("kind version", rc=0, stdout="kind v0.26.0 go1.23.4 linux/amd64\n")
    code, said = script.run()
    assert (code, "kind v0.26.0 go1.23.4 linux/amd64 is too old, v0.27.0 or newer" in said) == (2, True)


def test_one_that_is_half_made_is_told(script: Script) -> None:
    script.playback.has(NAME, whole=False)
    code, said = script.run()
    assert (
        code,
        "it is half made or stopped; remove it: scripts/kind-up.sh --name rollout-harness --down" in said,
    ) == (2, True)


@pytest.mark.parametrize("chosen", ["", "podman"])
def test_podman_runs_it_where_kind_chooses_podman(script: Script, chosen: str) -> None:
    Playback(script.playback.folder, "kind kubectl podman docker", kubeconfig=KUBECONFIG)
    if not chosen:
        (script.playback.folder / "docker").write_text("#!/bin/sh\necho podman version 5.4.0\n")  # podman-docker's
    code, said = script.run("--images=nginx:1.28.0", KIND_EXPERIMENTAL_PROVIDER=chosen)
    assert code == 0, said
    assert "podman image save -o <tmp> nginx:1.28.0" in script.playback.calls
    assert not any(call.startswith("docker") for call in script.playback.calls)


def test_what_is_being_made_goes_when_it_is_ended(script: Script) -> None:
    script.playback.trouble("kind create cluster", hangs=True)
    with script.start() as process:
        end = time.monotonic() + 60
        while not script.playback.clusters:
            assert time.monotonic() < end
            assert process.poll() is None
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=100)
    assert process.returncode == 128 + signal.SIGTERM
    assert script.did == [CREATE, DELETE]
    assert script.playback.clusters == {}


def test_two_at_once_make_one(script: Script) -> None:
    with script.start("--images=") as first, script.start("--images=") as second:
        said = [process.communicate(timeout=100)[1] for process in (first, second)]
    assert (first.returncode, second.returncode) == (0, 0), said
    assert script.did == [CREATE]
    assert sum("is there already" in words for words in said) == 1
