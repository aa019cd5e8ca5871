"""Pods that a controller has just made or deleted -> whether its cache shows them all by now.

Without this a controller would count again before its own changes came back, and do them twice. Source: kubernetes
`pkg/controller/controller_utils.go` (ControllerExpectations).
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from harness.sandbox.apiclient import ChangeType
from harness.sandbox.controllers.pods import is_terminating

if TYPE_CHECKING:
    from collections.abc import Iterable

    from harness.sandbox.controllers.caches import Key, Update

_GIVEN_UP_AFTER_S = 300.0


@dataclass(slots=True)
class _Expected:
    creations: int = 0
    deletions: set[str] = field(default_factory=set)
    since_s: float = field(default_factory=time.monotonic)


class Expectations:
    """What each owner waits to see, by its key."""

    def __init__(self) -> None:
        self._by_owner: dict[Key, _Expected] = {}

    def expect_creations(self, owner: Key, count: int) -> None:
        """`count` pods are about to be created."""
        self._by_owner[owner] = _Expected(creations=count)

    def expect_deletions(self, owner: Key, uids: Iterable[str]) -> None:
        """The pods with these uids are about to be deleted."""
        self._by_owner[owner] = _Expected(deletions=set(uids))

    def expect(self, owner: Key, creations: int, deletions: Iterable[str]) -> None:
        """As many pods are about to be created, and the pods with these uids to be deleted."""
        self._by_owner[owner] = _Expected(creations=creations, deletions=set(deletions))

    def seen(self, owner: Key, update: Update) -> None:
        """The watch showed this change of one of the owner's pods."""
        if update.type is ChangeType.DELETED or is_terminating(update.new):
            self.deleted(owner, update.new["metadata"]["uid"])
        elif update.type is ChangeType.ADDED:
            self.created(owner)

    def created(self, owner: Key) -> None:
        """One creation was seen, or failed."""
        if (expected := self._by_owner.get(owner)) is not None:
            expected.creations -= 1

    def deleted(self, owner: Key, uid: str) -> None:
        """This deletion was seen, or failed."""
        if (expected := self._by_owner.get(owner)) is not None:
            expected.deletions.discard(uid)

    def forget(self, owner: Key) -> None:
        """The owner is gone."""
        self._by_owner.pop(owner, None)

    def satisfied(self, owner: Key) -> bool:
        """Whether everything expected was seen, or it has been too long."""
        expected = self._by_owner.get(owner)
        if expected is None or time.monotonic() - expected.since_s > _GIVEN_UP_AFTER_S:
            return True
        return expected.creations <= 0 and not expected.deletions
