"""When a line of cron is due: expected moments are worked out by hand from a calendar."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.sandbox.cronschedule import ScheduleError, parsed


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("line", "moment", "due"),
    [
        ("* * * * *", "2026-11-27T12:00:00", "2026-11-27T12:01:00"),
        ("* * * * *", "2026-11-27T12:00:59.5", "2026-11-27T12:01:00"),
        ("*/15 * * * *", "2026-11-27T12:46", "2026-11-27T13:00:00"),
        ("5/20 * * * *", "2026-11-27T12:26", "2026-11-27T12:45:00"),
        ("0 9-17/4 * * *", "2026-11-27T13:00", "2026-11-27T17:00:00"),
        ("30 8 * * mon-fri", "2026-11-27T09:00", "2026-11-30T08:30:00"),  # 27 November 2026 is a Friday
        ("0 0 1,15 * *", "2026-11-27T09:00", "2026-12-01T00:00:00"),
        ("0 0 13 * fri", "2026-11-27T09:00", "2026-12-04T00:00:00"),  # either day is enough
        ("0 0 */31 * fri", "2026-11-27T09:00", "2027-01-01T00:00:00"),  # a step over all is no limit: both
        ("0 0 29 feb *", "2026-11-27T09:00", "2028-02-29T00:00:00"),
        ("@hourly", "2026-11-27T12:00", "2026-11-27T13:00:00"),
        ("@weekly", "2026-11-27T12:00", "2026-11-29T00:00:00"),
        ("@every 1h30m", "2026-11-27T12:00:10.7", "2026-11-27T13:30:10"),
    ],
)
def test_when_it_is_due(line: str, moment: str, due: str) -> None:
    assert parsed(line).after(at(moment)) == at(due)


def test_a_day_that_never_comes() -> None:
    assert parsed("0 0 30 2 *").after(at("2026-01-01T00:00")) is None


def test_a_zone_has_its_own_midnight_and_an_hour_less_in_spring() -> None:
    assert parsed("0 0 * * *", "Europe/Berlin").after(at("2026-07-01T12:00")) == at("2026-07-01T22:00")
    spring = parsed("30 2 * * *", "Europe/Berlin")  # 29 March 2026 has no half past two there
    assert spring.after(at("2026-03-28T02:00")) == at("2026-03-30T00:30")


@pytest.mark.parametrize(
    ("line", "zone", "why"),
    [
        ("* * * *", "", "expected exactly 5 fields, found 4"),
        ("60 * * * *", "", r"end of range \(60\) above maximum \(59\)"),
        ("* * 0 * *", "", r"beginning of range \(0\) below minimum \(1\)"),
        ("* * * * 7", "", r"end of range \(7\) above maximum \(6\)"),
        ("5-2 * * * *", "", "beyond end of range"),
        ("*/0 * * * *", "", "step of range should be a positive number"),
        ("x * * * *", "", "failed to parse int from x"),
        ("@noon", "", "unrecognized descriptor: @noon"),
        ("@every day", "", "failed to parse duration"),
        ("* * * * *", "Mars/Olympus", "unknown time zone Mars/Olympus"),
    ],
)
def test_what_names_no_moments_is_refused(line: str, zone: str, why: str) -> None:
    with pytest.raises(ScheduleError, match=why):
        parsed(line, zone)


@given(
    minute=st.integers(0, 59),
    hour=st.integers(0, 23),
    moment=st.datetimes(min_value=datetime(2020, 1, 1), max_value=datetime(2030, 1, 1)),  # noqa: DTZ001
)
def test_once_a_day_comes_within_a_day_at_its_time(minute: int, hour: int, moment: datetime) -> None:
    start = moment.replace(tzinfo=UTC)
    due = parsed(f"{minute} {hour} * * *").after(start)
    assert due is not None
    assert timedelta() < due - start <= timedelta(days=1)
    assert (due.hour, due.minute, due.second) == (hour, minute, 0)
