"""A request as it is recorded: one attempt, written once, never retried, with all its times."""

from dataclasses import dataclass
from enum import StrEnum

CONNECT_TIMEOUT_S = 2.5
"""Default. The kernel sends a lost SYN again after 1 s (RFC 6298, 2.1): with less, every single lost SYN is a failure.

With 2.5 s it is a slow request, and a pod that is gone stays gone: conntrack sends the second SYN the same way.
"""

ON_TIME_S = 0.01
"""What is sent so long after it was due, at most, is on time; a worker that cannot keep up sends only such requests."""

NAME_USED_S = 1.0
"""How long a worker connects to the addresses that a name led to, before it looks the name up again."""


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
    UNSENT = "unsent"  # no slot was free, or it was too late; counted apart, neither ok nor failed

    @property
    def failed(self) -> bool:
        """Whether a call was lost: neither `ok` nor `unsent`."""
        return self not in (Outcome.OK, Outcome.UNSENT)


@dataclass(frozen=True, slots=True, kw_only=True)
class TcpFacts:
    """What the kernel, and our own event loop, know of a request's connection: the last columns of requests.csv.

    - `acked`: for a request that was sent and then lost (`reset-`, `eof-`, `read-timeout`): how many of its bytes the
      peer's kernel had acknowledged when the end was seen (TCP_INFO's `tcpi_bytes_acked` less what went before on the
      connection). 0 also where it could not be sent any more. Acknowledged is not read: the kernel does it for a
      process that never reads, at once on a young connection, else up to some 40 ms later or with what it sends next.
      A RST acknowledges nothing, a FIN all that came before it was sent.
    - `request_bytes`: the size of that request; `acked == request_bytes` says "all of it". Empty where nothing of it
      was handed to the kernel.
    - `min_rtt`: seconds, the shortest round trip of the connection to whoever ends it (`tcpi_min_rtt`).
    - `seen_late`: seconds, by how much our loop may have been late in seeing the end: the event reached this host at
      most so long before `ended`. Taken from how late the loop's timers ran (it has one every 5 ms at least), and for
      a FIN from the age of the last segment too (`tcpi_last_ack_recv`). 0 where neither showed anything: below 5 ms
      a pause of the loop is not always seen.
    - `retransmits`: how often the kernel sent something again while connecting, mostly the SYN (`tcpi_total_retrans`);
      looked at on every new connection that took 0.9 s or longer, the `ok` and the timed out ones too. Empty: it was
      quicker, so nothing can have been sent again (Linux waits 1 s).

    All are None where nobody could know: older runs, systems other than Linux, kernels without the field, `seen_late`
    while the load drains; `acked` and `request_bytes` over TLS, whose records the kernel counts and not the requests;
    all but `seen_late` and `retransmits` over HTTP/2, where requests share a connection. Behind a hop that terminates
    TCP they speak of the hop, not of the pod.
    """

    acked: int | None = None
    request_bytes: int | None = None
    min_rtt: float | None = None
    seen_late: float | None = None
    retransmits: int | None = None


class Cut(StrEnum):
    """How a TLS handshake was cut short, by nothing that TLS says: as any other connection is."""

    RESET = "reset"
    EOF = "eof"  # closed in good order, but too early
    TIMEOUT = "timeout"  # not done when the time to connect was over


CUT_SHORT = {
    Cut.RESET: Outcome.RESET_BEFORE_RESPONSE,
    Cut.EOF: Outcome.EOF_BEFORE_RESPONSE,
    Cut.TIMEOUT: Outcome.READ_TIMEOUT,
}
"""What a handshake that was cut short would have been without TLS; by that its cause is sought."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsFacts:
    """What is known of the TLS handshake of a request that opened its connection: columns of requests.csv.

    - `handshake`: seconds from `connected` until the client had finished it. It sends at once then.
    - `resumed`: whether the server took up the session of an earlier connection; its certificate was not shown then.
    - `trouble`: of a `tls-error`, a `Cut`, or what was wrong in OpenSSL's words, "certificate: certificate has expired"
      (ours) or "tlsv13 alert certificate required" (the peer's).

    All are None, and `trouble` is empty, where nobody could know: older runs, http://, kept connections.
    """

    handshake: float | None = None
    resumed: bool | None = None
    trouble: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One row of requests.csv.

    Times are seconds on the run's clock; None where the request never came so far. `ended` is when the outcome was
    known, failures too. `seq` counts without gaps per worker and stream: a gap is a request whose end is not known.
    `via` tells who answered, from the response's headers. Latency (`ended - scheduled`) and lag
    (`started - scheduled`) are derived, so they are not stored. `tcp` is None for nearly all, `tls` but for
    those that opened an https:// connection. `close_delimited`: only the end of the connection was the end of the
    answer's body (RFC 9112, 6.3), so that nobody can tell a whole one from one that was cut.
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
    tcp: TcpFacts | None = None
    tls: TlsFacts | None = None
    close_delimited: bool = False


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
    "acked",
    "request_bytes",
    "min_rtt",
    "seen_late",
    "retransmits",
    "handshake",
    "resumed",
    "tls_trouble",
    "close_delimited",
)
"""The header of requests.csv, format 1. Those after `via` are absent in older runs, and empty in most rows."""
