"""k3s in a container lives as long as the block, and a Docker that does not answer is told in words."""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncIterator, Iterator
from types import SimpleNamespace

import pytest
from paper_api import PaperApi, serving

from harness.clusters.cluster import Given
from harness.clusters.k3s import IMAGE, k3s_cluster
from harness.errors import ClusterError, SetupError

pytestmark = pytest.mark.anyio


class Container:
    """testcontainers' K3SContainer, without a container; every step is noted."""

    steps: list[str] = []
    kubeconfig = ""
    failure: Exception | None = None

    def __init__(self, image: str) -> None:
        self.image = image

    def start(self) -> Container:
        self.steps.append(f"start {self.image}")
        if self.failure is not None:
            raise self.failure
        return self

    def config_yaml(self) -> str:
        return self.kubeconfig

    def get_wrapped_container(self) -> SimpleNamespace:
        return SimpleNamespace(id="0123456789abcdef")

    def stop(self) -> None:
        self.steps.append("stop")


@pytest.fixture
def container(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Container]]:
    monkeypatch.setattr(Container, "steps", [])
    monkeypatch.setattr(Container, "kubeconfig", "")
    monkeypatch.setattr(Container, "failure", None)
    monkeypatch.setitem(sys.modules, "testcontainers.k3s", SimpleNamespace(K3SContainer=Container))
    return Container


@pytest.fixture
async def api(container: type[Container]) -> AsyncIterator[PaperApi]:
    async with serving({"GET /version": [{"gitVersion": "v1.33.4+k3s1"}]}) as paper:
        container.kubeconfig = json.dumps(paper.kubeconfig)  # JSON is YAML
        yield paper


async def test_the_cluster_of_its_kubeconfig_is_up_as_long_as_the_block(
    container: type[Container], api: PaperApi
) -> None:
    async with k3s_cluster(Given(worker_image="harness:1")) as cluster:
        cluster.check(())  # there is an image for the worker
        assert (cluster.facts.kind, cluster.facts.kubernetes) == ("k3s", "v1.33.4+k3s1")
        assert cluster.facts.nodes is None  # this one may not be asked for them
        assert container.steps == [f"start {IMAGE}"]
    assert container.steps == [f"start {IMAGE}", "stop"]


async def test_another_image_is_started_where_one_is_named(container: type[Container], api: PaperApi) -> None:
    async with k3s_cluster(Given(), image="k3s:2"):
        pass
    assert container.steps == ["start k3s:2", "stop"]


async def test_it_is_stopped_when_the_run_fails(container: type[Container], api: PaperApi) -> None:
    with pytest.raises(KeyError):
        async with k3s_cluster(Given()):
            raise KeyError
    assert container.steps[-1] == "stop"


async def test_it_is_stopped_when_its_api_does_not_answer(container: type[Container]) -> None:
    async with serving({"GET /version": [403]}) as paper:
        container.kubeconfig = json.dumps(paper.kubeconfig)
        with pytest.raises(ClusterError, match="403"):
            async with k3s_cluster(Given()):
                pytest.fail("there is no cluster")
    assert container.steps[-1] == "stop"


@pytest.mark.parametrize(
    ("failure", "says"),
    [
        (RuntimeError("Error while fetching\n  server API version"), "Error while fetching server API version"),
        (TimeoutError(), "TimeoutError"),
    ],
    ids=["in words", "without a word"],
)
async def test_what_keeps_it_from_starting_is_told_in_one_line(
    container: type[Container], failure: Exception, says: str
) -> None:
    container.failure = failure
    with pytest.raises(SetupError) as failed:
        async with k3s_cluster(Given()):
            pytest.fail("there is no cluster")
    assert str(failed.value) == f"starting {IMAGE}: {says}. Is Docker up, and may this user reach it?"
    assert failed.value.__cause__ is failure
