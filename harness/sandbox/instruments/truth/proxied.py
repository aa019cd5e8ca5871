"""What a proxy on the way wrote of the requests that it passed on -> one record each, on the run's clock.

HAProxy's own log (`harness.sandbox.balancer.haproxy`): who asked, where it sent the request, and how that ended. No
judge reads it.
"""

from __future__ import annotations

import json
from bisect import bisect_left
from collections import defaultdict
from dataclasses import dataclass, replace
from enum import StrEnum
from math import inf
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from harness.sandbox.instruments.truth.world import Peer

# Its times are whole milliseconds, cut off; and it hears of a request after the client has sent it.
_ROUNDED_S = 0.002
_HEARD_WITHIN_S = 1.0


class End(StrEnum):
    """How a request ended between the proxy and what it had sent it to."""

    ANSWERED = "answered"
    REFUSED = "refused"
    UNCONNECTED = "unconnected"
    CLOSED = "closed"
    CUT = "cut"
    LATE = "late"
    DRAINED = "drained"
    NO_TARGET = "no-target"
    TURNED_AWAY = "turned-away"


_ENDS = {
    "SC": End.REFUSED,
    "sC": End.UNCONNECTED,
    "CC": End.UNCONNECTED,
    "SH": End.CLOSED,
    "SD": End.CUT,
    "sH": End.LATE,
    "sD": End.LATE,
    "CH": End.LATE,
    "CD": End.LATE,
    "K-": End.UNCONNECTED,
    "KC": End.UNCONNECTED,
    "KH": End.DRAINED,
    "KD": End.DRAINED,
}
"""By HAProxy's two letters (https://docs.haproxy.org/2.6/configuration.html#8.5): whose doing it was (C the client's,
S the server's, K an order's; small: a time-out), and in which phase (C connecting, H before the answer, D in it; with K
also none, which was connecting still)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Passed:
    """A request that a proxy took from `client_port`. `target`: to which it went at last, None where to none; `source`:
    the proxy's end of that connection; `reused`: it had been used before; `tries`: how often it was sent."""

    client_port: int
    began: float
    ended: float
    target: Peer | None
    source: Peer | None
    status: int
    end: End
    tries: int = 1
    reused: bool = False


def peer(address: str) -> Peer | None:
    """The two parts of "host:port"; None where a proxy wrote of no host.

    >>> peer("10.244.16.4:80"), peer("")
    (('10.244.16.4', 80), None)
    """
    host, _, port = address.rpartition(":")
    return (host, int(port)) if host else None


def by_haproxy(files: Iterable[Path], zero_wall: float) -> tuple[Passed, ...]:
    """The requests of its logs, by when they began. `zero_wall`: the run's zero, seconds of the wall clock."""
    lines = [json.loads(line) for file in files for line in file.read_text().splitlines()]
    found = sorted((_passed(line, zero_wall) for line in lines), key=lambda passed: passed.began)
    return tuple(_with_reuse(found))


def _passed(line: Mapping[str, Any], zero_wall: float) -> Passed:
    began = line["wall_ms"] / 1000 - zero_wall
    target = peer(line["server"])
    end = _ENDS.get(line["end"])
    if end is None:
        none = line["status"] == 503 and target is None
        end = End.ANSWERED if target else End.NO_TARGET if none else End.TURNED_AWAY
    source = (line["source"], int(line["source_port"])) if line["source_port"].isdigit() else None
    return Passed(
        client_port=int(line["client_port"]),
        began=began,
        ended=began + line["took_ms"] / 1000,
        target=target,
        source=source,
        status=line["status"],
        end=end,
        tries=1 + int(line["retries"].lstrip("+")),
    )


def _with_reuse(passed: Iterable[Passed]) -> Iterable[Passed]:
    """Whether each went out on a connection that had been used: from the same end to the same target as one before, on
    which that was answered."""
    open_: dict[tuple[Peer, Peer], bool] = {}
    for each in passed:
        if each.source is None or each.target is None:
            yield each
            continue
        key = (each.source, each.target)
        yield replace(each, reused=open_.get(key, False))
        open_[key] = each.end is End.ANSWERED


class Log:
    """The requests that a proxy passed on, looked up by who asked."""

    def __init__(self, passed: Iterable[Passed]) -> None:
        self._by_port: dict[int, list[Passed]] = defaultdict(list)
        for each in sorted(passed, key=lambda each: each.began):
            self._by_port[each.client_port].append(each)

    def of(self, port: int, started: float, ended: float, until: float = inf) -> Passed | None:
        """The request that was sent from `port` at `started`; None where the proxy wrote of none. `until`: when the
        port sent the next one."""
        mine = self._by_port.get(port, [])
        first = bisect_left(mine, started - _ROUNDED_S, key=lambda each: each.began)
        if first == len(mine):
            return None
        last = min(until - _ROUNDED_S, max(ended, started + _HEARD_WITHIN_S))
        return mine[first] if mine[first].began <= last else None
