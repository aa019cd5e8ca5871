"""Turns the numbers of a result into words with their units."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from harness.model.deed_words import ROLLOUT, DeedWords, shared_words
from harness.model.quantity import things
from harness.model.result import ExperimentResult, Latency, Outage, RolloutFindings, ScenarioResult, Window
from harness.model.run import Expect

_MEANING: Final = {
    0: "every one as expected",
    1: "not every one as expected",
    3: "inconclusive",
}


def count(number: int) -> str:
    """4437 -> "4,437"."""
    return f"{number:,}"


def three_digits(value: float) -> str:
    """A number to three digits, and whole from there on: 1.234 -> "1.23", 17.6 -> "17.6", 1078.2 -> "1,078"."""
    return f"{value:,.0f}" if abs(value) >= 999.5 else f"{value:.3g}"


def seconds(value: float | None) -> str:
    """1.2789 -> "1.28 s"; None -> "not seen"."""
    return "not seen" if value is None else f"{value:.2f} s"


def after(value: float | None, start: float) -> str:
    """How long after `start` something came, on the same clock: "1.28 s", or "not seen"."""
    return seconds(None if value is None else value - start)


def interval(earliest_s: float, latest_s: float) -> str:
    """Between what a time lies, in one way everywhere: "0.61-1.02 s"; "1.02 s" where both ends look the same."""
    ends = [f"{earliest_s:.2f}", f"{latest_s:.2f}"]
    return f"{'-'.join(dict.fromkeys(ends))} s"


def number_ms(value: float) -> str:
    """Milliseconds to three digits, without the unit: "0.93", "12.4", "1,012"."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def latency(value: Latency | None) -> str:
    """p50 / p99 / max, "none answered" where there is nothing to tell of."""
    if value is None:
        return "none answered"
    return " / ".join(number_ms(v) for v in (value.p50_ms, value.p99_ms, value.max_ms)) + " ms"


def latencies(window: Window) -> tuple[str, ...]:
    """p50 / p99 / max of each stream by itself: "new 1.52 / 12.8 / 37.1 ms"."""
    streams = [f"{s.stream} {latency(s.latency)}" for s in window.streams if s.latency]
    return tuple(streams) or (latency(window.latency),)


def p99_change(result: ScenarioResult) -> str:
    """The leading stream's p99 in the control window and in the slowest rollout, in ms: "3.10 -> 8.42", or "-"."""
    control = result.control.latency if result.control else None
    slowest = max((r.window.latency.p99_ms for r in result.rollouts if r.window.latency), default=None)
    before = "-" if control is None else number_ms(control.p99_ms)
    return f"{before} -> {'-' if slowest is None else number_ms(slowest)}"


def dropping_of(result: ScenarioResult) -> str:
    """How many of what was done dropped calls, and of how many: "3 of 3"."""
    return f"{sum(r.dropping for r in result.rollouts)} of {len(result.rollouts)}"


def failed_of(window: Window) -> str:
    """Failed requests and of how many, also stream by stream: "64 of 1,154 (new 59 of 779, kept 5 of 375)"."""
    parts = [f"{s.stream} {count(s.failed)} of {count(s.requests)}" for s in window.streams]
    parts += [f"{count(window.unsent)} unsent"] if window.unsent else []
    detail = f" ({', '.join(parts)})" if parts else ""
    return f"{count(window.failed)} of {count(window.requests)}{detail}"


def ranked(counts: Mapping[str, int]) -> tuple[tuple[str, int], ...]:
    """What there was at all, the most frequent first."""
    return tuple(sorted(((k, n) for k, n in counts.items() if n), key=lambda pair: (-pair[1], pair[0])))


def called(rollout: RolloutFindings, words: DeedWords) -> str:
    """One of them in a report: "rollout 2", "rollout 2 by argocd-controller" where somebody else made it."""
    return words.numbered(rollout.number) + (f" by {rollout.by}" if rollout.by else "")


def deeds(results: Iterable[ScenarioResult]) -> DeedWords:
    """The words for what was done in all of them."""
    return shared_words(result.words for result in results)


def listed(counts: Mapping[str, int]) -> str:
    """{"connect-refused": 45} -> "45 connect-refused"; nothing at all -> "none"."""
    return ", ".join(f"{count(n)} {name}" for name, n in ranked(counts)) or "none"


def expectation(result: ScenarioResult) -> str:
    """How the verdict stands to what the experiment said that it should be."""
    if result.expect is Expect.ANY:
        return "any verdict expected"
    return "as expected" if result.as_expected else f"not as expected: {result.expect.value} expected"


def unexpected(result: ScenarioResult) -> bool:
    """Whether the verdict is another than the experiment said: none is where any was welcome."""
    return not result.as_expected and result.expect is not Expect.ANY


def headline(result: ExperimentResult) -> str:
    """What the exit code means, in words: "2 scenarios, every one as expected (exit code 0)"."""
    meaning = _MEANING.get(result.exit_code, "stopped")
    return f"{things(len(result.scenarios), 'scenario')}, {meaning} (exit code {result.exit_code})"


def longest(outages: Sequence[Outage], most: int) -> tuple[Outage, ...]:
    """The longest outages, at most so many, in the order in which they came."""
    chosen = sorted(outages, key=lambda o: o.start - o.end)[:most]
    return tuple(sorted(chosen, key=lambda o: (o.start, o.stream)))


def comparison(value: Mapping[str, Any], words: DeedWords = ROLLOUT) -> str:
    """What two variants' rollouts say of each other; the keys: `harness.analysis.experiment.comparisons`."""
    (dropping_a, dropping_b), (rollouts_a, rollouts_b) = value["dropping"], value["rollouts"]
    significant = "significant" if value["significant"] else "not significant"
    return (
        f"{value['a']} {dropping_a} of {things(rollouts_a, words.noun)} dropping, "
        f"{value['b']} {dropping_b} of {rollouts_b}: "
        f"{significant}, p = {value['p']:.2g}, corrected for all comparisons {value['p_holm']:.2g}; "
        f"at least {value['needed']} {words.plural} of each are needed to tell two variants apart"
    )
