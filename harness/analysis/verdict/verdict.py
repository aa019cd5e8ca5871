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
class Conclusion:
    """The verdict of a scenario. `reason` is a short word (or `cause: n`), `sentence` is for people."""

    verdict: Verdict
    reason: str
    sentence: str


def conclusion(
    rollouts: Sequence[RolloutAccount],
    *,
    doubts: Sequence[tuple[str, str]] = (),
    causes: Sequence[tuple[str, int]] = (),
    background: tuple[str, str] = ("", ""),
    confidence: Confidence | None = None,
) -> Conclusion:
    """`dropping` where a rollout lost calls; `seamless` where none did and nothing speaks against it.

    `doubts` are those of the whole run; `causes` the failures' causes, most frequent first, for the reason;
    `background` what else failed, for the reason and for the sentence; that of a clean run carries its bound.
    """
    dropping = [rollout for rollout in rollouts if rollout.dropping]
    if dropping:
        shown = ", ".join(f"{cause}: {count}" for cause, count in causes)
        reason = shown if any(rollout.own_failures for rollout in rollouts) else "cause not shown"
        sentence = bound_sentence(len(dropping), len(rollouts))
        return Conclusion(verdict=Verdict.DROPPING, reason=reason, sentence=sentence)
    every = [*doubts, *(doubt for rollout in rollouts for doubt in rollout.doubts)]
    if every:
        reason, words = every[0]
        return Conclusion(verdict=Verdict.INCONCLUSIVE, reason=reason, sentence=words + _none_seen(len(rollouts)))
    return _clean(len(rollouts), background, confidence)


def _none_seen(n: int) -> str:
    """No bound here: it would rest on rollouts that cannot be called clean."""
    if not n:
        return ""
    return f"; 0 of {n} {'rollout was' if n == 1 else 'rollouts were'} seen to drop calls"


def _clean(n: int, background: tuple[str, str], confidence: Confidence | None) -> Conclusion:
    """Of `n` rollouts that lost nothing and of which nothing is in doubt; whether they are enough is left to ask."""
    level = LEVEL if confidence is None else confidence.level
    sentence = bound_sentence(0, n, level)
    if confidence is not None and at_most(0, n, level) > confidence.max_dropping:
        wanted = f"{sentence}, and {confidence.max_dropping:.0%} was asked for"
        return Conclusion(verdict=Verdict.INCONCLUSIVE, reason="confidence", sentence=wanted)
    reason, words = background
    if words:
        return Conclusion(verdict=Verdict.SEAMLESS, reason=f"{CLEAN} {reason}", sentence=f"{sentence}; {words}")
    return Conclusion(verdict=Verdict.SEAMLESS, reason=CLEAN, sentence=sentence)


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
