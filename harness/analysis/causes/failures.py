"""What was observed, and when each way to fail was possible -> the failed requests as arrays, with all a rule asks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import polars as pl
from numpy.typing import NDArray

from harness.analysis.causes.as_ever import closed_as_ever
from harness.analysis.causes.bare_nodes import bare_nodes
from harness.analysis.causes.conntrack import UNANSWERED
from harness.analysis.causes.data_plane import DataPlane
from harness.analysis.causes.given_up import in_hand
from harness.analysis.causes.hop_answers import TOLD_TO_STOP, hop_flags, off_all_lists
from harness.analysis.causes.hung import hung_at_stops
from harness.analysis.causes.idle_ends import idle_ends
from harness.analysis.causes.intervals import NOBODY, cover, cover_of_own_pod, frozen
from harness.analysis.causes.losses import at_once_everywhere, losses, off_stopping_lists, slowest_s
from harness.analysis.causes.met_closings import more_than_chance
from harness.analysis.causes.no_endpoints import absence
from harness.analysis.causes.one_moment import cut_with_others
from harness.analysis.causes.own_pods import own_pods
from harness.analysis.causes.row import Flag, Way
from harness.analysis.causes.slow_beside import no_more_than_before, slow_beside
from harness.analysis.causes.slow_ends import later_than_the_loop
from harness.analysis.causes.streaks import Streaks
from harness.analysis.causes.time_windows import TimeWindows
from harness.analysis.causes.too_few_left import too_few_left
from harness.analysis.causes.turned_away import turned_away
from harness.analysis.observed.lateness import WATCH_S
from harness.analysis.observed.load_health import LoadHealth
from harness.analysis.observed.observed import Observed
from harness.analysis.observed.pods import Life
from harness.model.run import RunInfo

INSTANT_S = 0.1
"""What was lost this soon after it was sent had not been worked on: the moment in which a server closes."""

CUT = ("reset-before-response", "eof-before-response")

LATE_S = 0.2
"""A time-out that fired so much later than asked for: the worker itself did not run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failures:
    """The failed requests in the order of `Requests.failures`, one array a fact.

    `outcome`: of a TLS handshake that was cut short, what that would have been without TLS. `trouble`: what broke it.

    `sent`, `ended`: seconds; `busy_until`: until when it can have been worked on, seconds. `own`: the position of the
    pod at the other end, or `NOBODY`. `flags`: by flag, whether it is true of each. `windows`: when each way was
    possible.
    """

    outcome: NDArray[np.object_]
    trouble: NDArray[np.object_]
    sent: NDArray[np.float64]
    ended: NDArray[np.float64]
    busy_until: NDArray[np.float64]
    status: NDArray[np.int64]
    reused: NDArray[np.bool_]
    own: NDArray[np.int64]
    flags: Mapping[Flag, NDArray[np.bool_]]
    windows: TimeWindows

    def __post_init__(self) -> None:
        frozen(
            self.outcome,
            self.trouble,
            self.sent,
            self.ended,
            self.busy_until,
            self.status,
            self.reused,
            self.own,
            *self.flags.values(),
        )


