"""Two traces -> row by row what is the same, what differs by chance, and what differs that must hold."""

from __future__ import annotations

from dataclasses import dataclass

from harness.traces.durations import TOLERANCE_S
from harness.traces.features import Feature, features
from harness.traces.lifecycles import lifecycles
from harness.traces.trace import Trace


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One feature in both traces; None where a trace does not show it."""

    section: str
    name: str
    a: Feature | None
    b: Feature | None

    @property
    def same(self) -> bool:
        """Whether the two agree."""
        if self.a is None or self.b is None:
            return all(feature is None or feature.optional for feature in (self.a, self.b))
        if self.a.seconds is not None and self.b.seconds is not None:
            return abs(self.a.seconds - self.b.seconds) <= TOLERANCE_S
        return (self.a.value or self.a.lines) == (self.b.value or self.b.lines)

    @property
    def binding(self) -> bool:
        """Whether the two must agree."""
        return all(feature is None or feature.binding for feature in (self.a, self.b))


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Two traces held against each other."""

    a: str
    b: str
    rows: tuple[Row, ...]

    @property
    def differences(self) -> tuple[Row, ...]:
        """The rows that differ and must not."""
        return tuple(row for row in self.rows if row.binding and not row.same)


def compare(a: Trace, b: Trace) -> Comparison:
    """Hold two traces against each other: `a` is the yardstick, on the left."""
    left, right = features(lifecycles(a)), features(lifecycles(b))
    rows = tuple(
        Row(section=section, name=name, a=left[section].get(name), b=right[section].get(name))
        for section in left
        for name in dict.fromkeys([*left[section], *right[section]])
    )
    return Comparison(a=a.name, b=b.name, rows=rows)
