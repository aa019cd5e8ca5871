"""A run -> the judgement of its scenario; scenarios -> the judgement of their experiment, with its exit code."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from harness.analysis.blame import P_VALUE, evidence, own_failures
from harness.analysis.evidence import Narrator
from harness.analysis.findings import CONTROL, Counted, counted, positions, tally
from harness.analysis.investigation import Investigation, investigate
from harness.analysis.statistics import (
    LEVEL,
    at_most,
    bootstrap_mean,
    clopper_pearson,
    fewest_for_significance,
    fisher,
    holm,
    plan_confidence,
    visible_excess,
)
from harness.analysis.verdict import RolloutEvidence, as_expected, bound_sentence, judgement
from harness.model.result import (
    Cause,
    Chart,
    ExperimentResult,
    FailedRequest,
    FailureBin,
    PodLife,
    RolloutFindings,
    ScenarioResult,
    Verdict,
)
from harness.model.run import Confidence, Expect, Run

if TYPE_CHECKING:
    pass

BIN_S = 0.1


def judge(run: Run, *, seed: int = 0) -> ScenarioResult:
    """Judge one run, from its records alone. `seed` is the bootstrap's: the same run gives the same result, always."""
    case = investigate(run)
    counts = counted(case)
    shown = evidence(case, counts)
    own, at = own_failures(case)
    causes = tally([str(cause) for cause in case.found.cause])
    said = judgement(
        shown,
        doubts=_doubts(case),
        causes=list(tally([str(cause) for cause in case.found.cause[own]]).items()),
        background=_background(counts),
        confidence=run.info.confidence,
    )
    windows = [counts.windows[i] for i in range(len(case.windows.rollouts))]
    return ScenarioResult(
        scenario=run.info.scenario,
        variant=run.info.variant,
        path=run.info.path,
        verdict=said.verdict,
        reason=said.reason,
        sentence=said.sentence,
        expect=run.info.expect,
        as_expected=as_expected(said.verdict, run.info.expect),
        requests=len(case.history.frame),
        failed=len(case.history.failures),
        unsent=int(case.history.frame["unsent"].sum() or 0),
        control=counts.windows.get(CONTROL),
        rollouts=tuple(_rollout(case, counts, shown, i) for i in range(len(windows))),
        causes=causes,
        by_outcome=tally(case.history.failures["outcome"].to_list()),
        statistics=rollout_statistics(
            [one.dropping for one in shown],
            [int((own & (at == i)).sum()) for i in range(len(shown))],
            run.info.confidence,
            seed=seed,
        ),
        load=case.load.facts,
        notes=_notes(case),
        chart=_chart(case),
        failures=_failures(case),
    )


def rollout_statistics(
    dropping: Sequence[bool], failed: Sequence[int], confidence: Confidence | None, *, seed: int = 0
) -> dict[str, Any]:
    """What n rollouts say of all rollouts.

    `rollouts, dropping`; `interval` (two-sided) and `at_most` (one-sided) of the share that drops calls; `level`;
    `failed_per_rollout: {mean, interval}`; `needed` (clean rollouts for the confidence asked for) and `enough`.
    """
    n, k = len(dropping), sum(dropping)
    level = LEVEL if confidence is None else confidence.level
    mean = sum(failed) / n if n else 0.0
    facts: dict[str, Any] = {
        "rollouts": n,
        "dropping": k,
        "level": level,
        "interval": list(clopper_pearson(k, n, level)),
        "at_most": at_most(k, n, level) if n else 1.0,
        "failed_per_rollout": {"mean": mean, "interval": list(bootstrap_mean(failed, level, seed=seed))},
    }
    if confidence is not None:
        needed = plan_confidence(confidence.max_dropping, confidence.level)
        facts |= {"needed": needed, "enough": k == 0 and n >= needed}
    return facts


def _doubts(case: Investigation) -> tuple[tuple[str, str], ...]:
    """What speaks against calling the whole run clean."""
    info, found = case.run.info, []
    if not len(case.history.frame):
        found.append(("no-requests", "no request was recorded"))
    elif len(case.history.failures) + int(case.history.frame["unsent"].sum() or 0) == len(case.history.frame):
        found.append(("no-success", "not one request was answered as wanted"))
    if not case.windows.rollouts:
        found.append(("no-rollout", "no rollout was recorded"))
    planned = info.planned_rollouts
    if not info.finished or (planned is not None and len(case.windows.rollouts) < planned):
        done = sum(span.settled is not None for span in case.windows.rollouts)
        why = info.stopped or "the run was cut short"
        found.append(("cut-short", f"{why} after {done} of {planned if planned is not None else '?'} rollouts"))
    if case.load.why:
        found.append((str(Cause.LOAD_GENERATOR), f"the load generator did not keep its schedule: {case.load.why}"))
    if not any(seen.kind == "Pod" for seen in case.run.timeline):
        found.append(("no-timeline", "the watch events are missing: what happened to the pods is not known"))
    if case.windows.control is None and case.windows.rollouts:
        found.append(("no-control", "there was no control window to compare with"))
    return tuple(found)


