"""What the analysis found: the content of result.json, all that a reporter may show."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from harness.model.advice import Sizing
from harness.model.budget import Spent
from harness.model.deed_words import ROLLOUT, DeedWords
from harness.model.lags import Propagation
from harness.model.race import Races
from harness.model.run import Expect


class Verdict(StrEnum):
    """Whether the rollouts dropped calls, as far as this run can tell."""

    SEAMLESS = "seamless"
    DROPPING = "dropping"
    INCONCLUSIVE = "inconclusive"


class Cause(StrEnum):
    """Why a request failed (docs/causes.md)."""

    TERMINATION_RACE = "termination-race"
    CREATION_RACE = "creation-race"
    IN_FLIGHT_KILL = "in-flight-kill"
    IDLE_CLOSE = "idle-close"
    BACKEND_CLOSE = "backend-close"
    NO_ENDPOINTS = "no-endpoints"
    APPLICATION = "application"
    STALE_CONNTRACK = "stale-conntrack"
    REROUTED = "rerouted"
    FOREIGN_CHANGE = "foreign-change"
    LOAD_GENERATOR = "load-generator"
    UNKNOWN = "unknown"


class Taker(StrEnum):
    """Who ended a pod."""

    ROLLOUT = "rollout"
    SCALING = "scaling"
    EVICTION = "eviction"
    DELETION = "deletion"  # by the harness; one by anybody else is foreign
    CRASH = "crash"
    FOREIGN = "foreign"


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """Milliseconds from the scheduled start to the end of the requests that were answered as wanted."""

    p50_ms: float
    p99_ms: float
    max_ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Outage:
    """An interval of failed requests on one stream: from the last success before to the first success after."""

    stream: str
    start: float
    end: float
    requests: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamCount:
    """Requests, failed and unsent of one stream in one window, and how quickly the others were answered."""

    stream: str
    requests: int
    failed: int
    unsent: int = 0
    latency: Latency | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """What happened to the requests that were scheduled inside [start, end).

    `latency`: of the leading stream (`new`, else `kept`, else the first), since a population whose answers take seconds
    would hide what became of the others; every stream's own stands with its counts.
    """

    start: float
    end: float
    requests: int
    failed: int
    unsent: int = 0
    streams: tuple[StreamCount, ...] = ()
    by_outcome: dict[str, int] = field(default_factory=dict)
    by_cause: dict[str, int] = field(default_factory=dict)
    latency: Latency | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RolloutFindings:
    """One rollout: its window goes from its update to the next one's (the last one's to the end).

    `own_failures`: those that it has to answer for; what `failed_per_rollout` of the statistics counts.
    """

    rollout: int
    dropping: bool
    window: Window
    update: float
    complete: float | None
    settled: float | None
    outages: tuple[Outage, ...] = ()
    first_failure_s: float | None = None  # after the update
    last_failure_s: float | None = None
    takers: dict[str, str] = field(default_factory=dict)  # pod that ended -> Taker
    note: str = ""
    by: str = ""  # the field manager of whoever made it, where others did
    own_failures: int = 0  # not in result.json, whose `by_cause` tells it to readers

    @property
    def number(self) -> int:
        """The rollout's number for people, who count from 1; files count from 0."""
        return self.rollout + 1


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedRequest:
    """One row of failures.csv. `pod` is empty where more than one is possible; `rollout` is None outside of any.

    `label`: the causes of which it is one, where they cannot be told apart; else empty, and `cause` says it.
    """

    stream: str
    worker: int
    seq: int
    rollout: int | None
    cause: Cause
    pod: str
    evidence: str
    label: str = ""

    @property
    def cause_label(self) -> str:
        """The cause, or those of which it is one, as everything that a user sees calls it."""
        return self.label or str(self.cause)


@dataclass(frozen=True, slots=True, kw_only=True)
class PodLife:
    """One pod (by uid) on the run's clock; None: not seen. `revision`: its pod-template-hash."""

    uid: str
    name: str
    revision: str
    created: float | None = None
    ready: float | None = None
    deletion: float | None = None
    gone: float | None = None
    taker: Taker | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureBin:
    """How many requests of one stream with one outcome failed in [t, t + width)."""

    t: float
    stream: str
    outcome: str
    failed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """What the timeline picture is drawn from."""

    bin_s: float = 0.1
    failures: tuple[FailureBin, ...] = ()
    pods: tuple[PodLife, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ScenarioResult:
    """The judgement of one scenario (several runs of one variant pooled). See docs/run-directory.md.

    `sentence` is the verdict for people, with its bound:
    "0 of 3 rollouts dropped calls: with 95 % confidence, at most 63 % of rollouts drop calls".
    `statistics`, `load` are JSON objects whose keys are documented where they are made.
    """

    scenario: str
    variant: str
    path: str
    verdict: Verdict
    reason: str
    sentence: str
    expect: Expect
    as_expected: bool
    requests: int
    failed: int
    unsent: int
    control: Window | None
    rollouts: tuple[RolloutFindings, ...]
    causes: dict[str, int]
    by_outcome: dict[str, int]
    words: DeedWords = ROLLOUT  # for what was done; not in result.json, as run.json says what that was
    budget: tuple[Spent, ...] = ()
    propagation: Propagation | None = None
    sizing: Sizing | None = None
    statistics: dict[str, Any] = field(default_factory=dict)
    load: dict[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()  # damage, a cut-short run, assumptions: all that a reader must know
    chart: Chart = Chart()
    failures: tuple[FailedRequest, ...] = ()  # goes to failures.csv, not to result.json
    left_out: dict[str, int] = field(default_factory=dict)  # of lists that were too long: how much, by what it is
    races: Races = field(default_factory=Races)  # for the picture; not in result.json
    doubts: tuple[str, ...] = ()  # of the whole run, also of one that dropped calls all the same; not in result.json

    @property
    def exceeded(self) -> bool:
        """Whether a limit of the budget was."""
        return any(one.exceeded for one in self.budget)

    @property
    def within_budget(self) -> bool:
        """Whether every limit was measured and kept."""
        return not self.exceeded and all(one.measured is not None for one in self.budget)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExperimentResult:
    """All scenarios of one experiment, judged together."""

    experiment: str
    scenarios: tuple[ScenarioResult, ...]
    exit_code: int
    comparisons: tuple[dict[str, Any], ...] = ()
    notes: tuple[str, ...] = ()
