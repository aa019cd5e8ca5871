"""What one rollout looked like: what pods were, what the API said, what the data plane did, and what requests met.

All times are seconds on the run's clock. A report draws and tells from it; it is not in result.json.
"""

from __future__ import annotations

from dataclasses import dataclass, field

Spans = tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Between:
    """A moment that lies between two."""

    earliest: float
    latest: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PodRace:
    """One pod, by what it was, by what the API said of it, and by what the data plane did. None: not seen.

    What it was: it took connections from `listening` on, at the latest; was `told` to stop; its listener `closed`, at
    the earliest; its containers had `ended`. What the API said: `ready`, `listed` in the EndpointSlice for traffic,
    `leaving` it (terminating, or its deletion), `gone`. What the data plane did, by what requests show: new connections
    went to it from `sent_from` until `sent_until`. What balancers did, by its readiness gates:
    they could find it healthy from `up` on, when its containers were ready, and all had, by `healthy`. `untold`: why
    one of these is not known. `never_listened_on`: the Service's port ("port 8080"), where it took no connection for as
    long as it was there; `refused`: when requests met that, first and last.
    """

    uid: str
    name: str
    revision: str = ""
    node: str = ""
    created: float | None = None
    listening: float | None = None
    told: float | None = None
    closed: float | None = None
    ended: float | None = None
    ready: float | None = None
    listed: Spans = ()
    leaving: float | None = None
    gone: float | None = None
    sent_from: Between | None = None
    sent_until: Between | None = None
    up: float | None = None
    healthy: float | None = None
    untold: str = ""
    never_listened_on: str = ""
    refused: Between | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Earlier:
    """What a kept connection had carried before: how many requests, since when, and the last one's end and pod."""

    requests: int
    opened: float
    last: float
    pod: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LostRequest:
    """One failed request, its times, its connection, and why it failed.

    `handshake`: seconds that TLS took after `connected`; `tls_trouble`: what broke it. `rule`: the row of the table of
    causes that named it. `pod`: where it went, where that is only one's;
    `candidates`: the pods that could have taken it. `client_node`: the cluster's node that it was sent from.
    """

    stream: str
    worker: int
    seq: int
    scheduled: float
    started: float
    connected: float | None
    handshake: float | None
    first_byte: float | None
    ended: float
    local_port: int | None
    reused: bool
    outcome: str
    status: int | None
    via: str
    tls_trouble: str
    cause: str
    rule: str
    pod: str
    candidates: tuple[str, ...]
    evidence: str
    earlier: Earlier | None = None
    client_node: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Beat:
    """The requests of one stream that were due in [t, t + width): how many were sent, how long the answered ones took.

    `failed`: how many of the sent ones were lost, by outcome. `p50_ms`, `p99_ms`: from the scheduled start to the end;
    None where none was answered as wanted.
    """

    t: float
    stream: str
    sent: int
    unsent: int
    failed: dict[str, int]
    p50_ms: float | None
    p99_ms: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Race:
    """One rollout, from a moment before its `update` to a moment after its last failure and its end."""

    rollout: int
    start: float
    end: float
    update: float
    complete: float | None
    settled: float | None
    beat_s: float
    failed: int
    pods: tuple[PodRace, ...] = ()
    pods_left_out: int = 0
    lost: tuple[LostRequest, ...] = ()
    beats: tuple[Beat, ...] = ()

    @property
    def number(self) -> int:
        """The rollout's number for people, who count from 1."""
        return self.rollout + 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Races:
    """The rollouts that are drawn, of all of a run, and what the rules that named their failures say, by name."""

    races: tuple[Race, ...] = ()
    rules: dict[str, str] = field(default_factory=dict)
