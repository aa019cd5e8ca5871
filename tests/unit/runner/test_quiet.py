"""Load goes on until what a rollout broke is over, and no longer for what is always being lost."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast

import anyio
import pytest

from harness.model.paths import Span, Targets
from harness.model.request import COLUMNS
from harness.model.run import BalancerFacts, ClusterFacts, ProxyFacts
from harness.runner.load_session import LoadSession
from harness.runner.quiet import is_above, quiet_s

pytestmark = pytest.mark.anyio


class Time:
    """A clock that goes on only while somebody waits; what is lost meanwhile reaches the session on the way."""

    def __init__(self, losses: Iterable[float]) -> None:
        self.t = 0.0
        self._losses = sorted(losses)
        self.session = LoadSession((cast(Any, None),), cast(Any, Paper()), lambda: self.t)

    async def sleep(self, delay_s: float) -> None:
        end = self.t + delay_s
        while self._losses and self._losses[0] <= end:
            self.t = self._losses.pop(0)
            self.session.request(self.session.followed[0], row("connect-timeout"))
        self.t = end

    async def rollout(
        self, monkeypatch: pytest.MonkeyPatch, *, control_s: float, quiet_s: float, cap_s: float
    ) -> float:
        """How long the quiet time lasts after a control window from 0 s on and a rollout of 10 s."""
        monkeypatch.setattr(anyio, "sleep", self.sleep)
        await self.sleep(control_s)
        self.session.measure_background(0.0, control_s)
        await self.sleep(10)
        start = self.t
        await self.session.until_quiet(quiet_s, cap_s=cap_s)
        return self.t - start


class Paper:
    def requests(self, lines: Any) -> None:
        """Takes rows, and keeps none."""


def row(outcome: str) -> bytes:
    return ",".join(outcome if name == "outcome" else "0" for name in COLUMNS).encode()


@pytest.mark.parametrize(
    ("losses", "lasts_s"),
    [
        ([], 5),  # nothing is lost
        ([3.0], 5),  # something was, in the control window alone
        ([19.0], 5),  # during the rollout
        ([21.5], 6.5),  # 1.5 s into the quiet time: 5 s more from there
        ([21.5, 24.0, 28.9], 13.9),
        ([20.0 + n for n in range(200)], 60),  # for ever: up to the cap
    ],
)
async def test_quiet_time_goes_on_while_failures_do(
    monkeypatch: pytest.MonkeyPatch, losses: list[float], lasts_s: float
) -> None:
    time = Time(losses)
    assert await time.rollout(monkeypatch, control_s=10, quiet_s=5, cap_s=60) == pytest.approx(lasts_s, abs=0.1)


@pytest.mark.parametrize("every_s", [0.5, 2.0, 3.0])
async def test_a_steady_background_of_time_outs_does_not_stretch_it(
    monkeypatch: pytest.MonkeyPatch, every_s: float
) -> None:
    background = [every_s * n for n in range(int(300 / every_s))]
    assert await Time(background).rollout(monkeypatch, control_s=10, quiet_s=15, cap_s=60) == pytest.approx(15, abs=0.1)


async def test_failures_above_the_background_still_stretch_it(monkeypatch: pytest.MonkeyPatch) -> None:
    background = [4.0 * n for n in range(100)]
    burst = [20.0 + n / 2 for n in range(20)]  # ten bad seconds in a row, where three are usual
    lasts_s = await Time([*background, *burst]).rollout(monkeypatch, control_s=10, quiet_s=10, cap_s=60)
    assert 12 <= lasts_s <= 20


@pytest.mark.parametrize(
    ("bad", "seconds", "share", "above"),
    [
        (0, 5, 0.0, False),
        (1, 5, 0.0, True),
        (1, 60, 0.01, False),
        (5, 60, 0.01, True),
        (15, 15, 0.5, True),
        (15, 15, 1.0, False),
    ],
)
def test_one_failure_is_above_no_background_and_a_few_within_one(
    bad: int, seconds: int, share: float, above: bool
) -> None:
    assert is_above(bad, seconds, share) is above


@pytest.mark.parametrize(("most_s", "quiet"), [(0.0, 5.0), (30.0, 46.5), (181.0, 273.0), (None, 60.0)])
async def test_behind_a_balancer_it_outlasts_what_that_is_late(most_s: float | None, quiet: float) -> None:
    removal = None if most_s is None else Span(least_s=0.0, most_s=most_s)
    balancer = BalancerFacts(profile="any", targets=Targets.PODS, removal=removal)
    facts = ClusterFacts(kind="sandbox", proxy=ProxyFacts(min_sync_period_s=1.0), balancer=balancer)
    assert quiet_s(None, facts, "loadbalancer") == quiet_s(None, facts, "ingress") == quiet
    assert quiet_s(None, facts, "url") == 60.0
