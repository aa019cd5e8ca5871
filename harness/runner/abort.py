"""Counts of what is failing now -> the end of a run that does more harm than it may.

The load is stopped at once, and what the run did to the application is taken back, whether or not its new pods are
available: they may be, and answer with nothing but errors.
"""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import anyio

from harness.errors import HarnessError, RolloutAborted
from harness.model.abort_settings import AbortIf
from harness.model.duration import duration
from harness.model.quantity import things
from harness.runner.load_session import LoadSession

_LOOK_S = 0.1
_STOP_S = 5.0
"""So long a worker may take to be asked; it is asked again when the load drains."""

Second = tuple[int, int]
"""Of the requests that ended in one second: how many, and how many of them failed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exceeded:
    """More failed than may, from `start` to `end` on the run's clock."""

    start: float
    end: float
    requests: int
    failed: int


def exceeded(ended: Mapping[int, Second], since: float, settings: AbortIf) -> Exceeded | None:
    """What is too much in the last seconds that are over; None where it is not, or not for long enough.

    `ended`: by second of the run's clock. It is too much where in every part of the time more than the ratio failed. A
    part is a second, or as many as it takes for one failed request not to be above the ratio by itself: so neither a
    burst ends a run, nor does a second without a failure save it where requests are few.

    >>> seconds = {second: (100, 20) for second in range(10)}
    >>> exceeded(seconds, 0.0, AbortIf.model_validate({"failed_ratio": 0.05, "for": "8s"})).failed
    160
    >>> exceeded(seconds | {5: (100, 0)}, 0.0, AbortIf.model_validate({"failed_ratio": 0.05, "for": "8s"}))
    """
    if not ended:
        return None
    end, length = max(ended), math.ceil(settings.for_s)  # the newest second is not over yet
    start = end - length
    if start < since:
        return None
    parts = _parts([ended.get(second, (0, 0)) for second in range(start, end)], math.ceil(1 / settings.failed_ratio))
    if not parts or not all(failed > settings.failed_ratio * requests for requests, failed in parts):
        return None
    return Exceeded(
        start=float(start),
        end=float(end),
        requests=sum(requests for requests, _ in parts),
        failed=sum(failed for _, failed in parts),
    )


def _parts(seconds: Sequence[Second], least: int) -> list[Second]:
    """Seconds put together until each part has as many requests; what is left over goes to the last one."""
    parts: list[Second] = []
    requests = failed = 0
    for more, lost in seconds:
        requests, failed = requests + more, failed + lost
        if requests >= least:
            parts.append((requests, failed))
            requests = failed = 0
    if requests and parts:
        parts[-1] = parts[-1][0] + requests, parts[-1][1] + failed
    elif requests:
        parts.append((requests, failed))
    return parts


TakeBack = Callable[[Exceeded], Awaitable[str]]
"""Takes back what was done to the application, and says what became of it."""


@asynccontextmanager
async def aborting(settings: AbortIf | None, load: LoadSession, take_back: TakeBack) -> AsyncIterator[None]:
    """A block that ends before its time where more fails than may.

    Raises:
        RolloutAborted: it did; the load was stopped, and then `take_back` was done.
    """
    if settings is None:
        yield
        return
    since = load.now()
    found: Exceeded | None = None

    async def look() -> None:
        nonlocal found
        while found is None:
            await anyio.sleep(_LOOK_S)
            found = exceeded(load.seconds, since, settings)
        with anyio.move_on_after(_STOP_S, shield=True):
            await load.ask_to_stop()
        watch.cancel_scope.cancel()

    async with anyio.create_task_group() as watch:
        watch.start_soon(look)
        yield
        watch.cancel_scope.cancel()
    if found is not None:
        raise await _aborted(settings, found, take_back)


async def _aborted(settings: AbortIf, found: Exceeded, take_back: TakeBack) -> RolloutAborted:
    """The error that says so, when what was done is taken back: nobody's Ctrl-C comes between."""
    seen = (
        f"of {things(found.requests, 'request')} from {found.start:g} s to {found.end:g} s into the run "
        f"{100 * found.failed / found.requests:.0f} % failed"
    )
    with anyio.CancelScope(shield=True):
        try:
            done = await take_back(found)
        except HarnessError as left:  # what went wrong first must be said first
            done = f"Taking back what was done failed: {left}"
    limit = f"failed_ratio {100 * settings.failed_ratio:g} %, for {duration(settings.for_s)}"
    return RolloutAborted(f"aborting, as abort_if ({limit}) has it", seen, f"The load was stopped. {done}")
