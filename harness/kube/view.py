"""Watch events -> the objects as they are now, and waits for a state of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import anyio

from harness.errors import ClusterError
from harness.kube.watch import EventType, WatchEvent


class View:
    """The newest version of every object that the watches have shown."""

    def __init__(self) -> None:
        self._objects: dict[str, dict[str, dict[str, Any]]] = {}
        self._changed = anyio.Event()

    def apply(self, kind: str, event: WatchEvent) -> None:
        """Take in one event and wake those who wait."""
        objects = self._objects.setdefault(kind, {})
        if event.type is EventType.DELETED:
            objects.pop(event.object["metadata"]["uid"], None)
        elif event.type is not EventType.GAP:
            objects[event.object["metadata"]["uid"]] = event.object
        self._changed.set()
        self._changed = anyio.Event()

    def objects(self, kind: str) -> list[dict[str, Any]]:
        """All of a kind that exist now."""
        return list(self._objects.get(kind, {}).values())

    def named(self, kind: str, name: str) -> dict[str, Any] | None:
        """The one with that name."""
        return next((found for found in self.objects(kind) if found["metadata"]["name"] == name), None)

    async def changed(self, *, within_s: float) -> None:
        """Wait for the next event, `within_s` at most."""
        with anyio.move_on_after(within_s):
            await self._changed.wait()

    async def until(
        self, what: str, holds: Callable[[View], bool], *, deadline_s: float, state: Callable[[View], str]
    ) -> None:
        """Wait until `holds`; `state` describes how far it has come.

        Raises:
            ClusterError: it does not hold after `deadline_s`; says what was awaited, how long, and the last state seen.
        """
        with anyio.move_on_after(deadline_s):
            while not holds(self):
                await self._changed.wait()
            return
        raise ClusterError(f"waiting {deadline_s:g} s for {what}", f"the last state seen was: {state(self)}")
