"""What was found out about one thing that the harness may need."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """Whether something is there and works."""

    WORKS = "works"
    MISSING = "missing"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing. `serves`: what it is needed for; `seen`: its version, or what is wrong with it.

    `mend`: the command that mends it, empty where it works.
    """

    name: str
    state: State
    seen: str
    mend: str
    serves: str

    @property
    def works(self) -> bool:
        """Whether it is there and works."""
        return self.state == State.WORKS
