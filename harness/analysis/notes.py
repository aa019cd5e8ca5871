"""What was observed of a run, beside its verdict -> the notes that whoever reads that has to know."""

from __future__ import annotations

import math

from harness.analysis.advice.overruns import keeps_clients, overruns
from harness.analysis.causes.explained import Explained
from harness.analysis.causes.intervals import NOBODY
from harness.analysis.causes.row import Fault
from harness.analysis.observed.deeds import held_evictions
from harness.analysis.observed.lateness import WATCH_S
from harness.analysis.observed.observed import Observed
from harness.analysis.verdict.outside import outside
from harness.analysis.verdict.window_counts import Counted
from harness.model.lags import Propagation
from harness.model.observation import MarkType
from harness.model.quantity import things
from harness.model.result import Cause
from harness.model.run import RunInfo


def notes(seen: Observed, why: Explained, counts: Counted, lags: Propagation) -> tuple[str, ...]:
    """What the run's record lacks, what it rests on, and what it did not try; each in words."""
    info = seen.run.info
    told = (
        _cut_short(info),
        _nodes(seen),
        _held(seen),
        _gaps(seen),
        _standstills(seen),
        _stalls(seen),
        _clocks(info),
        _plane(why),
        overruns(seen, why, lags),
        _failed_hooks(seen),
        _idle_closes(seen, why),
        _untried(seen),
        _misnamed(seen),
        _nameless(seen, why, counts),
        outside(seen, counts),
    )
    return (*seen.run.damage, *seen.requests.notes, *seen.missing, *filter(None, told))


def _cut_short(info: RunInfo) -> str:
    return (
        ""
        if info.finished or info.gone_on is not None
        else f"the run was cut short ({info.stopped or 'it does not say why'})"
    )


def _nodes(seen: Observed) -> str:
    """Which node each drain was of, where that is not the same of all of them."""
    if seen.words.of or not seen.nodes:
        return ""
    return "; ".join(f"{seen.words.numbered(rollout + 1)} was of {node}" for rollout, node in seen.nodes.items())


def _held(seen: Observed) -> str:
    held = held_evictions(seen.run.timeline)
    if not held:
        return ""
    longest = max(held, key=lambda one: one.seconds)
    others = f", as {things(len(held) - 1, 'other')} for less" if len(held) > 1 else ""
    return f"{longest.pod} was held for {longest.seconds:.1f} s before it could be evicted{others}: {longest.why}"


def _failed_hooks(seen: Observed) -> str:
    """That pods stopped as if they had no preStop hook, which no manifest shows."""
    taken = [pod for pod in seen.pods if pod.uid in seen.takers]
    failed = [pod.failed_hook for pod in taken if pod.failed_hook is not None]
    if not failed:
        return ""
    words = failed[0].words.removeprefix("PreStopHook failed").strip(": ")
    return (
        f"the preStop hook failed in {len(failed)} of {things(len(taken), 'pod')} that stopped"
        f"{f' ({words})' if words else ''}: the stop signal came at once, as without a hook"
    )


def _gaps(seen: Observed) -> str:
    gaps = sum(event.kind == "Mark" and event.type == MarkType.GAP for event in seen.run.timeline)
    times = "once" if gaps == 1 else f"{gaps} times"
    return f"the watch was lost {times}: what happened to pods in between is not known" if gaps else ""


def _standstills(seen: Observed) -> str:
    told = ", ".join(f"{one.late_s:.1f} s at {one.start:.1f} s" for one in seen.stalls.of_harness)
    if not told:
        return ""
    return f"the harness stood still (for {told}): what it took in after that happened at any time since it had begun"


def _stalls(seen: Observed) -> str:
    stalls = [one for one in seen.stalls.stalls if not one.by_harness]
    if not stalls:
        return ""
    worst = max(stalls, key=lambda one: one.late_s)
    at = ", ".join(dict.fromkeys(f"{one.end:.1f} s" for one in stalls))
    return (
        f"the watch stood still: what it showed at {at} came in a burst, up to {worst.late_s:.1f} s or more late "
        "against its own times; what happened to pods meanwhile is known to no better, and lags are as much wider"
    )


def _clocks(info: RunInfo) -> str:
    unsure_s = max((clock.uncertainty_s for clock in info.clocks), default=0.0)
    if unsure_s <= WATCH_S:
        return ""
    return f"a worker's clock is known to within {1000 * unsure_s:.0f} ms only: causes may be told wrongly"


def _plane(why: Explained) -> str:
    return f"{why.plane.words}: nothing was assumed about it" if why.plane.lag_s is None else ""


def _untried(seen: Observed) -> str:
    """How many of the pods that went had answered nothing, so that nobody can tell what their ends would have cost."""
    went = [pod for pod in seen.pods if pod.uid in seen.ours and pod.ready is not None]
    idle = [pod for pod in went if seen.answers.last_answer(pod.uid) == -math.inf]
    if not seen.answers.named:
        return _one_at_a_time(len(went)) if keeps_clients(seen) else ""
    if not idle:
        return ""
    what = "more of it" if "new" in seen.run.info.streams else "load.new, or more connections,"
    return (
        f"{len(idle)} of {things(len(went), 'pod')} that went had answered no request: what their end costs was not "
        f"tried ({what} may reach them, where they answer and the Service has no sessionAffinity)"
    )


def _misnamed(seen: Observed) -> str:
    """That the header in which pods' names are looked for holds others."""
    if not (name := seen.requests.misnamed):
        return ""
    header = seen.run.info.pod_header or "the header for it"
    return f'no value of {header} is the name of a pod that was seen (one is "{name}"): it is taken for no name'


def _nameless(seen: Observed, why: Explained, counts: Counted) -> str:
    """That it was told by time alone whose the application's failures in rollouts were."""
    theirs = why.causes.by(lambda row: row.fault == Fault.APPLICATION) & (why.causes.pod == NOBODY) & (counts.at >= 0)
    number = int(theirs.sum())
    if seen.answers.named or not number or len(seen.pods) < 2:
        return ""
    return (
        f"answers do not name their pod: of {things(number, 'failure')} of the application nobody can say which pods' "
        "they were (load.pod_header, a header of the answer with the pod's name, tells)"
    )


def _one_at_a_time(went: int) -> str:
    return (
        f"the Service's sessionAffinity keeps each load worker with one pod: of {things(went, 'pod')} that went those "
        "to which none was sent cost nothing (load.pod_header tells which; more workers, each on a node of its own, "
        "reach more)"
    )


def _idle_closes(seen: Observed, why: Explained) -> str:
    idle = int((why.causes.cause == Cause.IDLE_CLOSE).sum())
    if not idle or seen.run.info.strict_idle_close:
        return ""
    met = things(idle, "request")
    return f"{met} met a kept connection as its server closed it or was killed, before it was read: counted apart"
