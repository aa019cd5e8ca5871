"""When a kubelet gets round to a pod: relists at whole seconds, syncs that need a newer look than the last one."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from harness.sandbox.kubelet.sync_timing import SyncTiming


def started_and_ready(*, started: float, ready: float) -> SyncTiming:
    timing = SyncTiming(phase_s=0.0)
    timing.synced(started)
    timing.readiness_changed(ready)
    return timing


def test_a_quiet_pod_is_stopped_at_once() -> None:
    assert started_and_ready(started=0.5, ready=0.6).free_at(12.34) == 12.34


def test_a_pod_that_became_ready_a_moment_ago_waits_for_the_next_look() -> None:
    # Started at 0.5, ready at 0.6: syncs at 1.0 and 2.0, each with the look of that time.
    timing = started_and_ready(started=0.5, ready=0.6)
    assert timing.free_at(2.2) == 3.0


def test_a_deletion_between_the_two_syncs_takes_the_place_of_the_second() -> None:
    assert started_and_ready(started=0.5, ready=0.6).free_at(1.4) == 2.0


def test_readiness_long_after_the_start_is_synced_at_once_and_at_the_next_look() -> None:
    timing = started_and_ready(started=2.42, ready=12.4)
    assert timing.syncs[-2:] == [12.4, 13.0]


def test_a_new_pod_is_free() -> None:
    assert SyncTiming(phase_s=0.3).free_at(7.0) == 7.0


@given(st.floats(0, 1), st.floats(0, 1e5))
def test_the_next_look_is_later_and_at_most_a_second_away(phase: float, moment: float) -> None:
    after = SyncTiming(phase_s=phase).relist_after(moment)
    assert moment < after <= moment + 1.0 + 1e-6


@given(st.floats(0, 100), st.floats(0, 100), st.floats(0, 100))
def test_nothing_begins_before_it_was_asked_for_nor_more_than_a_second_late(a: float, b: float, c: float) -> None:
    started, ready, asked = sorted((a, b, c))
    free = started_and_ready(started=started, ready=ready).free_at(asked)
    assert asked <= free <= asked + 1.0 + 1e-6
