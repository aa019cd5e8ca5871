"""What an experiment does to its application each time: the keys `update` and `disruption` of its file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from harness.model.deploy_command import DeployCommand, Words, deploy_command
from harness.model.duration import duration
from harness.model.record import Choice, Duration, Image, Record
from harness.model.watch_settings import Watch

Count = Annotated[int, Field(ge=1, le=1000)]
Replicas = Annotated[int, Field(ge=0, le=1000)]


class Update(Choice):
    """A rolling update by other images."""

    image: dict[str, Annotated[tuple[Image, ...], Field(min_length=1, strict=False)]] | None = Field(
        None,
        min_length=1,
        description="Per container the images that the rollouts go to in turn; the manifest has the one before.",
    )


class Scale(Record):
    """Other numbers of replicas, one after the other, and back to the manifest's at the end."""

    to: Replicas | Annotated[tuple[Replicas, ...], Field(min_length=1, max_length=10, strict=False)] = Field(
        description="how many replicas: one number, or several in turn"
    )
    hold_s: Duration = Field(0.0, alias="hold", description="how long each number stays, once it is reached")

    @property
    def numbers(self) -> tuple[int, ...]:
        """The numbers of replicas in turn."""
        return (self.to,) if isinstance(self.to, int) else self.to


class DeletePod(Record):
    """Pods that are deleted, as `kubectl delete pod` does it: no PodDisruptionBudget is asked."""

    pods: Count = Field(1, description="how many at once, the oldest first")
    grace_s: Duration | None = Field(
        None, alias="grace", description="instead of the pods' own grace period; 0s kills at once (--force)"
    )

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.grace_s is not None and self.grace_s != int(self.grace_s):
            raise ValueError(f"grace: Kubernetes counts whole seconds, not {duration(self.grace_s)}")
        return self


class Evict(Record):
    """Pods that are evicted one after the other, as far as PodDisruptionBudgets allow it."""

    pods: Count = Field(1, description="how many, the oldest first")


class Drain(Record):
    """A node that is cordoned and from which the application's pods are evicted, as `kubectl drain` does it."""

    node: Annotated[str, Field(min_length=1, pattern=r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$")] | None = Field(
        None, description="without it, the one that has the most of the application's pods"
    )


# A new disruption is a line here and a file in `harness/disruptions/`, named after it, with `planned` in it.
class Disruption(Update):
    """What is done to the application: exactly one of these."""

    command: Words | DeployCommand | None = Field(
        None, description="the deploy command that rolls the application: its words, or them with more of it"
    )
    scale: Scale | None = None
    delete_pod: DeletePod | None = Field(None, alias="delete-pod")
    evict: Evict | None = None
    drain: Drain | None = None
    watch: Watch | None = Field(None, description="nothing: what others roll meanwhile is judged")

    def in_folder(self, folder: Path) -> Disruption:
        """The same with its paths, which are relative to `folder`, made relative to the working directory."""
        if self.command is None:
            return self
        command = deploy_command(self.command)
        return Disruption(command=command.model_copy(update={"folder": folder / command.folder}))


Word = Literal["restart", "delete-pod", "evict", "drain", "watch"]
"""The disruptions that need nothing said of them."""

_DEFAULTS: dict[str, Any] = {"delete-pod": DeletePod(), "evict": Evict(), "drain": Drain(), "watch": Watch()}


def named(asked: Update | Word) -> tuple[str, Any]:
    """The name of a disruption and its setting, which is None where there is none."""
    return (asked, _DEFAULTS.get(asked)) if isinstance(asked, str) else (asked.name, asked.setting)
