"""What of a budget was spent -> words."""

from __future__ import annotations

from harness.model.budget import Spent
from harness.model.duration import duration


def spent_words(one: Spent) -> str:
    """For people.

    >>> spent_words(Spent(name="p99_during", limit=0.25, measured=0.3121))
    'p99_during 312ms, at most 250ms: exceeded'
    >>> spent_words(Spent(name="failed", limit=0, measured=0))
    'failed 0, at most 0: kept'
    >>> spent_words(Spent(name="rollout", limit=300.0, measured=None))
    'rollout at most 5m: not measured'
    """
    limit = _amount(one.name, one.limit)
    if one.measured is None:
        return f"{one.name} at most {limit}: not measured"
    return f"{one.name} {_amount(one.name, one.measured)}, at most {limit}: {'exceeded' if one.exceeded else 'kept'}"


def _amount(name: str, value: float) -> str:
    """As it is written: "3", "0.1%", "250ms"."""
    if name == "failed":
        return f"{value:.0f}"
    if name == "failed_ratio":
        return f"{100 * value:.3g}%"
    return duration(round(value, 3))
