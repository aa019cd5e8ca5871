"""What was done to the application -> the words for it, so that no sentence calls a drain a rollout."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from harness.model.disruption_table import row
from harness.model.quantity import things

_ANY = "disruption"
"""Whatever it is, where several kinds are told of together (Kubernetes: a voluntary disruption)."""


@dataclass(frozen=True, slots=True)
class DeedWords:
    """What is judged, in words. `of`: what each was done to, where that was always the same: "node worker-1"."""

    noun: str = "rollout"
    of: str = ""

    @property
    def one(self) -> str:
        """Any of them: "a rollout", "an eviction"."""
        return f"{'an' if self.noun[0] in 'aeiou' else 'a'} {self.noun}"

    @property
    def plural(self) -> str:
        """All of them."""
        return f"{self.noun}s"

    def renamed(self, key: str) -> str:
        """A key of result.json, where all is called a rollout: "failed per rollout" -> "failed per drain"."""
        return key.replace(ROLLOUT.noun, self.noun)

    @property
    def under_way(self) -> str:
        """What is being done then: a deploy rolls too."""
        return "rolling" if self.noun in ("rollout", "deploy") else "under way"

    def numbered(self, number: int) -> str:
        """One of them: "rollout 2"."""
        return f"{self.noun} {number}"

    def counted(self, number: int) -> str:
        """So many of them: "3 rollouts", "1 drain of node worker-1"."""
        return things(number, self.noun) + (f" of {self.of}" if self.of else "")


ROLLOUT = DeedWords()


def deed_words(disruption: str | None, done_to: Iterable[str] = ()) -> DeedWords:
    """The words for a disruption, by its name in run.json; `done_to`: to what it was done, each time.

    >>> deed_words("drain", ["node worker-1", "node worker-1"]).counted(2), deed_words(None).counted(1)
    ('2 drains of node worker-1', '1 rollout')
    """
    distinct = set(done_to)
    return DeedWords(row(disruption).noun, distinct.pop() if len(distinct) == 1 else "")


def shared_words(several: Iterable[DeedWords]) -> DeedWords:
    """The words for all of them together: those of each where they are the same, else words that fit all.

    >>> shared_words([DeedWords("drain"), DeedWords("scaling")]).plural, shared_words([]).plural
    ('disruptions', 'rollouts')
    """
    distinct = list(dict.fromkeys(several))
    if len(distinct) <= 1:
        return distinct[0] if distinct else ROLLOUT
    nouns = {words.noun for words in distinct}
    return DeedWords(nouns.pop() if len(nouns) == 1 else _ANY)
