"""A number and what it counts -> both in words, singular and plural: one place, so that none says "1 requests"."""

from __future__ import annotations


def things(number: int, name: str) -> str:
    """How many of what.

    >>> things(1, "request"), things(4437, "request")
    ('1 request', '4,437 requests')
    """
    return f"{number:,} {name}{'' if number == 1 else 's'}"
