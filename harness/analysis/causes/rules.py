"""Failed requests and what was possible when they failed -> one cause each, with its evidence."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.analysis.causes.no_endpoints import Absence
from harness.analysis.causes.time_windows import NOBODY, Cover, Possibilities, Spans, cover
from harness.model.result import Cause

INSTANT_S = 0.1
"""What was lost this soon after it was sent had not been worked on: the moment in which a server closes."""

LATE_S = 0.2
"""A time-out that fired so much later than asked for: the worker itself did not run."""

UNANSWERED = ("connect-timeout", "unreachable")
BEFORE = ("reset-before-response", "eof-before-response")
MIDWAY = ("reset-mid-response", "eof-mid-response")
EITHER = "either"
"""The rule for a refusal by a pod that stopped or by one that was starting: which, cannot be told; both came with the
rollout."""

UNREAD = "unread"
"""The rule for a new connection that a stopping pod reset after a while. A kernel resets what no program has read (what
was read ends with FIN): in the accept queue as the listener closed, or taken and not read yet. Either came with the
rollout."""

LOST = "lost"
"""The rule for a connection that nobody answered though every pod that it may have been sent to was there."""

BALANCED = frozenset({"ingress", "gateway", "url"})
"""Paths on which something between client and pod may answer for the pod."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Causes:
    """Per failure: the cause, the pod's position where it is only one (else `NOBODY`), and which rule named it."""

    cause: NDArray[np.object_]
    pod: NDArray[np.int64]
    rule: NDArray[np.object_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the rules ask: the failures as arrays, and for each of them what was possible.

    `lone`: an unanswered connection alone among good ones; `alive`: every pod that it may have been sent to is shown to
    have been there; `punctual`: the data plane's period is known.
    """

    outcome: NDArray[np.object_]
    started: NDArray[np.float64]
    ended: NDArray[np.float64]
    connected: NDArray[np.float64]
    reused: NDArray[np.bool_]
    status: NDArray[np.int64]
    named: NDArray[np.int64]
    by_pod: NDArray[np.bool_]
    stale: NDArray[np.bool_]
    late: NDArray[np.bool_]
    stalled: NDArray[np.bool_]
    lone: NDArray[np.bool_]
    alive: NDArray[np.bool_]
    punctual: bool
    possible: Possibilities
    absence: Absence


def causes(facts: Facts) -> Causes:
    """One cause for each failure; what two causes explain equally well, or none, is `unknown`."""
    n = len(facts.outcome)
    verdict = Causes(
        cause=np.full(n, Cause.UNKNOWN, dtype=object),
        pod=np.full(n, NOBODY, dtype=np.int64),
        rule=np.full(n, "nothing", dtype=object),
    )
    _refused(facts, verdict)
    _cut(facts, verdict)
    _slow(facts, verdict)
    _unanswered(facts, verdict)
    _answered(facts, verdict)
    return verdict


def _name(
    found: Causes, where: NDArray[np.bool_], cause: Cause, rule: str, pods: NDArray[np.int64] | None = None
) -> None:
    found.cause[where] = cause
    found.rule[where] = rule
    if pods is not None:
        found.pod[where] = pods[where]


def _refused(facts: Facts, found: Causes) -> None:
    """A refusal comes from a pod's kernel (its listener closed, or not open yet) or from the proxy's REJECT."""
    here = np.isin(facts.outcome, ("connect-refused",))
    possible, t = facts.possible, facts.started
    ending, starting, crashed = (cover(s, t) for s in (possible.refusing, possible.starting, possible.crashed))
    loose = cover(possible.loose_refusing, t)
    rejected = here & facts.absence.rejecting
    maybe_rejected = here & facts.absence.maybe & ~rejected
    ways = (ending.count > 0).astype(int) + (starting.count > 0) + (crashed.count > 0) + maybe_rejected
    alone = here & ~rejected & (ways == 1)
    _name(found, rejected, Cause.NO_ENDPOINTS, "rejected")
    _name(found, alone & (ending.count > 0), Cause.TERMINATION_RACE, "listener-closed", ending.pod)
    _name(found, alone & (starting.count > 0), Cause.CREATION_RACE, "not-listening-yet", starting.pod)
    _name(found, alone & (crashed.count > 0), Cause.APPLICATION, "crashed", crashed.pod)
    _name(found, alone & maybe_rejected, Cause.NO_ENDPOINTS, "rejected")
    nothing = here & ~rejected & (ways == 0) & (loose.count > 0)
    _name(found, nothing, Cause.TERMINATION_RACE, "listener-closed", loose.pod)
    _name(found, here & ~rejected & (ways > 1), Cause.UNKNOWN, "several")
    either = here & ~rejected & ~maybe_rejected & (ending.count > 0) & (starting.count > 0) & (crashed.count == 0)
    _name(found, either, Cause.UNKNOWN, EITHER)


def _unanswered(facts: Facts, found: Causes) -> None:
    """No answer to a SYN: the address is gone, or its entry is stale, or REJECT stayed silent, or the worker slept.

    Or it was lost on its way. One alone among good connections says nothing of a proxy that is late or whose period is
    not known: a proxy that still lists a pod that is gone fails its share of all connections, until it has synced.
    """
    here = np.isin(facts.outcome, UNANSWERED)
    t = facts.started
    gone, loose = cover(facts.possible.vanished, t), cover(facts.possible.loose_vanished, t)
    stale = here & facts.stale
    rest = here & ~stale
    silent = rest & facts.absence.rejecting
    maybe_silent = rest & facts.absence.maybe & ~silent
    slept = facts.stalled & (facts.late | (gone.count == 0))
    ways = (gone.count > 0).astype(int) + maybe_silent + slept
    alone = rest & ~silent & (ways == 1)
    _name(found, stale, Cause.STALE_CONNTRACK, "stale")
    _name(found, silent, Cause.NO_ENDPOINTS, "silent")
    _name(found, alone & (gone.count > 0), Cause.TERMINATION_RACE, "network-gone", gone.pod)
    _name(found, alone & maybe_silent, Cause.NO_ENDPOINTS, "silent")
    _name(found, alone & slept, Cause.LOAD_GENERATOR, "stalled")
    nothing = rest & ~silent & (ways == 0)
    hanging = nothing & _while_hanging(facts, found)
    _name(found, hanging, Cause.APPLICATION, "overrun")
    late = nothing & ~hanging & (loose.count > 0)
    _name(found, late, Cause.TERMINATION_RACE, "network-gone", loose.pod)
    unsure = facts.lone & (late | (alone & (gone.count > 0) & (not facts.punctual)))
    _name(found, unsure, Cause.UNKNOWN, "lone", np.full(len(t), NOBODY, dtype=np.int64))
    _name(found, nothing & ~hanging & facts.lone & facts.alive, Cause.APPLICATION, LOST)
    _name(found, rest & ~silent & (ways > 1), Cause.UNKNOWN, "several")


def _while_hanging(facts: Facts, found: Causes) -> NDArray[np.bool_]:
    """Whether live pods took seconds over what they had accepted: then their queues fill, and SYNs are dropped."""
    slow = found.rule == "slow"
    if not slow.any():
        return np.zeros(len(slow), dtype=bool)
    starts, ends = np.sort(facts.started[slow]), np.sort(facts.ended[slow])
    return np.searchsorted(starts, facts.ended, side="right") > np.searchsorted(ends, facts.started, side="left")


def _cut(facts: Facts, found: Causes) -> None:
    """The connection was there and was closed or reset: by a stopping pod, a crashed one, or a live one.

    Killed in flight is what had been accepted, as bytes of an answer show, or a FIN, or long work on a kept connection.
    A kept connection that is lost at once counts as an idle one, be it that its server closed it or was killed.
    """
    before, midway = np.isin(facts.outcome, BEFORE), np.isin(facts.outcome, MIDWAY)
    since = np.where(facts.reused | np.isnan(facts.connected), facts.started, facts.connected)
    instant = before & (facts.ended - since <= INSTANT_S)
    stopping = _of_pod(facts, cover(facts.possible.stopping, facts.ended), facts.possible.stopping)
    loose = _of_pod(facts, cover(facts.possible.loose_stopping, facts.ended), facts.possible.loose_stopping)
    crashed = _of_pod(facts, cover(facts.possible.crashed, facts.ended), facts.possible.crashed)
    stops = np.where(stopping.count > 0, stopping.count, np.where(crashed.count > 0, 0, loose.count)) > 0
    pod = np.where(stopping.count > 0, stopping.pod, loose.pod)
    crash = crashed.count > 0
    idle = instant & facts.reused & ~(crash & ~stops)
    queued = instant & ~facts.reused & (facts.outcome == "reset-before-response")
    unread = before & ~queued & ~facts.reused & (facts.outcome == "reset-before-response")
    work = (before & ~idle & ~queued & ~unread) | midway
    _name(found, idle, Cause.IDLE_CLOSE, "idle-close", pod)
    _name(found, queued & stops & ~crash, Cause.TERMINATION_RACE, "accept-queue", pod)
    _name(found, unread & stops & ~crash, Cause.UNKNOWN, UNREAD, pod)
    _name(found, work & stops & ~crash, Cause.IN_FLIGHT_KILL, "cut", pod)
    cut = (before & ~idle) | midway
    _name(found, cut & crash & ~stops, Cause.APPLICATION, "crashed", crashed.pod)
    _name(found, cut & crash & stops, Cause.UNKNOWN, "several")
    _name(found, cut & ~crash & ~stops, Cause.APPLICATION, "cut-alive", facts.named)


def _of_pod(facts: Facts, found: Cover, spans: Spans, since: NDArray[np.float64] | None = None) -> Cover:
    """The cover, but where the request's own pod is known only that pod's spans count.

    A span counts that holds the moment at which the request ended; with `since`, one that touches [since, ended].
    """
    since = facts.ended if since is None else since

    count, pod = found.count.copy(), found.pod.copy()
    known = facts.named != NOBODY
    if known.any():
        own = np.zeros(len(count), dtype=bool)
        for start, end, position in spans:
            own |= (facts.named == position) & (facts.ended >= start) & (since <= end)
        count[known] = own[known]
        pod[known] = facts.named[known]
    return Cover(count=count, pod=pod)


def _slow(facts: Facts, found: Causes) -> None:
    """Accepted, and not answered in time.

    A pod that ends closes its connections, and its client hears of it; so silence comes from a live pod. Only where the
    request's own pod is known and ended meanwhile, its network went first.
    """
    here = np.isin(facts.outcome, ("read-timeout",))
    known = facts.named != NOBODY
    slept = here & facts.stalled & facts.late
    own = _of_pod(facts, cover(facts.possible.ends, facts.ended), facts.possible.ends, since=facts.started)
    ended_meanwhile = known & (own.count > 0)
    rest = here & ~slept
    _name(found, slept, Cause.LOAD_GENERATOR, "stalled")
    _name(found, rest & ended_meanwhile, Cause.IN_FLIGHT_KILL, "ended-meanwhile", facts.named)
    _name(found, rest & ~ended_meanwhile, Cause.APPLICATION, "slow", facts.named)


def _answered(facts: Facts, found: Causes) -> None:
    """An answer came: from a pod it is the application's; what something on the path said for it is the path's."""
    here = np.isin(facts.outcome, ("status",))
    path = here & ~facts.by_pod & np.isin(facts.status, (502, 503, 504))
    t = facts.started
    ending, starting = cover(facts.possible.loose_vanished, t), cover(facts.possible.starting, t)
    _name(found, here & ~path, Cause.APPLICATION, "status", facts.named)
    absent = path & facts.absence.maybe & (ending.count == 0)
    rest = path & ~facts.absence.maybe
    _name(found, absent, Cause.NO_ENDPOINTS, "path-status")
    _name(found, rest & (ending.count > 0) & (starting.count == 0), Cause.TERMINATION_RACE, "path-status", ending.pod)
    _name(found, rest & (ending.count == 0) & (starting.count > 0), Cause.CREATION_RACE, "path-status", starting.pod)
    _name(found, rest & (ending.count > 0) & (starting.count > 0), Cause.UNKNOWN, EITHER)
    _name(found, np.isin(facts.outcome, ("protocol-error", "tls-error")), Cause.APPLICATION, "garbled", facts.named)
