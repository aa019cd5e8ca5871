"""The fixtures: clusters for the whole test run, a namespace, and `rollout`."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import pytest

from harness.pytest_plugin.options import Settings, settings_of
from harness.pytest_plugin.telling import refused

if TYPE_CHECKING:
    from anyio.from_thread import BlockingPortal

    from harness.clusters.cluster import Cluster
    from harness.model.cluster_settings import SandboxImage
    from harness.pytest_plugin.protocol import Rollout

Images: TypeAlias = "Mapping[str, SandboxImage]"


NO_IMAGES: Images = MappingProxyType({})


class Clusters(Protocol):
    """Gives the cluster that a test's settings mean; each is brought up once, and stays for the whole test run."""

    def __call__(self, settings: Settings, images: Images = NO_IMAGES) -> Cluster:
        """`images`: what a sandbox knows besides its own; one that knows others is another."""


@pytest.fixture(scope="session")
def rollout_portal() -> Iterator[BlockingPortal]:
    """An event loop in a thread of its own, so that `rollout` also works inside a test that runs in one."""
    from anyio.from_thread import start_blocking_portal

    with start_blocking_portal() as portal:
        yield portal


@pytest.fixture(scope="session")
def rollout_clusters(rollout_portal: BlockingPortal) -> Iterator[Clusters]:
    """The clusters that tests ask for, each up from its first use to the end of the test run."""
    up: list[tuple[tuple[str, str | None, Images], Cluster]] = []
    with ExitStack() as held:

        def cluster_of(settings: Settings, images: Images = NO_IMAGES) -> Cluster:
            _check_unprotected(settings)  # of one that is up too: a marker may protect what an option does not
            wanted = (settings.cluster, settings.worker_image, dict(images))
            for known, cluster in up:
                if known == wanted:
                    return cluster
            up.append((wanted, held.enter_context(_opened(rollout_portal, settings, images))))
            return up[-1][1]

        yield cluster_of


def _check_unprotected(settings: Settings) -> None:
    """Raises UsageError: its context is protected; nothing there was asked for, not even what stands there."""
    from harness.model.providers import CONTEXT
    from harness.runner.protected import check_context

    kind, _, context = settings.cluster.partition(":")
    if kind == CONTEXT:
        check_context(context, settings.protected_contexts, lifted_by=_LIFTED_BY)


_LIFTED_BY = (
    "say by rollout_protected_contexts in the ini file, or --rollout-protected-contexts, which contexts may not; "
    "none where that is empty"
)


def _opened(portal: BlockingPortal, settings: Settings, images: Images) -> AbstractContextManager[Cluster]:
    from harness.clusters.choice import chosen, cluster
    from harness.model.cluster_settings import ClusterSettings, SandboxSettings

    meant = chosen(settings.cluster, ClusterSettings(sandbox=SandboxSettings()))
    if meant.kind is not None:
        changes = {"keep": settings.keep, "load_images": not settings.no_image_load}
        meant = meant.model_copy(update={"kind": meant.kind.model_copy(update=changes)})
    return portal.wrap_async_context_manager(cluster(meant, images, worker_image=settings.worker_image))


@pytest.fixture(scope="session")
def rollout_cluster(pytestconfig: pytest.Config, rollout_clusters: Clusters) -> Cluster:
    """The cluster of --rollout-cluster, up for the whole test run; `rollout_cluster.kube` reaches its API."""
    with refused():
        return rollout_clusters(settings_of(pytestconfig))


@pytest.fixture
def rollout_namespace(
    request: pytest.FixtureRequest, rollout_clusters: Clusters, rollout_portal: BlockingPortal
) -> Iterator[str]:
    """The name of a namespace of the test's own on its cluster, gone with all that is in it when the test is over."""
    from harness.kube.ownership import new_ownership
    from harness.runner.deployment import namespace_for_run

    settings = _settings(request)
    with ExitStack() as held:
        with refused():
            kube = rollout_clusters(settings).kube
            made = namespace_for_run(kube, None, "pytest", new_ownership(_LONGEST_TEST_S), keep=settings.keep)
            name = held.enter_context(rollout_portal.wrap_async_context_manager(made))
        yield name


_LONGEST_TEST_S = 3600.0
"""After so long `rollout-harness clean` takes a namespace for one that a killed test left."""


@pytest.fixture
def rollout(
    request: pytest.FixtureRequest,
    rollout_clusters: Clusters,
    rollout_portal: BlockingPortal,
    tmp_path: Path,
) -> Iterator[Rollout]:
    """Roll an application under load: rollout(manifest=None, *, target, service, image, ...) -> RolloutResult.

    `rollout("k8s/web.yaml", image="nginx:1.29.1", rollouts=3, mitigations=["prestop", "min-ready"])` deploys it in a
    namespace of its own, sends requests to its Service, rolls it, takes it back, and judges: the result has
    `seamless`, `verdict`, `causes`, `report`. Every argument: docs/pytest.md, and `harness.pytest_plugin.Rollout`.
    """
    from harness.pytest_plugin.calls import Calls

    settings = _settings(request)
    folder = settings.out / _folder_name(request.node.name) if settings.out else tmp_path / "rollout"
    with tempfile.TemporaryDirectory(prefix="rollout-harness-") as documents:
        yield Calls(request, rollout_clusters, rollout_portal, settings, folder, Path(documents))


def _settings(request: pytest.FixtureRequest) -> Settings:
    """Those of the test: its nearest marker's first."""
    given: dict[str, Any] = {}
    for marker in reversed(list(request.node.iter_markers("rollout"))):
        given |= marker.kwargs
    try:
        return settings_of(request.config, given)
    except pytest.UsageError as error:
        pytest.fail(str(error), pytrace=False)


def _folder_name(test: str) -> str:
    """A test's name as that of a folder: parameters may hold anything."""
    return "".join(letter if letter.isalnum() or letter in "-_.[]" else "-" for letter in test)[:120]
