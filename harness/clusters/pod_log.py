"""The log of a Pod, with its connections that break off -> every line of it, once."""

from __future__ import annotations

import math
import re
import time
from collections.abc import AsyncIterator

import anyio

from harness.errors import ClusterError
from harness.kube.client import Kube
from harness.kube.errors import NoAnswer
from harness.kube.repetition import passes

_DEADLINE_S = 24 * 3600.0
_PAUSE_S = 0.5
_GIVEN_UP_S = 60.0
_OVERLAP_S = 60.0
_STAMP = re.compile(rb"\d{4}-\d\d-\d\dT[0-9:.]+(?:Z|[+-]\d\d:\d\d)")


class Position:
    """How far a log has been read: the time of its last line, as the node wrote it, and how many have that time."""

    def __init__(self) -> None:
        self._last = b""
        self._alike = self._passed = 0
        self.read_at = 0.0

    def begin(self) -> None:
        """The log is asked for again, from a moment before this position."""
        self._passed = 0

    def take(self, stamped: bytes) -> bytes | None:
        """The line without its time; None where it was read before.

        Times of one node's log never go back, and several lines may have the same.
        """
        stamp, _, line = stamped.partition(b" ")
        if not _STAMP.fullmatch(stamp):
            return stamped  # a runtime that writes none; it cannot be resumed without repeating
        if stamp < self._last:
            return None
        if stamp == self._last:
            self._passed += 1
            if self._passed <= self._alike:
                return None
            self._alike += 1
        else:
            self._last, self._alike, self._passed = stamp, 1, 1
        self.read_at = time.monotonic()
        return line


async def log_lines(kube: Kube, namespace: str, name: str, *, last: bytes) -> AsyncIterator[bytes]:
    """All lines of a Pod's log as it grows, until one begins with `last` or the Pod has ended.

    Where the connection breaks off while the Pod runs, the log is asked for again, from where it was read to.

    Raises:
        ClusterError: it is refused, or cannot be had for a minute.
    """
    path = f"/api/v1/namespaces/{namespace}/pods/{name}/log"
    position, whole_since = Position(), time.monotonic()
    query = {"follow": "true", "timestamps": "true"}
    while True:
        seen: ClusterError | None = None
        try:
            async with kube.stream(path, query, deadline_s=_DEADLINE_S) as log:
                position.begin()
                async for stamped in log:
                    line = position.take(stamped)
                    if line is None:
                        continue
                    whole_since = time.monotonic()
                    yield line
                    if line.startswith(last):
                        return
            if not await _runs(kube, namespace, name):
                return
        except ClusterError as error:
            if not passes(error):
                raise
            seen = error
        now = time.monotonic()
        if now - whole_since >= _GIVEN_UP_S:
            raise seen or NoAnswer(f"following the log of Pod {name}", "it ends again and again, though the Pod runs")
        await anyio.sleep(_PAUSE_S)
        if position.read_at:  # by this clock alone: the node's may be another
            query["sinceSeconds"] = str(math.ceil(time.monotonic() - position.read_at + _OVERLAP_S))


async def _runs(kube: Kube, namespace: str, name: str) -> bool:
    pod = await kube.find("v1", "Pod", name, namespace)
    return pod is not None and bool((pod.get("status") or {}).get("phase") == "Running")
