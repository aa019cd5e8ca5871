"""What holds a rollout up, and its containers' logs -> the same with what they said at last, for people."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace

from harness.disruptions.obstacle import LogPlace, Obstacle
from harness.disruptions.obstacles import alike, in_words

Logs = Callable[[LogPlace], Awaitable[tuple[str, ...]]]
"""Gives the last lines of a container's log; none where they cannot be had."""

_MOST_LOGS = 2


async def no_log(_: LogPlace) -> tuple[str, ...]:
    """The logs of containers that cannot be asked."""
    return ()


class LastWords:
    """The ends of the logs that have been asked for: what is lost meanwhile stays known."""

    def __init__(self, logs: Logs) -> None:
        self._logs = logs
        self._known: dict[LogPlace, tuple[str, ...]] = {}

    async def added(self, standing: tuple[Obstacle, ...]) -> tuple[Obstacle, ...]:
        """The obstacles, with the last words of one of each kind as they are now."""
        places = [first.log for first, *_ in alike(standing) if first.log is not None]
        for place in places[:_MOST_LOGS]:
            self._known[place] = await self._logs(place) or self._known.get(place, ())
        return tuple(replace(o, words=self._known.get(o.log, ())) if o.log else o for o in standing)


def last_words(found: Iterable[Obstacle]) -> tuple[str, ...]:
    """What they said at last, as lines for people; none where their logs are empty."""
    lines: list[str] = []
    told: set[tuple[str, ...]] = set()
    for first, *_ in alike(found):
        if first.words and first.words not in told:
            told.add(first.words)
            lines += [f"the log of {first.where} ends:", *(f"| {line}" for line in first.words)]
    return tuple(lines)


def told(found: Iterable[Obstacle]) -> str:
    """Obstacles in words, with what their containers said at last below."""
    found = tuple(found)
    return "\n    ".join([in_words(found), *last_words(found)])
