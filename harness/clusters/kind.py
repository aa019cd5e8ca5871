"""kind (Kubernetes in Docker) -> a Cluster: one that is there, or one that is made for the run and goes with it."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from pathlib import Path

import anyio

from harness.clusters.cluster import Given
from harness.clusters.container_engine import engine
from harness.clusters.full_image import full_image
from harness.clusters.kind_configuration import configuration
from harness.clusters.kind_images import NodeImages
from harness.clusters.kind_nodes import until_ready
from harness.clusters.kind_sharing import Sharing
from harness.clusters.kind_trouble import ALREADY_THERE, said, trouble
from harness.clusters.kubeconfig import KubeconfigCluster, cluster_facts
from harness.clusters.programs import ended
from harness.clusters.worker_objects import STOCK_IMAGE
from harness.errors import ClusterError, UsageError
from harness.kube.client import Kube
from harness.kube.connection import from_kubeconfig_file
from harness.model.duration import duration
from harness.model.kind_settings import KindSettings
from harness.model.run import ClusterFacts

_CREATE_S = 900.0
"""A node image may have to be pulled first, and a laptop be slow."""
_DELETE_S = 120.0
_DELETIONS = 3


class KindCluster(KubeconfigCluster):
    """A Cluster whose nodes are containers of this machine."""

    def __init__(
        self, kube: Kube, facts: ClusterFacts, given: Given, *, name: str, images: NodeImages | None, whole: str
    ) -> None:
        super().__init__(kube, facts, given, whole=whole)
        self._name, self._images = name, images

    async def bring(self, images: tuple[str, ...]) -> None:
        """Put those that are on this machine on the nodes."""
        if self._images is not None:
            await self._images.bring(images)

    async def export_logs(self, folder: Path) -> bool:
        """What its nodes, its control plane and its pods logged."""
        done = await ended("kind", "export", "logs", str(folder), "--name", self._name)
        if done.code:
            raise trouble(done)
        return True


def provided(settings: KindSettings, given: Given) -> AbstractAsyncContextManager[KubeconfigCluster]:
    """A kind cluster with these settings; see `kind_cluster`."""
    return kind_cluster(settings, given)


@asynccontextmanager
async def kind_cluster(settings: KindSettings, given: Given) -> AsyncIterator[KindCluster]:
    """The kind cluster of that name; one that did not exist is made, and removed by the last run that used it.

    Without an image for the load worker the full one is built, as Docker is there.

    Raises:
        SetupError: Docker or kind is missing, or the cluster did not come up; nothing is left of it.
        UsageError: one is there under that name, and is not as it was asked for.
    """
    using = await engine()
    with tempfile.TemporaryDirectory(prefix="rollout-harness-") as folder:
        kubeconfig = Path(folder) / "kubeconfig"
        sharing = Sharing(settings.name, given.tell)
        one = _One(settings, given, sharing, kubeconfig)
        async with one.left_at_the_end():
            async with sharing.alone():
                await one.found_or_made()
            async with from_kubeconfig_file(kubeconfig) as kube:
                kube.kubectl = f"kubectl --context kind-{settings.name}"
                await one.ready(kube)
                facts = await cluster_facts(kube, "kind")
                one.check(facts)
                images = NodeImages(engine=using, cluster=settings.name) if settings.load_images else None
                given = await _with_worker_image(settings, given, images)
                yield KindCluster(kube, facts, given, name=settings.name, images=images, whole=one.whole)


async def _with_worker_image(settings: KindSettings, given: Given, images: NodeImages | None) -> Given:
    if images is None:
        return given
    image = given.worker_image or await full_image(images, given.tell)
    await images.bring((image or STOCK_IMAGE, *settings.images))
    return replace(given, worker_image=image)


class _One:
    """The cluster of one name, from the moment in which this process has to do with it."""

    def __init__(self, settings: KindSettings, given: Given, sharing: Sharing, kubeconfig: Path) -> None:
        self._settings, self._given, self._sharing, self._kubeconfig = settings, given, sharing, kubeconfig
        self._made = self._entered = self._kept = False
        self._identity = ""
        self._remove = f"kind delete cluster --name {settings.name}"

    @property
    def whole(self) -> str:
        """What takes it down by hand, where that is for this run to do."""
        return self._remove if self._made and not self._settings.keep else ""

    async def found_or_made(self) -> None:
        """Its kubeconfig is written when this returns."""
        name = self._settings.name
        there = await ended("kind", "get", "clusters")
        if there.code:
            raise trouble(there)
        if name not in there.stdout.split():
            await self._make()
        elif self._sharing.others():
            self._given.tell(f"mind: another run uses kind cluster {name} too, and load disturbs load")
        self._sharing.enter()
        self._entered = True
        if self._made:
            return
        exported = await ended("kind", "export", "kubeconfig", "--name", name, "--kubeconfig", str(self._kubeconfig))
        if exported.code:
            raise ClusterError(
                f"using kind cluster {name}",
                f"it is half made or stopped: {said(exported.stderr)}",
                f"Remove it: {self._remove}.",
            )

    async def _make(self) -> None:
        settings = self._settings
        if settings.proxy.mode == "none":
            raise UsageError(
                f"making kind cluster {settings.name}",
                "without kube-proxy (proxy mode none) nothing carries Services to pods",
                f"Make it first: scripts/kind-up.sh --name {settings.name} --proxy-mode none, and install what does.",
            )
        self._given.tell(f"making kind cluster {settings.name}")
        self._given.making(self._remove)
        create = ("kind", "create", "cluster", "--name", settings.name, "--config", "-")
        self._made = True
        done = await ended(
            *create, "--kubeconfig", str(self._kubeconfig), stdin=configuration(settings).encode(), patience_s=_CREATE_S
        )
        if done.code:
            self._made = ALREADY_THERE not in done.stderr  # else it is somebody's, and stays
            raise trouble(done)

    async def ready(self, kube: Kube) -> None:
        """Wait for its nodes; from here on the last run that uses it removes it, if it was made for one."""
        await until_ready(kube, self._settings.name)
        system = await kube.find("v1", "Namespace", "kube-system")
        self._identity = str(((system or {}).get("metadata") or {}).get("uid") or "")
        if self._settings.keep:
            self._kept = self._made or self._sharing.was_made(self._identity)
            self._sharing.keep()
        elif self._made:
            self._sharing.made(self._identity)

    def check(self, facts: ClusterFacts) -> None:
        """Refuse one that is not as it was asked for; of one that was there, only what was asked for is looked at.

        Raises:
            UsageError: it says what differs.
        """
        wrong = list(differences(self._settings, facts, everything=self._made))
        if wrong:
            raise UsageError(
                f"using kind cluster {self._settings.name}",
                f"it has {', '.join(wrong)}",
                f"Remove it ({self._remove}), or give another `name`.",
            )

    @asynccontextmanager
    async def left_at_the_end(self) -> AsyncIterator[None]:
        """Leave it with the block; what then cannot be removed is an error, or told where there is one already."""
        try:
            yield
        except BaseException:
            try:
                await self._left()
            except ClusterError as error:
                self._given.tell(f"mind: {error}")
            raise
        await self._left()

    async def _left(self) -> None:
        """The last who leaves removes what was made for runs; who was not in yet has no turn to wait for."""
        if not (self._made or self._entered):
            return
        with anyio.CancelScope(shield=True):
            async with self._sharing.alone():
                self._sharing.leave()
                if self._settings.keep and self._identity:
                    if self._kept:
                        self._tell_of_what_stays()
                    return
                ours = self._sharing.was_made(self._identity) or (self._made and not self._identity)
                if ours and not self._sharing.others():
                    self._sharing.keep()
                    await self._delete()

    def _tell_of_what_stays(self) -> None:
        """Nothing else leads to it: its kubeconfig was the run's own, so that nobody's was changed."""
        name = self._settings.name
        export = f"kind export kubeconfig --name {name}"
        self._given.tell(f"kind cluster {name} stays: {export} (context kind-{name}); {self._remove} removes it")

    async def _delete(self) -> None:
        name, tried = self._settings.name, f"removing kind cluster {self._settings.name}"
        # What kind had asked of Docker may still be coming when kind itself was ended in the middle of it.
        for _ in range(_DELETIONS):
            command = ("kind", "delete", "cluster", "--name", name, "--kubeconfig", str(self._kubeconfig))
            done = await ended(*command, patience_s=_DELETE_S)
            if done.code:
                raise ClusterError(tried, trouble(done).seen, f"Remove it: {self._remove}.")
            left = await ended("kind", "get", "nodes", "--name", name)
            if not left.code and not left.stdout.strip():
                return
        raise ClusterError(tried, f"there is still {' '.join(left.stdout.split())}", f"Remove it: {self._remove}.")


def differences(settings: KindSettings, facts: ClusterFacts, *, everything: bool) -> Iterator[str]:
    """What of a cluster is not as the settings say, in words; what is not known of it cannot differ."""
    proxy, asked = settings.proxy, settings.proxy.model_fields_set
    if facts.nodes not in (None, settings.nodes) and (everything or "nodes" in settings.model_fields_set):
        yield f"{facts.nodes} {'node' if facts.nodes == 1 else 'nodes'}, not {settings.nodes}"
    mode = "none" if facts.proxy.replaces_kube_proxy else facts.proxy.mode
    if mode not in (None, proxy.mode) and (everything or "mode" in asked):
        yield f"proxy mode {facts.proxy.mode}, not {proxy.mode}"
    period_s = facts.proxy.min_sync_period_s
    if period_s not in (None, proxy.min_sync_period_s) and (everything or "min_sync_period_s" in asked):
        assert period_s is not None
        yield f"minSyncPeriod {duration(period_s)}, not {duration(proxy.min_sync_period_s)}"
