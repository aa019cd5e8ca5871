"""Losses held against chance: one here and there, at every stop of a pod, or nearly all."""

from __future__ import annotations

import numpy as np

from harness.analysis.causes.chance import Losses, Sample, held_against_chance


def test_thousands_of_losses_before_and_in_a_rollout_are_no_number_too_large() -> None:
    lost = np.arange(10.0, 80.0, 0.01)
    sample = Sample(
        lost=lost,
        suspects=np.ones(len(lost), dtype=np.int64),
        refused=np.zeros(0),
        good=np.arange(0.0, 10.0, 0.01),
        endpoints=1,
        fewest=np.ones(len(lost), dtype=np.int64),
        first=0.0,
        last=80.0,
    )
    found = held_against_chance(sample, [(75.0, 76.0)], [(75.0, 80.0)])
    assert len(found.chance) == len(lost)
    assert found.chance.all(), "what was lost so long before is no rollout's"


def lost_at(*moments: float, deaf: tuple[tuple[float, float], ...]) -> Losses:
    """Lost among nine requests a second, of three pods that stop one after the other."""
    lost = np.array(moments)
    sample = Sample(
        lost=lost,
        suspects=np.zeros(len(lost), dtype=np.int64),
        refused=np.zeros(0),
        good=np.arange(0.0, 60.0, 1 / 9),
        endpoints=3,
        fewest=np.full(len(lost), 3, dtype=np.int64),
        first=0.0,
        last=60.0,
    )
    return held_against_chance(sample, [], [(10.0, 30.0)], deaf)


STOPS = ((10.0, 11.0), (15.0, 16.0), (20.0, 21.0))


def test_losses_at_each_stop_and_at_no_other_time_are_the_pods() -> None:
    found = lost_at(10.3, 15.5, 20.9, deaf=STOPS)
    assert found.chain.all()
    assert not found.chance.any()


def test_losses_that_fall_into_stops_as_often_as_elsewhere_are_chance() -> None:
    found = lost_at(3.0, 10.3, 13.0, 24.0, 40.0, deaf=STOPS)
    assert found.chance.all()
    assert not found.at_stops.any()


def test_a_burst_at_one_stop_may_be_one_on_the_way_and_is_told_as_either() -> None:
    found = lost_at(15.2, 15.8, deaf=STOPS)
    assert found.chance.all()
    assert found.at_stops.all()


def test_one_that_is_lost_at_a_stop_is_chance() -> None:
    found = lost_at(15.2, deaf=STOPS)
    assert found.chance.all()
    assert not found.at_stops.any()
