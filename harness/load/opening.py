"""The connections of a stream, and one of them in the making, for the attempt that is to be sent on it."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from harness.load.deadlines import Deadlines
from harness.load.wire import forms

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from harness.load.attempt import Attempt
    from harness.load.connections import AsyncioSender
    from harness.load.dial import Dialed
    from harness.load.plan import Plan, Stream
    from harness.load.transport import Connection
    from harness.model.request import Outcome

    Done = Callable[[Attempt, Outcome], None]


class Pool:
    """The connections of one stream. `kept`: how many of `keep` there are, those being opened too. What goes out while
    all of them are busy has a connection of its own, which is closed after it."""

    __slots__ = ("deadlines", "forms", "idle", "keep", "kept")

    def __init__(self, plan: Plan, stream: Stream, clock: Callable[[], float]) -> None:
        self.keep = stream.connections
        self.forms = forms(plan, stream)
        self.deadlines = Deadlines(plan.read_timeout_of(stream), clock=clock)
        self.idle: deque[Connection] = deque()
        self.kept = 0


class Opening:
    """A connection in the making, for one attempt. `begun`: that attempt is under way on it.

    `deadline`: that of the task that makes it, if there is one.
    """

    __slots__ = ("attempt", "begun", "deadline", "dialed", "done", "keep", "pool", "sender")

    def __init__(self, sender: AsyncioSender, pool: Pool, attempt: Attempt, done: Done) -> None:
        self.sender, self.pool, self.attempt, self.done = sender, pool, attempt, done
        self.keep = pool.kept < pool.keep
        self.begun = False
        self.dialed: Dialed | None = None
        self.deadline: asyncio.Timeout | None = None
        pool.kept += self.keep

    def ready(self) -> None:
        """Its SYN may have been answered."""
        self.sender.answered(self)

    def expire(self) -> None:
        """Its SYN was not answered in time."""
        self.sender.unanswered(self)

    def made(self, connection: Connection) -> None:
        """It can be sent on: at once, not when a task wakes up, since a server may speak first."""
        if self.deadline is not None:
            if self.deadline.expired():
                connection.close()
                return
            self.deadline.reschedule(None)
        self.begun = True
        self.sender.begin(self, connection)

    def lost(self, connection: Connection) -> None:
        """It is over."""
        self.sender.end(self, connection)
