"""What Traefik wrote of the requests that it passed on -> one record each, on the run's clock.

Its access log tells who asked, where it sent the request and with what that ended; why a 502 was one it says only in
its log of level DEBUG, a line a request, in the order in which they ended
(https://doc.traefik.io/traefik/observability/access-logs/#available-fields).
"""

from __future__ import annotations

import json
import re
from collections import deque
from datetime import datetime
from typing import TYPE_CHECKING, Any

from harness.sandbox.instruments.truth.proxied import End, Passed, peer

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from harness.sandbox.instruments.truth.world import Peer

ACCESS, SAID = "access.jsonl", "log.jsonl"
ARGUMENTS = (
    "--accesslog=true",
    "--accesslog.format=json",
    f"--accesslog.filepath=/var/log/traefik/{ACCESS}",
    "--log.level=DEBUG",
    "--log.format=json",
    f"--log.filepath=/var/log/traefik/{SAID}",
)
"""What it must be started with, to write its logs into /var/log/traefik."""

_BAD_GATEWAY, _GATEWAY_TIMEOUT, _CLIENT_LEFT, _NO_SERVER = 502, 504, 499, 503
_SECOND = re.compile(r"(\.\d{6})\d*")  # nanoseconds, of which datetime takes microseconds
_NEAR = 8  # so many requests may have ended between two lines of one request


def by_traefik(folder: Path, zero_wall: float) -> tuple[Passed, ...]:
    """The requests of the logs in `folder`, by when they began. `zero_wall`: the run's zero, seconds of the wall clock.

    Its own transport sends a GET again whose kept connection was closed before a byte of an answer came, so that none
    of its failures was on a connection that had been used.
    """
    lines = [json.loads(line) for line in (folder / ACCESS).read_text().splitlines()]
    lines.sort(key=lambda line: _seconds(line["StartUTC"]) + line["Duration"] / 1e9)
    reasons = _Reasons(json.loads(line) for line in (folder / SAID).read_text().splitlines())
    found = [_passed(line, reasons, zero_wall) for line in lines if line.get("ClientPort", "").isdigit()]
    return tuple(sorted(found, key=lambda passed: passed.began))


class _Reasons:
    """The errors behind 502s, in the order in which they were said."""

    def __init__(self, said: Iterable[Mapping[str, Any]]) -> None:
        self._left: deque[str] = deque(
            line.get("error", "") for line in said if line.get("message") == "502 Bad Gateway"
        )

    def of(self, target: Peer | None) -> str:
        """The next one that can be of a request to that target; empty where there is none."""
        address = "" if target is None else f"{target[0]}:{target[1]}"
        for place in range(min(_NEAR, len(self._left))):
            reason = self._left[place]
            if not reason.startswith(("dial tcp", "read tcp", "write tcp")) or address in reason:
                del self._left[place]
                return reason
        return ""


def _passed(line: Mapping[str, Any], reasons: _Reasons, zero_wall: float) -> Passed:
    began, target, status = (
        _seconds(line["StartUTC"]) - zero_wall,
        peer(line.get("ServiceAddr", "")),
        int(line["DownstreamStatus"]),
    )
    return Passed(
        client_port=int(line["ClientPort"]),
        began=began,
        ended=began + line["Duration"] / 1e9,
        target=target,
        source=None,
        status=status,
        end=_end(status, target, reasons),
        tries=1 + int(line.get("RetryAttempts", 0)),
    )


def _end(status: int, target: Peer | None, reasons: _Reasons) -> End:
    if target is None:
        return End.NO_TARGET if status == _NO_SERVER else End.TURNED_AWAY
    if status == _BAD_GATEWAY:
        reason = reasons.of(target)
        if "connection refused" in reason:
            return End.REFUSED
        if reason.startswith("dial tcp"):
            return End.UNCONNECTED
        return End.CLOSED if "reset" in reason or "broken pipe" in reason else End.CUT
    return End.LATE if status in (_GATEWAY_TIMEOUT, _CLIENT_LEFT) else End.ANSWERED


def _seconds(moment: str) -> float:
    return datetime.fromisoformat(_SECOND.sub(r"\1", moment)).timestamp()
