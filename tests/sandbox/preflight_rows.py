"""The table of what may stand in a run's way: what is in its namespace, what is said of it, and the exit code."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

Object = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """`name`: of the namespace too, with these `labels` and `objects`. `change`: what is other in the manifests."""

    name: str
    line: str
    code: int
    objects: tuple[Object, ...] = ()
    labels: dict[str, str] = field(default_factory=dict)
    change: Callable[[list[Object]], None] = lambda _: None


ROWS: tuple[Row, ...] = ()
