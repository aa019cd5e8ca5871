"""A load worker's Pod on the sandbox: of a stock Python, of images that do not do, cut off, and ended by others."""

from __future__ import annotations

import itertools
import json
import os
import signal
import sys
from collections import Counter
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from wholecluster import Cluster, cluster_of

from harness.clusters.pod import PodWorker, pod_worker
from harness.errors import LoadError
from harness.kube.client import Kube
from harness.kube.connection import from_kubeconfig
from harness.kube.errors import NoAnswer
from harness.load import End, Plan, Statistics, Stream, parse_line, plan_json
from harness.model.request import Outcome, Request
from harness.sandbox.images import Image
from harness.sandbox.settings import Settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

pytestmark = pytest.mark.anyio

OLD_PYTHON = f"""#!{sys.executable}
import runpy, sys
sys.version_info = (3, 8, 10, "final", 0)
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""
FOREIGN = """#!/bin/sh
echo "exec /usr/local/bin/python3: exec format error" >&2
exit 255
"""
"""What a container of another architecture leaves behind on containerd; here a shell takes what the kernel refuses."""


def image_with(name: str, folder: Path) -> Image:
    return Image(
        name=name, command=("python3",), env=(("PATH", f"{folder}:/usr/bin"),), shared=(str(folder), sys.prefix)
    )


@pytest.fixture(scope="module")
async def cluster(anyio_backend: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Cluster]:
    folder = tmp_path_factory.mktemp("pythons")
    folder.parent.parent.chmod(0o755)
    for name, program in (("old", OLD_PYTHON), ("foreign", FOREIGN)):
        (folder / name).mkdir()
        (folder / name / "python3").write_text(program)
        (folder / name / "python3").chmod(0o755)
    images = (
        image_with("python-3.8", folder / "old"),
        image_with("for-riscv", folder / "foreign"),
        Image(name="without-python", command=("sleep", "600"), env=(("PATH", "/sbin"),)),
    )
    async with cluster_of(Settings(images=images)) as started:
        yield started


@pytest.fixture
async def kube(cluster: Cluster) -> AsyncIterator[Kube]:
    async with from_kubeconfig(cluster.sandbox.kubeconfig) as opened:
        yield opened


@pytest.fixture
async def url(cluster: Cluster, nginx: Callable[..., Any], request: pytest.FixtureRequest) -> AsyncIterator[str]:
    """Where a pod of nginx answers."""
    name = f"web-{os.urandom(3).hex()}"
    await cluster.create(nginx(name))
    pod = await cluster.pod(
        name,
        lambda pod: any(
            each["type"] == "Ready" and each["status"] == "True" for each in pod.get("status", {}).get("conditions", ())
        ),
    )
    yield f"http://{pod['status']['podIP']}/"
    with suppress(Exception):
        await cluster.client.delete(f"/api/v1/namespaces/default/pods/{name}")


WORKERS = itertools.count(1)
"""Each Pod has a name of its own, since those of earlier tests take a moment to go."""


def plan(url: str, *, duration_s: float) -> str:
    streams = (Stream(name="new", rate_per_s=40), Stream(name="kept", rate_per_s=40, connections=4))
    return plan_json(
        Plan(url=url, streams=streams, worker=next(WORKERS), own_clock=True, start_s=1.0, duration_s=duration_s)
    )


@asynccontextmanager
async def started(kube: Kube, plan: str, image: str, told: list[str]) -> AsyncIterator[PodWorker]:
    async with pod_worker(kube, "default", plan, image=image, labels={}, tell=told.append) as worker:
        yield worker


class Cut:
    """A Kube's streams, each cut short: in the middle of a line, or with the connection lost."""

    def __init__(self, kube: Kube, monkeypatch: pytest.MonkeyPatch) -> None:
        self._stream, self.cuts = kube.stream, 0
        monkeypatch.setattr(Kube, "stream", lambda _, *asked, **more: self.stream(*asked, **more))

    @asynccontextmanager
    async def stream(self, *asked: Any, **more: Any) -> AsyncIterator[AsyncIterator[bytes]]:
        async with self._stream(*asked, **more) as lines:
            yield self._some(lines)

    async def _some(self, lines: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        number = 0
        async for line in lines:
            number += 1
            if self.cuts < 6 and number == 40 + 7 * self.cuts:
                self.cuts += 1
                if self.cuts % 2:
                    raise NoAnswer("GET log", "cut")
                yield line[: len(line) // 2]
                return
            yield line


async def test_a_stock_python_does_and_a_log_that_breaks_off_loses_and_doubles_nothing(
    kube: Kube, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    async with started(kube, plan(url, duration_s=3.0), "python:3.13-slim", told) as worker:
        cut = Cut(kube, monkeypatch)
        lines = [parse_line(line.decode()) async for line in worker.lines()]
    assert cut.cuts == 6
    rows = [line for line in lines if isinstance(line, Request)]
    assert {row.outcome for row in rows} == {Outcome.OK}
    end = lines[-1]
    assert isinstance(end, End)
    assert end.end == {"new": 120, "kept": 120} == Counter(row.stream for row in rows)
    assert {(row.stream, row.seq) for row in rows} == {(name, seq) for name in end.end for seq in range(120)}
    times = [line.t for line in lines if isinstance(line, Statistics)]
    assert times == sorted(set(times))
    (words,) = told
    assert "asyncio and h11) can hold" in words


@pytest.mark.parametrize(
    ("image", "says"),
    [
        ("python-3.8", "the image has Python 3.8.10, and the load worker needs 3.11 or newer"),
        ("for-riscv", "image for-riscv is for another processor architecture than the node that it came to"),
        ("without-python", "image without-python has no python3"),
    ],
)
async def test_an_image_that_does_not_do_is_told_with_what_would(kube: Kube, image: str, says: str) -> None:
    text = plan("http://10.96.0.1/", duration_s=5.0)

    async def used() -> None:
        async with started(kube, text, image, []) as worker:
            async for _ in worker.lines():
                pass

    with pytest.raises(LoadError) as refused:
        await used()
    assert refused.value.seen == says
    assert refused.value.do == (
        "Give --worker-image another: any image with Python 3.11 or newer, such as python:3.13-slim."
    )
    name = f"rollout-harness-load-{json.loads(text)['worker']}"
    pod = await kube.find("v1", "Pod", name, "default")
    assert pod is None or "deletionTimestamp" in pod["metadata"]
    assert await kube.find("v1", "Secret", name, "default") is None


async def test_a_plan_that_the_worker_cannot_hold_is_refused_with_what_would(kube: Kube) -> None:
    streams = (Stream(name="kept", rate_per_s=500_000, connections=4, slots=10),)
    text = plan_json(
        Plan(
            url="http://10.96.0.1/", streams=streams, worker=next(WORKERS), own_clock=True, start_s=1.0, duration_s=5.0
        )
    )

    async def used() -> None:
        async with started(kube, text, "python:3.13-slim", []) as worker:
            async for _ in worker.lines():
                pass

    with pytest.raises(LoadError, match=r"it can hold \d+ requests/s where it runs .* and 500000/s are planned"):
        await used()


def ancestors(pid: int) -> Iterator[int]:
    while pid > 1:
        pid = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
        yield pid


def worker_below(above: int) -> int:
    """The load worker among the processes that `above` started."""
    for place in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            words = (place / "cmdline").read_bytes().split(b"\0")
            if words[1:2] == [b"/run/rollout-harness/harness.load.pyz"] and above in ancestors(int(place.name)):
                assert (place / "status").read_text().split("Uid:")[1].split()[:2] == ["65532", "65532"]
                return int(place.name)
    raise AssertionError("there is no worker")


async def test_a_worker_that_was_killed_is_told_with_the_code_it_ended_with(kube: Kube, url: str) -> None:
    async def used() -> None:
        async with started(kube, plan(url, duration_s=60.0), "python:3.13-slim", []) as worker:
            rows = 0
            async for line in worker.lines():
                rows += isinstance(parse_line(line.decode()), Request)
                if rows == 20:
                    rows += 1
                    os.kill(worker_below(os.getpid()), signal.SIGKILL)

    with pytest.raises(LoadError, match="terminated Error with 137"):
        await used()
