"""What each rollout showed -> the verdict, its reason, and the sentence for people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.analysis.statistics import LEVEL, at_most
from harness.model.result import Verdict
from harness.model.run import Confidence, Expect

CLEAN = "no call was lost to a rollout"


@dataclass(frozen=True, slots=True, kw_only=True)
class RolloutAccount:
    """What counts for or against one rollout. `doubts`: reasons, each in words, why it cannot be called clean."""

    rollout: int
    own_failures: int = 0
    unexplained: bool = False
    doubts: tuple[tuple[str, str], ...] = ()

    @property
    def dropping(self) -> bool:
        """Whether it lost calls by its own doing, or more than the control explains without a cause shown."""
        return self.own_failures > 0 or self.unexplained


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """The verdict of a scenario. `reason` is a short word (or `cause: n`), `sentence` is for people."""

    verdict: Verdict
    reason: str
    sentence: str


def judgement(
    rollouts: Sequence[RolloutAccount],
    *,
    doubts: Sequence[tuple[str, str]] = (),
    causes: Sequence[tuple[str, int]] = (),
    background: str = "",
    confidence: Confidence | None = None,
) -> Judgement:
    """`dropping` where a rollout lost calls; `seamless` where none did and nothing speaks against it.

    `doubts` are those of the whole run; `causes` the failures' causes, most frequent first, for the reason; the
    sentence of a clean run carries its bound.
    """
    n, k = len(rollouts), sum(rollout.dropping for rollout in rollouts)
    if k:
        shown = [f"{cause}: {count}" for cause, count in causes]
        reason = ", ".join(shown) if any(rollout.own_failures for rollout in rollouts) else "cause not shown"
        return Judgement(verdict=Verdict.DROPPING, reason=reason, sentence=bound_sentence(k, n))
    every = [*doubts, *(doubt for rollout in rollouts for doubt in rollout.doubts)]
    if every:
        word, words = every[0]
        # No bound here: it would rest on rollouts that cannot be called clean.
        seen = (
            f"; 0 of {n} rollout{'' if n == 1 else 's'} {'was' if n == 1 else 'were'} seen to drop calls" if n else ""
        )
        return Judgement(verdict=Verdict.INCONCLUSIVE, reason=word, sentence=words + seen)
    if confidence is not None and at_most(0, n, confidence.level) > confidence.max_dropping:
        return Judgement(
            verdict=Verdict.INCONCLUSIVE,
            reason="confidence",
            sentence=f"{bound_sentence(0, n, confidence.level)}, and {confidence.max_dropping:.0%} was asked for",
        )
    level = LEVEL if confidence is None else confidence.level
    sentence = bound_sentence(0, n, level)
    return Judgement(
        verdict=Verdict.SEAMLESS,
        reason=CLEAN + (" above the background" if background else ""),
        sentence=f"{sentence}; seamless {background}" if background else sentence,
    )


def bound_sentence(k: int, n: int, level: float = LEVEL) -> str:
    """How many rollouts dropped calls, and how many at most do.

    >>> bound_sentence(0, 3)
    '0 of 3 rollouts dropped calls; at most 63 % do (95 %)'
    >>> bound_sentence(1, 1)
    '1 of 1 rollout dropped calls'
    """
    words = f"{k} of {n} rollout{'' if n == 1 else 's'} dropped calls"
    if n == 0 or k == n:
        return words
    return f"{words}; at most {_percent(at_most(k, n, level))} do ({_percent(level)})"


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %" if share < 0.1 else f"{100 * share:.0f} %"


def as_expected(verdict: Verdict, expect: Expect) -> bool:
    """Whether a variant showed what it should. `any` takes either verdict, but no verdict at all is none."""
    if expect == Expect.ANY:
        return verdict != Verdict.INCONCLUSIVE
    return str(verdict) == str(expect)
