"""All faults, one row each."""

from __future__ import annotations

from ..fault import Fault
from . import api, nothing, process

ROWS: tuple[Fault, ...] = (*nothing.ROWS, *api.ROWS, *process.ROWS)
