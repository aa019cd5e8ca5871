"""Load and run are bounded by the sum of their waits, so that nothing is cut short and nothing outlives it by much."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harness.load.lateness import LOOK_S
from harness.model.experiment import Experiment
from harness.runner.planned_time import longest_drain_s, longest_load_s, longest_run_s
from harness.runner.quiet import CAP_S


def experiment(**more: Any) -> Experiment:
    return Experiment.model_validate(
        {
            "version": 1,
            "name": "shop",
            "manifests": [Path("shop.yaml")],
            "service": {"name": "web", "port": 80},
            "update": "restart",
            "load": {"new": {"rate": 50}},
            **more,
        }
    )


def test_every_rollout_may_take_its_whole_time_to_complete_to_settle_and_to_be_quiet() -> None:
    planned = experiment(rollout_timeout="100s", control="10s")
    one, two = (longest_load_s(planned, rollouts, 5.0) for rollouts in (1, 2))
    assert two - one >= 2 * 100 + CAP_S
    assert one >= 10 + 3 * 100  # the last may be undone besides


def test_a_quiet_time_that_is_longer_than_the_cap_counts_in_full() -> None:
    planned = experiment()
    assert longest_load_s(planned, 3, CAP_S + 100) - longest_load_s(planned, 3, 1.0) == pytest.approx(300)


def test_the_run_lasts_for_longer_than_its_load_by_the_start_and_the_clean_up() -> None:
    planned = experiment(rollout_timeout="100s")
    more = longest_run_s(planned, 3, 5.0) - longest_load_s(planned, 3, 5.0)
    assert more > 100 + longest_drain_s(planned) + LOOK_S


def test_a_request_may_be_in_flight_for_as_long_as_the_slowest_stream_waits() -> None:
    streams = {"new": {"rate": 50}, "slow": {"rate": 1, "read_timeout": "30s"}}
    planned = experiment(load={**streams, "connect_timeout": "2s"})
    assert longest_drain_s(planned) == 32
