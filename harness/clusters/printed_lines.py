"""How many lines a load worker printed, and how many of them its log showed -> those that it did not show, asked for.

A kubelet rotates a container's log when it outgrows `containerLogMaxSize` (10 MiB), and whoever asks for it after that
is shown the new file alone: what stood in the old one is lost to a reader whose connection broke off meanwhile
("Log rotation" in Kubernetes' documentation of logging). So each second a worker says how many lines it has printed,
and those that are missing are had from itself, which keeps the last of them.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable

from harness.clusters.pod_log import Heard
from harness.load import MOST_LINES
from harness.model.request import COLUMNS

_COMMAS = len(COLUMNS) - 1
_ABOUT = b'"lines":'


class PrintedLines:
    """Counts the lines that are heard; `again` gives printed ones by their numbers, [start, end)."""

    def __init__(self, heard: Heard, again: Callable[[int, int], Awaitable[list[str]]]) -> None:
        self._heard, self._again = heard, again
        self._shown = 0  # by the log, since `_whole`
        self._whole = 0  # all lines of lower numbers have been heard

    async def missed(self, line: bytes) -> list[bytes]:
        """Take in a line that the log showed; those before it that it did not show, where it tells that there are."""
        printed = _printed(line)
        if printed is None:
            self._shown += line.count(b",") == _COMMAS  # what a container says besides was not counted by the worker
            return []
        found = [] if self._shown >= printed - self._whole else await self._fetched(printed)
        self._whole, self._shown = printed, 1
        return found

    async def _fetched(self, end: int) -> list[bytes]:
        at, new = self._whole, []
        while at < end and (lines := await self._again(at, min(end, at + MOST_LINES))):
            at += len(lines)
            new += [raw for text in lines if self._heard.is_new(raw := text.encode())]
        return new


def _printed(line: bytes) -> int | None:
    """How many lines were printed before this one, where it says so."""
    if not line.startswith(b"{") or _ABOUT not in line:
        return None
    try:
        return int(json.loads(line)["lines"])
    except (ValueError, TypeError, KeyError):
        return None
