"""What was observed -> the doubts: why a record cannot carry `seamless`, each with a word and in words."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Mapping, Sequence

from harness.analysis.causes.data_plane import DataPlane
from harness.analysis.observed.lateness import WATCH_S
from harness.analysis.observed.lost_workers import lost_parts
from harness.analysis.observed.observed import Observed
from harness.analysis.observed.pods import Life
from harness.analysis.observed.windows import Span
from harness.model.quantity import things
from harness.model.reasons import Reason
from harness.model.result import Cause

Doubt = tuple[Reason, str]
"""The reason, and a sentence."""

UNSURE_S = 0.5
"""How far off a worker's clock may be: as long as all that a rollout drops may take, on a fast data plane."""


def _nothing_sent(seen: Observed) -> Doubt | None:
    sent = len(seen.requests.frame)
    if not sent:
        return Reason.NO_REQUESTS, "no request was recorded"
    if len(seen.requests.failures) + int(seen.requests.frame["unsent"].sum() or 0) == sent:
        return Reason.NO_SUCCESS, "not one request was answered as wanted"
    return None


def _nothing_rolled(seen: Observed) -> Doubt | None:
    return None if seen.windows.rollouts else (Reason.NO_ROLLOUT, f"no {seen.words.noun} was recorded")


def _cut_short(seen: Observed) -> Doubt | None:
    info, rollouts = seen.run.info, seen.windows.rollouts
    planned = info.planned_rollouts
    if info.finished and (planned is None or len(rollouts) >= planned):
        return None
    done = sum(span.settled is not None for span in rollouts)
    why = info.stopped or "the run was cut short"
    of = seen.words.counted(planned) if planned is not None else f"? {seen.words.plural}"
    return Reason.CUT_SHORT, f"{why} after {done} of {of}"


def _damaged_record(seen: Observed) -> Doubt | None:
    damage = (*seen.run.damage, *seen.requests.notes)
    return (Reason.DAMAGED_RECORD, _all(damage)) if damage else None


def _incomplete_record(seen: Observed) -> Doubt | None:
    return (Reason.INCOMPLETE_RECORD, _all(seen.missing)) if seen.missing else None


def _all(found: tuple[str, ...], most: int = 3) -> str:
    """What was found, the first of it where it is much."""
    more = f"; and {len(found) - most} more of the kind" if len(found) > most else ""
    return "; ".join(found[:most]) + more


def _load_was_late(seen: Observed) -> Doubt | None:
    if not seen.load.why:
        return None
    return Reason.LOAD_GENERATOR, f"the load generator did not keep its schedule: {seen.load.why}"


def _no_timeline(seen: Observed) -> Doubt | None:
    if any(event.kind == "Pod" for event in seen.run.timeline):
        return None
    return Reason.NO_TIMELINE, "the watch events are missing: what happened to the pods is not known"


def _no_control(seen: Observed) -> Doubt | None:
    if not seen.windows.rollouts:
        return None
    if seen.windows.control is None:
        return Reason.NO_CONTROL, "there was no control window to compare with"
    due = seen.requests.frame["scheduled"].is_between(*seen.windows.control, closed="left")
    return (
        None if due.any() else (Reason.NO_CONTROL, "no request was sent in the control window: nothing to compare with")
    )


def _changed_by_others(seen: Observed) -> Doubt | None:
    start = seen.windows.control[0] if seen.windows.control else seen.requests.first
    others = (change for change in seen.foreign if not change.by_deploy)
    told = [change for change in others if change.end >= start and change.start <= seen.windows.end]
    if not told:
        return None
    more = f", and {things(len(told) - 1, 'more change')}" if len(told) > 1 else ""
    return Reason.FOREIGN_CHANGE, f"{told[0].words}, {told[0].start:.1f} s into the run{more}"


def _clock_unknown(seen: Observed) -> Doubt | None:
    unsure_s = max((clock.uncertainty_s for clock in seen.run.info.clocks), default=0.0)
    if unsure_s <= UNSURE_S:
        return None
    return Reason.CLOCK, f"a worker's clock is known to within {unsure_s:.1f} s only: what failed when cannot be told"


def _watch_stood_still(seen: Observed) -> Doubt | None:
    sent, rolled = seen.requests.failures["started"], min(seen.windows.updates, default=math.inf)
    for one in seen.stalls.stalls:
        if one.by_harness:
            continue
        lost = int(sent.is_between(max(one.start, rolled), one.end).sum() or 0)
        if lost:
            words = f"the watch stood still for {one.late_s:.1f} s or more until {one.end:.1f} s"
            return (
                Reason.WATCH_STALLED,
                f"{words}, as {things(lost, 'request')} failed: what happened to pods then is not known",
            )
    return None


def _harness_stood_still(seen: Observed) -> Doubt | None:
    failed = seen.requests.failures["started"]
    for span in seen.windows.rollouts:
        whole = min(span.end, seen.windows.end)
        settled = span.settled if span.settled is not None else whole
        for one in seen.stalls.of_harness:
            # After the old pods are gone it matters only where something failed: its cause may not have been seen.
            until = whole if failed.is_between(one.start, whole).any() else settled
            if one.start < until and one.end > span.update:
                words = f"the harness stood still for {one.late_s:.1f} s, {one.start:.1f} s into the run"
                return (
                    Reason.HARNESS_STALLED,
                    f"{words}, in {seen.words.numbered(span.number)}: when things happened then is not known",
                )
    return None


