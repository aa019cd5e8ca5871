"""The phase in which a request ended and the exception that ended it into one Outcome.

Two steps: what happened (`Ending`, from the exception's type and errno), then what that means in the phase in which
it happened (`MEANING`). Every pair has a meaning; a test proves it.
"""

import asyncio
import errno
import socket
import ssl
from enum import StrEnum

from harness.model.request import Outcome


class Phase(StrEnum):
    """How far a request had come when it ended."""

    RESOLVE = "resolve"  # asking for the address of the host
    CONNECT = "connect"  # from the SYN to the SYN-ACK
    HANDSHAKE = "handshake"  # TLS
    AWAIT = "await"  # sent, or being sent; no byte of an answer yet
    ANSWER = "answer"  # the answer has begun


class Ending(StrEnum):
    """What ended a request, whenever it did."""

    TIMEOUT = "timeout"
    REFUSED = "refused"
    UNREACHABLE = "unreachable"
    RESET = "reset"
    EOF = "eof"  # closed in good order, but too early
    GARBAGE = "garbage"  # bytes that are not HTTP
    TLS = "tls"
    ALERT = "alert"  # the peer's word that it ends TLS, and why
    DNS = "dns"
    LOCAL = "local"  # the fault is here: no descriptor, no memory, no free port


class ProtocolError(Exception):
    """The peer sent bytes that are not an HTTP answer."""


ERRNO = {
    errno.ECONNREFUSED: Ending.REFUSED,
    errno.ECONNRESET: Ending.RESET,
    errno.ECONNABORTED: Ending.RESET,
    errno.EPIPE: Ending.RESET,  # written to a connection that had already been reset
    errno.ESHUTDOWN: Ending.RESET,
    errno.ENOTCONN: Ending.RESET,
    errno.ETIMEDOUT: Ending.TIMEOUT,  # the kernel gave up sending again
    errno.EHOSTUNREACH: Ending.UNREACHABLE,
    errno.ENETUNREACH: Ending.UNREACHABLE,
    errno.EHOSTDOWN: Ending.UNREACHABLE,
    errno.ENETDOWN: Ending.UNREACHABLE,
    errno.ENETRESET: Ending.RESET,
    errno.ENOPROTOOPT: Ending.UNREACHABLE,  # ICMP "protocol unreachable"
    errno.EPROTO: Ending.UNREACHABLE,
    errno.EACCES: Ending.UNREACHABLE,  # a `prohibit` route
    errno.EPERM: Ending.UNREACHABLE,  # a firewall on the way out
    errno.EINVAL: Ending.UNREACHABLE,  # a `blackhole` route
    errno.EMFILE: Ending.LOCAL,
    errno.ENFILE: Ending.LOCAL,
    errno.EADDRINUSE: Ending.LOCAL,
    errno.EADDRNOTAVAIL: Ending.LOCAL,
    errno.ENOBUFS: Ending.LOCAL,
    errno.ENOMEM: Ending.LOCAL,
    errno.EBADF: Ending.LOCAL,
    errno.EAFNOSUPPORT: Ending.LOCAL,
}
"""What each error number of connect(2), send(2) and recv(2) says; those of Linux's ICMP table are among them."""

_ALWAYS = {
    Ending.REFUSED: Outcome.CONNECT_REFUSED,
    Ending.UNREACHABLE: Outcome.UNREACHABLE,
    Ending.DNS: Outcome.DNS_ERROR,
    Ending.TLS: Outcome.TLS_ERROR,
    Ending.ALERT: Outcome.TLS_ERROR,
    Ending.LOCAL: Outcome.UNSENT,
}
_IN_HANDSHAKE = _ALWAYS | dict.fromkeys(
    (Ending.TIMEOUT, Ending.RESET, Ending.EOF, Ending.GARBAGE, Ending.REFUSED), Outcome.TLS_ERROR
)
_AFTER_SENDING = _ALWAYS | {
    Ending.TIMEOUT: Outcome.READ_TIMEOUT,
    Ending.GARBAGE: Outcome.PROTOCOL_ERROR,
    # TLS that breaks after the handshake: records that cannot be read are bytes that are not the protocol.
    Ending.TLS: Outcome.PROTOCOL_ERROR,
    Ending.ALERT: Outcome.PROTOCOL_ERROR,
}
_BEFORE_RESPONSE = {
    Ending.RESET: Outcome.RESET_BEFORE_RESPONSE,
    Ending.EOF: Outcome.EOF_BEFORE_RESPONSE,
    # In TLS 1.3 the client is done before the server has looked at its certificate.
    Ending.ALERT: Outcome.TLS_ERROR,
}
_MID_RESPONSE = {Ending.RESET: Outcome.RESET_MID_RESPONSE, Ending.EOF: Outcome.EOF_MID_RESPONSE}

MEANING: dict[Phase, dict[Ending, Outcome]] = {
    Phase.RESOLVE: dict.fromkeys(Ending, Outcome.DNS_ERROR) | {Ending.LOCAL: Outcome.UNSENT},
    Phase.CONNECT: _ALWAYS
    | {Ending.TIMEOUT: Outcome.CONNECT_TIMEOUT, Ending.GARBAGE: Outcome.PROTOCOL_ERROR}
    # Linux says refused when a SYN is answered with RST; what else ends a connection in the making comes to the same.
    | {Ending.RESET: Outcome.CONNECT_REFUSED, Ending.EOF: Outcome.CONNECT_REFUSED},
    Phase.HANDSHAKE: _IN_HANDSHAKE,
    Phase.AWAIT: _AFTER_SENDING | _BEFORE_RESPONSE | {Ending.REFUSED: Outcome.RESET_BEFORE_RESPONSE},
    Phase.ANSWER: _AFTER_SENDING | _MID_RESPONSE | {Ending.REFUSED: Outcome.RESET_MID_RESPONSE},
}


def ending(error: BaseException) -> Ending:
    """What an exception, or the first of its causes that is known (three deep at most), says happened.

    `str(error)` is often empty and never looked at. An error number that is not in the table counts as a reset: the
    kernel ended the connection. Raises the error itself where no network can have caused it: that is a bug of ours,
    to be seen and not to be counted against anybody.
    """
    for link in chain(error):
        if (known := _ending(link)) is not None:
            return known
    raise error


def chain(error: BaseException, depth: int = 3) -> list[BaseException]:
    """An exception and its causes, outermost first: with httpx the errno sits at the bottom.

    Contexts count like causes, since httpcore cuts causes off (`raise exc from None`).
    """
    links = [error]
    while len(links) <= depth and (deeper := links[-1].__cause__ or links[-1].__context__) is not None:
        links.append(deeper)
    return links


def _ending(error: BaseException) -> Ending | None:
    match error:
        case socket.gaierror():
            return Ending.DNS
        case ssl.SSLEOFError() | ssl.SSLZeroReturnError() | EOFError():
            return Ending.EOF
        case ssl.SSLError():
            return Ending.ALERT if "_ALERT_" in (getattr(error, "reason", None) or "") else Ending.TLS
        case TimeoutError() if error.errno is None:
            return Ending.TIMEOUT
        case OSError() if error.errno is not None:
            return ERRNO.get(error.errno, Ending.RESET)
        case ConnectionError():
            return Ending.RESET
        case ProtocolError():
            return Ending.GARBAGE
        case asyncio.TimeoutError():
            return Ending.TIMEOUT
    return None


def classify(phase: Phase, error: BaseException) -> Outcome:
    """The outcome of a request that `error` ended in `phase`: the only place where this is decided."""
    return MEANING[phase][ending(error)]
