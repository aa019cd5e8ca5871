"""Turns the list of failed requests into one telling example for every cause."""

from harness.model.result import FailedRequest, ScenarioResult
from harness.reporters.figures import ranked


def examples(result: ScenarioResult) -> tuple[tuple[str, FailedRequest], ...]:
    """For every cause, the most frequent first, the first request of it that has evidence in words.

    All of them are in failures.csv, from which a result that was read back may have been parted.
    """
    first: dict[str, FailedRequest] = {}
    for failure in result.failures:
        if failure.evidence:
            first.setdefault(failure.cause_label, failure)
    return tuple((cause, first[cause]) for cause, _ in ranked(result.causes) if cause in first)
