"""A run -> its scenario's result: what each room of the analysis says of it, in turn."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from harness.analysis.advice.overruns import overruns
from harness.analysis.advice.propagation import propagation
from harness.analysis.advice.sizing import sizing
from harness.analysis.advice.unended import unended
from harness.analysis.budget import spent
from harness.analysis.causes.explained import Explained, explain
from harness.analysis.causes.row import Row
from harness.analysis.causes.table import TABLE
from harness.analysis.chart import chart, failed_requests
from harness.analysis.counted import against, counted_part, interruption, unshown
from harness.analysis.observed.deeds import held_evictions
from harness.analysis.observed.lateness import WATCH_S
from harness.analysis.observed.observed import Observed, observe
from harness.analysis.observed.windows import CONTROL
from harness.analysis.races import races
from harness.analysis.statistics import rollout_statistics
from harness.analysis.verdict.accounts import accounts
from harness.analysis.verdict.attribution import Attribution, attribute
from harness.analysis.verdict.background import Background, background, shown_background
from harness.analysis.verdict.cut_answers import cut_answers
from harness.analysis.verdict.doubts import Doubt, run_doubts
from harness.analysis.verdict.gates import gate_words
from harness.analysis.verdict.other_answers import other_answers
from harness.analysis.verdict.outside import outside
from harness.analysis.verdict.verdict import RolloutAccount, as_expected, conclusion
from harness.analysis.verdict.window_counts import Counted, counted, tally
from harness.model.advice import Propagation
from harness.model.observation import MarkType
from harness.model.quantity import things
from harness.model.reasons import Reason
from harness.model.result import Cause, RolloutFindings, ScenarioResult
from harness.model.run import Run, RunInfo


@dataclass(frozen=True, slots=True, kw_only=True)
class _Told:
    """What was seen in a run, why it was so, and what counts for and against each of its rollouts."""

    seen: Observed
    why: Explained
    charged: Attribution
    counts: Counted
    quiet: Background
    accounts: tuple[RolloutAccount, ...]


def _told(run: Run, table: Sequence[Row]) -> _Told:
    seen = observe(run)
    why = explain(seen, table)
    charged = attribute(seen, why)
    counts = counted(seen, why.causes.label, charged)
    quiet = shown_background(seen, why)
    shown = accounts(seen, why, charged, counts, quiet)
    return _Told(seen=seen, why=why, charged=charged, counts=counts, quiet=quiet, accounts=shown)


def judge(run: Run, *, seed: int = 0, table: Sequence[Row] = TABLE) -> ScenarioResult:
    """Judge one run, from its records alone. `seed` is the bootstrap's: the same run gives the same result, always.

    Every failed request has its cause by the `table` of rules, those before the control window too (an application that
    warms up); they belong to no rollout and count neither for nor against one.
    """
    told, gone_on = _told(run, table), run.info.gone_on
    if gone_on is None:
        return _judged(run, told, range(len(told.accounts)), (), seed)
    lost = against(gone_on, told.accounts)
    if lost:  # what was recorded of them counts too
        return _judged(run, told, (*range(min(gone_on.rollouts, lost[0])), *lost), (), seed, found_against=len(lost))
    doubts = unshown(gone_on, told.accounts, told.seen.words)
    whole = range(min(gone_on.rollouts, len(told.accounts)))
    return _judged(run, _told(counted_part(run), table), whole, doubts, seed)


def _judged(
    recorded: Run, told: _Told, positions: Sequence[int], doubts: Sequence[Doubt], seed: int, *, found_against: int = 0
) -> ScenarioResult:
    """The result of the rollouts at these positions, with these `doubts` beside those of the run that is told."""
    seen, why, charged, counts = told.seen, told.why, told.charged, told.counts
    run, shown = seen.run, [told.accounts[position] for position in positions]
    gates_note, shortfall = gate_words(seen)
    to_answer = charged.own & np.isin(charged.at, positions)
    own = list(tally(list(why.causes.label[to_answer])).items())
    unlike = (*other_answers(seen, why.windows), *cut_answers(seen, why.windows))
    other = ((Reason.OTHER_ANSWERS, words) for words in unlike)
    of_run = (*doubts, *run_doubts(seen, tally(list(why.causes.cause[charged.nobodys]))), *other)
    said = conclusion(
        shown,
        doubts=of_run,
        causes=own,
        background=background(counts, told.quiet, seen.words),
        confidence=run.info.confidence,
        words=seen.words,
        shortfall=shortfall,
    )
    lags = propagation(seen, why)
    sized = sizing(seen, why, lags, causes=dict(own), charged=to_answer)
    ended = _ended(seen)
    rollouts = tuple(
        _rollout(seen, counts, one, at, ended.get(at, {})) for one, at in zip(shown, positions, strict=True)
    )
    result = ScenarioResult(
        scenario=run.info.scenario,
        variant=run.info.variant,
        path=run.info.path,
        verdict=said.verdict,
        reason=said.reason,
        sentence=said.sentence,
        words=seen.words,
        expect=run.info.expect,
        as_expected=as_expected(said.verdict, run.info.expect),
        requests=len(seen.requests.frame),
        failed=len(seen.requests.failures),
        unsent=int(seen.requests.frame["unsent"].sum() or 0),
        control=counts.windows.get(CONTROL),
        rollouts=rollouts,
        causes=tally(list(why.causes.label)),
        by_outcome=tally(seen.requests.failures["outcome"].to_list()),
        budget=spent(run.info.budget, rollouts),
        propagation=lags,
        sizing=sized,
        statistics=rollout_statistics(
            [one.dropping for one in shown],
            [int(charged.of(at).sum()) for at in positions],
            run.info.confidence,
            seed=seed,
        ),
        load=seen.load.facts,
        notes=tuple(
            filter(
                None,
                (interruption(recorded, found_against), *_notes(seen, why, counts, lags), unended(sized), gates_note),
            )
        ),
        chart=chart(seen),
        failures=failed_requests(seen, why),
        doubts=tuple(words for _, words in of_run),
    )
    return replace(result, races=races(seen, why, lags, result, counts.at))


def _ended(seen: Observed) -> dict[int, dict[str, str]]:
    """By the position of a rollout, the pods that ended in it, and who took each."""
    taken = [pod for pod in seen.pods if pod.uid in seen.takers]
    found: dict[int, dict[str, str]] = {}
    for pod, at in zip(taken, seen.windows.positions(np.array([pod.end or 0.0 for pod in taken])), strict=True):
        found.setdefault(int(at), {})[pod.name] = str(seen.takers[pod.uid])
    return found


def _rollout(
    seen: Observed, counts: Counted, one: RolloutAccount, position: int, ended: dict[str, str]
) -> RolloutFindings:
    span, window = seen.windows.rollouts[position], counts.windows[position]
    failed_s = _failed_s(seen, counts, position)
    notes = "; ".join(words for _, words in one.doubts)
    return RolloutFindings(
        rollout=span.rollout,
        dropping=one.dropping,
        window=window,
        update=span.update,
        complete=span.complete,
        settled=span.settled,
        outages=counts.outages[position],
        first_failure_s=round(float(failed_s.min()), 6) if len(failed_s) else None,
        last_failure_s=round(float(failed_s.max()), 6) if len(failed_s) else None,
        takers=ended,
        note=notes,
        by=span.by,
        own_failures=one.own_failures,
    )


def _failed_s(seen: Observed, counts: Counted, position: int) -> NDArray[np.float64]:
    """How long after the update each failed request of a rollout was due, or ended, where it was due before."""
    failures, update = seen.requests.failures, seen.windows.rollouts[position].update
    due, ended = (failures[name].to_numpy()[counts.at == position] - update for name in ("scheduled", "ended"))
    return np.asarray(np.where(due < 0.0, ended, due), dtype=np.float64)


def _notes(seen: Observed, why: Explained, counts: Counted, lags: Propagation) -> tuple[str, ...]:
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
    if not idle or not seen.answers.named:
        return ""
    return (
        f"{len(idle)} of {things(len(went), 'pod')} that went had answered no request: what their end costs was not "
        "tried (load.new, or more connections, reach them where the Service has no sessionAffinity)"
    )


def _idle_closes(seen: Observed, why: Explained) -> str:
    idle = int((why.causes.cause == Cause.IDLE_CLOSE).sum())
    if not idle or seen.run.info.strict_idle_close:
        return ""
    met = things(idle, "request")
    return f"{met} met a kept connection as its server closed it or was killed, before it was read: counted apart"
