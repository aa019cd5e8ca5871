"""What a scenario does to its application, and how each rollout of it begins: the shape of every disruption."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol, cast

if TYPE_CHECKING:  # planning a run needs no client
    from harness.disruptions.workload import Workload
    from harness.kube.client import Kube
    from harness.manifests.application import Application
    from harness.model.experiment import Experiment


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """The beginning of one rollout. `details`: what its mark in the timeline says. `start`: does it, and gives the
    generation that the workload has then."""

    details: dict[str, Any]
    start: Callable[[Kube, Workload], Awaitable[int]]


class Disruption(Protocol):
    """What is done to the application, once for every rollout."""

    @property
    def images(self) -> tuple[Mapping[str, str], ...]:
        """Per rollout, container -> image that it goes to; empty where it changes none."""

    @property
    def words(self) -> str:
        """Where the rollouts go to, for people."""

    def step(self, rollout: int) -> Step:
        """The beginning of rollout number `rollout`, from 0, made at the moment in which it is to begin."""


Planned = Callable[["Application", Any, int], Disruption]
"""`planned` of a disruption's file: application, the experiment's setting, number of rollouts -> Disruption. It raises
ManifestError for what could not work, so that it is known before anything runs."""


def planned(application: Application, experiment: Experiment) -> Disruption:
    """The disruption that an experiment asks for, from the file that is named after it.

    Raises:
        ManifestError: it cannot be done to this application.
    """
    name, setting = experiment.disruption
    module = import_module(f"harness.disruptions.{name.replace('-', '_')}")
    return cast("Planned", module.planned)(application, setting, experiment.rollouts)


def patching(patch: Mapping[str, Any]) -> Step:
    """A step that sends a strategic merge patch of the workload."""
    return Step(details={"patch": patch}, start=partial(_send, patch=patch))


async def _send(kube: Kube, workload: Workload, *, patch: Mapping[str, Any]) -> int:
    from harness.disruptions.rolling_update import trigger

    return await trigger(kube, workload, patch)
