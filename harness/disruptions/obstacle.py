"""One thing that holds a rollout up, as a record."""

from __future__ import annotations

from dataclasses import dataclass

_SURE_FROM = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class LogPlace:
    """Where a container's own words are: the log of the run `run`, which is over where `previous`."""

    pod: str
    container: str
    run: str
    previous: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Obstacle:
    """What holds a rollout up: `what` was seen `where`; `mend`: what to do about it.

    `reports`: how often it was told. `final`: it stays, however long one waits; `certain`: that is known from the first
    report on. `tell_from`: with fewer reports it is what happens in any start. `kind`: what is the same of it in other
    pods and a little later, such as `what` without counts and addresses. `log`: where its container tells more, and
    `words`: the last lines there.
    """

    where: str
    what: str
    mend: str
    final: bool = False
    certain: bool = False
    reports: int = 1
    tell_from: int = 1
    kind: str = ""
    log: LogPlace | None = None
    words: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"

    @property
    def same(self) -> str:
        """What obstacles have in common that are told as one."""
        return self.kind or self.what

    @property
    def is_sure(self) -> bool:
        """Whether it was told often enough to be more than a moment's: a Secret may come right behind its pod."""
        return self.final and (self.certain or self.reports >= _SURE_FROM)

    @property
    def is_news(self) -> bool:
        """Whether people should hear of it at once."""
        return self.reports >= self.tell_from


def one_line(text: str) -> str:
    """A message of the API as one clause."""
    return " ".join(text.split()).rstrip(".:")
