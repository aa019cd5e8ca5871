"""When the loop's timer ran into how late the loop may be."""

import math

import pytest

from harness.load.lateness import LOOK_S, TICK_S, Lateness


def after(*ran_s: float) -> Lateness:
    """A loop whose timer ran then, and was set for `LOOK_S` later each time."""
    lateness = Lateness()
    for now in ran_s:
        lateness.ran(now, next_s=now + LOOK_S)
    return lateness


def test_without_a_timer_nothing_is_known() -> None:
    assert Lateness().at(1.0) is None
    lateness = after(1.0)
    lateness.lost()
    assert lateness.at(1.0) is None


def test_a_loop_that_is_on_time_is_not_late() -> None:
    assert after(1.0).at(1.004) == 0
    assert after(1.0, 1.005 + TICK_S / 2).at(1.008) == 0


@pytest.mark.parametrize("pause_s", [0.01, 0.05, 3.0])
def test_what_is_seen_in_a_pause_or_right_after_it_may_be_as_old_as_the_pause(pause_s: float) -> None:
    resumed = 1.0 + LOOK_S + pause_s
    assert after(1.0).at(resumed) == pytest.approx(pause_s)
    assert after(1.0, resumed).at(resumed + 0.002) == pytest.approx(pause_s + 0.002)
    assert after(1.0, resumed, resumed + LOOK_S).at(resumed + 0.006) == pytest.approx(pause_s + 0.006)


def test_after_two_timers_on_time_all_that_waited_has_had_its_turn() -> None:
    assert after(1.0, 1.1, 1.1 + LOOK_S, 1.1 + 2 * LOOK_S).at(1.112) == 0


def test_pauses_that_follow_each_other_count_as_one() -> None:
    # 95 ms late, and 15 ms late after that: what waited since the first may be seen only now.
    assert after(1.0, 1.1, 1.12).at(1.121) == pytest.approx(1.121 - 1.005)


def test_a_timer_that_is_set_for_now_is_not_late() -> None:
    lateness = Lateness()
    lateness.ran(1.0, next_s=1.0)
    lateness.ran(1.0005, next_s=1.005)
    assert lateness.at(1.001) == 0
    assert not math.isinf(lateness.at(9.0) or math.inf)
