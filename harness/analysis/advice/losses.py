"""What was lost to the rollouts -> how much of it by what no setting, or only one of them, would have prevented."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.analysis.causes.explained import Explained
from harness.analysis.causes.intervals import NOBODY
from harness.analysis.causes.never_listened import target_words
from harness.analysis.causes.row import Way
from harness.analysis.causes.table.answers import Answer
from harness.analysis.causes.table.refusals import Refusal
from harness.analysis.causes.table.silences import Silence
from harness.analysis.observed.lateness import SLOW_WATCH_S, WATCH_S
from harness.analysis.observed.observed import Observed
from harness.analysis.observed.pods import Life
from harness.model.request import Outcome
from harness.model.result import Cause

Mask = NDArray[np.bool_]


def losses(seen: Observed, why: Explained, charged: Mask | None) -> dict[str, Any]:
    """By the names of `Measured`. `charged`: per failure, whether a rollout has to answer for it (all where None)."""
    beside = _beside(seen, why)
    cut = why.causes.cause == Cause.IN_FLIGHT_KILL
    kept = np.zeros_like(cut) if seen.run.info.way.ends_tcp else _turned_away_kept(why) & ~beside
    found = {
        "beside": beside,
        "turned_away_kept": kept,
        "waited": cut & (why.failures.outcome == Outcome.READ_TIMEOUT),
        "cut_kept": cut & why.failures.reused,
        "cut_new": _after_the_stop_signal(seen, why, cut & ~why.failures.reused),
        "never_listened": why.causes.by(lambda row: row.rule == Refusal.NEVER_LISTENED),
        "bare_node": why.causes.by(lambda row: row.rule == Silence.NODE_WITHOUT_POD),
    }
    numbers = {name: int((mask if charged is None else mask & charged).sum()) for name, mask in found.items()}
    numbers["unlisted"] = _unlisted(seen)
    return numbers | (_where_they_listened(seen, why) if numbers["never_listened"] else {})


def _unlisted(seen: Observed) -> int:
    """How many pods were Ready for a while, with the Service empty, and never in its list: it does not select them."""
    unlisted = [pod for pod in seen.pods if pod.ready is not None and not seen.endpoints.listed.get(pod.uid)]
    return sum(_ready_beside(pod, span) for pod in unlisted for span in seen.endpoints.empty[-1:])


def _ready_beside(pod: Life, empty: tuple[float, float]) -> bool:
    gone = min(end for end in (pod.deletion, pod.gone, math.inf) if end is not None)
    return pod.ready is not None and min(gone, empty[1]) - max(pod.ready, empty[0]) > SLOW_WATCH_S


def bare_s(seen: Observed, addition_s: float) -> float | None:
    """How long after its last pods' deletion the Service had no other, at the longest, and `addition_s` more.

    A proxy sends to pods that terminate and still serve where none is ready (KEP-1669): a preStop of so long would have
    held. None where the list was not emptied by pods' deletion, or was not filled again.
    """
    found = [_bare_s(seen, empty, filled) for empty, filled in seen.endpoints.empty]
    known = [seconds for seconds in found if seconds is not None]
    return round(max(known) + addition_s, 3) if known and len(known) == len(found) else None


def _bare_s(seen: Observed, empty: float, filled: float) -> float | None:
    """From the last deletion of the pods whose leaving made the list empty until it was filled; None where it was not,
    or they left for another reason."""
    deletions = [pod.deletion if pod.uid in seen.ours else None for pod in _last_to_leave(seen, empty)]
    known = [deletion for deletion in deletions if deletion is not None and deletion <= empty]
    if not known or len(known) < len(deletions) or not math.isfinite(filled):
        return None
    return filled - max(known)


def _last_to_leave(seen: Observed, empty: float) -> list[Life]:
    """The pods that left the list in the moment in which it became empty."""
    return [pod for pod in seen.pods if any(end == empty for _, end in seen.endpoints.listed.get(pod.uid, ()))]


def _after_the_stop_signal(seen: Observed, why: Explained, cut: Mask) -> Mask:
    """Which of those that were `cut` had been sent to a pod after its preStop hook was over, or so shortly before that
    it may have been; of one whose pod is not known, after those of all pods that may have cut it."""
    told = np.array([math.inf if pod.deletion is None else pod.deletion + pod.promise.prestop_s for pod in seen.pods])
    found = np.zeros_like(cut)
    for i in np.flatnonzero(cut):
        who = _who_cut(why, int(i))
        found[i] = bool(who) and why.failures.sent[i] > told[who].max() - WATCH_S
    return found


def _who_cut(why: Explained, i: int) -> list[int]:
    """The positions of the pods that may have cut a request as they stopped."""
    if (own := int(why.causes.pod[i])) != NOBODY:
        return [own]
    sent, ended = why.failures.sent[i], why.failures.ended[i]
    spans = (*why.windows[Way.STOPPING], *why.windows[Way.LOOSE_STOPPING])
    return [at for start, end, at in spans if start <= ended and sent <= end]


def _turned_away_kept(why: Explained) -> Mask:
    """Which requests a stopping server answered with an error on a connection that the client had open to it: what
    ends TCP before the pods sends each request where it is to go."""
    return why.causes.by(lambda row: row.rule == Answer.TURNED_AWAY) & why.failures.reused


def _beside(seen: Observed, why: Explained) -> Mask:
    """Which requests pods turned away, or no longer took, before the container that serves was told to stop: what
    stopped was a container beside it."""
    raced = why.causes.by(lambda row: row.cause == Cause.TERMINATION_RACE)
    at, found = why.failures.sent, np.zeros(len(raced), dtype=bool)
    for position, pod in enumerate(seen.pods):
        if pod.deletion is not None and pod.promise.untold_s < pod.promise.prestop_s:
            own = (why.causes.pod == position) | (why.causes.pod == NOBODY)
            told = pod.deletion + pod.promise.prestop_s
            found |= own & (at >= pod.deletion - WATCH_S) & (at < told)
    return found & raced


def _where_they_listened(seen: Observed, why: Explained) -> dict[str, str]:
    """The port that such pods never listened on, and what their probes ask instead."""
    pods = {at for _, _, at in why.windows[Way.NEVER_LISTENED]}
    probed = dict.fromkeys(port for at in sorted(pods) for port in seen.pods[at].promise.probed)
    words = f"port {', '.join(map(str, probed))}" if probed else ""
    return {"target": target_words(seen.run.info), "probed": words}
