"""What a run says of the settings that would have held: records of the result, and their JSON objects and lags'."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from harness.model.deed_words import ROLLOUT, DeedWords
from harness.model.lags import Propagation


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What a setting is (`have`; None where the manifest does not say), what was measured, and what is recommended.

    `measured`: in seconds, None where nothing showed it; `seen`: what it is, in words ("the largest of 9 removal
    lags"). `recommended`: in whole seconds; `why`: why that and not what was measured ("minimum 5 s until ...").
    `not_alone`: why it cures nothing by itself. `advised`: whether raising it would have saved what was lost; another
    cause needs another cure.
    """

    have: float | None
    measured: float | None
    seen: str
    recommended: int
    why: str
    not_alone: str = ""
    advised: bool = True

    @property
    def must_rise(self) -> bool:
        """Whether it is to be raised; what is longer already stays."""
        return self.advised and (self.have or 0) < self.recommended


@dataclass(frozen=True, slots=True, kw_only=True)
class PredictedRollout:
    """How long one rollout takes, in seconds: with the settings it has, with those recommended, and as observed."""

    have: float
    recommended: float
    observed: float | None
    replicas: int
    steps: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Remedy:
    """What the requests that were lost by one cause call for.

    `cause`: as `Measured.causes` has it, by which `requests` were lost. `needed`: in words what would have saved them:
    settings, a change of the manifest, or the sentence that says what must change in the application. `why`: why that,
    and which of the settings cannot cure it. `by_settings`: whether settings or manifest alone would have.
    """

    cause: str
    requests: int
    needed: str
    why: str
    by_settings: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """What of an earlier run's advice a variant has.

    `mends`: changes of the manifest, by the names that their hazards have in the table; `mended`: the same in words.
    `words`: all that was changed ("strategy: RollingUpdate", "preStop 5 s").
    """

    mends: tuple[str, ...] = ()
    mended: tuple[str, ...] = ()
    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What the run showed, in seconds; None where it did not.

    `removals`, `additions`: how many lags `removal_s` and `addition_s` are the largest of, and `removal_rollouts`,
    `addition_rollouts` of how many rollouts; `starts`, `ends`: of how many pods `start_s` and `end_s` are;
    `rollouts`: of how many rollouts `rollout_s` is. `stop_s`: from the end of preStop to the end of the container;
    `end_s`: from the pod's deletion to there. `start_s`: from creation to Ready. `answer_s`: the slowest good answer.
    `period_s`: the proxy's period, where it is known; `late_s` and `adding_s`: how late what stands before the pods may
    be to take one out and in, where that is known; `plane`: the same in words. `killed`: how many pods had not
    ended when their grace period was over, so that `stop_s` is too short; `killed_serving`: how many of them took
    requests until then; `killed_unending`: how many of them did, or had long had the time to finish the slowest
    answer. `stopped`: how many pods ended by themselves. `causes`: of the requests for which rollouts have to answer,
    how many by each; `turned_away_kept`: how many of these a stopping server answered with an error on a kept
    connection; `waited`: how many of those that were killed in flight the client gave up, for no answer came in time;
    `cut_kept`: how many of them were sent on connections that the client keeps, `cut_new`: how many on new ones, to
    pods that had their stop signal; `beside`: how many were lost as a container beside the one that serves stopped,
    before that did. `hurried`: how many pods we deleted with less than the grace period that their spec gives them.
    `hooks_failed`: of how many the preStop hook failed. `never_listened`: how many were refused by pods that never
    listened where the Service sends to, `target` ("port 8080"), and `probed` ("port 9090") is what their readiness
    probes ask. `bare_node`: how many were dropped by nodes that send only to pods of their own and had none;
    `unlisted`: how many pods were Ready, while the Service listed none, and it never listed them. `bare_s`: how long a
    preStop would have had to be for the Service not to be without a pod, where that came by pods' deletion. `words`:
    for what was done.
    """

    removal_s: float | None = None
    removals: int = 0
    removal_rollouts: int = 0
    addition_s: float | None = None
    additions: int = 0
    addition_rollouts: int = 0
    stop_s: float | None = None
    end_s: float | None = None
    ends: int = 0
    start_s: float | None = None
    starts: int = 0
    answer_s: float | None = None
    rollout_s: float | None = None
    rollouts: int = 0
    external: bool = False
    period_s: float | None = None
    late_s: float | None = None
    adding_s: float | None = None
    plane: str = ""
    killed: int = 0
    killed_serving: int = 0
    killed_unending: int = 0
    stopped: int = 0
    causes: dict[str, int] = field(default_factory=dict)
    beside: int = 0
    turned_away_kept: int = 0
    waited: int = 0
    cut_kept: int = 0
    cut_new: int = 0
    hurried: int = 0
    hooks_failed: int = 0
    never_listened: int = 0
    target: str = ""
    probed: str = ""
    bare_node: int = 0
    unlisted: int = 0
    bare_s: float | None = None
    words: DeedWords = ROLLOUT

    @property
    def never_ends(self) -> bool:
        """Whether no pod ended at its stop signal, in no rollout, whatever time it had: a longer one cures nothing."""
        return 0 < self.killed == self.killed_unending and not self.stopped


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplicationSettings:
    """The application's settings as the API takes them; defaults of Kubernetes where the manifest is silent.

    `replaced`: how many of its pods a rollout replaces; `steps`: how many times it does so one after another; `kept`:
    why it leaves the others. `waits_for_stop`: whether a step begins only when the old pods have ended (StatefulSet,
    Recreate). `prestop_s`: how long its preStop hooks surely hold the container that serves; `hook_s`: what the
    longest of all its hooks takes. `gap`: why there is a moment without any pod that serves, which no preStop and no
    minReadySeconds closes; `gap_cure`: the setting that does. `listing`: why its Service lists pods whatever their
    readiness says; `listing_cure`: what mends that. `probed`: whether a container has a readiness probe;
    `probe_cure`: what mends one that looks at another port than the one that serves. `beside_cure`: what mends that a
    container beside the one that serves is told to stop before it. `mends`: the rows of the table of hazards that
    these come from. `hooked`: the names of the containers that a preStop belongs into, where a pod has several: those
    that serve, and those beside them that listen too and would stop first.
    """

    replicas: int = 1
    replaced: int = 1
    steps: int = 1
    kept: str = ""
    waits_for_stop: bool = False
    has_prestop: bool = False
    prestop_s: float = 0.0
    hook_s: float = 0.0
    min_ready_s: float = 0.0
    grace_s: float = 30.0
    progress_deadline_s: float | None = 600.0
    gap: str = ""
    gap_cure: str = ""
    listing: str = ""
    listing_cure: str = ""
    probed: bool = True
    probe_cure: str = ""
    beside_cure: str = ""
    mends: tuple[str, ...] = ()
    hooked: tuple[str, ...] = ()

    def place_of(self, setting: str) -> str:
        """Where a setting of Kubernetes' belongs, where that is not plain: " in container web"; else empty."""
        if setting != "preStop":
            return ""
        first = ", slept before what its hook does now" if self.has_prestop and not self.prestop_s else ""
        if not self.hooked:
            return first
        *others, last = self.hooked
        return f" in containers {', '.join(others)} and {last}{first}" if others else f" in container {last}{first}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizing:
    """The smallest settings that would have held.

    `cure`: in words, what must be set or done besides, because no seconds alone would have held ("strategy:
    RollingUpdate"); empty as a rule. `mends`: those of it that a change of the manifest makes, by their names in the
    table of hazards. `remedies`: the same cause by cause. `progress_deadline_s`: None of a StatefulSet, which has none.
    `measured`, `application`: what all this was derived from. `note`: what may make it too small.
    """

    cure: tuple[str, ...] = ()
    mends: tuple[str, ...] = ()
    remedies: tuple[Remedy, ...] = ()
    prestop_s: Setting
    min_ready_s: Setting
    grace_s: Setting
    progress_deadline_s: Setting | None
    ci_time_limit_s: Setting
    predicted_rollout_s: PredictedRollout
    measured: Measured
    application: ApplicationSettings
    note: str = ""

    @property
    def raised(self) -> dict[str, Setting]:
        """The settings of the manifest that are too small and would have saved what was lost, by Kubernetes' names."""
        named = {
            "preStop": self.prestop_s,
            "minReadySeconds": self.min_ready_s,
            "terminationGracePeriodSeconds": self.grace_s,
            "progressDeadlineSeconds": self.progress_deadline_s,
        }
        return {name: one for name, one in named.items() if one is not None and one.must_rise}


def as_object(record: Propagation | Sizing | None) -> dict[str, Any]:
    """A record as it stands in result.json; empty without one. A lag's `since` is called `from` there."""
    if record is None:
        return {}
    found = asdict(record)
    if isinstance(record, Propagation):
        for side in ("removal", "addition"):
            found[side]["pods"] = [_lag_object(lag) for lag in found[side]["pods"]]
    else:
        del found["measured"]["words"]
        for name in ("hurried", "beside", "never_listened", "target", "probed"):
            if not found["measured"][name]:  # said only where it happened
                del found["measured"][name]
        for name in ("beside_cure", "hooked"):
            if not found["application"][name]:
                del found["application"][name]
    return found


def _lag_object(lag: dict[str, Any]) -> dict[str, Any]:
    renamed = {"from" if key == "since" else key: value for key, value in lag.items()}
    return {key: value for key, value in renamed.items() if value or key not in ("note", "by_worker")}
