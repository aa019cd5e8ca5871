"""Weighted kinds of requests -> the order in which they go out, so that each is spread as evenly as it can be."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TypeVar

Kind = TypeVar("Kind")


def in_turn(kinds: Sequence[Kind], weights: Sequence[int]) -> tuple[Kind, ...]:
    """One round, after which it begins again: each kind as often as its weight says, beside the others' weights.

    Request number n of a stream is number n modulo the round's length: which kind it was can be told from its record.
    Smooth weighted round-robin: whoever has waited longest for its share goes next.

    >>> "".join(in_turn("abc", (5, 1, 1)))
    'aabacaa'
    """
    shared = math.gcd(*weights)
    shares = [weight // shared for weight in weights]
    waited, total, round_ = [0] * len(shares), sum(shares), []
    for _ in range(total):
        waited = [has + share for has, share in zip(waited, shares, strict=True)]
        next_ = max(range(len(shares)), key=lambda n: waited[n])
        waited[next_] -= total
        round_.append(kinds[next_])
    return tuple(round_)
