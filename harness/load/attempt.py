"""One request while it is under way: what the engine fills in, until it becomes the Request that is recorded."""

from __future__ import annotations

from dataclasses import replace
from enum import Enum
from functools import lru_cache
from typing import TYPE_CHECKING

from harness.load.outcomes import Phase
from harness.load.records import safe
from harness.model.request import Outcome, Request, TcpFacts, TlsFacts

if TYPE_CHECKING:
    from harness.load.body import Wanted
    from harness.load.plan import Plan


class Attempt:
    """A request under way; times are seconds on the run's clock. Mutable, since everything in it comes bit by bit."""

    __slots__ = (
        "bytes",
        "close_delimited",
        "connected",
        "ended",
        "first_byte",
        "local_port",
        "outcome",
        "phase",
        "pod",
        "reused",
        "scheduled",
        "seq",
        "started",
        "status",
        "stream",
        "tcp",
        "tls",
        "via",
        "wanted",
        "worker",
    )

    def __init__(self, stream: str, seq: int, scheduled: float, started: float | None) -> None:
        self.stream, self.seq, self.scheduled, self.started = stream, seq, scheduled, started
        self.phase = Phase.RESOLVE
        self.connected: float | None = None
        self.first_byte: float | None = None
        self.local_port: int | None = None
        self.reused = False
        self.status: int | None = None
        self.bytes: int | None = None
        self.close_delimited = False
        self.pod = self.via = ""
        self.tcp: TcpFacts | None = None
        self.tls: TlsFacts | None = None
        self.wanted: Wanted | None = None  # where the status alone does not tell a good answer
        self.worker: int
        self.outcome: Outcome
        self.ended: float | None = None

    def end(self, *, worker: int, outcome: Outcome, ended: float) -> Attempt:
        """It has ended: nothing more is learnt, and it can be recorded."""
        self.worker, self.outcome, self.ended = worker, outcome, ended
        return self

    def request(self) -> Request:
        """What is recorded, once it has ended."""
        return Request(
            stream=self.stream,
            worker=self.worker,
            seq=self.seq,
            scheduled=self.scheduled,
            started=self.started,
            connected=self.connected,
            first_byte=self.first_byte,
            ended=self.ended,
            local_port=self.local_port,
            reused=self.reused,
            outcome=self.outcome,
            status=self.status,
            bytes=self.bytes,
            pod=self.pod,
            via=self.via,
            tcp=self.tcp,
            tls=self.tls,
            close_delimited=self.close_delimited,
        )

    def learn(self, **facts: float | None) -> None:
        """Add to what is known of its connection."""
        if facts:
            self.tcp = replace(self.tcp or TcpFacts(), **facts)  # type: ignore[arg-type]


class _Says(Enum):
    """What a header tells."""

    NOTHING = "nothing"
    FRAMING = "framing"  # where the body ends
    POD = "pod"
    SERVER = "server"
    VIA = "via"
    ENVOY = "envoy"


class HeaderReader:
    """Takes the pod's name and who answered out of a response's headers.

    Names and values come again with every answer, so what they mean is remembered, a bounded number of them.
    """

    __slots__ = ("_known", "_pod_header")

    def __init__(self, plan: Plan) -> None:
        self._pod_header = (plan.pod_header or "").lower().encode()
        self._known: dict[bytes, _Says] = {}

    def read(self, attempt: Attempt, name: bytes, value: bytes) -> bool:
        """Read one header; whether it says where the body ends.

        `via` becomes, for example, `nginx/1.28.0; via 1.1 google; x-envoy`.
        """
        says = self._known.get(name) or self._learn(name)
        if says is _Says.NOTHING:
            return False
        if says is _Says.POD:
            attempt.pod = _text(value)
        elif says is _Says.SERVER:
            _add(attempt, _text(value))
        elif says is _Says.VIA:
            _add(attempt, "via " + _text(value))
        elif says is _Says.ENVOY and "x-envoy" not in attempt.via:
            _add(attempt, "x-envoy")
        return says is _Says.FRAMING

    def _learn(self, name: bytes) -> _Says:
        lower = name.lower()
        if lower == self._pod_header:
            says = _Says.POD
        elif lower.startswith(b"x-envoy-"):
            says = _Says.ENVOY
        else:
            says = _NAMES.get(lower, _Says.NOTHING)
        if len(self._known) < _REMEMBERED:
            self._known[name] = says
        return says


_REMEMBERED = 1024
_NAMES = {
    b"content-length": _Says.FRAMING,
    b"transfer-encoding": _Says.FRAMING,
    b"server": _Says.SERVER,
    b"via": _Says.VIA,
}


@lru_cache(maxsize=_REMEMBERED)
def _text(value: bytes) -> str:
    return safe(value.decode("ascii", "replace"))


def _add(attempt: Attempt, what: str) -> None:
    attempt.via = safe(f"{attempt.via}; {what}") if attempt.via else what


def outcome_of(attempt: Attempt, success: tuple[tuple[int, int], ...]) -> Outcome:
    """Whether a complete answer counts as success: its status lies in one of the inclusive ranges, and its body has
    the text that is wanted of it, if any is."""
    status = attempt.status
    good = status is not None and any(low <= status <= high for low, high in success)
    return Outcome.OK if good and (attempt.wanted is None or attempt.wanted.found) else Outcome.STATUS
