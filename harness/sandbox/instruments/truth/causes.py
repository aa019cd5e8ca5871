"""A failed request and what was really there -> its true cause and the detail of it.

The details are those of the recordings of a real cluster (`listener-closed`, `pod-network-gone`, `accept-queue`,
`keepalive-close-race`, `not-listening-yet`, `fast-shutdown`, `rejected`, `rejected-without-icmp`,
`untranslated-during-sync`, `status-from-live-pod`, `status-from-terminating-pod`, `entry-to-dead-pod`) and, for what
only the sandbox's applications and balancers do, `never-accepted`, `never-read`, `end-or-request-first`, `crashed-pod`,
`slow-answer`, `no-answer-from-live-pod`, `cut-by-live-pod`, `bad-answer`, `unregistered`. A cause `unknown` means that
even the kernel's events do not tell.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.sandbox.instruments.truth.world import Entry, Pod, World

Cause = tuple[str, str]
# A kept connection ended as its pod stopped: no event tells whether that or the request was first.
UNDECIDED: Cause = ("unknown", "end-or-request-first")
NO_FAILURE = frozenset({"ok", "unsent"})

_REFUSED, _SILENT = "connect-refused", frozenset({"connect-timeout", "unreachable"})
CUT = frozenset({"reset-before-response", "eof-before-response", "reset-mid-response", "eof-mid-response"})
# How far the client's word of a loss and the kernel's word of what brought it may lie apart.
_APART_S = 0.02
# A connection that ends that soon after the send had its end under way before the request arrived; one that ends later
# than the other had not. The round trip on one machine is far below either, but who is to read may have to wait for a
# processor.
CROSSED_S, ROUND_TRIP_S = 0.001, 0.02
# A watch event may arrive that much after the kubelet has begun to act on it.
WATCH_S = 0.3


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """A row of requests.csv, as far as a cause depends on it."""

    started: float
    connected: float | None
    ended: float
    port: int
    reused: bool
    outcome: str


def cause(attempt: Attempt, entry: Entry | None, pod: Pod | None, world: World) -> Cause:
    """Why a failed request failed; `entry` and `pod`: where the kernel really sent it."""
    if entry is None:
        return _untracked(attempt, world)
    if pod is None:
        return "unknown", "no-such-pod"
    if not attempt.reused and entry.began < attempt.started - 0.002:
        return "stale-conntrack", "entry-to-dead-pod"
    if attempt.outcome == "status":
        terminating = pod.deletion is not None and pod.deletion <= attempt.ended
        return "application", "status-from-terminating-pod" if terminating else "status-from-live-pod"
    if attempt.outcome == _REFUSED:
        return _refused(attempt.ended, entry.answering[1], pod)
    if attempt.outcome in _SILENT:
        gone = pod.gone is not None and pod.gone <= attempt.ended
        return ("termination-race", "pod-network-gone") if gone else ("application", "no-answer-from-live-pod")
    if attempt.outcome == "read-timeout":
        return _unanswered(attempt, entry, pod)
    if attempt.outcome in CUT:
        return _cut(attempt, entry, pod)
    return "application", "bad-answer"


def _untracked(attempt: Attempt, world: World) -> Cause:
    if world.without_endpoints(attempt.started):
        if world.balanced and world.always_ready(attempt.started, attempt.started):
            return "creation-race", "unregistered"
        return "no-endpoints", "rejected" if attempt.outcome == _REFUSED else "rejected-without-icmp"
    if attempt.outcome in _SILENT and world.syncing(attempt.started):
        return "no-endpoints", "untranslated-during-sync"
    return "unknown", "not-tracked"


def _refused(t: float, port: int, pod: Pod) -> Cause:
    """Refused by the pod's own kernel: nothing listened, and the question is whether not yet or not any more."""
    closed = [still for still, _ in _closings(pod, port) if still <= t]
    if not closed:
        return "creation-race", "not-listening-yet"
    if any(closed[-1] - _APART_S <= crash <= t + _APART_S for crash in _crashes(pod)):
        return "application", "crashed-pod"
    if pod.gone is not None and pod.gone <= t:
        return "termination-race", "pod-network-gone"
    if pod.deletion is not None and pod.deletion - WATCH_S <= t:
        return "termination-race", "listener-closed"
    return "application", "no-answer-from-live-pod"


def _unanswered(attempt: Attempt, entry: Entry, pod: Pod) -> Cause:
    stopping = pod.deletion is not None and pod.deletion - WATCH_S <= attempt.started
    if stopping and not attempt.reused and not _accepted(attempt, entry, pod):
        return "termination-race", "never-accepted"
    if pod.gone is None or pod.gone > attempt.ended:
        return "application", "slow-answer"
    if pod.gone <= attempt.started:
        return "termination-race", "pod-network-gone"
    return "in-flight-kill", "pod-network-gone"


def _cut(attempt: Attempt, entry: Entry, pod: Pod) -> Cause:
    if any(attempt.started - _APART_S <= crash <= attempt.ended + _APART_S for crash in _crashes(pod)):
        return "application", "crashed-pod"
    stopping = pod.deletion is not None and pod.deletion - WATCH_S <= attempt.ended
    if attempt.reused:
        return _kept_cut(attempt) if stopping else ("idle-close", "keepalive-close-race")
    if not stopping:
        return "application", "cut-by-live-pod"
    closings = _closings(pod, entry.answering[1])
    closing = any(still - _APART_S <= attempt.ended <= end + _APART_S for still, end in closings)
    if closing and attempt.outcome == "reset-before-response" and not _accepted(attempt, entry, pod):
        return "termination-race", "accept-queue"
    return "in-flight-kill", "fast-shutdown"


def _kept_cut(attempt: Attempt) -> Cause:
    """On its way when the pod closed the connection, or with the pod before: with its kernel, unread, or its program.

    The kernel answers with a reset what no program has read, and ends with FIN where everything had been read.
    """
    lasted_s = attempt.ended - attempt.started
    if attempt.outcome.endswith("mid-response"):
        return "in-flight-kill", "fast-shutdown"
    if lasted_s > ROUND_TRIP_S:
        return "in-flight-kill", "never-read" if attempt.outcome == "reset-before-response" else "fast-shutdown"
    return UNDECIDED if lasted_s > CROSSED_S else ("idle-close", "keepalive-close-race")


def _accepted(attempt: Attempt, entry: Entry, pod: Pod) -> bool:
    return any(t >= attempt.started for t in pod.accepted.get(entry.client, ()))


def _closings(pod: Pod, port: int) -> tuple[tuple[float, float], ...]:
    """When the pod's listener closed: between the two times of each pair."""
    spans = pod.listening.get(port, ())
    return tuple((span.still, span.end) for span in spans if span.still is not None and span.end is not None)


def _crashes(pod: Pod) -> tuple[float, ...]:
    """When containers ended though nobody had asked the pod to."""
    return tuple(t for t in pod.exits if pod.deletion is None or t < pod.deletion - WATCH_S)
