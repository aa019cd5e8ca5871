"""An experiment -> how long its load, and the whole of one of its scenarios, may last at most.

Bounds, not estimates: what goes on for longer has lost its harness.
"""

from __future__ import annotations

from harness.clusters.worker_objects import START_TIMEOUT_S
from harness.kube.repetition import CLEAN_UP_PATIENCE_S, PATIENCE_S
from harness.model.deploy_command import deploy_command
from harness.model.experiment import Experiment
from harness.runner.clean_up import GONE_TIMEOUT_S
from harness.runner.load_session import SILENT_S
from harness.runner.quiet import CAP_S

WARM_UP_S = 15.0
"""For so long a Service may take to answer steadily."""

_MARGIN_S = 60.0


LOAD_LEAD_S = 1.0
"""So far ahead of its first request a worker gets its plan."""

BEGIN_TIMEOUT_S = 60.0
"""For so long several workers that run may take to answer, before they are told when to begin."""

CALM_S = 1.0
"""For so long the Service must have answered before anything is measured."""

_CALM_PERIODS = 1.1


def propagation_s(period_s: float | None) -> float:
    """Until the last change has surely reached a data plane with that period: a sync that is still due could not be
    told from an outage."""
    return _CALM_PERIODS * (period_s or 1.0)


def warm_up_s(period_s: float | None) -> float:
    """From an application that is up to the control window, where all goes well."""
    return propagation_s(period_s) + LOAD_LEAD_S + CALM_S


def warm_up_limit_s(experiment: Experiment) -> float:
    """For so long the application may take to answer steadily: a load balancer has its own time for that."""
    return WARM_UP_S + experiment.way_in.wait_s


def longest_load_s(experiment: Experiment, rollouts: int, quiet_s: float) -> float:
    """Seconds from the first request to the last, at most: every wait at its limit, and a margin."""
    name, setting = experiment.asked
    if name == "watch":
        after_s = experiment.rollout_timeout_s + max(CAP_S, quiet_s)
        return float(
            warm_up_limit_s(experiment) + experiment.control_s + setting.for_s + after_s + SILENT_S + _MARGIN_S
        )
    update_s = SILENT_S + PATIENCE_S + 2 * experiment.rollout_timeout_s + max(CAP_S, quiet_s)
    update_s += command_s(experiment)
    undo_s = PATIENCE_S + experiment.rollout_timeout_s
    return warm_up_limit_s(experiment) + experiment.control_s + rollouts * update_s + undo_s + _MARGIN_S


def longest_run_s(experiment: Experiment, rollouts: int, quiet_s: float) -> float:
    """Seconds from the first object that is created to the last that is removed, at most."""
    before_s = experiment.rollout_timeout_s + START_TIMEOUT_S + BEGIN_TIMEOUT_S + PATIENCE_S
    after_s = longest_drain_s(experiment) + CLEAN_UP_PATIENCE_S + GONE_TIMEOUT_S
    return before_s + longest_load_s(experiment, rollouts, quiet_s) + after_s


def command_s(experiment: Experiment) -> float:
    """Seconds that a deploy command may take until the rollout begins, at most; 0 without one."""
    name, setting = experiment.asked
    if name != "command":
        return 0.0
    command = deploy_command(setting)
    return command.timeout_s + command.rolls_within_s


def longest_drain_s(experiment: Experiment) -> float:
    """Seconds that a request can be in flight, at most."""
    load = experiment.load
    return load.connect_timeout_s + max(
        load.read_timeout_s, *(stream.read_timeout_s or 0.0 for stream in load.streams.values())
    )
