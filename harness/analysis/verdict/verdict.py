"""What each rollout showed -> the verdict, its reason, and the sentence for people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from harness.analysis.statistics import LEVEL, at_most
from harness.model.deed_words import ROLLOUT, DeedWords
from harness.model.quantity import things
from harness.model.reasons import Reason
from harness.model.result import ScenarioResult, Verdict
from harness.model.run import Confidence, Expect

_NOT_SHOWN, _TOO_FEW = "cause not shown", str(Reason.CONFIDENCE)
_ASKED = "was asked for"
_BUT = "; but "


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
    words: DeedWords = ROLLOUT,
    shortfall: str = "",
) -> Conclusion:
    """`dropping` where a rollout lost calls; `seamless` where none did and nothing speaks against it.

    `doubts` are those of the whole run; `causes` the failures' causes, most frequent first, for the reason;
    `background` what else failed, for the reason and for the sentence; that of a clean run carries its bound; `words`
    those for what was done; `shortfall` what the rollouts were counted on to have and had not, for the sentence.
    """
    said = _conclusion(rollouts, doubts, causes, background, confidence, words)
    return replace(said, sentence=f"{said.sentence}{_BUT}{shortfall}") if shortfall else said


def shortfall_of(result: ScenarioResult) -> str:
    """The shortfall that the sentence of a judged run tells; empty where it tells none."""
    return result.sentence.partition(_BUT)[2]


_SAY_WHY = (Reason.CRASH, Reason.FOREIGN, Reason.EVICTION, Reason.SCALING)


def _conclusion(
    rollouts: Sequence[RolloutAccount],
    doubts: Sequence[tuple[str, str]],
    causes: Sequence[tuple[str, int]],
    background: tuple[str, str],
    confidence: Confidence | None,
    words: DeedWords,
) -> Conclusion:
    level = LEVEL if confidence is None else confidence.level
    if any(rollout.dropping for rollout in rollouts):
        return _dropping(rollouts, causes, level, words)
    every = [*doubts, *(doubt for rollout in rollouts for doubt in rollout.doubts)]
    if every and every[0][0] == Reason.UNCHARGED:  # who took pods, or that one crashed, says why nobody is charged
        every.sort(key=lambda doubt: doubt[0] not in _SAY_WHY)
    if every:
        reason, said = every[0]
        sentence = said + _others(rollouts, reason, words) + _none_seen(len(rollouts), words)
        return Conclusion(verdict=Verdict.INCONCLUSIVE, reason=reason, sentence=sentence)
    return _clean(len(rollouts), background, confidence, level, words)


def _dropping(
    rollouts: Sequence[RolloutAccount], causes: Sequence[tuple[str, int]], level: float, words: DeedWords
) -> Conclusion:
    shown = ", ".join(f"{cause}: {count}" for cause, count in causes)
    reason = shown if any(rollout.own_failures for rollout in rollouts) else _NOT_SHOWN
    sentence = bound_sentence(sum(rollout.dropping for rollout in rollouts), len(rollouts), level, words)
    return Conclusion(verdict=Verdict.DROPPING, reason=reason, sentence=sentence)


def doubt_of(result: ScenarioResult) -> tuple[str, str] | None:
    """The doubt that made a judged run inconclusive, without what its sentence says of its own rollouts.

    None: nothing is in doubt, though the rollouts may be too few for a `confidence`.
    """
    if result.verdict != Verdict.INCONCLUSIVE or _too_few(result):
        return None
    return result.reason, _without_shortfall(result).removesuffix(_none_seen(len(result.rollouts), result.words))


def _without_shortfall(result: ScenarioResult) -> str:
    return result.sentence.partition(_BUT)[0]


def causes_of(result: ScenarioResult) -> dict[str, int]:
    """The causes that the reason of a judged run counts; empty where it counts none."""
    if result.verdict != Verdict.DROPPING or result.reason == _NOT_SHOWN:
        return {}
    parts = (part.rpartition(": ") for part in result.reason.split(", "))
    return {cause: int(number) for cause, _, number in parts}


def background_of(result: ScenarioResult) -> tuple[str, str] | None:
    """The background that a clean run has beside its bound, in a few words and in a sentence; None without one.

    So it has where its rollouts are only too few for a `confidence`.
    """
    if _too_few(result):
        words = _without_shortfall(result).partition(f"{_ASKED}; ")[2]
        return (result.reason.removeprefix(f"{_TOO_FEW}, "), words) if words else None
    clean = clean_reason(result.words)
    if result.verdict != Verdict.SEAMLESS or result.reason == clean:
        return None
    bound = bound_sentence(0, len(result.rollouts), result.statistics["level"], result.words)
    return result.reason.removeprefix(f"{clean} "), _without_shortfall(result).removeprefix(f"{bound}; ")


def _too_few(result: ScenarioResult) -> bool:
    """Whether nothing but the number of rollouts kept it from being clean."""
    return result.verdict == Verdict.INCONCLUSIVE and result.reason.partition(", ")[0] == _TOO_FEW


def _others(rollouts: Sequence[RolloutAccount], reason: str, words: DeedWords) -> str:
    """In how many more rollouts the same is in doubt."""
    alike = sum(any(doubt == reason for doubt, _ in one.doubts) for one in rollouts)
    return f"; likewise in {things(alike - 1, f'other {words.noun}')}" if alike > 1 else ""


def _none_seen(n: int, words: DeedWords) -> str:
    """No bound here: it would rest on rollouts that cannot be called clean."""
    if not n:
        return ""
    return f"; 0 of {words.counted(n)} {'was' if n == 1 else 'were'} seen to drop calls"


def _clean(
    n: int, background: tuple[str, str], confidence: Confidence | None, level: float, words: DeedWords
) -> Conclusion:
    """Of `n` rollouts that lost nothing and of which nothing is in doubt; whether they are enough is left to ask."""
    sentence = bound_sentence(0, n, level, words)
    reason, told = background
    beside = f"; {told}" if told else ""
    if confidence is not None and at_most(0, n, level) > confidence.max_dropping:
        wanted = f"{sentence}, and {100 * confidence.max_dropping:g} % {_ASKED}{beside}"
        few = f"{_TOO_FEW}, {reason}" if reason else _TOO_FEW
        return Conclusion(verdict=Verdict.INCONCLUSIVE, reason=few, sentence=wanted)
    clean = f"{clean_reason(words)} {reason}" if reason else clean_reason(words)
    return Conclusion(verdict=Verdict.SEAMLESS, reason=clean, sentence=sentence + beside)


def clean_reason(words: DeedWords) -> str:
    """Why a run is seamless."""
    return f"no call was lost to {words.one}"


def bound_sentence(k: int, n: int, level: float = LEVEL, words: DeedWords = ROLLOUT) -> str:
    """How many rollouts dropped calls, and how many at most do.

    >>> bound_sentence(0, 3)
    '0 of 3 rollouts dropped calls: with 95 % confidence, at most 63 % of rollouts drop calls'
    >>> bound_sentence(1, 1)
    '1 of 1 rollout dropped calls'
    """
    dropped = f"{k} of {words.counted(n)} dropped calls"
    if n == 0 or k == n:
        return dropped
    most = _percent(at_most(k, n, level))
    return f"{dropped}: with {_percent(level)} confidence, at most {most} of {words.plural} drop calls"


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %" if share < 0.1 else f"{100 * share:.0f} %"


def as_expected(verdict: Verdict, expect: Expect) -> bool:
    """Whether a variant showed what it should. `any` takes either verdict, but no verdict at all is none."""
    if expect == Expect.ANY:
        return verdict != Verdict.INCONCLUSIVE
    return str(verdict) == str(expect)