def _background(counts: Counted) -> str:
    """The failures that came with and without rollouts, in words; empty where there were none."""
    windows = [window for position, window in counts.windows.items() if position != CONTROL]
    control = counts.windows.get(CONTROL)
    failed = sum(window.by_cause.get(Cause.APPLICATION, 0) for window in windows)
    requests = sum(window.requests for window in windows)
    if not failed or not requests or control is None:
        return ""
    before = control.by_cause.get(Cause.APPLICATION, 0)
    extra = visible_excess(requests, before, control.requests, failed)
    rate = requests / max(1e-9, sum(window.end - window.start for window in windows))
    return (
        f"above a background of {100 * failed / requests:.2g} % (an outage of {extra / rate:.1f} s in all would still "
        f"have shown, p < {P_VALUE})"
    )


def _rollout(case: Investigation, counts: Counted, shown: Sequence[RolloutEvidence], position: int) -> RolloutFindings:
    span, window, one = case.windows.rollouts[position], counts.windows[position], shown[position]
    failures = case.history.failures
    due = failures["scheduled"].filter(failures["scheduled"].is_between(span.update, span.end, closed="left"))
    notes = "; ".join(words for _, words in one.doubts)
    return RolloutFindings(
        rollout=span.rollout,
        dropping=one.dropping,
        window=window,
        update=span.update,
        complete=span.complete,
        settled=span.settled,
        outages=counts.outages[position],
        first_failure_s=round(float(due.min()) - span.update, 6) if len(due) else None,  # type: ignore[arg-type]
        last_failure_s=round(float(due.max()) - span.update, 6) if len(due) else None,  # type: ignore[arg-type]
        takers={
            pod.name: str(case.takers[pod.uid])
            for pod in case.pods
            if pod.uid in case.takers and span.update <= (pod.deletion or pod.gone or 0.0) < span.end
        },
        note=notes,
    )


def _notes(case: Investigation) -> tuple[str, ...]:
    notes = [*case.run.damage, *case.history.notes]
    gaps = sum(seen.kind == "Mark" and seen.type == "gap" for seen in case.run.timeline)
    if gaps:
        notes.append(f"the watch was lost {gaps} times: what happened to pods in between is not known")
    if case.plane.lag_s is None:
        notes.append(f"{case.plane.words}: nothing was assumed about it")
    idle = int((case.found.cause == Cause.IDLE_CLOSE).sum())
    if idle and not case.run.info.strict_idle_close:
        notes.append(f"{idle} requests met a kept connection that the server was closing: only the client can resend")
    return tuple(notes)


def _failures(case: Investigation) -> tuple[FailedRequest, ...]:
    failures = case.history.failures
    at = positions(case, failures["scheduled"])
    numbers = [span.rollout for span in case.windows.rollouts]
    ports = failures["local_port"].to_list()
    words = Narrator(pods=case.pods, plane=case.plane.words).sentences(case.facts, case.found, ports)
    rows = failures.select("stream", "worker", "seq").rows()
    return tuple(
        FailedRequest(
            stream=stream,
            worker=worker,
            seq=seq,
            rollout=numbers[at[i]] if at[i] >= 0 else None,
            cause=case.found.cause[i],
            pod=case.pods[case.found.pod[i]].name if case.found.pod[i] >= 0 else "",
            evidence=words[i],
        )
        for i, (stream, worker, seq) in enumerate(rows)
    )


def _chart(case: Investigation) -> Chart:
    import polars as pl

    bins = (
        case.history.failures.lazy()
        .select((pl.col("scheduled") / BIN_S).floor().cast(pl.Int64).alias("bin"), "stream", "outcome")
        .group_by("bin", "stream", "outcome")
        .len()
        .sort("bin", "stream", "outcome")
        .collect()
    )
    return Chart(
        bin_s=BIN_S,
        failures=tuple(
            FailureBin(t=round(number * BIN_S, 6), stream=stream, outcome=outcome, failed=count)
            for number, stream, outcome, count in bins.iter_rows()
        ),
        pods=tuple(
            PodLife(
                uid=pod.uid,
                name=pod.name,
                revision=pod.revision,
                created=pod.created,
                ready=pod.ready,
                deletion=pod.deletion,
                gone=pod.gone,
                taker=case.takers.get(pod.uid),
            )
            for pod in case.pods
        ),
    )


