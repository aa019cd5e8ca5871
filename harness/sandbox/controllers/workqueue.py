"""Keys of objects that changed -> calls of a controller's `sync`, one at a time a key, again where it failed.

The rules of client-go's workqueue: a key that is added while it waits is there once; added while it is being worked on,
it is done again afterwards; failures come again after 5 ms, doubling up to 1000 s.
"""

from __future__ import annotations

import asyncio
import sys
import traceback
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import aiohttp

from harness.sandbox.apiclient import ApiError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine

K = TypeVar("K")

_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.005, 1000.0
_WORKERS = 5


async def side_by_side(*parts: Coroutine[Any, Any, None]) -> None:
    """Runs the parts of a controller until one fails, or for ever."""
    async with asyncio.TaskGroup() as group:
        for part in parts:
            group.create_task(part)


class WorkQueue(Generic[K]):
    """The queue of one controller and its workers."""

    def __init__(self, name: str, sync: Callable[[K], Awaitable[None]], workers: int = _WORKERS) -> None:
        self._name, self._sync, self._workers = name, sync, workers
        self._waiting: dict[K, None] = {}
        self._working: set[K] = set()
        self._again: set[K] = set()
        self._failures: dict[K, int] = {}
        self._timers: dict[K, tuple[float, asyncio.Handle]] = {}
        self._wake = asyncio.Event()

    def add(self, key: K) -> None:
        """Has `key` worked on as soon as a worker is free."""
        if key in self._working:
            self._again.add(key)
        else:
            self._waiting[key] = None
            self._wake.set()

    def add_after(self, key: K, delay_s: float) -> None:
        """Has `key` worked on after `delay_s` seconds; of several delays the shortest counts."""
        loop = asyncio.get_running_loop()
        due_s, present = loop.time() + max(delay_s, 0.0), self._timers.get(key)
        if present is not None:
            if present[0] <= due_s:
                return
            present[1].cancel()
        self._timers[key] = (due_s, loop.call_at(due_s, self._due, key))

    def retry(self, key: K) -> None:
        """Has `key` worked on again after a pause that doubles with each failure."""
        failures = self._failures.get(key, 0)
        self._failures[key] = failures + 1
        self.add_after(key, min(_FIRST_PAUSE_S * 2 ** min(failures, 30), _LONGEST_PAUSE_S))

    async def run(self) -> None:
        """Works for ever."""
        async with asyncio.TaskGroup() as group:
            for _ in range(self._workers):
                group.create_task(self._work(), name=self._name)

    def _due(self, key: K) -> None:
        self._timers.pop(key, None)
        self.add(key)

    async def _work(self) -> None:
        while True:
            while not self._waiting:
                self._wake.clear()
                await self._wake.wait()
            key = next(iter(self._waiting))
            del self._waiting[key]
            self._working.add(key)
            try:
                await self._sync(key)
                self._failures.pop(key, None)
            except (ApiError, aiohttp.ClientError, TimeoutError):
                self.retry(key)
            except Exception:
                sys.stderr.write(f"{self._name}: {key}\n{traceback.format_exc()}")
                self.retry(key)
            finally:
                self._working.discard(key)
                if key in self._again:
                    self._again.discard(key)
                    self.add(key)
