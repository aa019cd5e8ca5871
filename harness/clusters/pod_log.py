"""The log of a load worker's Pod, with its connections that break off -> every line of it, once."""

from __future__ import annotations

import json
import math
import time
from collections import defaultdict
from collections.abc import AsyncIterator

import anyio

from harness.errors import ClusterError
from harness.kube.client import Kube
from harness.kube.errors import NoAnswer, is_not_found
from harness.kube.repetition import passes
from harness.model.request import COLUMNS

_DEADLINE_S = 24 * 3600.0
_PAUSE_S = 0.5
_GIVEN_UP_S = 60.0
_OVERLAP_S = 60.0
_STREAM, _SEQ = COLUMNS.index("stream"), COLUMNS.index("seq")


class Heard:
    """What a worker has said so far: tells a line that is read again from one that is new.

    By what the worker itself counts, and by no clock: a node's may be set while its log is read. A row has a number
    that counts without gaps in its stream, a second's statistics a time that only grows. Other lines are few.
    """

    def __init__(self) -> None:
        self._all_below: defaultdict[bytes, int] = defaultdict(int)
        self._above: defaultdict[bytes, set[int]] = defaultdict(set)
        self._said_at = -math.inf
        self._others: set[bytes] = set()

    def is_new(self, line: bytes) -> bool:
        """Whether it was not heard before; it is from now on."""
        cells = line.split(b",")
        if len(cells) == len(COLUMNS) and cells[_SEQ].isdigit():
            return self._is_new_row(cells[_STREAM], int(cells[_SEQ]))
        if (said_at := _time_of(line)) is not None:
            is_new = said_at > self._said_at
            self._said_at = max(said_at, self._said_at)
            return is_new
        if line in self._others:
            return False
        self._others.add(line)
        return True

    def _is_new_row(self, stream: bytes, seq: int) -> bool:
        above = self._above[stream]
        if seq < self._all_below[stream] or seq in above:
            return False
        above.add(seq)
        while self._all_below[stream] in above:  # requests end in another order than they began in
            above.remove(self._all_below[stream])
            self._all_below[stream] += 1
        return True


def _time_of(line: bytes) -> float | None:
    if not line.startswith(b"{"):
        return None
    try:
        said = json.loads(line)
        return float(said["t"])
    except (ValueError, TypeError, KeyError):
        return None


class _Log:
    """One Pod's log, which one connection after the other shows parts of."""

    def __init__(self, kube: Kube, namespace: str, name: str, heard: Heard) -> None:
        self._kube, self._namespace, self._name, self._heard = kube, namespace, name, heard
        self._read_at: float | None = None  # by this clock alone: the node's may be another
        self._whole_since = time.monotonic()
        self._lost: ClusterError | None = None
        self._over = False
        self._rest = b""

    async def part(self) -> AsyncIterator[bytes]:
        """The new lines that one more connection shows. Raises ClusterError for what will not pass."""
        path = f"/api/v1/namespaces/{self._namespace}/pods/{self._name}/log"
        query = {"follow": "true"}
        if self._read_at is not None:
            query["sinceSeconds"] = str(math.ceil(time.monotonic() - self._read_at + _OVERLAP_S))
        self._lost, self._rest = None, b""
        try:
            async with self._kube.stream(path, query, deadline_s=_DEADLINE_S, keep_ends=True) as log:
                async for line in log:
                    if not line.endswith(b"\n"):
                        self._rest = line
                    elif self._heard.is_new(line := line[:-1]):
                        self._read_at = self._whole_since = time.monotonic()
                        yield line
        except ClusterError as error:
            if not passes(error) and not is_not_found(error):
                raise
            self._lost = error

    def last_words(self) -> tuple[bytes, ...]:
        """What stood behind the last line end."""
        return (self._rest,) if self._rest and self._heard.is_new(self._rest) else ()

    async def goes_on(self) -> bool:
        """Whether there may be more to read; pauses before what is only a try.

        Raises:
            ClusterError: the log could not be had for a minute, or is not there though its Pod is.
        """
        is_lost, is_gone = self._lost is not None, self._lost is not None and is_not_found(self._lost)
        if self._over and (is_gone or not is_lost):
            return False
        if time.monotonic() - self._whole_since >= _GIVEN_UP_S:
            tried = f"following the log of Pod {self._name}"
            raise self._lost or NoAnswer(tried, "it ends again and again, though the Pod runs")
        phase = await self._phase() if is_gone or not is_lost else "Running"  # what was lost is to be read first
        if self._lost is not None and is_gone and phase:
            raise self._lost
        self._over = phase != "Running"
        if not self._over:  # else once more at once, for what came between the ends of connection and Pod
            await anyio.sleep(_PAUSE_S)
        return not is_gone

    async def _phase(self) -> str:
        """Empty where there is no such Pod."""
        try:
            pod = await self._kube.find("v1", "Pod", self._name, self._namespace)
        except ClusterError as error:
            if not passes(error):
                raise
            return "Running"
        return "" if pod is None else str((pod.get("status") or {}).get("phase"))


async def log_lines(
    kube: Kube, namespace: str, name: str, *, last: bytes, heard: Heard | None = None
) -> AsyncIterator[bytes]:
    """All lines of a worker's log as it grows, until one begins with `last` or the Pod has ended.

    Where the connection breaks off, the log is asked for again, from somewhat before where it was read to. The rest of
    a line that was cut is not taken for a line, unless it is the end of the log. `heard`: what was heard otherwise is
    not new.

    Raises:
        ClusterError: it is refused, or cannot be had for a minute.
    """
    log, goes_on = _Log(kube, namespace, name, Heard() if heard is None else heard), True
    while goes_on:
        async for line in log.part():
            yield line
            if line.startswith(last):
                return
        goes_on = await log.goes_on()
    for line in log.last_words():
        yield line
