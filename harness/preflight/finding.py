"""One thing that a preflight has to say."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Weight(StrEnum):
    """What follows: it is only told, it may spoil the measurement, or nothing could be measured."""

    NOTE = "note"
    MIND = "mind"
    BLOCKS = "blocks"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """`words`: what was seen, in a clause or two. `mend`: what would do, as a sentence; empty where nothing need be."""

    weight: Weight
    words: str
    mend: str = ""

    @property
    def line(self) -> str:
        """For people, with its weight in front unless it stops the run."""
        said = f"{self.words}. {self.mend}" if self.mend else self.words
        return said if self.weight is Weight.BLOCKS else f"{self.weight.value}: {said}"
