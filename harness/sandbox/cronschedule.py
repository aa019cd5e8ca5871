"""A line of five fields, as cron has them, -> the moments that it names.

What Kubernetes takes: lists, ranges, steps, names of months and days, `@hourly` and its like, `@every 90m`. Where both
days of the month and of the week are limited, either is enough. Source: github.com/robfig/cron v3 (parser.go, spec.go).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

_FIELDS = (("minute", 0, 59), ("hour", 0, 23), ("day of month", 1, 31), ("month", 1, 12), ("day of week", 0, 6))
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_NAMES = {3: {name: n for n, name in enumerate(_MONTHS, 1)}, 4: {name: n for n, name in enumerate(_DAYS)}}
_SHORT = {
    "@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *", "@monthly": "0 0 1 * *", "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *", "@midnight": "0 0 * * *", "@hourly": "0 * * * *",
}  # fmt: skip
_UNITS_S = {"h": 3600, "m": 60, "s": 1}
_SEARCHED = timedelta(days=5 * 366)  # what is not found in five years never comes, as 30 February


class ScheduleError(ValueError):
    """A line that names no moments; the text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """When something is due. `every`: so long after the last time, and the rest is empty."""

    values: tuple[frozenset[int], ...] = ()
    limited: tuple[bool, ...] = ()
    zone: tzinfo = UTC
    every: timedelta | None = None

    def after(self, moment: datetime) -> datetime | None:
        """The first moment after this one, in UTC; None where there is none within five years."""
        if self.every is not None:
            return moment.replace(microsecond=0) + self.every
        minutes, hours, _, months, _ = self.values
        start = moment.astimezone(self.zone)
        at = start.replace(second=0, microsecond=0) + timedelta(minutes=1)
        while at - start < _SEARCHED:
            if at.month not in months or not self._on(at):
                at = at.replace(hour=0, minute=0) + timedelta(days=1)
            elif at.hour not in hours:
                at = at.replace(minute=0) + timedelta(hours=1)
            elif at.minute not in minutes:
                at += timedelta(minutes=1)
            elif (found := at.astimezone(UTC)) > moment and _exists(at):
                return found
            else:
                at += timedelta(minutes=1)
        return None

    def _on(self, at: datetime) -> bool:
        of_month = at.day in self.values[2]
        of_week = at.isoweekday() % 7 in self.values[4]
        return of_month or of_week if self.limited[2] and self.limited[4] else of_month and of_week


def parsed(line: str, zone: str = "") -> Schedule:
    """The schedule of a line, in a zone of the IANA's, UTC without one.

    >>> parsed("*/15 9-17 * * mon-fri").after(datetime(2026, 11, 27, 17, 50, tzinfo=UTC)).isoformat()
    '2026-11-30T09:00:00+00:00'

    Raises: ScheduleError.
    """
    try:
        place = ZoneInfo(zone) if zone else UTC
    except (OSError, ValueError, KeyError):
        raise ScheduleError(f"unknown time zone {zone}") from None
    if line.startswith("@every "):
        return Schedule(every=_span(line.removeprefix("@every ")))
    fields = _SHORT.get(line, line).split()
    if line.startswith("@") and line not in _SHORT:
        raise ScheduleError(f"unrecognized descriptor: {line}")
    if len(fields) != len(_FIELDS):
        raise ScheduleError(f"expected exactly 5 fields, found {len(fields)}: [{' '.join(fields)}]")
    values = tuple(_field(n, text) for n, text in enumerate(fields))
    return Schedule(values=values, limited=tuple(text[0] not in "*?" for text in fields), zone=place)


def _field(n: int, text: str) -> frozenset[int]:
    _, lowest, highest = _FIELDS[n]
    found: set[int] = set()
    for part in text.split(","):
        span, slash, step_text = part.partition("/")
        first_text, dash, last_text = span.partition("-")
        if first_text in ("*", "?"):
            first, last = lowest, highest
        else:
            first = _number(n, first_text)
            last = _number(n, last_text) if dash else highest if slash else first
        step = _number(n, step_text) if slash else 1
        if first < lowest:
            raise ScheduleError(f"beginning of range ({first}) below minimum ({lowest}): {part}")
        if last > highest:
            raise ScheduleError(f"end of range ({last}) above maximum ({highest}): {part}")
        if first > last:
            raise ScheduleError(f"beginning of range ({first}) beyond end of range ({last}): {part}")
        if step == 0:
            raise ScheduleError(f"step of range should be a positive number: {part}")
        found.update(range(first, last + 1, step))
    return frozenset(found)


def _number(n: int, text: str) -> int:
    if (name := text.lower()) in _NAMES.get(n, {}):
        return _NAMES[n][name]
    if not re.fullmatch("[0-9]{1,9}", text):
        raise ScheduleError(f'failed to parse int from {text}: strconv.Atoi: parsing "{text}": invalid syntax')
    return int(text)


def _span(text: str) -> timedelta:
    if not re.fullmatch(r"(\d+[hms])+", text):
        raise ScheduleError(f'failed to parse duration @every {text}: time: invalid duration "{text}"')
    total_s = sum(int(number) * _UNITS_S[unit] for number, unit in re.findall(r"(\d+)([hms])", text))
    return timedelta(seconds=max(total_s, 1))


def _exists(at: datetime) -> bool:
    """Whether the zone's clocks show this time at all: they leave an hour out in spring."""
    return at.astimezone(UTC).astimezone(at.tzinfo).replace(tzinfo=None) == at.replace(tzinfo=None)