def failures(
    seen: Observed,
    stale: pl.Series,
    streaks: Streaks,
    plane: DataPlane,
    windows: TimeWindows,
) -> Failures:
    """All that the rules ask of the failures of a run. `stale`: per failure, whether a stale conntrack entry fits."""
    rows, info = seen.requests.failures, seen.run.info
    outcome = rows["met"].to_numpy().astype(object)
    sent, ended = (np.array(rows[name].to_numpy()) for name in ("started", "ended"))
    reused = np.array(rows["reused"].to_numpy())
    status = np.array(rows["status"].fill_null(0).to_numpy())
    own = own_pods(seen.requests, seen.pods, ends_tcp=info.way.ends_tcp)
    by_hop = hop_flags(seen, status, sent)
    # Where a hop has no target it says so, as a node's proxy that has no endpoint refuses.
    told = np.where(by_hop[Flag.NO_TARGET], "connect-refused", outcome)
    absent = absence(seen.endpoints, windows, streaks, plane.lag_s, told, sent)
    nodes = bare_nodes(seen, plane, sent, np.isin(outcome, UNANSWERED))
    ends = idle_ends(seen)
    silent = np.isin(outcome, UNANSWERED) & ~np.array(stale.to_numpy())
    timed_out = outcome == "read-timeout"
    work_s = slowest_s(seen, timed_out)
    lost = losses(seen, silent, timed_out, work_s, streaks, plane, windows)
    busy_until = np.where(timed_out, sent + work_s, ended)
    # What was cut or answered on a new connection, of a pod that is not known; a balancer is not taken to be punctual.
    direct = ~reused & (own == NOBODY) & np.isin(outcome, ("status", *CUT)) & info.way.node_first
    stalled, late = (
        _stalled(sent, ended, seen.load),
        _late(info, rows["outcome"].to_numpy().astype(object), ended - sent),
    )
    instant = _instant(rows["connected"].to_numpy(), sent, ended, reused)
    at_once = ~reused & ((outcome == "connect-refused") | (np.isin(outcome, CUT) & instant))
    if not info.way.node_first:  # a balancer that knows of no pod turns everybody away
        at_once = np.zeros_like(at_once)
    slow = slow_beside(seen, timed_out, own)
    as_ever = closed_as_ever(seen, by_hop[Flag.CLOSED_BEHIND], instant, sent, windows)
    waited = np.isin(outcome, CUT) & ~instant & info.way.ends_tcp
    waited_as_ever = closed_as_ever(seen, waited, instant, sent, windows)
    off = off_stopping_lists(seen, timed_out | direct, busy_until, windows)
    turned = turned_away(seen, own, windows[Way.LOOSE_STOPPING], plane.lag_s)
    reset = reused & (outcome == "reset-before-response")
    reset_as_ever = closed_as_ever(seen, reset, reset, sent, windows)
    refused = outcome == "connect-refused"
    refused_as_ever = closed_as_ever(seen, refused, refused, sent, windows)
    flags = {
        Flag.REUSED: reused,
        Flag.INSTANT: instant,
        Flag.UNDER_WAY: ends.under_way & ~later_than_the_loop(seen, ends, own, windows),
        Flag.UNACKNOWLEDGED: ends.unacknowledged,
        Flag.MAYBE_IDLE: ends.untold,
        Flag.LATE_IDLE: ends.late,
        Flag.MAYBE_READ: ends.maybe_read,
        Flag.MET_CLOSINGS: more_than_chance(seen, ends.under_way, ends.within_s, own, windows),
        Flag.RESET_AS_EVER: reset_as_ever.by_requests | reset_as_ever.by_time,
        Flag.REFUSED_AS_EVER: refused_as_ever.by_requests,
        Flag.POD_KNOWN: own != NOBODY,
        Flag.POD_KILLED: _killed(seen.pods, windows, own, ended),
        **by_hop,
        Flag.CLOSED_AS_EVER: as_ever.by_requests,
        Flag.CLOSED_BY_TIME: as_ever.by_time,
        Flag.CUT_ON_THE_WAY: waited & ~(waited_as_ever.by_requests | waited_as_ever.by_time),
        Flag.OFF_ALL_LISTS: off_all_lists(by_hop[Flag.BAD_TARGET], sent, ended, windows),
        Flag.OFF_STOPPING_LISTS: off_all_lists(by_hop[Flag.BAD_TARGET], sent, ended, windows, TOLD_TO_STOP)
        | (off & ~cut_with_others(direct & np.isin(outcome, CUT) & ~instant, ended, ~off)),
        Flag.NO_ENDPOINT: absent.rejecting,
        Flag.MAYBE_NO_ENDPOINT: absent.maybe,
        Flag.NODE_WITHOUT_POD: nodes.bare,
        Flag.BARE_AS_EVER: nodes.as_ever,
        Flag.STALE: np.array(stale.to_numpy()),
        Flag.STALLED: stalled,
        Flag.OVERSLEPT: stalled & late,
        Flag.CHAIN: lost.chain,
        Flag.CHANCE: lost.chance,
        Flag.AT_STOPS: lost.at_stops,
        Flag.HUNG: hung_at_stops(seen, timed_out, reused, own, windows),
        Flag.BACKGROUND: lost.background,
        Flag.EVERYWHERE: lost.everywhere | at_once_everywhere(seen, at_once, streaks, plane, windows),
        Flag.SLOW_BESIDE: slow,
        Flag.SLOW_BEFORE: slow & no_more_than_before(seen, slow),
        Flag.REROUTED: _rerouted(seen, plane, sent, by_deploy=False),
        Flag.REROUTED_BY_DEPLOY: _rerouted(seen, plane, sent, by_deploy=True),
        Flag.TURNED_AWAY: turned,
        Flag.IN_HAND: in_hand(turned, sent, ended, own, windows[Way.LOOSE_STOPPING]),
        Flag.TOO_FEW_LEFT: too_few_left(seen, turned, plane.lag_s, windows),
    }
    return Failures(
        outcome=outcome,
        trouble=rows["tls_trouble"].to_numpy().astype(object),
        sent=sent,
        ended=ended,
        busy_until=busy_until,
        status=status,
        reused=reused,
        own=own,
        flags=MappingProxyType(flags),
        windows=windows,
    )


