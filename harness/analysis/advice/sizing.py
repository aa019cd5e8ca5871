"""What was measured of a rollout -> the smallest settings that would have held, beside those that are there."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import reduce

import numpy as np
from numpy.typing import NDArray

from harness.analysis.advice.cures import pods
from harness.analysis.advice.endings import UNENDING
from harness.analysis.advice.measured import measure, merged
from harness.analysis.advice.remedies import grace_cut, lost_by, prestop_helps, remedies, sentences
from harness.analysis.causes.explained import Explained
from harness.analysis.observed.observed import Observed
from harness.model.advice import ApplicationSettings, Measured, PredictedRollout, Setting, Sizing
from harness.model.lags import Propagation
from harness.model.result import Cause
from harness.spec.hazards import HazardId, row
from harness.spec.rollout_shape import cures, rollout_s, rollout_shape

SEED_INTERNAL_S, SEED_EXTERNAL_S = 5.0, 30.0
"""What the rule of thumb gives inside a cluster, and behind a balancer."""

ENOUGH_ROLLOUTS = 59
"""Below this many rollouts, a measured lag alone is no ground for advice. Whether they dropped
calls does not matter: the largest of 59 lags is exceeded in at most 5 % of all rollouts, with 95 % (0.95^59 < 5 %)."""

PERIOD_MARGIN_S = 0.5
"""What a sync takes beyond its period (measured: 10.01 to 10.03 s apart with a period of 10 s)."""

STOP_MARGIN_S = 5.0
KILLED_FACTOR = 2.0
"""A pod that was killed would have taken longer than it was given: how much, only another run can show."""

CI_FACTOR, CI_MARGIN_S = 1.5, 30.0
PROGRESS_FACTOR, PROGRESS_MARGIN_S = 2.0, 30.0


def sizing(
    seen: Observed,
    why: Explained,
    lags: Propagation,
    *,
    causes: Mapping[str, int] | None = None,
    charged: NDArray[np.bool_] | None = None,
    replicas: int | None = None,
) -> Sizing:
    """The settings that would have held, for `replicas` (the manifest's where None).

    `causes`: of the requests for which rollouts have to answer; without any, no setting is left out. `charged`: which
    of the failures these are.
    """
    info = seen.run.info
    shape = rollout_shape(info.manifests, info.target, info.service, replicas=replicas, disruption=info.disruption)
    return sizes(
        measure(seen, why, lags, causes or {}, charged), shape, "; ".join(filter(None, (lags.note, shape.kept)))
    )


def pooled_sizing(results: Sequence[Sizing | None]) -> Sizing | None:
    """The sizes that several runs of one variant would have needed: the largest of all that they showed."""
    known = [result for result in results if result is not None]
    if not known:
        return None
    measured = reduce(merged, (result.measured for result in known))
    return sizes(measured, known[0].application, known[0].note)


def sizes(measured: Measured, app: ApplicationSettings, note: str) -> Sizing:
    """The smallest settings that would have held, from what was measured."""
    prestop, min_ready = _prestop(measured, app), _min_ready(measured, app)
    work_s = _work_s(measured)
    stop_s = max(work_s, measured.stop_s or 0.0)
    start_s = measured.start_s or 0.0
    grace = _grace(measured, app, prestop, work_s)
    progress = _progress_deadline(measured, app, min_ready)
    after_s, hook_s = _then(min_ready, app.min_ready_s), _then(prestop, app.prestop_s)
    need_s = rollout_s(app, start_s=start_s, min_ready_s=after_s, stop_s=hook_s + stop_s)
    have_s = rollout_s(app, start_s=start_s, min_ready_s=app.min_ready_s, stop_s=app.prestop_s + stop_s)
    beside = {HazardId.SIDECAR_STOPS_FIRST.value: app.beside_cure} if app.beside_cure and measured.beside else {}
    found = Sizing(
        cure=(*cures(app), *beside.values(), *sentences(measured, app, prestop)),
        mends=(*app.mends, *beside),
        prestop_s=prestop,
        min_ready_s=min_ready,
        grace_s=grace,
        progress_deadline_s=progress,
        ci_time_limit_s=_ci_time_limit(measured, app, need_s),
        predicted_rollout_s=PredictedRollout(
            have=round(have_s, 1),
            recommended=round(need_s, 1),
            observed=measured.rollout_s,
            replicas=app.replicas,
            steps=app.steps,
        ),
        measured=measured,
        application=app,
        note=note,
    )
    return replace(found, remedies=remedies(measured, app, found.raised))


def _then(setting: Setting, have: float) -> float:
    """What it is once the advice is followed: what is longer already, and what is not advised, stays."""
    return setting.recommended if setting.must_rise else have


def _work_s(measured: Measured) -> float:
    """What the application needs from its stop signal on to finish what it has accepted, and to end.

    One that does not end at its stop signal takes whatever it is given: the answers are all that it is given time for.
    """
    if measured.never_ends:
        return measured.answer_s or 0.0
    cut_off = measured.killed > measured.killed_unending
    return max((measured.stop_s or 0.0) * (KILLED_FACTOR if cut_off else 1.0), measured.answer_s or 0.0)


def _prestop(measured: Measured, app: ApplicationSettings) -> Setting:
    recommended, why = _lag_and_more(measured.removal_s, measured.removal_rollouts, measured.late_s, measured)
    return Setting(
        have=app.prestop_s if app.has_prestop else None,
        measured=measured.removal_s,
        seen=_largest_of(measured.removals, "removal lag"),
        recommended=recommended,
        why=why,
        not_alone=f"this setting alone is not enough: {app.gap}" if app.gap else "",
        # What mends the manifest lets old pods go beside new ones, as they do elsewhere.
        advised=prestop_helps(measured, recommended) or bool(app.mends),
    )


def _min_ready(measured: Measured, app: ApplicationSettings) -> Setting:
    recommended, why = _lag_and_more(measured.addition_s, measured.addition_rollouts, measured.adding_s, measured)
    unprobed = "" if app.probed else row(HazardId.NO_READINESS_PROBE).wrong
    gaps = "; ".join(filter(None, (app.gap, unprobed)))
    return Setting(
        have=app.min_ready_s,
        measured=measured.addition_s,
        seen=_largest_of(measured.additions, "addition lag"),
        recommended=recommended,
        why=why,
        not_alone=f"this setting alone is not enough: {gaps}" if gaps else "",
        advised=_min_ready_helps(measured, app),
    )


def _min_ready_helps(measured: Measured, app: ApplicationSettings) -> bool:
    """Inside a cluster a pod is sent to as soon as it is Ready, however late it counts as available."""
    if not measured.causes:
        return not app.probe_cure
    return lost_by(measured, Cause.CREATION_RACE) and measured.external and not app.mends


def _grace(measured: Measured, app: ApplicationSettings, prestop: Setting, work_s: float) -> Setting:
    hook_s = max(float(prestop.recommended), app.hook_s)
    killed = f"; {pods(measured.killed)} killed when theirs was over" if measured.killed else ""
    killed += f": {UNENDING}" if measured.never_ends else ""
    return Setting(
        have=app.grace_s,
        measured=measured.end_s,
        seen=_largest_of(measured.ends, "pod", "from deletion to end"),
        recommended=_whole(hook_s + work_s + STOP_MARGIN_S),
        why=f"preStop {hook_s:g} s + {work_s:.1f} s to stop and finish the slowest answer + {STOP_MARGIN_S:g} s: the "
        f"grace period begins before preStop{killed}",
        advised=prestop.advised or grace_cut(measured),
    )


def _progress_deadline(measured: Measured, app: ApplicationSettings, min_ready: Setting) -> Setting | None:
    if app.progress_deadline_s is None:
        return None
    start_s = measured.start_s or 0.0
    return Setting(
        have=app.progress_deadline_s,
        measured=measured.start_s,
        seen=_largest_of(measured.starts, "pod", "from creation to Ready"),
        recommended=_whole(PROGRESS_FACTOR * (start_s + min_ready.recommended) + PROGRESS_MARGIN_S),
        why=f"one step takes {start_s:.1f} s to Ready + minReadySeconds {min_ready.recommended} s; twice that + "
        f"{PROGRESS_MARGIN_S:g} s. It bounds a step, not the rollout",
        advised=min_ready.advised,
    )


def _ci_time_limit(measured: Measured, app: ApplicationSettings, need_s: float) -> Setting:
    waits = "" if app.waits_for_stop else ". kubectl rollout status does not wait for terminating pods"
    return Setting(
        have=None,
        measured=measured.rollout_s,
        seen=_largest_of(measured.rollouts, measured.words.noun),
        recommended=_whole(CI_FACTOR * need_s + CI_MARGIN_S),
        why=f"{app.steps} step{'' if app.steps == 1 else 's'}, {need_s:.0f} s in all; half as much again + "
        f"{CI_MARGIN_S:g} s{waits}",
    )


def _lag_and_more(lag_s: float | None, told: int, late_s: float | None, measured: Measured) -> tuple[int, str]:
    """What a lag asks for, and why it is that: the largest of the lag, of how late what stands before the pods may be,
    and of the rule of thumb.

    `told`: how many rollouts told a lag; one that told none says nothing. `late_s`: None where that is not known.
    """
    known_s, so_long = _known_to_take(late_s, measured)
    seed_s = _rule_of_thumb_s(late_s, measured) if told < ENOUGH_ROLLOUTS else 0.0
    recommended = _whole(max(lag_s or 0.0, known_s, seed_s))
    if recommended == _whole(seed_s):
        deeds = measured.words.plural
        why = f"minimum {seed_s:g} s until {ENOUGH_ROLLOUTS} {deeds} have been observed, {told} so far"
    else:
        why = so_long if recommended == _whole(known_s) else "so long it took, in whole seconds"
    plane = "" if measured.period_s is not None else f"; {measured.plane}"
    return recommended, f"{why}{plane}"


def _known_to_take(late_s: float | None, measured: Measured) -> tuple[float, str]:
    """How late what stands before the pods may be, as far as that is known, and that in words."""
    if measured.external:
        return late_s or 0.0, "a change may take so long, as it is configured"
    period_s = measured.period_s + PERIOD_MARGIN_S if measured.period_s else 0.0
    return period_s, f"a change may wait for the whole {measured.plane}, and {PERIOD_MARGIN_S:g} s for the sync"


def _rule_of_thumb_s(late_s: float | None, measured: Measured) -> float:
    return SEED_EXTERNAL_S if measured.external and late_s is None else SEED_INTERNAL_S


def _largest_of(number: int, name: str, span: str = "") -> str:
    """In words, of how many a measured value is the largest.

    >>> _largest_of(9, "removal lag"), _largest_of(1, "pod", "from deletion to end"), _largest_of(0, "rollout")
    ('the largest of 9 removal lags', 'the only pod, from deletion to end', 'nothing showed it')
    """
    if not number:
        return "nothing showed it"
    words = f"the only {name}" if number == 1 else f"the largest of {number} {name}s"
    return f"{words}, {span}" if span else words


def _whole(seconds: float) -> int:
    """Up to whole seconds, which is all that Kubernetes takes; a hair above a whole one is noise."""
    return math.ceil(seconds - 1e-3)
