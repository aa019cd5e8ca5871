"""What a scenario does to its application, and how each time of it goes: the shape of every disruption."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol, cast

from harness.disruptions.pace import Pace

if TYPE_CHECKING:  # planning a run needs no client
    from harness.disruptions.stage import Stage
    from harness.manifests.application import Application
    from harness.model.experiment import Experiment


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One time of a disruption.

    `details`: what its mark in the timeline says. `do`: does it and waits until it is complete; gives the generation
    that the workload has then. `undo`: takes it back, where `do` ended with a RolloutError; None where there is nothing
    to take back. What must be whatever happens, such as a cordoned node, `do` takes back itself.
    """

    details: dict[str, Any]
    do: Callable[[Stage], Awaitable[int]]
    undo: Callable[[Stage], Awaitable[None]] | None = None


class Disruption(Protocol):
    """What is done to the application, once for every rollout."""

    @property
    def images(self) -> tuple[Mapping[str, str], ...]:
        """Per rollout, container -> image that it goes to; empty where it changes none."""

    @property
    def words(self) -> str:
        """What it is, for people: "to a restart", "to nginx:1.29.1", "evicting 1 pod"."""

    def step(self, rollout: int) -> Step:
        """Time number `rollout`, from 0, made at the moment in which it is to begin."""

    def lasts_s(self, pace: Pace) -> float:
        """How long each time of it takes, predicted, until the pods that go are gone."""


Planned = Callable[["Application", Any, int], Disruption]
"""`planned` of a disruption's file: application, the experiment's setting, number of rollouts -> Disruption. It raises
ManifestError for what could not work, so that it is known before anything runs."""


def planned(application: Application, experiment: Experiment) -> Disruption:
    """The disruption that an experiment asks for, from the file that is named after it.

    Raises:
        ManifestError: it cannot be done to this application.
    """
    name, setting = experiment.asked
    module = import_module(f"harness.disruptions.{name.replace('-', '_')}")
    return cast("Planned", module.planned)(application, setting, experiment.rollouts)


def planned_there(application: Application, experiment: Experiment) -> tuple[Disruption, tuple[str, ...]]:
    """The same of an application that is not ours, so that it ends as it was; and what that takes, in sentences.

    Raises:
        ManifestError: it cannot be done to this application.
    """
    from harness.disruptions.image import alternating

    name, setting = experiment.asked
    if name != "image":
        return planned(application, experiment), ()
    update, more = alternating(application, setting, experiment.rollouts)
    words = "One more rollout than asked for, under load as the others, takes the original images back."
    return update, (words,) if more else ()


def patching(patch: Mapping[str, Any], manager: str | None = None) -> Step:
    """A step that sends a strategic merge patch of the pod template and waits until it is rolled out.

    `manager`: whose write it is, and stays, where it is not ours.
    """
    return Step(details={"patch": patch}, do=partial(_roll, patch=patch, manager=manager), undo=_roll_back)


async def _roll(stage: Stage, *, patch: Mapping[str, Any], manager: str | None) -> int:
    from harness.disruptions.rolling_update import rolled

    return await rolled(stage, patch, manager)


async def _roll_back(stage: Stage) -> None:
    from harness.disruptions.rolling_update import rolled_back

    await rolled_back(stage)
