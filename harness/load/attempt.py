"""One request while it is under way: what the engine fills in, until it becomes the Request that is recorded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.load.outcomes import Phase
from harness.load.records import safe
from harness.model.request import Outcome, Request

if TYPE_CHECKING:
    from harness.load.plan import Plan


class Attempt:
    """A request under way; times are seconds on the run's clock. Mutable, since everything in it comes bit by bit."""

    __slots__ = (
        "bytes",
        "connected",
        "first_byte",
        "local_port",
        "phase",
        "pod",
        "reused",
        "scheduled",
        "seq",
        "started",
        "status",
        "stream",
        "via",
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
        self.pod = self.via = ""

    def request(self, *, worker: int, outcome: Outcome, ended: float) -> Request:
        """What is recorded."""
        return Request(
            stream=self.stream,
            worker=worker,
            seq=self.seq,
            scheduled=self.scheduled,
            started=self.started,
            connected=self.connected,
            first_byte=self.first_byte,
            ended=ended,
            local_port=self.local_port,
            reused=self.reused,
            outcome=outcome,
            status=self.status,
            bytes=self.bytes,
            pod=self.pod,
            via=self.via,
        )


class HeaderReader:
    """Takes the pod's name and who answered out of a response's headers."""

    __slots__ = ("_pod_header",)

    def __init__(self, plan: Plan) -> None:
        self._pod_header = plan.pod_header.lower().encode()

    def read(self, attempt: Attempt, name: bytes, value: bytes) -> None:
        """One header. `via` becomes, for example, `nginx/1.28.0; via 1.1 google; x-envoy`."""
        name = name.lower()
        if name == self._pod_header:
            attempt.pod = safe(value.decode("ascii", "replace"))
        elif name == b"server":
            _add(attempt, value.decode("ascii", "replace"))
        elif name == b"via":
            _add(attempt, "via " + value.decode("ascii", "replace"))
        elif name.startswith(b"x-envoy-") and "x-envoy" not in attempt.via:
            _add(attempt, "x-envoy")


def _add(attempt: Attempt, what: str) -> None:
    attempt.via = safe(f"{attempt.via}; {what}" if attempt.via else what)


def outcome_of(status: int, success: tuple[tuple[int, int], ...]) -> Outcome:
    """Whether a complete answer counts as success: its status lies in one of the inclusive ranges."""
    return Outcome.OK if any(low <= status <= high for low, high in success) else Outcome.STATUS
