"""The sizing of variants that dropped calls -> an experiment that proves it: `--apply-sizing`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from harness.model.advice import Sizing
from harness.model.duration import duration
from harness.model.result import ScenarioResult, Verdict

if TYPE_CHECKING:
    from harness.model.experiment import Experiment, Variant


def sized_experiment(experiment: Experiment, results: Iterable[ScenarioResult]) -> Experiment | None:
    """The experiment with one variant for each distinct set of settings that would have held; None where none dropped.

    Each is the variant that dropped calls, with its preStop, minReadySeconds and grace period replaced, and expected to
    be seamless. One that seconds alone cannot cure (Recreate, no readiness probe) is left out.
    """
    variants: dict[str, Variant] = {}
    for result in results:
        if result.verdict is Verdict.DROPPING and result.sizing and not result.sizing.cure:
            variant = _sized(experiment.variants[result.variant], result.sizing)
            if variant not in variants.values():
                variants[f"{result.variant}-sized"] = variant
    if not variants:
        return None
    return experiment.model_copy(update={"variants": variants, "name": f"{experiment.name}-sized"})


def _sized(variant: Variant, sizing: Sizing) -> Variant:
    from harness.model.experiment import Mitigation
    from harness.model.run import Expect

    sizes = {
        name: duration(setting.need)
        for name, setting in (
            ("prestop", sizing.prestop_s),
            ("min-ready", sizing.min_ready_s),
            ("grace", sizing.grace_s),
        )
        if setting.must_rise
    }
    replaced = {*sizes, "prestop-exec"} if "prestop" in sizes else set(sizes)
    kept = [mitigation for mitigation in variant.mitigations if mitigation.name not in replaced]
    added = [Mitigation.model_validate({name: size}) for name, size in sizes.items()]
    return variant.model_copy(update={"mitigations": (*kept, *added), "expect": Expect.SEAMLESS})
