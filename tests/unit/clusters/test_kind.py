"""A kind cluster is taken as it is or made for the run, and what was made is deleted again, whatever happens.

`docker` and `kind` are shell scripts here that note how they were called; the cluster behind them is one on paper.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from hashlib import sha256
from pathlib import Path

import pytest
from paper_api import PaperApi, serving

from harness.clusters import kind as room
from harness.clusters.cluster import Given
from harness.clusters.full_image import containerfile
from harness.clusters.kind import kind_cluster
from harness.clusters.kubeconfig import KubeconfigCluster
from harness.errors import ClusterError, SetupError

pytestmark = pytest.mark.anyio

# Knows two clusters; leaves a kubeconfig where it is asked to; fails at the step that FAILS names, hangs at HANGS'.
KIND = """#!/bin/sh
HERE={folder}
echo "$*" >> "$HERE/calls"
if [ "$1 $2" = "$FAILS" ]; then echo "Creating ..." >&2; echo "ERROR: no room" >&2; exit 7; fi
if [ "$1 $2" = "$HANGS" ]; then exec /bin/sleep 600; fi
if [ "$1 $2" = "get clusters" ]; then echo other; echo mine; fi
while [ $# -gt 0 ]; do
  if [ "$1" = "--kubeconfig" ]; then /bin/cat "$HERE/kubeconfig" > "$2"; fi
  shift
done
"""


# Has one image, where HAS names it; builds any, unless FAILS says otherwise.
DOCKER = """#!/bin/sh
HERE={folder}
echo "docker $*" >> "$HERE/calls"
if [ "docker $1" = "$FAILS" ]; then echo "ERROR: no such host" >&2; exit 1; fi
if [ "$1 $2" = "image ls" ] && [ "$4" = "$HAS" ]; then echo 0123456789ab; fi
if [ "$1" = build ]; then /bin/cat > "$HERE/built"; fi
"""


class Programs:
    """The folder that holds `docker` and `kind`."""

    api: PaperApi

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def install(self, name: str, text: str) -> None:
        program = self.folder / name
        program.write_text(text)
        program.chmod(0o755)

    @property
    def calls(self) -> list[str]:
        """How kind and docker were called, without where the kubeconfig lies."""
        calls = self.folder / "calls"
        lines = calls.read_text().splitlines() if calls.exists() else []
        return [line.partition(" --kubeconfig")[0] for line in lines]


@pytest.fixture
async def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Programs]:
    monkeypatch.setenv("PATH", str(tmp_path))
    found = Programs(tmp_path)
    found.install("docker", DOCKER.replace("{folder}", str(tmp_path)))
    found.install("kind", KIND.replace("{folder}", str(tmp_path)))
    pods = "/api/v1/namespaces/shop/pods"
    answers = {
        "GET /version": [{"gitVersion": "v1.36.2"}],
        "GET /api/v1/nodes": [{"items": [{}]}],
        "POST /api/v1/namespaces/shop/secrets": [{}],
        f"POST {pods}": [{}],
        f"GET {pods}/rollout-harness-load-0": [{"status": {"phase": "Running"}}],
        f"DELETE {pods}/rollout-harness-load-0": [{}],
    }
    async with serving(answers) as api:
        found.api = api
        (tmp_path / "kubeconfig").write_text(json.dumps(api.kubeconfig))
        yield found


FULL = f"rollout-harness-load:{sha256(containerfile().read_bytes()).hexdigest()[:12]}"
LOOK, BUILD = f"docker image ls --quiet {FULL}", f"docker build --quiet --tag {FULL} -"
LOAD_FULL = f"load docker-image {FULL} --name"
GET, EXPORT = "get clusters", "export kubeconfig --name mine"
CREATE = "create cluster --name rollout-harness --wait 120s"
LOAD, DELETE = "load docker-image harness:1 --name rollout-harness", "delete cluster --name rollout-harness"


async def test_a_cluster_that_exists_is_taken_as_it_is_and_left(programs: Programs) -> None:
    async with kind_cluster({"name": "mine"}, Given()) as cluster:
        assert (cluster.facts.kind, cluster.facts.kubernetes, cluster.facts.nodes) == ("kind", "v1.36.2", 1)
    assert programs.calls == [GET, EXPORT, LOOK, BUILD, f"{LOAD_FULL} mine"]


async def worker_image(cluster: KubeconfigCluster, programs: Programs) -> str:
    pods = [call for call in programs.api.calls if call.what == "POST /api/v1/namespaces/shop/pods"]
    assert pods == []
    async with cluster.worker("shop", "{}", {}):
        (pod,) = programs.api.asked("POST /api/v1/namespaces/shop/pods")
        return str(pod.body["spec"]["containers"][0]["image"])


async def test_without_an_image_for_the_load_the_full_one_is_built_once_and_put_on_the_nodes(
    programs: Programs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HAS", FULL)
    async with kind_cluster({"name": "mine"}, Given()) as cluster:
        assert programs.calls == [GET, EXPORT, LOOK, f"{LOAD_FULL} mine"]
        assert await worker_image(cluster, programs) == FULL


async def test_what_is_built_is_what_the_containerfile_says(programs: Programs) -> None:
    async with kind_cluster({"name": "mine"}, Given()):
        assert (programs.folder / "built").read_bytes() == containerfile().read_bytes()


@pytest.mark.parametrize(
    ("fails", "calls", "says"),
    [
        ("docker image", [LOOK], "it ended with 1: ERROR: no such host"),
        ("docker build", [LOOK, BUILD], "it ended with 1: ERROR: no such host"),
        ("load docker-image", [LOOK, BUILD, f"{LOAD_FULL} mine"], "it ended with 7: ERROR: no room"),
    ],
)
async def test_where_it_cannot_be_had_a_stock_python_sends_the_load_and_that_is_told(
    programs: Programs, monkeypatch: pytest.MonkeyPatch, fails: str, calls: list[str], says: str
) -> None:
    monkeypatch.setenv("FAILS", fails)
    told: list[str] = []
    async with kind_cluster({"name": "mine"}, Given(tell=told.append)) as cluster:
        assert programs.calls == [GET, EXPORT, *calls]
        assert await worker_image(cluster, programs) == "python:3.13-slim"
    (words,) = told
    assert f"{says}): a stock Python sends the load" in words


async def test_one_that_does_not_exist_is_made_for_the_run_and_deleted_after_it(programs: Programs) -> None:
    async with kind_cluster({}, Given(worker_image="harness:1")) as cluster:
        cluster.check(())  # there is an image for the worker
        assert programs.calls == [GET, CREATE, LOAD]
    assert programs.calls == [GET, CREATE, LOAD, DELETE]


async def test_a_name_that_is_only_a_part_of_anothers_is_another_cluster(programs: Programs) -> None:
    async with kind_cluster({"name": "min"}, Given()):
        assert programs.calls[:2] == [GET, "create cluster --name min --wait 120s"]


async def test_a_cluster_that_was_made_is_deleted_when_the_run_fails(programs: Programs) -> None:
    with pytest.raises(KeyError):
        async with kind_cluster({}, Given()):
            raise KeyError
    assert programs.calls == [GET, CREATE, LOOK, BUILD, f"{LOAD_FULL} rollout-harness", DELETE]


@pytest.mark.parametrize(
    ("fails", "calls"),
    [
        ("get clusters", [GET]),
        ("create cluster", [GET, CREATE, DELETE]),  # kind leaves half a cluster behind
        ("load docker-image", [GET, CREATE, LOAD, DELETE]),
    ],
)
async def test_a_step_that_fails_is_told_with_the_last_line_and_cleaned_up_after(
    programs: Programs, monkeypatch: pytest.MonkeyPatch, fails: str, calls: list[str]
) -> None:
    monkeypatch.setenv("FAILS", fails)
    with pytest.raises(ClusterError) as failed:
        async with kind_cluster({}, Given(worker_image="harness:1")):
            pytest.fail("there is no cluster")
    assert str(failed.value).startswith(f"running `kind {fails}")
    assert "it ended with 7: ERROR: no room. Is Docker up?" in str(failed.value)
    assert programs.calls == calls


async def test_a_cluster_of_somebody_elses_is_left_when_a_step_fails(
    programs: Programs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAILS", "load docker-image")
    with pytest.raises(ClusterError):
        async with kind_cluster({"name": "mine"}, Given(worker_image="harness:1")):
            pytest.fail("there is no worker")
    assert programs.calls == [GET, EXPORT, "load docker-image harness:1 --name mine"]


async def test_a_step_that_does_not_end_is_told(programs: Programs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HANGS", "get clusters")
    monkeypatch.setattr(room, "_CREATE_TIMEOUT_S", 0.1)  # it never ends: no time would be enough
    with pytest.raises(ClusterError, match=r"running `kind get clusters`: it did not end within 0\.1 s"):
        async with kind_cluster({}, Given()):
            pytest.fail("there is no cluster")


@pytest.mark.parametrize("missing", ["docker", "kind"])
async def test_a_program_that_is_missing_is_named_and_nothing_is_run(programs: Programs, missing: str) -> None:
    (programs.folder / missing).unlink()
    with pytest.raises(SetupError, match=rf"starting a kind cluster: {missing} is not installed. See https://"):
        async with kind_cluster({}, Given()):
            pytest.fail("there is no cluster")
    assert programs.calls == []


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
