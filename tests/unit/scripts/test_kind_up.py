"""scripts/kind-up.sh makes a cluster, may be run again, and leaves nothing of what it could not make.

`kind`, `docker` and `kubectl` play back what the real ones said.
"""

from __future__ import annotations

import fcntl
import os
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
        ("--nodes=3", "has 1 node, not 3"),
        ("--proxy-mode=nftables", "has proxy mode iptables, not nftables"),
        ("--min-sync-period=10s", "has minSyncPeriod 1s, not 10s"),
    ):
        code, words = script.run(option, "--images", "")
        assert (code, said in words) == (2, True), words
    assert script.run("--nodes=1", "--min-sync-period=1000ms", "--images=")[0] == 0
    assert script.did == []


@pytest.mark.parametrize(("mode", "code"), [("iptables", 0), ("nftables", 0), ("ipvs", 2)])
def test_a_period_of_0_is_what_kube_proxy_makes_of_it(script: Script, mode: str, code: int) -> None:
    script.playback.has(NAME, proxy=(mode, "0s"))
    done, said = script.run(f"--proxy-mode={mode}", "--min-sync-period=1s", "--images=")
    assert (done, "has minSyncPeriod 0s, not 1s" in said) == (code, bool(code)), said


def test_one_without_kube_proxy_is_found_again_and_is_no_other(script: Script) -> None:
    for options in (["--proxy-mode=none"], []):
        code, said = script.run(*options, "--images=")
        assert (code, "no kube-proxy: install another data plane" in said) == (0, True), said
    assert script.did == [CREATE]
    for option, differs in (
        ("--proxy-mode=ipvs", "has proxy mode none, not ipvs"),
        ("--min-sync-period=1s", "has no kube-proxy, not minSyncPeriod 1s"),
    ):
        code, said = script.run(option, "--images=")
        assert (code, differs in said) == (2, True), said


def test_one_that_somebody_else_makes_meanwhile_stays(script: Script) -> None:
    script.playback.trouble("kind create cluster", appears=True)
    code, said = script.run()
    assert (code, "somebody else has just made cluster rollout-harness, which stays" in said) == (2, True), said
    assert 'node(s) already exist for a cluster with the name "rollout-harness"' in said  # kind's own words too
    assert script.did == [CREATE]
    assert list(script.playback.clusters) == [NAME]


def test_one_that_a_run_uses_is_not_removed(script: Script, tmp_path: Path) -> None:
    script.playback.has(NAME)
    place = tmp_path / "tmp" / f"rollout-harness-{os.getuid()}" / "kind"
    place.mkdir(parents=True)
    with (place / f"{NAME}.users").open("w") as users:
        fcntl.flock(users, fcntl.LOCK_SH)
        code, said = script.run("--down")
        assert (code, "a run uses cluster rollout-harness" in said, script.did) == (2, True, []), said
    assert script.run("--down")[0] == 0
    assert script.playback.clusters == {}


def test_a_variable_that_cannot_be_meant_is_told_and_one_that_can_be_too(script: Script) -> None:
    code, said = script.run(NAME="DESKTOP-7Q2")
    assert (code, "NAME=DESKTOP-7Q2 (from the environment): small letters" in said) == (2, True), said
    code, said = script.run("--nodes=1", NODES="many", NAME="laptop", IMAGES="")
    assert code == 0, said
    assert "NAME=laptop (from the environment) is the cluster's name" in said
    assert "cluster: {kind: {name: laptop}}" in said.splitlines()[-1]
    code, said = script.run("--name=Laptop", NAME="laptop")
    assert (code, "kind-up: --name Laptop: small letters" in said, "environment" in said) == (2, True, False), said


@pytest.mark.parametrize("words", [("--bogus",), ("--bogus", "x"), ("--bogus=x",), ("up",)])
def test_an_option_that_there_is_not_is_told_as_that_and_not_as_one_without_a_value(
    script: Script, words: tuple[str, ...]
) -> None:
    code, said = script.run(*words)
    assert (code, f"there is no option {words[0].partition('=')[0]}; " in said, script.did) == (2, True, []), said


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
    "docker version": ("no\n", "docker does not tell its version; cluster rollout-harness is up without", [CREATE]),
    "kind get nodes": ("ERROR: no\n", "does not tell the nodes of cluster rollout-harness, which is up", [CREATE]),
    "kind version": ("Segmentation fault\n", "kind version: Segmentation fault", []),
    "kubectl get": ("no\n", "the configuration of kube-proxy in cluster rollout-harness cannot", [CREATE, DELETE]),
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
    assert list(script.playback.clusters) == ([NAME] if did == [CREATE] else [])


def test_what_cannot_be_removed_is_told(script: Script) -> None:
    script.playback.has(NAME)
    script.playback.trouble("kind delete cluster", stderr="ERROR: permission denied\n")
    code, said = script.run("--down")
    assert (code, "permission denied" in said, "was not removed; kind says why above" in said) == (2, True, True), said


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


def with_open_files_noted(playback: Playback, *programs: str) -> Path:
    """A file in which these programs note when they were started with the lock (9) or an end of the pipe (6, 7, 8)."""
    heirs = playback.folder / "heirs"
    heirs.write_text("")
    for program in programs:
        real = (playback.folder / program).rename(playback.folder / f"real-{program}")
        note = " ".join(
            f'if ( : >&{number} ) 2>/dev/null; then echo "{number}: {program} $*" >>{heirs}; fi;'
            for number in (6, 7, 8, 9)
        )
        (playback.folder / program).write_text(f'#!/bin/sh\n{note}\nexec {real} "$@"\n')
        (playback.folder / program).chmod(0o755)
    return heirs


def test_an_older_docker_or_client_saves_without_the_platform(script: Script) -> None:
    Playback(script.playback.folder, kubeconfig=KUBECONFIG, api="1.47")
    code, said = script.run("--images=nginx:1.28.0")
    assert (code, "docker image save nginx:1.28.0" in script.playback.calls) == (0, True), said


@pytest.mark.parametrize("chosen", ["", "podman"])
def test_podman_runs_it_where_kind_chooses_podman(script: Script, chosen: str) -> None:
    Playback(script.playback.folder, "kind kubectl podman docker", kubeconfig=KUBECONFIG)
    if not chosen:
        (script.playback.folder / "docker").write_text("#!/bin/sh\necho podman version 5.4.0\n")  # podman-docker's
    heirs = with_open_files_noted(script.playback, "kind", "podman")
    code, said = script.run("--images=nginx:1.28.0", KIND_EXPERIMENTAL_PROVIDER=chosen)
    assert code == 0, said
    assert heirs.read_text() == ""  # conmon would hold the lock for as long as there are nodes
    assert "podman image save nginx:1.28.0" in script.playback.calls
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
