"""A request as it is recorded: one attempt, written once, never retried, with all its times."""

from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    """What the client saw: the phase in which the request ended, and how.

    Connection-level outcomes are never folded into a status code.
    """

    OK = "ok"
    STATUS = "status"  # an answer, but not what the scenario calls success
    DNS_ERROR = "dns-error"
    CONNECT_REFUSED = "connect-refused"
    CONNECT_TIMEOUT = "connect-timeout"
    UNREACHABLE = "unreachable"
    TLS_ERROR = "tls-error"
    RESET_BEFORE_RESPONSE = "reset-before-response"
    EOF_BEFORE_RESPONSE = "eof-before-response"
    RESET_MID_RESPONSE = "reset-mid-response"
    EOF_MID_RESPONSE = "eof-mid-response"
    READ_TIMEOUT = "read-timeout"
    PROTOCOL_ERROR = "protocol-error"
    UNSENT = "unsent"  # no slot was free; counted apart, neither ok nor failed

    @property
    def failed(self) -> bool:
        """Whether a call was lost: neither `ok` nor `unsent`."""
        return self not in (Outcome.OK, Outcome.UNSENT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One row of requests.csv.

    Times are seconds on the run's clock; None where the request never came so far. `ended` is when the outcome was
    known, failures too. `seq` counts without gaps per worker and stream: a gap is a request whose end is not known.
    `via` tells who answered, from the response's headers. Latency (`ended - scheduled`) and lag
    (`started - scheduled`) are derived, so they are not stored.
    """

    stream: str
    worker: int
    seq: int
    scheduled: float
    started: float | None = None
    connected: float | None = None
    first_byte: float | None = None
    ended: float | None = None
    local_port: int | None = None
    reused: bool = False
    outcome: Outcome
    status: int | None = None
    bytes: int | None = None
    pod: str = ""
    via: str = ""


COLUMNS = (
    "stream",
    "worker",
    "seq",
    "scheduled",
    "started",
    "connected",
    "first_byte",
    "ended",
    "local_port",
    "reused",
    "outcome",
    "status",
    "bytes",
    "pod",
    "via",
)
"""The header of requests.csv, format 1."""
