"""A workload's spec and what is before it -> what is wrong with it, from one table.

A row says when it holds, what is wrong, which values were found, what cause of lost requests it leads to, and what
mends it. Advice, plan, preflight, `check` and errors take their words from here. A new hazard is a name in
`harness.spec.hazard` and a row in one of the files of `harness.spec.table`.
"""

from __future__ import annotations

from collections.abc import Iterable

from harness.model.run import MeasuredService
from harness.spec.around import Around
from harness.spec.hazard import Hazard, HazardId, Row, Severity, told
from harness.spec.subject import subject
from harness.spec.table import pods, stops, surroundings, updates
from harness.spec.workload import Object

__all__ = ["BY_MANIFEST", "HAZARDS", "Hazard", "HazardId", "Row", "Severity", "hazards", "row"]

BY_MANIFEST: tuple[Row, ...] = (*stops.ROWS, *surroundings.ROWS)
"""Those that only `check` tells, which has a manifest and what is around it, and no run."""

_ORDER = list(HazardId)

HAZARDS: tuple[Row, ...] = tuple(
    sorted((*updates.ROWS, *pods.ROWS, *BY_MANIFEST), key=lambda row: _ORDER.index(row.id))
)
"""All hazards, in the order in which they are told: that of their names."""


def hazards(
    workload: Object,
    services: Iterable[Object],
    *,
    measured: MeasuredService | None = None,
    replicas: int | None = None,
    disruption: str | None = None,
    around: Around | None = None,
    claims: Iterable[Object] = (),
) -> tuple[Hazard, ...]:
    """What is wrong with a workload behind these Services, in the table's order.

    `measured`: the one port of theirs that counts; without it all do. `replicas`: instead of the workload's own.
    `disruption`: the name of what is done to it, a rolling update where None. `around`: where it is judged by its
    manifest alone, what is known of its surroundings. `claims`: the PersistentVolumeClaims that are known, by their
    names.
    """
    it = subject(
        workload,
        services,
        measured=measured,
        replicas=replicas,
        disruption=disruption,
        around=around,
        known=claims,
    )
    return tuple(told(row, it) for row in HAZARDS if row.holds(it) and not (row.updates and it.keeps_template))


def row(hazard: HazardId) -> Row:
    """The row of that name."""
    return next(row for row in HAZARDS if row.id is hazard)
