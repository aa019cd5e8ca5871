"""A run -> its scenario's result: what each room of the analysis says of it, in turn."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from harness.analysis.advice.propagation import propagation
from harness.analysis.advice.sizing import sizing
from harness.analysis.advice.unended import unended
from harness.analysis.budget import spent
from harness.analysis.causes.explained import Explained, explain
from harness.analysis.causes.row import Row
from harness.analysis.causes.table import TABLE
from harness.analysis.chart import chart, failed_requests
from harness.analysis.counted import against, counted_part, interruption, unshown
from harness.analysis.notes import notes
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
from harness.analysis.verdict.verdict import Conclusion, RolloutAccount, as_expected, conclusion
from harness.analysis.verdict.window_counts import Counted, counted, tally
from harness.model.reasons import Reason
from harness.model.result import RolloutFindings, ScenarioResult
from harness.model.run import Run


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
                (
                    interruption(recorded, found_against),
                    *notes(seen, why, counts, lags),
                    *_uncharged(of_run, said),
                    unended(sized),
                    gates_note,
                ),
            )
        ),
        chart=chart(seen),
        failures=failed_requests(seen, why),
        doubts=tuple(words for _, words in of_run),
    )
    return replace(result, races=races(seen, why, lags, result, counts.at))


def _uncharged(doubts: Sequence[Doubt], said: Conclusion) -> Iterator[str]:
    """That more failed than what is said counts: the failures which no rollout is charged with."""
    yield from (words for reason, words in doubts if reason == Reason.UNCHARGED and words not in said.sentence)


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
