"""A run directory, its kernel's truth and the servers' own log -> what really became of every failed request.

The kernel tells where a connection went and when its listener closed; whether a program had *read* a request on a
connection that then ended, only the program can tell. Each notes what it took before it works on it, with the client's
address and port. Behind a server that passes requests on, the application behind it notes the same, where that server
tells it the client's port.
"""

from __future__ import annotations

import csv
import json
from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.model.result import Cause
from harness.sandbox.instruments.truth.causes import CROSSED_S, ROUND_TRIP_S, WATCH_S
from harness.sandbox.instruments.truth.join import next_connections
from harness.sandbox.instruments.truth.world import World, world

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

ROLLOUTS_OWN = frozenset({Cause.TERMINATION_RACE, Cause.CREATION_RACE, Cause.IN_FLIGHT_KILL, Cause.NO_ENDPOINTS})
_LOST_EITHER_WAY = frozenset(
    {"accepted-and-unread", "queued-or-accepted"}
)  # which cause cannot be told, but lost it is
_BY_LIVE_POD = "idle-or-cut-by-live-pod"
_CUTS = frozenset({"reset-before-response", "eof-before-response", "reset-mid-response", "eof-mid-response"})
_CLOCKS_APART_S = 0.002
LOOKED_S = 0.06  # accepted connections are looked up every 50 ms
_SOONER_S = 0.5
RECORD, STOP = "truth.jsonl", "stop.json"  # beside the run directories of a server

Key = tuple[str, str, str]  # stream, worker, seq


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A failed request: the kernel's and the log's word on it together. `taken`: a program had read it."""

    key: Key
    outcome: str
    status: str
    cause: str
    detail: str
    taken: bool
    lasted_s: float

    @property
    def lost(self) -> bool:
        """Whether the rollout cost it."""
        return self.cause in ROLLOUTS_OWN or self.detail in _LOST_EITHER_WAY

    @property
    def perhaps_lost(self) -> bool:
        """Whether it may have: its connection ended as it was sent, and which of the two came first nobody can tell."""
        return self.cause == Cause.UNKNOWN and not self.lost and self.detail != _BY_LIVE_POD


@dataclass(frozen=True, slots=True)
class RequestLog:
    """When programs took requests, by the client's address and port, in seconds since the epoch."""

    taken: Mapping[str, tuple[float, ...]]

    @classmethod
    def read(cls, file: Path) -> RequestLog:
        """From `requests.log`; a line that is torn is an error, for every line is one write."""
        found: dict[str, list[float]] = {}
        for line in file.read_text().splitlines():
            moment, _, client, what, _ = line.split()
            if what == "took":
                found.setdefault(client, []).append(float(moment))
        return cls({client: tuple(sorted(moments)) for client, moments in found.items()})

    def took(self, client: str, since: float, until: float) -> bool:
        """Whether a request of that client was taken in that time."""
        moments = self.taken.get(client, ())
        place = bisect_left(moments, since - _CLOCKS_APART_S)
        return place < len(moments) and moments[place] <= until + _CLOCKS_APART_S


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """Of a request: whether a program noted that it had taken it, whether the kernel handed its new connection to one,
    whether its pod was stopping when it ended, and for how long it lasted. `on_request`: its server, while it stops,
    closes a connection as the next request comes."""

    taken: bool
    accepted: bool
    stopping: bool
    lasted_s: float
    on_request: bool = False


def closes_on_request(stop: Mapping[str, Any]) -> bool:
    """Whether a server, by what it does at its stop signal (`stop.stop_of`), ends a connection when a request comes on
    it that would have stayed open without one."""
    late, idle = stop["asked_late"], stop["idle"]
    return late["what"] == "eof" and (idle["what"] == "open" or idle["after_s"] > late["after_s"] + _SOONER_S)


def told(run: Path, log: RequestLog) -> tuple[Told, ...]:
    """Every failed request of a run directory that has a truth.csv."""
    info = json.loads((run / "run.json").read_text())
    (source,) = info["load"]["source_addresses"]
    record, timeline = _lines(run.parent / RECORD), _lines(run / "timeline.jsonl")
    happened = world(record, timeline, t0_wall=info["t0_wall"], client=source)
    stop = run.parent / STOP
    on_request = stop.is_file() and closes_on_request(json.loads(stop.read_text()))
    found = []
    with (run / "truth.csv").open(newline="") as truth, (run / "requests.csv").open(newline="") as rows:
        requests = list(csv.DictReader(rows))
        following = next_connections(requests)
        for kernel, request in zip(csv.DictReader(truth), requests, strict=True):
            if kernel["cause"]:
                seen = _seen(request, source, happened, following, log, info["t0_wall"])
                seen = replace(seen, on_request=on_request)
                found.append(telling(kernel["cause"], kernel["detail"], request, seen))
    return tuple(found)


