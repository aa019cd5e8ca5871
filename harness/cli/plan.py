"""An experiment -> what running it would do, in words: `--dry-run`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.model.duration import duration

if TYPE_CHECKING:
    from harness.model.experiment import ClusterSettings, Experiment
    from harness.runner.scenario import Scenario


def plan_text(experiment: Experiment, planned: tuple[Scenario, ...], settings: ClusterSettings) -> str:
    """A few lines: where, what, how often, under which load."""
    streams = ", ".join(f"{name} {stream.rate:g}/s" for name, stream in experiment.load.streams.items())
    lines = [
        f"{experiment.name}: {len(planned)} scenarios x {experiment.rollouts} rollouts on {_where(settings)}",
        f"load: {streams} to Service {experiment.service.name}:{experiment.service.port} ({experiment.path})",
        f"control window {duration(experiment.control_s)}, at most {duration(experiment.rollout_timeout_s)} a rollout",
    ]
    for scenario in planned:
        mitigations = experiment.variants[scenario.variant].mitigations
        words = ", ".join(f"{m.name} {duration(m.value_s)}" for m in mitigations) or "no mitigation"
        turns = [" ".join(images.values()) for images in scenario.images] or ["restart"] * experiment.rollouts
        lines.append(f"  {scenario.name}: {words}; expected: {scenario.expect}; rollouts to {', '.join(turns[:4])}")
    return "\n".join(lines)


def _where(settings: ClusterSettings) -> str:
    if settings.sandbox is not None:
        period = settings.sandbox.proxy.min_sync_period_s
        return f"the embedded sandbox (minSyncPeriod {period if isinstance(period, str) else duration(period)})"
    if settings.context is not None:
        return f"context {settings.context}"
    return "kind" if settings.kind is not None else "k3s"
