"""A field for which an API server refuses an object, and the rules that find them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.inputs.shown import cut, printable

_MOST_TOLD, _MOST_CHARACTERS = 3, 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """`field`: its path, "spec.ports[0].name", empty where it is the object as a whole. `lacks`: it is not there."""

    field: str
    words: str
    lacks: bool = False

    def __str__(self) -> str:
        return cut(printable(self.words), _MOST_CHARACTERS)


ApiRules = Callable[[Mapping[str, Any]], tuple[Refusal, ...]]
"""An object as it would be sent -> all for which it would be refused; empty where it is taken, or not known."""


def refused_words(refusals: Sequence[Refusal]) -> str:
    """The first of them, and how many more there are.

    >>> refused_words([Refusal(field=f"data[{each}]", words=f"data[{each}]: Invalid") for each in "abcde"])
    'data[a]: Invalid; data[b]: Invalid; data[c]: Invalid; and 2 more'
    """
    more = f"; and {len(refusals) - _MOST_TOLD} more" if len(refusals) > _MOST_TOLD else ""
    return "; ".join(map(str, refusals[:_MOST_TOLD])) + more
