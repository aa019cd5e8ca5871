"""A call of the API that may be repeated -> its answer, or its last failure once its time is over."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TypeVar

import anyio
from tenacity import AsyncRetrying, retry_if_exception, stop_before_delay, wait_exception, wait_random_exponential

from harness.kube.errors import ApiRefusal, NoAnswer

PATIENCE_S = 40.0
"""How long a call is repeated, so that an API that is away for 30 s is survived, the last pause included."""

CLEAN_UP_PATIENCE_S = 60.0

_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.25, 5.0
_THROTTLED = 429
_PASSING = frozenset({500, 502, 503, 504})

Answer = TypeVar("Answer")


@dataclass(slots=True)
class CleanUpPatience:
    """How long clean-up may still repeat calls, all of them together: what stands in the way of one is in that of the
    next as well, and whoever waits for the end is not to wait a minute for each."""

    left_s: float = CLEAN_UP_PATIENCE_S

    def renew(self) -> None:
        """Another clean-up begins."""
        self.left_s = CLEAN_UP_PATIENCE_S

    @contextmanager
    def spent(self) -> Iterator[float]:
        """What a call may take of it; what it took is gone when the block is left."""
        begun = anyio.current_time()
        try:
            yield self.left_s
        finally:
            self.left_s = max(0.0, self.left_s - (anyio.current_time() - begun))


def passes(error: BaseException) -> bool:
    """Whether the same call may be answered otherwise a little later."""
    return isinstance(error, NoAnswer) or (
        isinstance(error, ApiRefusal) and (error.status == _THROTTLED or error.status in _PASSING)
    )


def was_not_done(error: BaseException) -> bool:
    """Whether the API surely did nothing of what was asked, so that even a POST may be sent again."""
    return isinstance(error, ApiRefusal) and error.status == _THROTTLED


async def repeated(
    call: Callable[[], Awaitable[Answer]], *, again: Callable[[BaseException], bool], patience_s: float
) -> Answer:
    """Call until it is answered, or fails in a way for which `again` is False.

    Pauses grow, each drawn at random, and are never shorter than the API's Retry-After. No call begins later than
    `patience_s` after the first; a Retry-After that lies beyond is not waited for.
    """
    retrying = AsyncRetrying(
        sleep=anyio.sleep,
        stop=stop_before_delay(patience_s),
        wait=wait_exception(_asked_for_s) + wait_random_exponential(multiplier=_FIRST_PAUSE_S, max=_LONGEST_PAUSE_S),
        retry=retry_if_exception(again),
        reraise=True,
    )

    async def once() -> Answer:  # by this tenacity sees that there is something to await, which a lambda hides
        return await call()

    return await retrying(once)


def retry_after_s(header: str | None) -> float:
    """Seconds of a Retry-After header (RFC 9110, 10.2.3), 0 where there is none or it is neither form.

    >>> retry_after_s("3"), retry_after_s(None), retry_after_s("soon")
    (3.0, 0.0, 0.0)
    """
    if header is None:
        return 0.0
    if header.strip().isdecimal():
        return float(header)
    try:
        return max(0.0, (parsedate_to_datetime(header) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return 0.0


def _asked_for_s(error: BaseException) -> float:
    return error.retry_after_s if isinstance(error, ApiRefusal) else 0.0
