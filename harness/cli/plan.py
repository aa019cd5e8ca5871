"""An experiment -> how many rollouts it takes, and what running it would do, in words: `--dry-run`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.model.duration import duration
from harness.model.progress import Decision, RolloutSummary
from harness.model.quantity import things
from harness.model.request import Outcome
from harness.model.run import ClusterFacts, MeasuredService

if TYPE_CHECKING:
    from harness.model.cluster_settings import ClusterSettings
    from harness.model.experiment import Experiment
    from harness.runner.scenario import Scenario


def with_planned_rollouts(experiment: Experiment) -> Experiment:
    """The experiment with as many rollouts as its `confidence` takes, unless it says how many itself."""
    if experiment.confidence is None or "rollouts" in experiment.model_fields_set:
        return experiment
    from harness.analysis import plan_confidence

    wanted = experiment.confidence
    return experiment.model_copy(update={"rollouts": plan_confidence(wanted.max_dropping, wanted.level)})


def stop_at_first_loss(summaries: tuple[RolloutSummary, ...]) -> Decision:
    """With a `confidence` to reach, one dropping rollout ends the hope for it: more of them would be a waste."""
    lost = [outcome for outcome in summaries[-1].failed if outcome != Outcome.STATUS]
    return Decision.STOP if lost else Decision.CONTINUE


def plan_text(
    experiment: Experiment,
    planned: tuple[Scenario, ...],
    settings: ClusterSettings,
    facts: ClusterFacts | None = None,
) -> str:
    """A few lines: where, what, how often, under which load, for how long; `facts`: of a cluster that was asked."""
    streams = ", ".join(f"{name} {stream.rate:g}/s" for name, stream in experiment.load.streams.items())
    words, longest = planned[0].words, duration(experiment.rollout_timeout_s)
    times = [_scenario_s(scenario, settings, facts) for scenario in planned]
    lines = [
        _title(experiment, planned, settings),
        f"load: {streams} to Service {experiment.service.name}:{experiment.service.port} ({experiment.way_in.name})",
        f"control window {duration(experiment.control_s)}, at most {longest} {words.one}",
        f"about {duration(round(sum(times)))} in all",
    ]
    if experiment.confidence is not None:
        share, level = experiment.confidence.max_dropping, experiment.confidence.level
        clean = things(_needed(experiment), f"clean {words.noun}")
        lines.append(
            f"to show with {100 * level:g} % confidence that at most {100 * share:g} % of {words.plural} drop calls: "
            f"{clean}"
        )
    for scenario, time_s in zip(planned, times, strict=True):
        mitigations = experiment.variants[scenario.variant].mitigations
        told = [*scenario.applied.mended, *(f"{m.name} {duration(m.value_s)}" for m in mitigations)]
        mends = ", ".join(told) or "no mitigation"
        lines.append(
            f"  {scenario.name}: {mends}; expected: {scenario.expect}; {scenario.disruption.words}; "
            f"about {duration(round(time_s))}"
        )
    lines += dict.fromkeys(proviso for scenario in planned for proviso in scenario.provisos)
    return "\n".join(lines)


def plan_title(
    experiment: Experiment,
    planned: tuple[Scenario, ...],
    settings: ClusterSettings,
    facts: ClusterFacts | None = None,
) -> str:
    """One line: where, how often, for how long; `facts`: of a cluster that was asked."""
    time_s = sum(_scenario_s(scenario, settings, facts) for scenario in planned)
    return f"{_title(experiment, planned, settings)}, about {duration(round(time_s))} in all"


def _title(experiment: Experiment, planned: tuple[Scenario, ...], settings: ClusterSettings) -> str:
    scenarios, rollouts = things(len(planned), "scenario"), planned[0].words.counted(planned[0].rollouts)
    return f"{experiment.name}: {scenarios} x {rollouts} on {_where(settings)}"


def _needed(experiment: Experiment) -> int:
    from harness.analysis import plan_confidence

    assert experiment.confidence is not None
    return plan_confidence(experiment.confidence.max_dropping, experiment.confidence.level)


def _scenario_s(scenario: Scenario, settings: ClusterSettings, facts: ClusterFacts | None) -> float:
    from harness.clusters.expected import expected_facts
    from harness.disruptions.pace import Pace
    from harness.runner.planned_time import warm_up_s
    from harness.runner.quiet import quiet_s
    from harness.spec.readiness import readiness_s
    from harness.spec.rolling import rollout_spec
    from harness.spec.rollout_shape import OVERHEAD_S, START_S, STOP_S, predicted_rollout_s, rollout_shape
    from harness.spec.termination import hooks_take_s
    from harness.spec.workload import pod_spec, spec_of

    experiment = scenario.experiment
    measured = MeasuredService(name=experiment.service.name, port=scenario.application.port)
    application = rollout_shape(scenario.application.manifests, experiment.target, measured)
    facts = facts or expected_facts(settings)
    period_s = facts.proxy.min_sync_period_s
    pod = pod_spec(scenario.application.target)
    start_s, stop_s = START_S + readiness_s(pod)[0], STOP_S + hooks_take_s(pod)
    stateful = scenario.application.kind == "StatefulSet"
    rolling = rollout_spec(scenario.application.kind, spec_of(scenario.application.target))
    pace = Pace(
        rollout_s=predicted_rollout_s(application, pod) + (0.0 if application.waits_for_stop else stop_s),
        start_s=start_s + application.min_ready_s + OVERHEAD_S,
        stop_s=stop_s + OVERHEAD_S,
        ordered=stateful and rolling.ordered,
        in_place=stateful,
    )
    times = 1 if experiment.asked[0] == "watch" else scenario.rollouts
    each_s = scenario.disruption.lasts_s(pace) + quiet_s(experiment.quiet_s, facts, experiment.way_in.name)
    own_s = 0.0 if experiment.is_there else pace.start_s + pace.stop_s  # deployed before, and removed after
    return own_s + warm_up_s(period_s) + experiment.control_s + times * each_s


def _where(settings: ClusterSettings) -> str:
    if settings.sandbox is not None:
        period = settings.sandbox.proxy.min_sync_period_s
        return f"the embedded sandbox (minSyncPeriod {period if isinstance(period, str) else duration(period)})"
    if settings.context is not None:
        return f"context {settings.context}"
    return settings.provider