def _lines(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text().splitlines()]


def _seen(
    request: Mapping[str, str],
    source: str,
    happened: World,
    following: Callable[[int, float], float],
    log: RequestLog,
    t0_wall: float,
) -> Seen:
    if not request["started"] or not request["local_port"]:
        return Seen(taken=False, accepted=False, stopping=False, lasted_s=0.0)
    port, started, ended = int(request["local_port"]), float(request["started"]), float(request["ended"])
    reused, until = request["reused"] == "1", following(port, started)
    entry = happened.entry(port, started, ended, reused=reused, until=until)
    pod = happened.pod_at(entry.answering[0], entry.began) if entry else None
    accepted = pod is not None and any(started <= t <= ended + LOOKED_S for t in pod.accepted.get((source, port), ()))
    return Seen(
        taken=log.took(f"{source}:{port}", t0_wall + started, t0_wall + ended),
        accepted=accepted,
        stopping=pod is not None and pod.deletion is not None and pod.deletion - WATCH_S <= ended,
        lasted_s=ended - started,
    )


def telling(cause: str, detail: str, request: Mapping[str, str], seen: Seen) -> Told:
    """The kernel's cause and detail of a failed request, corrected by what programs noted."""
    if request["outcome"] in _CUTS and cause in (Cause.IDLE_CLOSE, Cause.IN_FLIGHT_KILL, Cause.TERMINATION_RACE):
        cause, detail = _cut(cause, detail, request, seen)
    elif detail == "slow-answer" and seen.stopping and not (seen.taken or seen.accepted):
        kept = request["reused"] == "1"
        cause, detail = (Cause.IN_FLIGHT_KILL, "never-read") if kept else (Cause.TERMINATION_RACE, "never-accepted")
    elif detail == "status-from-terminating-pod":
        cause, detail = Cause.TERMINATION_RACE, "turned-away"
    return Told(
        key=(request["stream"], request["worker"], request["seq"]),
        outcome=request["outcome"],
        status=request["status"],
        cause=str(cause),
        detail=detail,
        taken=seen.taken,
        lasted_s=seen.lasted_s,
    )


def _cut(cause: str, detail: str, request: Mapping[str, str], seen: Seen) -> tuple[str, str]:
    """A connection that ended before its answer.

    Taken by a program, or answered in part: killed in flight. A new one that was accepted and reset had bytes that no
    program had read, for a kernel ends with a FIN what was read: whether that is a request cut in hand or one that came
    to a pod on its way out is no question of fact. A new one that no program took, and that lasted longer than the
    kernel's tables were looked up apart, ended in the accept queue unless it was seen to leave it; a shorter one may
    have left it unseen. A kept one that no program read goes by its end's time, where that can tell whether the
    end or the request came first; in between nothing here can, short of the packets. What a pod cuts that nobody has
    stopped is no rollout's. A server that was seen to close as a request comes, while what is idle stays open, has
    been asked.
    """
    if seen.taken or request["outcome"].endswith("mid-response"):
        return Cause.IN_FLIGHT_KILL, "taken"
    if request["reused"] != "1":
        if seen.accepted:
            is_reset = request["outcome"] == "reset-before-response"
            return (Cause.UNKNOWN, "accepted-and-unread") if is_reset else (Cause.IN_FLIGHT_KILL, "accepted")
        if request["outcome"] != "reset-before-response" or cause != Cause.IN_FLIGHT_KILL:
            return cause, detail
        if seen.lasted_s > LOOKED_S:
            return Cause.TERMINATION_RACE, "accept-queue"
        return Cause.UNKNOWN, "queued-or-accepted"
    if seen.on_request and seen.stopping and request["outcome"] == "eof-before-response":
        return Cause.IN_FLIGHT_KILL, "closed-on-request"
    if seen.lasted_s < CROSSED_S:
        return Cause.IDLE_CLOSE, "end-came-first"
    if seen.lasted_s > ROUND_TRIP_S:
        return (Cause.IN_FLIGHT_KILL, "never-read") if seen.stopping else (Cause.APPLICATION, "cut-by-live-pod")
    return Cause.UNKNOWN, "end-or-request-first" if seen.stopping else _BY_LIVE_POD


def by_cause(failures: Iterable[Told]) -> Counter[str]:
    """How many failures each cause has."""
    return Counter(failure.cause for failure in failures)


def dropped(failures: Iterable[Told]) -> bool:
    """Whether the rollout cost calls."""
    return any(failure.lost for failure in failures)
