"""One hazard of a workload: the row of the table that finds it, and the same in words.

A hazard is what is wrong with a spec before anything runs. The table of them is `harness.spec.hazards`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from harness.model.result import Cause
from harness.spec.subject import Subject


class HazardId(StrEnum):
    """The name of each row, by which it is ignored too."""

    RECREATE = "recreate"
    MAX_UNAVAILABLE_ALL = "max-unavailable-all"
    LONE_STATEFUL_POD = "lone-stateful-pod"
    LONE_POD = "lone-pod"
    NO_READINESS_PROBE = "no-readiness-probe"
    PROBE_ON_ANOTHER_PORT = "probe-on-another-port"
    PROBE_PORT_UNNAMED = "probe-port-unnamed"
    PROBE_ASKS_NOTHING = "probe-asks-nothing"
    TARGET_PORT_UNNAMED = "target-port-unnamed"
    NO_PRESTOP = "no-prestop"
    PRESTOP_STOPS_SERVER = "prestop-stops-server"
    PRESTOP_TOO_SHORT = "prestop-too-short"
    PRESTOP_UNREADABLE = "prestop-unreadable"
    PRESTOP_OUTLASTS_GRACE = "prestop-outlasts-grace"
    NO_MIN_READY = "no-min-ready"
    PROGRESS_DEADLINE_TOO_SHORT = "progress-deadline-too-short"
    ON_DELETE = "on-delete"
    PAUSED = "paused"
    STATEFUL_MAX_UNAVAILABLE = "stateful-max-unavailable"
    PARTITION = "partition"
    PARTITION_KEEPS_ALL = "partition-keeps-all"
    HEADLESS = "headless"
    PUBLISHES_NOT_READY = "publishes-not-ready"
    HOST_NETWORK = "host-network"
    HOST_PORT = "host-port"
    APART_FROM_OLD_PODS = "apart-from-old-pods"
    ROOT_BY_NUMBER = "root-by-number"
    IMAGE_NAME = "image-name"
    GRACE_BELOW_STOP_TIME = "grace-below-stop-time"
    PRESTOP_NEEDS_SHELL = "prestop-needs-shell"
    PRESTOP_EXEC = "prestop-exec"
    PRESTOP_SLEEP_TOO_NEW = "prestop-sleep-too-new"
    SIDECAR_STOPS_FIRST = "sidecar-stops-first"
    DIES_AT_STOP_SIGNAL = "dies-at-stop-signal"
    DEAF_TO_STOP_SIGNAL = "deaf-to-stop-signal"
    BALANCER_LEARNS_LATE = "balancer-learns-late"
    BALANCER_MAY_LEARN_LATE = "balancer-may-learn-late"
    PRESTOP_SHORT_FOR_BALANCER = "prestop-short-for-balancer"
    GATES_BY_INSTANCE = "gates-by-instance"
    GATES_WITHOUT_LABEL = "gates-without-label"
    SLOW_PROXY = "slow-proxy"
    CI_TIMEOUT_TOO_SHORT = "ci-timeout-too-short"
    SURGE_ON_ONE_CLAIM = "surge-on-one-claim"
    REPLICAS_BESIDE_AUTOSCALER = "replicas-beside-autoscaler"
    AUTOSCALER_LEAVES_GAP = "autoscaler-leaves-gap"
    BUDGET_BLOCKS_DRAINS = "budget-blocks-drains"


class Severity(StrEnum):
    """How bad a hazard is. An error loses calls, or fails the rollout, as soon as there is one; a warning does under
    circumstances that a spec does not tell; a note is worth knowing."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


class Where(StrEnum):
    """The object in which it is mended."""

    WORKLOAD = "workload"
    SERVICE = "Service"
    BALANCER = "balancer"
    NAMESPACE = "Namespace"
    AUTOSCALER = "HorizontalPodAutoscaler"
    BUDGET = "PodDisruptionBudget"


Words = str | Callable[[Subject], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One hazard; the words are format strings over the `Subject` as `it`, or functions of it.

    `wrong`: what is wrong. `found`: the values that make it so. `cause`: of the requests that it loses; None where it
    keeps a rollout from going on. `mend`: what mends it, and `path`: where in the object that `where` names.
    `containers`: the names of those that it is about. `why`: what comes of it, for a page of its own, and `source`:
    where that is from, where no rollout of our own shows it. `gap`: it leaves a moment without any pod that serves,
    which no preStop and no minReadySeconds closes. `blocks`: while it holds, nothing can be measured: no pod is
    replaced, or no request reaches one. `updates`: it is about how an update rolls, which a disruption that leaves the
    pod template as it is does not meet. `stays`: why no change of its manifest mends it, in words; else empty.
    """

    id: HazardId
    severity: Severity
    holds: Callable[[Subject], bool]
    wrong: str
    found: Words
    cause: Cause | None
    mend: str
    path: str
    why: str = ""
    source: str = ""
    where: Where = Where.WORKLOAD
    containers: Callable[[Subject], tuple[str, ...]] = lambda it: ()
    gap: bool = False
    blocks: bool = False
    updates: bool = False
    stays: Callable[[Subject], str] = lambda it: ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hazard:
    """A row that holds for a spec, in words; see `Row`."""

    id: HazardId
    severity: Severity
    wrong: str
    found: str
    cause: Cause | None
    mend: str
    path: str
    where: Where
    containers: tuple[str, ...]
    gap: bool
    blocks: bool
    stays: str

    @property
    def sentence(self) -> str:
        """What is wrong, with the values found."""
        return f"{self.wrong} ({self.found})"


def told(row: Row, it: Subject) -> Hazard:
    """The row in the words of this subject."""
    return Hazard(
        id=row.id,
        severity=row.severity,
        wrong=row.wrong.format(it=it),
        found=row.found.format(it=it) if isinstance(row.found, str) else row.found(it),
        cause=row.cause,
        mend=row.mend.format(it=it),
        path=row.path,
        where=row.where,
        containers=row.containers(it),
        gap=row.gap,
        blocks=row.blocks,
        stays=row.stays(it),
    )
