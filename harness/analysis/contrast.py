"""The tails of a test of two groups -> whether they differ, by how much at least and at most."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Contrast:
    """How much larger the second group's mean, or share, is. `p_more`, `p_less`: one-sided p-values; `low`, `high`: the
    interval, infinite where so few values bound nothing; `p_least`: the smallest that `p_more` can be of so many, of
    shares beside the first group as it is.

    >>> Contrast(difference=1.0, low=0.5, high=1.5, p_more=0.01, p_less=1.0, p_least=0.01).p
    0.02
    """

    difference: float
    low: float
    high: float
    p_more: float
    p_less: float
    p_least: float

    @property
    def p(self) -> float:
        """The two-sided p-value: twice the smaller one."""
        return min(1.0, 2.0 * min(self.p_more, self.p_less))