_OF_A_RUN = (
    _nothing_sent,
    _changed_by_others,
    _nothing_rolled,
    _cut_short,
    _damaged_record,
    _incomplete_record,
    _load_was_late,
    _no_timeline,
    _no_control,
    _harness_stood_still,
    _watch_stood_still,
    _clock_unknown,
)


def run_doubts(seen: Observed, nobodys: Mapping[str, int]) -> tuple[Doubt, ...]:
    """What speaks against calling the whole run clean: every doubt is asked for, always; the first gives the reason.

    `nobodys`: by cause, how many failures a rollout makes and no rollout is charged with.
    """
    doubts = [doubt for ask in _OF_A_RUN if (doubt := ask(seen)) is not None]
    if nobodys:
        told = ", ".join(f"{cause}: {count}" for cause, count in nobodys.items())
        doubts.append(
            (
                Reason.UNCHARGED,
                f"failures such as {seen.words.plural} make ({told}) came with none that answers for them"
                f"{_lost_readiness(seen) if Cause.NO_ENDPOINTS in nobodys else ''}",
            )
        )
    return tuple(doubts)


def _lost_readiness(seen: Observed) -> str:
    """That no pod was left to send to because pods that nobody had told to go lost their readiness."""
    lost = [pod for pod in seen.pods if any(_in_service(pod, span) and _empties(seen, span) for span in pod.unready)]
    if not lost:
        return ""
    some = lost[0].name if len(lost) == 1 else things(len(lost), "pod")
    new = f", which {seen.words.one} had brought," if all(_brought_by_us(seen, pod) for pod in lost) else ""
    return (
        f": no pod was Ready, for {some} in service{new} had lost readiness (a readiness probe that failed, or a gate)"
    )


def _brought_by_us(seen: Observed, pod: Life) -> bool:
    span = seen.windows.at(pod.created) if pod.created is not None else None
    return span is not None and span.rollout is not None


def _in_service(pod: Life, unready: tuple[float, float]) -> bool:
    """Whether nothing else than its readiness was amiss: it had not been told to go, and no container was down."""
    since, until = unready
    going = pod.deletion is not None and pod.deletion <= since
    return not going and not any(down <= until and since <= up for down, up in pod.crashes)


def _empties(seen: Observed, unready: tuple[float, float]) -> bool:
    """Whether the list of endpoints became empty while it was unready."""
    return any(unready[0] - WATCH_S <= start <= unready[1] for start, _ in seen.endpoints.empty)


def incomplete(
    seen: Observed, plane: DataPlane, span: Span, created: Sequence[float], served: Sequence[float]
) -> tuple[Doubt, ...]:
    """Why a rollout without failures may still say nothing: it did not happen as a whole, or was not watched to its
    end. `created`: when pods came, ascending; `served`: when those came that were Ready one day."""
    name = seen.words.numbered(span.number)
    if span.undone:
        return ((Reason.ROLLOUT_UNDONE, f"{name} was undone before it was complete"),)
    if span.complete is None:
        return ((Reason.ROLLOUT_INCOMPLETE, f"{name} never completed"),)
    if seen.pods and not _between(created, span):
        return ((Reason.NOTHING_ROLLED, f"{name} brought no new pod"),)
    if seen.pods and not _between(served, span):
        return ((Reason.NOTHING_ROLLED, f"{name} brought no new pod that became Ready"),)
    if span.settled is None:
        return ((Reason.ROLLOUT_UNSETTLED, f"the old pods of {name} were not seen to go"),)
    watched_s = min(span.end, seen.windows.end) - span.settled
    if plane.period_s is not None and watched_s < plane.period_s:
        what = "the next one began" if span.end < seen.windows.end else "load ended"
        return ((Reason.TOO_SHORT, f"{what} {watched_s:.1f} s after {name} had settled, within one proxy period"),)
    return _workers_lost(seen, span, until=span.settled + (seen.run.info.quiet_s or 0.0))


def _between(moments: Sequence[float], span: Span) -> bool:
    """Whether any of the ascending moments lies in the rollout."""
    return bisect_left(moments, span.update) < bisect_left(moments, span.end)


def _workers_lost(seen: Observed, span: Span, *, until: float) -> tuple[Doubt, ...]:
    """What clients of a worker that was lost would have seen of the rollout `until` its quiet time was over; of those
    before it all is known."""
    name = seen.words.numbered(span.number)
    found = []
    for part in lost_parts(seen.run.info, seen.requests.frame):
        if part.since < until:
            one = part.worker
            where = f" on node {one.node}" if one.node else ""
            words = f"load worker {one.worker}{where} was lost at {one.lost_at:.1f} s ({one.why})"
            found.append(
                (Reason.WORKER_LOST, f"{words}: what its part of the load would have met in {name} is not known")
            )
    return tuple(found)
