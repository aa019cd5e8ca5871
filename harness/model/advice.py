"""What a run says of lags and of the settings that would have held: records of the result, and their JSON objects."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What a setting is (None where the manifest does not say), what it must be in whole seconds, and why.

    `advised`: whether raising it would have saved what was lost; another cause needs another cure.
    """

    have: float | None
    need: int
    why: str
    advised: bool = True

    @property
    def must_rise(self) -> bool:
        """Whether it is to be raised; what is longer already stays."""
        return self.advised and (self.have or 0) < self.need


@dataclass(frozen=True, slots=True, kw_only=True)
class PredictedRollout:
    """How long one rollout takes, in seconds: with the settings it has, with those it needs, and as observed."""

    have: float
    need: float
    observed: float | None
    replicas: int
    steps: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What the run showed, in seconds; None where it did not.

    `stop_s`: from the end of preStop to the end of the container. `start_s`: from creation to Ready. `answer_s`: the
    slowest good answer. `period_s`: the proxy's period, where it is known; `plane`: the same in words. `killed`: how
    many pods had not ended when their grace period was over, so that `stop_s` is too short. `causes`: of the requests
    for which rollouts have to answer.
    """

    removal_s: float | None = None
    addition_s: float | None = None
    stop_s: float | None = None
    start_s: float | None = None
    answer_s: float | None = None
    rollout_s: float | None = None
    rollouts: int = 0
    external: bool = False
    period_s: float | None = None
    plane: str = ""
    killed: int = 0
    causes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplicationSettings:
    """The application's settings as the API takes them; defaults of Kubernetes where the manifest is silent.

    `steps`: how many times pods are replaced one after another. `waits_for_stop`: whether a step begins only when the
    old pods have ended (StatefulSet, Recreate). `prestop_s`: how long its preStop hooks surely hold a container.
    `gap`: why there is a moment without any pod that serves, which no preStop and no minReadySeconds closes;
    `gap_cure`: the setting that does. `probed`: whether a container has a readiness probe; `probe_cure`: what mends one
    that looks at another port than the one that serves.
    """

    replicas: int = 1
    steps: int = 1
    waits_for_stop: bool = False
    has_prestop: bool = False
    prestop_s: float = 0.0
    min_ready_s: float = 0.0
    grace_s: float = 30.0
    progress_deadline_s: float | None = 600.0
    gap: str = ""
    gap_cure: str = ""
    probed: bool = True
    probe_cure: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizing:
    """The smallest settings that would have held.

    `cure`: in words, what must be set or done besides, because no seconds alone would have held ("strategy:
    RollingUpdate"); empty as a rule. `progress_deadline_s`: None of a StatefulSet, which has none. `measured`,
    `application`: what all this was derived from. `note`: what may make it too small.
    """

    cure: tuple[str, ...] = ()
    prestop_s: Setting
    min_ready_s: Setting
    grace_s: Setting
    progress_deadline_s: Setting | None
    ci_time_limit_s: Setting
    predicted_rollout_s: PredictedRollout
    measured: Measured
    application: ApplicationSettings
    note: str = ""


def as_object(record: Propagation | Sizing | None) -> dict[str, Any]:
    """A record as it stands in result.json; empty without one. A lag's `since` is called `from` there."""
    if record is None:
        return {}
    found = asdict(record)
    if isinstance(record, Propagation):
        for side in ("removal", "addition"):
            found[side]["pods"] = [_lag_object(lag) for lag in found[side]["pods"]]
    return found


def _lag_object(lag: dict[str, Any]) -> dict[str, Any]:
    renamed = {"from" if key == "since" else key: value for key, value in lag.items()}
    return {key: value for key, value in renamed.items() if value or key not in ("note", "by_worker")}
