"""A whole sandbox for the tests of a module."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from needs import missing
from wholecluster import SHELL, Cluster, Object, cluster_of, pod_of

from harness.sandbox.settings import Settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    lacking = missing()
    for item in items:
        if "sandbox/whole" in str(item.path):
            item.add_marker(pytest.mark.sandbox)
            if lacking:
                item.add_marker(pytest.mark.skip(reason=" ".join(lacking)))


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
async def cluster(anyio_backend: str) -> AsyncIterator[Cluster]:
    async with cluster_of(Settings(images=(SHELL,))) as started:
        yield started


@pytest.fixture
def nginx() -> Callable[..., Object]:
    """A pod of nginx: `nginx("web", readinessProbe=None)` with fields of its container, `spec` for the pod."""

    def made(
        name: str, *, labels: dict[str, str] | None = None, spec: Object | None = None, **container: Any
    ) -> Object:
        probe = {"httpGet": {"path": "/", "port": 80}, "periodSeconds": 1}
        fields = {"name": "nginx", "image": "nginx:1.28.0", "readinessProbe": probe, **container}
        fields = {key: value for key, value in fields.items() if value is not None}
        return pod_of(name, fields, labels=labels, spec=spec)

    return made


@pytest.fixture
def shell() -> Callable[..., Object]:
    """A pod that runs a line of shell: `shell("job", "echo hi; exit 3", restartPolicy="Never")`."""

    def made(name: str, line: str, *, container: Object | None = None, **spec: Any) -> Object:
        fields = {"name": "main", "image": "shell", "command": ["sh", "-c", line], **(container or {})}
        return pod_of(name, fields, spec=spec)

    return made
