"""What a fault is: one row of the table, with what must hold of a run that meets it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from .scene import Scene

Inject: TypeAlias = "Callable[[Scene], Awaitable[None]]"


class Phase(StrEnum):
    """Where in a run a fault strikes, in the order in which they come."""

    START = "start"
    DEPLOY = "deploy"
    CONTROL = "control window"
    ROLLOUT = "rollout"
    QUIET = "quiet time"
    CLEAN_UP = "clean-up"
    JUDGING = "judging"


class Group(StrEnum):
    """What a fault is a fault of."""

    NONE = "no fault"
    API = "the API and the way to it"
    PROCESS = "processes"
    DISK = "the disk"
    CLOCK = "clocks"
    FOREIGN = "what others change"


class App(StrEnum):
    """What is rolled: nginx as most deploy it, which drops calls, or with what keeps it from that."""

    PLAIN = "drops calls"
    MITIGATED = "drops none"


class Where(StrEnum):
    """The cluster: a sandbox that others started, reached through the proxy, one for the row alone, or the run's."""

    SHARED = "a cluster"
    ALONE = "a cluster for the row alone"
    EMBEDDED = "the embedded sandbox"


class Records(StrEnum):
    """What must be on disk of the requests."""

    WHOLE = "every request"
    KEPT = "all but the last 0.5 s"
    READABLE = "readable"
    ANY = "-"


class Left(StrEnum):
    """What may be on the cluster when the run is over."""

    NOTHING = "nothing"
    NAMED = "nothing, or named with the command that removes it"
    NO_LOAD = "no load after 30 s"


SEAMLESS, DROPPING, INCONCLUSIVE, NONE = "seamless", "dropping", "inconclusive", "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Holds:
    """What must hold of the run: which verdicts and exit codes are right, what is on disk, cluster and machine.

    `none` among the verdicts: that nothing was judged is right. `within_s` counts from the injection to the end of the
    harness, without the time in which some process of the machine waited for a processor. `says`: a pattern that its
    stderr or report must show. Always: no stack trace, no process left.
    """

    verdicts: tuple[str, ...]
    codes: tuple[int, ...]
    records: Records = Records.WHOLE
    cluster: Left = Left.NOTHING
    within_s: float = 60.0
    says: str = ""

    def __str__(self) -> str:
        judged = " or ".join("no verdict" if verdict == NONE else verdict for verdict in self.verdicts)
        return f"{judged}; exit {' or '.join(map(str, self.codes))}; records: {self.records}; left: {self.cluster}"


AS_IT_IS = Holds(verdicts=(DROPPING,), codes=(1,))
"""The fault changes nothing: the calls that are dropped are seen."""
CLEAN = Holds(verdicts=(SEAMLESS,), codes=(0,))
IN_DOUBT = Holds(verdicts=(INCONCLUSIVE,), codes=(3,))
NEVER_SEAMLESS = Holds(verdicts=(DROPPING, INCONCLUSIVE), codes=(1, 3))
NEVER_DROPPING = Holds(verdicts=(SEAMLESS, INCONCLUSIVE), codes=(0, 3))
REFUSED = Holds(verdicts=(NONE,), codes=(2,), records=Records.ANY, says="error: ")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One row. `inject` is called when the phase `at` begins, that of `phase` where it is not another.

    `quick`: it runs in `make test` too.
    `node_off_s`: how far the clock of the node is off, on a cluster for the row alone.
    """

    name: str
    group: Group
    phase: Phase
    what: str
    inject: Inject
    holds: Holds
    at: Phase | None = None
    app: App = App.PLAIN
    where: Where = Where.SHARED
    quick: bool = False
    worker_image: str = "rollout-harness:local"
    node_off_s: float = 0.0
    tmpfs: str = ""  # options of a disk of its own for --out
    experiment: str = ""  # lines added to it
    needs_its_end: bool = True  # the injection must have come to its end before the harness did

    @property
    def id(self) -> str:
        """Name and phase, as `pytest -k` takes them."""
        app = "" if self.app is App.PLAIN else "-mitigated"
        return f"{self.name}-{self.phase.replace(' ', '-')}{app}"

    @property
    def begins(self) -> Phase:
        """The phase with whose beginning the injection begins."""
        return self.at or self.phase
