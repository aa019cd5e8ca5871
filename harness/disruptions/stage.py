"""One time of a disruption -> all that it needs: the cluster, the application as it is and was, and how long it has."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import anyio

from harness.disruptions.completion import Hear, until_complete
from harness.disruptions.last_words import Logs
from harness.disruptions.workload import Workload, own_pods
from harness.errors import RolloutError
from harness.kube.client import Kube
from harness.kube.view import View


class Changes(Protocol):
    """What is changed of a workload that is somebody's, and has to be put back."""

    @property
    def back(self) -> Mapping[str, Any]:
        """The patch that gives the old values back; empty where none was changed by a patch of ours."""

    def about_to(self, patch: Mapping[str, Any], *, stays: bool) -> None:
        """Have on disk what a patch is going to change; `stays`: it is nobody's setting, and is left at the end."""

    async def have_begun(self, generation: int) -> None:
        """Take note of what stands after a patch that made this generation."""

    async def put_back(self) -> int:
        """Give the workload its old values; the generation that it has then."""

    async def owners_back(self, template: dict[str, Any]) -> None:
        """Give the fields of a former pod template, which was given back whole, to those who owned them with it."""


def _nobody(*_: object) -> None:
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Where a disruption is done. `before`: the workload as it was; `deadline_s`: how long it may take, all of it.

    `mark`: writes into the timeline what is about to be done. `hear`: takes what holds it up. `command_said` takes a
    line that a deploy command prints, `command_ended` its exit status (None: its time was over) and how long it took.
    `changes`: of a workload that is somebody's, where we change it. `cordoning`: takes name and uid of a node before it
    is cordoned, with False, and with True once it is as before.
    """

    kube: Kube
    workload: Workload
    view: View
    before: dict[str, Any]
    deadline_s: float
    mark: Callable[[dict[str, Any]], object]
    hear: Hear
    logs: Logs
    command_said: Callable[[str], object] = _nobody
    command_ended: Callable[[int | None, float], object] = _nobody
    changes: Changes | None = None
    cordoning: Callable[[str, str, bool], object] = _nobody
    began: float = field(default_factory=anyio.current_time)

    @property
    def left_s(self) -> float:
        """Seconds until the deadline."""
        return max(0.0, self.deadline_s - (anyio.current_time() - self.began))

    def again(self) -> Stage:
        """The same with all its time, to take something back."""
        return replace(self, began=anyio.current_time())

    async def until_complete(self, generation: int, *, apart_from: frozenset[str] | None = None) -> None:
        """Wait until the API calls the workload's rollout complete. `apart_from`: where nothing else changes, the pods
        (uids) of before, so that new ones whose containers end alike again and again end the wait.

        Raises:
            RolloutError: it is not in time, or never will be.
        """
        await until_complete(
            self.view,
            self.workload,
            generation,
            deadline_s=self.left_s,
            hear=self.hear,
            logs=self.logs,
            apart_from=apart_from,
        )

    def there(self) -> frozenset[str]:
        """The uids of the pods that it has now."""
        return frozenset(pod["metadata"]["uid"] for pod in own_pods(self.view, self.workload))


def present(view: View, workload: Workload) -> dict[str, Any]:
    """The workload as it is now.

    Raises:
        RolloutError: it is gone.
    """
    found = view.named(workload.kind, workload.name)
    if found is None:
        raise RolloutError(
            f"reading {workload}",
            f"{workload} is gone",
            "A deploy must change the object that is there: kubectl apply, not delete and create, nor replace --force.",
        )
    return found
