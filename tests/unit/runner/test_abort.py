"""A run that does more harm than it may is ended at once, and what it did is taken back; a burst ends nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import anyio
import pytest
from pydantic import ValidationError

from harness.errors import ClusterError, RolloutAborted
from harness.model.abort_settings import AbortIf
from harness.runner.abort import Exceeded, Second, aborting, exceeded

IF = AbortIf.model_validate({"failed_ratio": 0.05, "for": "10s"})


def seconds(failed: str, *, requests: int = 100) -> dict[int, Second]:
    """Second after second how many of the requests failed, from "0 0 50": the newest is not over yet."""
    return {at: (requests, int(count)) for at, count in enumerate([*failed.split(), "0"])}


def test_ten_seconds_of_failures_are_too_much_and_nine_are_not() -> None:
    assert exceeded(seconds("0 0 0" + 9 * " 50"), 0.0, IF) is None
    found = exceeded(seconds("0 0 0" + 10 * " 50"), 0.0, IF)
    assert found == Exceeded(start=3.0, end=13.0, requests=1000, failed=500)


def test_a_burst_that_is_over_ends_nothing_however_many_failed() -> None:
    assert exceeded(seconds(3 * "100 " + 7 * "0 "), 0.0, IF) is None


def test_as_many_as_may_fail_may_fail_for_ever() -> None:
    assert exceeded(seconds(60 * "5 "), 0.0, IF) is None
    assert exceeded(seconds(60 * "6 "), 0.0, IF) is not None


def test_of_few_requests_a_second_without_failure_says_nothing() -> None:
    every_second_one_fails = seconds("1 0 " * 10, requests=2)
    assert exceeded(every_second_one_fails, 0.0, IF) is not None
    one_of_many = seconds("0 0 1 " + 17 * "0 ", requests=2)
    assert exceeded(one_of_many, 0.0, AbortIf.model_validate({"failed_ratio": 0.05, "for": "20s"})) is None


def test_what_failed_before_it_was_looked_at_does_not_count() -> None:
    lost = seconds(12 * "50 ")
    assert exceeded(lost, 0.0, IF) is not None
    assert exceeded(lost, 5.0, IF) is None
    assert exceeded({}, 0.0, IF) is None


def test_seconds_in_which_nothing_ended_count_with_their_neighbours() -> None:
    """Requests that hang end by their time-outs, all of them in a few seconds."""
    assert exceeded({0: (100, 100), 4: (100, 90), 9: (100, 100), 10: (1, 0)}, 0.0, IF) is not None
    assert exceeded({0: (100, 100), 10: (1, 0)}, 0.0, IF) is not None


@pytest.mark.parametrize("wrong", [{}, {"failed_ratio": 0}, {"failed_ratio": 1}, {"failed_ratio": 0.1, "for": "0s"}])
def test_a_limit_that_means_nothing_is_refused(wrong: Mapping[str, Any]) -> None:
    with pytest.raises(ValidationError):
        AbortIf.model_validate(wrong)


class Load:
    """A load session of which only the counts are told."""

    def __init__(self, lost: dict[int, Second]) -> None:
        self.seconds, self.stopped = lost, 0

    def now(self) -> float:
        return 0.0

    async def ask_to_stop(self) -> None:
        self.stopped += 1


async def _sleep_never(delay_s: float) -> None:
    await anyio.lowlevel.checkpoint()


@pytest.mark.anyio
async def test_the_load_is_stopped_before_anything_is_taken_back(monkeypatch: pytest.MonkeyPatch) -> None:
    load, order = Load(seconds(10 * "50 ")), []
    monkeypatch.setattr(anyio, "sleep", _sleep_never)

    async def take_back(found: Exceeded) -> str:
        order.append(("taken back", load.stopped))
        return "It is as it was."

    async def block() -> None:
        async with aborting(IF, cast(Any, load), take_back):
            try:
                await anyio.sleep_forever()
            finally:
                order.append(("cancelled", load.stopped))

    with pytest.raises(RolloutAborted) as ended:
        await block()
    assert order == [("cancelled", 1), ("taken back", 1)]
    assert str(ended.value) == (
        "aborting, as abort_if (failed_ratio 5 %, for 10s) has it: of 1,000 requests from 0 s to 10 s into the run "
        "50 % failed. The load was stopped. It is as it was."
    )


@pytest.mark.anyio
async def test_what_cannot_be_taken_back_is_said_behind_why_it_was_aborted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(anyio, "sleep", _sleep_never)

    async def take_back(found: Exceeded) -> str:
        raise ClusterError("patching deployment/web", "403")

    async def block() -> None:
        async with aborting(IF, cast(Any, Load(seconds(10 * "50 "))), take_back):
            await anyio.sleep_forever()

    with pytest.raises(RolloutAborted, match="Taking back what was done failed: patching deployment/web: 403"):
        await block()


@pytest.mark.anyio
async def test_a_block_that_does_no_harm_ends_by_itself() -> None:
    load = Load(seconds(10 * "0 "))
    for settings in (IF, None):
        async with aborting(settings, cast(Any, load), cast(Any, None)):
            await anyio.lowlevel.checkpoint()
    assert load.stopped == 0