def _rerouted(seen: Observed, plane: DataPlane, sent: NDArray[np.float64], *, by_deploy: bool) -> NDArray[np.bool_]:
    """Whether what the deploy, or others, did to the Service or its endpoints was in force, or may still have been."""
    changes = (change for change in seen.foreign if change.reroutes and change.by_deploy == by_deploy)
    spans = tuple((change.start - WATCH_S, change.end + plane.longest_lag_s, 0) for change in changes)
    return np.asarray(cover(spans, sent).count > 0)


def _instant(
    connected: NDArray[np.float64], sent: NDArray[np.float64], ended: NDArray[np.float64], reused: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Whether it was lost at once after it was sent, or its connection was there."""
    since = np.where(reused | np.isnan(connected), sent, connected)
    return np.asarray(ended - since <= INSTANT_S)


def _killed(
    pods: Sequence[Life], windows: TimeWindows, own: NDArray[np.int64], ended: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """Whether what ended then ended with a pod that had to be killed; before that, its server still closed."""
    strict, loose = (cover_of_own_pod(windows[way], own, ended, ended) for way in (Way.STOPPING, Way.LOOSE_STOPPING))
    pod = np.where(strict.count > 0, strict.pod, loose.pod)
    found = np.zeros(len(ended), dtype=bool)
    for at, life in enumerate(pods):
        if life.killed and life.exit is not None:
            found |= (pod == at) & (ended >= life.exit - WATCH_S)
    return found


def _late(info: RunInfo, outcome: NDArray[np.object_], took: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Whether a time-out fired much later than it was due: the worker itself did not run then."""
    limits = dict.fromkeys(("connect-timeout", "tls-error"), info.load.connect_timeout_s)
    limits["read-timeout"] = info.load.read_timeout_s
    late = np.zeros(len(outcome), dtype=bool)
    for name, limit in limits.items():
        late |= (outcome == name) & (took > limit + LATE_S)
    return late


def _stalled(sent: NDArray[np.float64], ended: NDArray[np.float64], load: LoadHealth) -> NDArray[np.bool_]:
    """Whether the worker stood still at some moment while the request was under way."""
    inside = np.zeros(len(sent), dtype=bool)
    for start, end in load.stalls:
        inside |= (sent <= end) & (ended >= start)
    return inside
