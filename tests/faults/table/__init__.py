"""All faults, one row each."""

from __future__ import annotations

from ..fault import Fault
from . import api, api_lost, clock, disk, foreign, nothing, pressure, process, streams

ROWS: tuple[Fault, ...] = (
    *nothing.ROWS,
    *api.ROWS,
    *api_lost.ROWS,
    *streams.ROWS,
    *process.ROWS,
    *pressure.ROWS,
    *disk.ROWS,
    *clock.ROWS,
    *foreign.ROWS,
)
