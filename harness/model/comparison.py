"""How runs differ, rollout by rollout: what the analysis says of them, and all that a reporter may show."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from math import comb


class Measure(StrEnum):
    """What is compared, one value a rollout."""

    FAILURES = "failures"
    DROPPING = "dropping"
    REMOVAL = "removal-lag"
    ADDITION = "addition-lag"
    P99 = "p99"
    DURATION = "duration"


MEASURE_WORDS = {
    Measure.FAILURES: "lost calls per rollout",
    Measure.DROPPING: "rollouts that drop calls",
    Measure.REMOVAL: "largest removal lag, s",
    Measure.ADDITION: "largest addition lag, s",
    Measure.P99: "p99 during a rollout, ms",
    Measure.DURATION: "a rollout takes, s",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One of those that are compared: runs of one variant on one path, together.

    `at`: when it began, seconds since 1970; `doubt`: why it carries no verdict, in words; `values`: by measure, one a
    rollout, of those that have it; of `dropping` 0 or 1. `facts`: where and how it ran, by name.
    """

    name: str
    variant: str
    path: str
    at: float
    rollouts: int
    doubt: str
    values: dict[Measure, tuple[float, ...]]
    facts: dict[str, str]

    def mean(self, measure: Measure) -> float | None:
        """The mean of a measure; None where no rollout has it."""
        values = self.values[measure]
        return sum(values) / len(values) if values else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """How much more of a measure the second side has than the first, with its interval: None where nothing bounds it.

    `p`: of the two-sided test. `p_worse`: of the one that the second has more, corrected for the number of tests that
    gate; `p_least`: the smallest that it could have been. `numbers`: how many rollouts of each have the measure.
    """

    measure: Measure
    numbers: tuple[int, int]
    first: float
    second: float
    difference: float
    low: float | None
    high: float | None
    p: float
    p_worse: float
    p_least: float
    gates: bool = False

    @property
    def shown(self) -> bool:
        """Whether the two differ, as far as 95 % can tell."""
        return self.p <= ALPHA

    @property
    def regressed(self) -> bool:
        """Whether the second is worse."""
        return self.p_worse <= ALPHA

    @property
    def blind(self) -> bool:
        """Whether so few rollouts could not have shown the second to be worse, however bad it was."""
        return self.p_least > ALPHA

    @property
    def too_few_to_differ(self) -> bool:
        """Whether so few values could not have shown two means to differ, either way, however far apart."""
        return self.measure != Measure.DROPPING and 2 / comb(sum(self.numbers), self.numbers[0]) > ALPHA


ALPHA = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Two sides of one variant and path, or of two. `untold`: measures that a side lacks; `unlike`: what else differs
    between them, in words."""

    first: Side
    second: Side
    differences: tuple[Difference, ...]
    untold: tuple[Measure, ...] = ()
    unlike: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """How many rollouts of each kind show a change with 80 % probability; None where more than were tried."""

    change: str
    rollouts: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PowerTable:
    """What numbers of rollouts can show. `spread`: how much lost calls vary between rollouts of one kind, as a share of
    their mean; `measured`: whether these runs say so. `most`: the largest number that was tried."""

    shares: tuple[Needs, ...]
    failures: tuple[Needs, ...]
    spread: float
    measured: bool
    most: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """All sides, in order of time, the pairs, and the exit code of a gate (0, 1 or 3) with why, in sentences.

    `unmatched`: what could not be compared, as only one of two runs has it, in sentences.
    """

    sides: tuple[Side, ...]
    pairs: tuple[Pair, ...]
    exit_code: int
    why: tuple[str, ...]
    unmatched: tuple[str, ...] = ()
