"""A judged call -> the lines that explain it below a failed test, and its line in the summary of all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import pytest

from harness.errors import HarnessError
from harness.inputs.shown import cut, printable

if TYPE_CHECKING:
    from harness.model.result import ScenarioResult
    from harness.pytest_plugin.result import RolloutResult

TOLD = pytest.StashKey["list[Told]"]()
"""On a test's item: what its calls came to."""

MOST_LINES = 15
_CAUSES, _WIDTH = 4, 160


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What the summary knows of a call; plain, since it travels from a worker of xdist as JSON."""

    name: str
    verdict: str
    failed: int
    requests: int
    rollouts: int
    report: str
    lines: tuple[str, ...]

    def plain(self) -> dict[str, Any]:
        """For a test report."""
        return {**asdict(self), "lines": list(self.lines)}


def told(name: str, result: RolloutResult, lines: tuple[str, ...]) -> Told:
    """What the summary knows of this call."""
    return Told(
        name=name,
        verdict=result.verdict,
        failed=result.failed,
        requests=result.requests,
        rollouts=len(result.rollouts),
        report=str(result.report),
        lines=lines,
    )


def explanation(found: ScenarioResult, result: RolloutResult) -> tuple[str, ...]:
    """Verdict, worst rollout, causes with an example each, what would have held, and the report's path."""
    from harness.reporters.advice import held
    from harness.reporters.spent import spent_words

    lines = [f"{found.verdict}: {found.sentence}"]
    if found.reason:
        lines[0] = f"{found.verdict} ({found.reason}): {found.sentence}"
    lines.append(f"{found.failed} of {found.requests} requests failed")
    if worst := _worst(found):
        lines.append(worst)
    lines += _causes(found)
    lines += [f"budget: {spent_words(one)}" for one in found.budget]
    cures = held(found)
    lines += [f"{'would have held' if not place else 'and'}: {cure}" for place, cure in enumerate(cures[:3])]
    lines += [f"note: {note}" for note in found.notes[: max(0, MOST_LINES - 2 - len(lines))][:2]]
    lines = [cut(printable(line), _WIDTH) for line in lines]
    return (*lines[: MOST_LINES - 1], f"report: {result.report}")


def _worst(found: ScenarioResult) -> str:
    if not any(each.window.failed for each in found.rollouts):
        return ""
    worst = max(found.rollouts, key=lambda each: each.window.failed)
    longest_s = max((outage.end - outage.start for outage in worst.outages), default=0.0)
    words = (
        f"worst: {found.words.numbered(worst.number)}, {worst.window.failed} of {worst.window.requests} requests failed"
    )
    return words + (f", the longest outage {longest_s:.2f} s" if longest_s else "")


def _causes(found: ScenarioResult) -> Iterator[str]:
    """The causes that cost most, each with its first failure's evidence."""
    ranked = sorted(found.causes.items(), key=lambda one: -one[1])
    for cause, number in ranked[:_CAUSES]:
        first = next((failure.evidence for failure in found.failures if failure.cause_label == cause), "")
        yield f"{cause} {number}" + (f", such as: {first}" if first else "")
    if len(ranked) > _CAUSES:
        yield f"and {', '.join(f'{cause} {number}' for cause, number in ranked[_CAUSES:])}"


@contextmanager
def refused() -> Iterator[None]:
    """What cannot be done fails the test with one message, and no line of ours below it."""
    __tracebackhide__ = True
    try:
        yield
    except HarnessError as error:
        words = "\n".join([printable(str(error)), *(f"  {printable(line)}" for line in error.details)])
    except BaseExceptionGroup as group:
        errors = [inner for inner in group.exceptions if isinstance(inner, HarnessError)]
        if len(errors) != len(group.exceptions):
            raise
        words = "\n".join(printable(str(error)) for error in errors)
    else:
        return
    raise pytest.fail.Exception(words, pytrace=False) from None
