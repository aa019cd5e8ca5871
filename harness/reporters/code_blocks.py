"""Turns results into blocks of code that GitHub's Markdown shows as they are: the race in characters, and patches."""

from collections.abc import Iterable

from markupsafe import Markup

from harness.model.result import ScenarioResult, Verdict
from harness.model.run import RunInfo
from harness.reporters import advice
from harness.reporters.race_text import race_text, worst


def race_pictures(results: Iterable[ScenarioResult]) -> tuple[tuple[str, Markup], ...]:
    """What the rollout is called that lost most, and its race, as a block of code."""
    found = worst(results)
    if found is None:
        return ()
    result, race = found
    text = Markup(f"```text\n{race_text(race)}\n```")
    return ((f"{result.words.numbered(race.number)} of {result.variant}", text),)


def patches(pairs: Iterable[tuple[RunInfo, ScenarioResult]]) -> tuple[tuple[str, Markup], ...]:
    """Each variant that drops calls, with the patch that would have held, as a block of code."""
    written = (
        (result.variant, advice.patch(info, result.sizing))
        for info, result in pairs
        if result.verdict is Verdict.DROPPING and result.sizing is not None
    )
    return tuple((name, Markup(f"```yaml\n{text}\n```")) for name, text in written if text)
