"""Requests, per-second statistics and the end of a worker into the lines of its stdout, and back."""

import json
import re
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING

from harness.model.request import COLUMNS, Outcome, Request, TcpFacts, TlsFacts

if TYPE_CHECKING:
    from harness.load.attempt import Attempt

_UNSAFE = re.compile(r"[^A-Za-z0-9._:/()~+; =-]")
_LONGEST = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class Statistics:
    """One second of a worker. `sent`, `unsent`, `replaced` and the lags are of that second alone.

    `t` is its end on the run's clock; `lag` is started - scheduled, 0 where nothing was due; `cpu` the fraction of one
    core; `replaced` the kept connections found closed before anything was sent on them (nothing was lost).
    `lines`: how many lines the worker had printed before. `addresses`: those that a name led to when it was last looked
    up; empty where it connects to none.
    """

    t: float
    worker: int
    sent: int
    in_flight: int
    unsent: int
    lag_p50_ms: float
    lag_p99_ms: float
    lag_max_ms: float
    cpu: float
    replaced: int
    lines: int = 0
    addresses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """The last line of a worker that ended in good order: how many requests each stream had, the unsent included."""

    end: dict[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ability:
    """What a worker can do where it runs, said before its first request.

    `holds_per_s`: requests a second of its plan's mix, measured there; `python`: its version; `engine`: what it sends
    and reads with.
    """

    holds_per_s: float
    python: str
    engine: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """The only line of a worker that does not follow its plan: why, and what would do."""

    refused: str
    do: str = ""


def line(r: "Attempt | Request") -> str:
    """A row of requests.csv without its line break: times with microseconds, empty where it never came.

    `r`: a Request, or an attempt that has ended, of which none need be made for that. Written out, since it is done for
    every request: calls would take as long as what they format.
    """
    return (
        f"{r.stream},{r.worker},{r.seq},{r.scheduled:.6f},"
        f"{'' if r.started is None else f'{r.started:.6f}'},{'' if r.connected is None else f'{r.connected:.6f}'},"
        f"{'' if r.first_byte is None else f'{r.first_byte:.6f}'},{'' if r.ended is None else f'{r.ended:.6f}'},"
        f"{'' if r.local_port is None else r.local_port},{'1' if r.reused else '0'},{r.outcome},"
        f"{'' if r.status is None else r.status},{'' if r.bytes is None else r.bytes},"
        f"{r.pod},{r.via}{_NO_FACTS if r.tcp is None else _facts(r.tcp)}{_NO_TLS if r.tls is None else _tls(r.tls)}"
        f",{'1' if r.close_delimited else ''}"
    )


_NO_FACTS = "," * len(fields(TcpFacts))


def _facts(tcp: TcpFacts) -> str:
    return (
        f",{_number(tcp.acked)},{_number(tcp.request_bytes)},{_time(tcp.min_rtt)},{_time(tcp.seen_late)}"
        f",{_number(tcp.retransmits)}"
    )


_NO_TLS = "," * len(fields(TlsFacts))


def _tls(tls: TlsFacts) -> str:
    return f",{_time(tls.handshake)},{'' if tls.resumed is None else int(tls.resumed)},{tls.trouble}"


def _time(seconds: float | None) -> str:
    return "" if seconds is None else f"{seconds:.6f}"


def _number(number: int | None) -> str:
    return "" if number is None else str(number)


def statistics_line(statistics: Statistics) -> str:
    """A second of a worker as JSON on one line."""
    return json.dumps(asdict(statistics))


def end_line(counts: dict[str, int]) -> str:
    """The last line of a worker."""
    return json.dumps({"end": counts})


def ability_line(ability: Ability) -> str:
    """What it can do, as JSON on one line."""
    return json.dumps({"ability": asdict(ability)})


def refusal_line(refusal: Refusal) -> str:
    """Why it does not follow its plan, as JSON on one line."""
    return json.dumps(asdict(refusal))


def safe(text: str) -> str:
    """What a server said, made fit for a CSV field: one short line of harmless characters.

    Quotes, separators, line breaks, control characters and everything that is not ASCII become `_`; a leading `=`,
    `+`, `-` or blank goes, since spreadsheets take it for a formula.
    """
    return _UNSAFE.sub("_", text[:_LONGEST]).lstrip("=+- ").rstrip()


def parse_line(text: str) -> Request | Statistics | Ability | Refusal | End | None:
    """What a line of a worker's stdout says; None for a torn or unknown line. Never raises."""
    text = text.rstrip("\r\n")
    try:
        return _parse_json(text) if text.startswith("{") else _parse_row(text)
    except (ValueError, TypeError):
        return None


def _parse_json(text: str) -> Statistics | Ability | Refusal | End | None:
    found = json.loads(text)
    if "refused" in found:
        return Refusal(refused=str(found["refused"]), do=str(found.get("do", "")))
    if "ability" in found:
        return Ability(**found["ability"])
    if "end" in found:
        return End(end={str(name): int(count) for name, count in dict(found["end"]).items()})
    names = {field.name for field in fields(Statistics)}
    known = {name: value for name, value in found.items() if name in names}
    return Statistics(**{**known, "addresses": tuple(map(str, known.get("addresses") or ()))})


def _parse_row(text: str) -> Request | None:
    row = text.split(",")
    if len(row) != len(COLUMNS):
        return None
    times = [float(cell) if cell else None for cell in row[4:8]]
    return Request(
        stream=row[0],
        worker=int(row[1]),
        seq=int(row[2]),
        scheduled=float(row[3]),
        started=times[0],
        connected=times[1],
        first_byte=times[2],
        ended=times[3],
        local_port=int(row[8]) if row[8] else None,
        reused=row[9] == "1",
        outcome=Outcome(row[10]),
        status=int(row[11]) if row[11] else None,
        bytes=int(row[12]) if row[12] else None,
        pod=row[13],
        via=row[14],
        tcp=_parse_facts(row[15:20]) if any(row[15:20]) else None,
        tls=_parse_tls(row[20:23]) if any(row[20:23]) else None,
        close_delimited=row[23] == "1",
    )


def _parse_facts(cells: list[str]) -> TcpFacts:
    acked, request_bytes, min_rtt, seen_late, retransmits = cells
    return TcpFacts(
        acked=int(acked) if acked else None,
        request_bytes=int(request_bytes) if request_bytes else None,
        min_rtt=float(min_rtt) if min_rtt else None,
        seen_late=float(seen_late) if seen_late else None,
        retransmits=int(retransmits) if retransmits else None,
    )


def _parse_tls(cells: list[str]) -> TlsFacts:
    handshake, resumed, trouble = cells
    return TlsFacts(
        handshake=float(handshake) if handshake else None,
        resumed=resumed == "1" if resumed else None,
        trouble=trouble,
    )
