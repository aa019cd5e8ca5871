"""A run -> the judgement of its scenario."""

from __future__ import annotations

from collections.abc import Sequence

from harness.analysis.advice.propagation import propagation
from harness.analysis.advice.sizing import sizing
from harness.analysis.causes.explained import Investigation, investigate
from harness.analysis.chart import chart, failed_requests
from harness.analysis.observed.pods import WATCH_S
from harness.analysis.statistics import P_VALUE, rollout_statistics, visible_excess
from harness.analysis.verdict.attribution import evidence, own_causes, own_failures
from harness.analysis.verdict.verdict import RolloutEvidence, as_expected, judgement
from harness.analysis.verdict.window_counts import CONTROL, Counted, counted, tally
from harness.model.result import Cause, RolloutFindings, ScenarioResult
from harness.model.run import Run


def judge(run: Run, *, seed: int = 0) -> ScenarioResult:
    """Judge one run, from its records alone. `seed` is the bootstrap's: the same run gives the same result, always.

    Every failed request has its cause, those before the control window too (an application that warms up); they belong
    to no rollout and count neither for nor against one.
    """
    case = investigate(run)
    counts = counted(case)
    shown = evidence(case, counts)
    own, at = own_failures(case)
    causes = tally([str(cause) for cause in case.found.cause])
    said = judgement(
        shown,
        doubts=_doubts(case),
        causes=own_causes(case, own),
        background=_background(counts),
        confidence=run.info.confidence,
    )
    lags = propagation(case)
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
        rollouts=tuple(_rollout(case, counts, shown, i) for i in range(len(shown))),
        causes=causes,
        by_outcome=tally(case.history.failures["outcome"].to_list()),
        propagation=lags,
        sizing=sizing(case, lags),
        statistics=rollout_statistics(
            [one.dropping for one in shown],
            [int((own & (at == i)).sum()) for i in range(len(shown))],
            run.info.confidence,
            seed=seed,
        ),
        load=case.load.facts,
        notes=_notes(case),
        chart=chart(case),
        failures=failed_requests(case),
    )


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
    if not case.run.info.finished:
        notes.append(f"the run was cut short ({case.run.info.stopped or 'it does not say why'})")
    gaps = sum(seen.kind == "Mark" and seen.type == "gap" for seen in case.run.timeline)
    if gaps:
        notes.append(f"the watch was lost {gaps} times: what happened to pods in between is not known")
    unsure_s = max((clock.uncertainty_s for clock in case.run.info.clocks), default=0.0)
    if unsure_s > WATCH_S:
        notes.append(f"a worker's clock is known to within {1000 * unsure_s:.0f} ms only: causes may be told wrongly")
    if case.plane.lag_s is None:
        notes.append(f"{case.plane.words}: nothing was assumed about it")
    idle = int((case.found.cause == Cause.IDLE_CLOSE).sum())
    if idle and not case.run.info.strict_idle_close:
        met = "1 request" if idle == 1 else f"{idle} requests"
        notes.append(f"{met} met a kept connection as its server closed it or was killed: only the client can resend")
    return tuple(notes)
