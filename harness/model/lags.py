"""What a run says of how long changes took to reach the client: records of the result."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """A time that is known to lie between two, in seconds."""

    earliest_s: float
    latest_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Lag:
    """How long one change took to reach the client. `since`: from when on, in seconds on the run's clock.

    `lag`: it lies in between, since connections come one by one and a failed one does not always tell to which pod it
    went; None where no request told, and `note` says why. `by_worker`: the same of each worker apart, where there are
    several, for each may have a proxy of its own.
    """

    pod: str
    rollout: int | None
    since: float
    lag: Interval | None = None
    note: str = ""
    by_worker: dict[str, Interval] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class RolloutLag:
    """The largest of the `n` lags that one rollout told."""

    rollout: int
    n: int
    max: Interval | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Lags:
    """The lags of all pods on one side, with nearest-rank quantiles of the `n` that are known."""

    n: int = 0
    p50: Interval | None = None
    p90: Interval | None = None
    max: Interval | None = None
    pods: tuple[Lag, ...] = ()
    by_rollout: tuple[RolloutLag, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Propagation:
    """Removal and addition lags on one path.

    `quiet`: whether nothing else changed endpoints, so that a busy cluster may be slower than this one; `note` says so.
    """

    path: str
    removal: Lags
    addition: Lags
    quiet: bool
    note: str
