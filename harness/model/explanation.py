"""Why one request failed, step by step: what the analysis tells of it, and all that a reporter may show."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Demand(StrEnum):
    """What a rule asks of one condition."""

    HOLDS = "must hold"
    ANY_OF = "one of these must hold"
    EXCLUDED = "must not hold"


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One condition of a rule, held against one request.

    `name`: as docs/causes.md has it, `meaning`: what it says. `seen`: of a way to fail, the interval that decided, in
    words; empty of a flag. `stopped`: whether it alone kept the rule from holding.
    """

    name: str
    meaning: str
    demand: Demand
    found: bool
    seen: str = ""
    stopped: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TriedRule:
    """One rule that is about the request's outcome, in the order of the table. `moment`: at which it asks, in words."""

    rule: str
    cause: str
    moment: str
    holds: bool
    conditions: tuple[Condition, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PodThen:
    """One pod at the moment of the request: three views that disagree for a while.

    `pod`: what it was; `api`: what the API said of it; `data_plane`: what new connections show of where they were sent.
    `suspect`: whether the rule holds for this one.
    """

    name: str
    revision: str
    suspect: bool
    pod: str
    api: str
    data_plane: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """When the parts of a request happened: seconds on the run's clock; None: never, or not recorded.

    `handshake_s`: how long TLS took after `connected`.
    """

    due: float
    sent: float | None = None
    connected: float | None = None
    handshake_s: float | None = None
    first_byte: float | None = None
    ended: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedRequest:
    """The request that is asked about. `before`: of a kept connection, what went over it earlier, in words.
    `client_node`: the cluster's node that it was sent from, if any.
    `resumed`: of a new one, whether TLS took up an earlier session; `tls_trouble`: what broke it.

    `since_update_s`: since the update of its `rollout`, whose number is that for people; both None outside of any.
    """

    stream: str
    worker: int
    seq: int
    outcome: str
    status: int | None
    pod: str
    via: str
    times: Times
    local_port: int | None
    client_node: str
    reused: bool
    resumed: bool | None
    tls_trouble: str
    before: str
    rollout: int | None
    since_update_s: float | None

    @property
    def name(self) -> str:
        """As failures.csv and the reports name it: stream, worker and number."""
        return f"{self.stream}/{self.worker}/{self.seq}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Why a request failed. `at`: the moment at which the deciding rule asks, in seconds, and `moment` in words.

    `alike`: how many others of the run the same rule has named. `could_serve`: other pods that were Ready and listed
    then. `plane`: what is known of the data plane's delay.
    """

    request: AskedRequest
    cause: str
    means: str
    rule: str
    fault: str
    evidence: str
    at: float
    moment: str
    pods: tuple[PodThen, ...]
    could_serve: tuple[str, ...]
    plane: str
    tried: tuple[TriedRule, ...]
    alike: int
