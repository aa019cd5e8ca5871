"""What every provider gives: the API, what is known of the cluster, and a place for load workers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from harness.errors import HarnessError
from harness.kube.client import Kube
from harness.model.cluster_settings import SandboxImage
from harness.model.round_trip import RoundTrip
from harness.model.run import ClusterFacts


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientHost:
    """Where the load comes from.

    `source_addresses`: addresses that are the workers' alone, with all their ports; empty where the worker has one
    address of its own (a Pod). `same_machine`: whether a worker shares the harness's monotonic clock; else it goes by
    the wall clock.
    """

    source_addresses: tuple[str, ...] = ()
    same_machine: bool = True


def heard_by_nobody(_: str) -> None:
    """Where nobody asked to be told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What the experiment and the command line give to whichever provider is chosen; each takes what it needs.

    `images`: commands of the user's for images, where pods are processes. `worker_image`: of the load worker's Pod.
    `truth`: where a sandbox writes what really happened, for tests of the analysis alone. `tell`: takes what people
    should know at once. `making`: takes the command that removes what is about to be made, before it is.
    """

    images: Mapping[str, SandboxImage] = field(default_factory=dict)
    worker_image: str | None = None
    truth: Path | None = None
    tell: Callable[[str], None] = heard_by_nobody
    making: Callable[[str], None] = heard_by_nobody


class Worker(Protocol):
    """A load worker that runs. `node`: the one of the cluster on which it does; None where it is on none of them."""

    node: str | None

    def lines(self) -> AsyncIterator[bytes]:
        """What it prints, line by line without the line ends, until it ends."""

    async def stop(self) -> None:
        """Tell it to start no more requests and to end when those in flight have ended."""

    async def begin(self, at_s: float) -> None:
        """Have it send its first request at that time of its own clock, where its plan has it wait for that."""

    async def accompany(self, now: Callable[[], float], timed: Callable[[RoundTrip], None]) -> None:
        """Show it that its harness is there, until cancelled; return at once where it sees that by itself.

        `timed`: hears of each answer that held the worker's time, with that of `now` before and after.
        """


class Provider(Protocol):
    """Makes a Cluster; each file of this room that is named after a provider has one, `provided`."""

    def __call__(self, settings: Any, given: Given, /) -> AbstractAsyncContextManager[Cluster]:
        """The cluster, up for as long as the block lasts. `settings`: the experiment's for this provider."""


class Cluster(Protocol):
    """A cluster that is up."""

    kube: Kube
    facts: ClusterFacts
    client: ClientHost

    def worker(
        self, namespace: str, plan: str, labels: Mapping[str, str], *, away_from: Mapping[str, Any] | None = None
    ) -> AbstractAsyncContextManager[Worker]:
        """Start a load worker with this plan (one line of JSON); it is gone when the block is left.

        `labels`: the run's, where it is an object of the cluster. `away_from`: a label selector of pods whose nodes it
        had better not share.
        """

    def check(self, manifests: tuple[Mapping[str, Any], ...]) -> None:
        """Refuse, before anything is changed, what this cluster is known not to run.

        Raises:
            UsageError: for example an image that the sandbox does not know.
        """

    async def bring(self, images: tuple[str, ...]) -> None:
        """Put those images that are on this machine where the cluster's nodes find them, as far as it can.

        Raises:
            ClusterError: one that is here cannot be put there.
        """

    async def export_logs(self, folder: Path) -> bool:
        """Write what its nodes logged into a new folder; False where that is not the harness's to have.

        Raises:
            ClusterError: it could not be had.
        """

    def server(self, images: tuple[str, ...]) -> str | None:
        """What really answers behind these images, in words for the report; None where only their names are known."""

    def standing(self) -> tuple[str, ...]:
        """Commands for people that remove what would be left if this process ended now; none where nothing would."""

    async def died(self) -> HarnessError:
        """Return only when the cluster is found to be gone, with the error that says so."""