def judge_experiment(
    results: Sequence[ScenarioResult], *, experiment: str = "", notes: Sequence[str] = ()
) -> ExperimentResult:
    """Judge the scenarios of one experiment together.

    Where a negative control (`expect: dropping`) did not drop, the experiment could not have seen an outage: what it
    calls seamless is `inconclusive`. The exit code: 0 all as expected; else 1 where one dropped unexpectedly, or was
    seamless where dropping was expected; else 3.
    """
    blind = [result for result in results if result.expect == Expect.DROPPING and result.verdict != Verdict.DROPPING]
    code = _exit_code(results)
    said = list(notes)
    if blind:
        names = ", ".join(result.scenario for result in blind)
        said.append(f"The negative control ({names}) dropped nothing: this experiment could not have seen an outage.")
        results = [_blinded(result, names) for result in results]
    return ExperimentResult(
        experiment=experiment,
        scenarios=tuple(results),
        exit_code=code,
        comparisons=comparisons(results),
        notes=tuple(said),
    )


def _blinded(result: ScenarioResult, names: str) -> ScenarioResult:
    if result.verdict == Verdict.DROPPING:
        return result
    reason = "negative-control" if result.verdict == Verdict.SEAMLESS else result.reason
    sentence = (
        f"the negative control ({names}) dropped nothing, so an outage would not have been seen; {result.sentence}"
    )
    return replace(result, verdict=Verdict.INCONCLUSIVE, reason=reason, sentence=sentence, as_expected=False)


def _exit_code(results: Sequence[ScenarioResult]) -> int:
    wrong = {(Expect.SEAMLESS, Verdict.DROPPING), (Expect.DROPPING, Verdict.SEAMLESS)}
    if any((result.expect, result.verdict) in wrong for result in results):
        return 1
    blind = any(result.expect == Expect.DROPPING and result.verdict != Verdict.DROPPING for result in results)
    return 0 if results and all(result.as_expected for result in results) and not blind else 3


def comparisons(results: Sequence[ScenarioResult]) -> tuple[dict[str, Any], ...]:
    """Every pair of scenarios: `a, b`, their `dropping` and `rollouts`, Fisher's `p`, `p_holm`, `significant`.

    `needed`: rollouts of each that are needed before all against none could be significant at all.
    """
    pairs = [(a, b) for i, a in enumerate(results) for b in results[i + 1 :] if a.rollouts and b.rollouts]
    counts = [
        (sum(r.dropping for r in a.rollouts), len(a.rollouts), sum(r.dropping for r in b.rollouts), len(b.rollouts))
        for a, b in pairs
    ]
    p_values = [fisher(*count) for count in counts]
    return tuple(
        {
            "a": a.scenario,
            "b": b.scenario,
            "dropping": [count[0], count[2]],
            "rollouts": [count[1], count[3]],
            "p": p,
            "p_holm": corrected,
            "significant": corrected < 1.0 - LEVEL,
            "needed": fewest_for_significance(),
        }
        for (a, b), count, p, corrected in zip(pairs, counts, p_values, holm(p_values), strict=True)
    )


def pool(results: Sequence[ScenarioResult], *, confidence: Confidence | None = None, seed: int = 0) -> ScenarioResult:
    """Several runs of one variant as one: their rollouts are counted together, numbered through.

    Raises:
        ValueError: no result, or results of different variants or paths.
    """
    if not results:
        raise ValueError("there is nothing to pool")
    if len({(result.variant, result.path) for result in results}) > 1:
        raise ValueError("only runs of one variant and path can be pooled")
    first = results[0]
    if len(results) == 1:
        return first
    rollouts = [rollout for result in results for rollout in result.rollouts]
    numbered = tuple(replace(rollout, rollout=i) for i, rollout in enumerate(rollouts))
    verdicts = [result.verdict for result in results]
    worst = next(
        (v for v in (Verdict.DROPPING, Verdict.INCONCLUSIVE) if v in verdicts),
        Verdict.SEAMLESS,
    )
    deciding = results[verdicts.index(worst)]
    dropping = [rollout.dropping for rollout in rollouts]
    failed = [sum(rollout.window.by_cause.values()) if rollout.dropping else 0 for rollout in rollouts]
    statistics = rollout_statistics(dropping, failed, confidence, seed=seed)
    enough = statistics.get("enough", True) or worst != Verdict.SEAMLESS
    verdict = worst if enough else Verdict.INCONCLUSIVE
    return replace(
        first,
        verdict=verdict,
        reason=deciding.reason if enough else "confidence",
        sentence=bound_sentence(sum(dropping), len(dropping), statistics["level"]),
        as_expected=as_expected(verdict, first.expect),
        requests=sum(result.requests for result in results),
        failed=sum(result.failed for result in results),
        unsent=sum(result.unsent for result in results),
        rollouts=numbered,
        causes=_summed([result.causes for result in results]),
        by_outcome=_summed([result.by_outcome for result in results]),
        statistics=statistics,
        notes=tuple(dict.fromkeys(note for result in results for note in result.notes)),
        failures=tuple(failure for result in results for failure in result.failures),
    )


def _summed(counts: Sequence[dict[str, int]]) -> dict[str, int]:
    total: dict[str, int] = {}
    for count in counts:
        for name, number in count.items():
            total[name] = total.get(name, 0) + number
    return dict(sorted(total.items(), key=lambda item: (-item[1], item[0])))
