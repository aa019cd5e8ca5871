"""Seconds since the epoch <-> the API's time stamps (RFC 3339, whole seconds or microseconds, UTC)."""

from __future__ import annotations

from datetime import UTC, datetime

LAST_S = int(datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC).timestamp())  # RFC 3339 has four digits for the year


def rfc3339(t_s: float) -> str:
    """`2026-11-23T12:03:21Z`: metav1.Time has whole seconds, cut, not rounded; nothing after `LAST_S`."""
    return datetime.fromtimestamp(int(t_s), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def rfc3339_micro(t_s: float) -> str:
    """`2026-11-23T12:03:21.948414Z`: metav1.MicroTime."""
    return datetime.fromtimestamp(t_s, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def seconds(stamp: str) -> float:
    """The time that a stamp names, in seconds since the epoch."""
    return datetime.fromisoformat(stamp).timestamp()
