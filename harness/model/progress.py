"""What the runner tells while it runs, and what it asks."""

from dataclasses import dataclass
from enum import StrEnum

from harness.model.deed_words import ROLLOUT, DeedWords


class Phase(StrEnum):
    """What a scenario is doing, in the order in which it does it."""

    DEPLOYING = "deploying"
    WARMING_UP = "warming up"
    CONTROL = "control window"
    WATCHING = "waiting for a rollout"
    ROLLING = "rolling"
    SETTLING = "old pods are stopping"
    QUIET = "quiet time"
    UNDOING = "undoing"
    DRAINING = "draining"
    CLEANING_UP = "cleaning up"


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Where a run is now. `rollout` counts from 0, None outside of any; `requests` and `failed` are this scenario's.

    `held_up`: what keeps the rollout from getting on, in words; empty where nothing is known to. `warned`: what the
    API has warned of as it took the manifests. `words`: for what is done.
    """

    scenario: str
    number: int
    scenarios: int
    phase: Phase
    rollout: int | None
    rollouts: int
    requests: int
    failed: int
    held_up: str = ""
    warned: tuple[str, ...] = ()
    words: DeedWords = ROLLOUT


@dataclass(frozen=True, slots=True, kw_only=True)
class RolloutSummary:
    """What one rollout, its quiet time over, looked like to the load: `failed` counts by outcome, `unsent` apart."""

    rollout: int
    requests: int
    failed: dict[str, int]


class Decision(StrEnum):
    """Whether another rollout follows."""

    CONTINUE = "continue"
    STOP = "stop"
