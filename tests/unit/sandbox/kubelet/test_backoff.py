"""The waits between restarts."""

from __future__ import annotations

from harness.sandbox.kubelet.backoff import LONGEST_S, BackOff


def test_the_first_restart_is_immediate_and_the_waits_double_up_to_five_minutes() -> None:
    back, waits, now = BackOff(), [], 0.0
    for _ in range(8):
        waits.append(back.until(now) - now)
        now = back.until(now)
        back = back.next(now)
    assert waits == [0, 10, 20, 40, 80, 160, 300, 300]


def test_a_long_time_in_peace_is_forgiven() -> None:
    back = BackOff().next(0.0).next(20.0)
    assert back.next(20.0 + 2 * LONGEST_S + 1).wait_s == 10.0
