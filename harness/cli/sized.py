"""The sizing of variants that dropped calls -> an experiment that proves it: `--apply-sizing`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.model.advice import Applied, Remedy, Sizing
from harness.model.duration import duration
from harness.model.quantity import things
from harness.model.result import ScenarioResult, Verdict

if TYPE_CHECKING:
    from harness.model.experiment import Experiment, Variant

_MITIGATIONS = {"preStop": "prestop", "minReadySeconds": "min-ready", "terminationGracePeriodSeconds": "grace"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """An experiment whose variants have the advice applied, and by variant what that was.

    `remains`: what no setting cures of what was lost, a line a cause; empty where all is expected to be cured.
    """

    experiment: Experiment
    applied: dict[str, Applied]
    remains: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """What the second run is for: to show that the advice holds, or what is left when it has done what it can."""
        if not self.remains:
            return "Again, with the recommended settings:"
        lines = "\n".join(f"  {line}" for line in self.remains)
        return f"No setting prevents every loss:\n{lines}\nAgain, with the settings that prevent a part of it:"


def proof(experiment: Experiment, results: Iterable[ScenarioResult]) -> Proof | None:
    """The experiment with one variant for each distinct set of settings that would have held; None without any.

    Each is the variant that dropped calls with all of the advice that settings and manifest can take: its preStop,
    minReadySeconds and grace period are replaced, its hazards mended. It is expected to be seamless where that cures
    every cause, and anything where it does not.
    """
    results = tuple(results)
    variants: dict[str, Variant] = {}
    applied: dict[str, Applied] = {}
    for result in dropping(results):
        if result.sizing is None or not (advice := _applied(result.sizing)).words:
            continue
        variant, name = _sized(experiment.variants[result.variant], result.sizing), f"{result.variant}-sized"
        if not any(variant == variants[known] and advice.mends == applied[known].mends for known in variants):
            variants[name], applied[name] = variant, advice
    if not variants:
        return None
    sized = experiment.model_copy(update={"variants": variants, "name": f"{experiment.name}-sized"})
    return Proof(experiment=sized, applied=applied, remains=tuple(_remains(results)))


def dropping(results: Iterable[ScenarioResult]) -> tuple[ScenarioResult, ...]:
    """Those whose rollouts dropped calls."""
    return tuple(result for result in results if result.verdict is Verdict.DROPPING)


def nothing_to_apply(results: Iterable[ScenarioResult]) -> str:
    """Why there is nothing to prove, in words: none dropped calls, or what must change is no setting."""
    said = "Nothing to prove: no variant dropped calls that settings would have prevented."
    lines = [
        f"  {_needed(result, remedy)}"
        for result in dropping(results)
        for remedy in (result.sizing.remedies if result.sizing else ())
    ]
    return "\n".join([said, *lines])


def _needed(result: ScenarioResult, remedy: Remedy) -> str:
    lost = f"{things(remedy.requests, 'request')} by {remedy.cause}"
    return f"{result.scenario}: {lost}: {remedy.why}. Needed: {remedy.needed}"


def _remains(results: Iterable[ScenarioResult]) -> Iterator[str]:
    """What no setting cures, with what does."""
    for result in dropping(results):
        if result.sizing is not None:
            yield from (
                f"{result.scenario}: {things(remedy.requests, 'request')} by {remedy.cause}. Needed: {remedy.needed}"
                for remedy in _by_others(result.sizing)
            )


def _by_others(sizing: Sizing) -> tuple[Remedy, ...]:
    """The causes that neither settings nor manifest cure alone."""
    return tuple(remedy for remedy in sizing.remedies if not remedy.by_settings)


def _applied(sizing: Sizing) -> Applied:
    raised = [f"{name} {one.recommended} s" for name, one in sizing.raised.items() if name in _MITIGATIONS]
    manifest = sizing.cure[: len(sizing.mends)]
    return Applied(mends=sizing.mends, mended=manifest, words=(*manifest, *raised))


def _sized(variant: Variant, sizing: Sizing) -> Variant:
    from harness.model.experiment import Mitigation
    from harness.model.run import Expect

    sizes = {
        _MITIGATIONS[name]: duration(one.recommended) for name, one in sizing.raised.items() if name in _MITIGATIONS
    }
    replaced = {*sizes, "prestop-exec"} if "prestop" in sizes else set(sizes)
    kept = [mitigation for mitigation in variant.mitigations if mitigation.name not in replaced]
    added = [Mitigation.model_validate({name: size}) for name, size in sizes.items()]
    expect = Expect.ANY if _by_others(sizing) else Expect.SEAMLESS
    return variant.model_copy(update={"mitigations": (*kept, *added), "expect": expect})
