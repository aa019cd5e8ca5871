"""Calls that nobody may wait for any longer, and one that must be waited for."""

from __future__ import annotations

import time
from typing import Any

import anyio
import pytest
from paper_api import CUT, paper_kube

from harness.kube import client
from harness.kube.client import Kube
from harness.kube.errors import ApiRefusal, NoAnswer

pytestmark = pytest.mark.anyio

PODS = "/api/v1/namespaces/shop/pods"
POD, OTHER = f"{PODS}/a", f"{PODS}/b"


async def seconds_in_vain(kube: Kube, path: str) -> float:
    begun = time.monotonic()
    with pytest.raises(NoAnswer):
        await kube.request("DELETE", path)
    return time.monotonic() - begun


async def test_an_api_that_was_waited_for_in_vain_is_not_waited_for_as_long_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(client, "_FIRST_PATIENCE_S", 0.0)
    async with paper_kube({f"DELETE {POD}": [CUT], f"DELETE {OTHER}": [CUT]}) as (kube, api):
        kube.patience_s = 1.5  # for several calls, however the pauses are drawn: the first two are 0.75 s at most
        await seconds_in_vain(kube, POD)
        await seconds_in_vain(kube, OTHER)
    assert len(api.asked(f"DELETE {OTHER}")) < len(api.asked(f"DELETE {POD}"))


async def test_a_call_that_was_made_only_once_shows_nothing_of_the_next_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "_FIRST_PATIENCE_S", 0.0)
    async with paper_kube({f"GET {OTHER}": [CUT], f"DELETE {POD}": [CUT, CUT, {}]}) as (kube, _):
        with pytest.raises(NoAnswer):
            await kube.request("GET", OTHER, patience_s=0.0)
        assert await kube.request("DELETE", POD) == {}


async def test_once_it_answers_again_it_is_waited_for_as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "_FIRST_PATIENCE_S", 0.0)
    async with paper_kube({f"DELETE {POD}": [CUT], f"GET {OTHER}": [{}], f"PATCH {POD}": [CUT, CUT, {}]}) as (kube, _):
        kube.patience_s = 1.5
        await seconds_in_vain(kube, POD)
        kube.patience_s = 20.0
        await kube.request("GET", OTHER)
        assert await kube.request("PATCH", POD) == {}


async def test_an_api_that_is_known_to_be_gone_is_not_waited_for() -> None:
    async with paper_kube({f"DELETE {POD}": [CUT]}) as (kube, _):
        kube.give_up()
        assert await seconds_in_vain(kube, POD) < kube.patience_s / 2


async def test_nothing_is_created_again_and_again_there_either() -> None:
    made = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a", "labels": {"rollout-harness/run": "1"}}}
    async with paper_kube({f"POST {PODS}": [503]}) as (kube, api):
        kube.patience_s = 1.5
        await kube.resource("v1", "Pod")
        kube.give_up()
        with pytest.raises(ApiRefusal, match="503"):
            await kube.create(made, "shop")
    assert len(api.asked(f"POST {PODS}")) == 1


async def test_who_is_cancelled_while_a_creation_is_on_its_way_learns_of_what_was_made(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made, on_its_way, answered = [], anyio.Event(), anyio.Event()
    once = Kube._once

    async def slow(self: Kube, method: str, path: str, **more: Any) -> Any:
        if method != "POST":
            return await once(self, method, path, **more)
        on_its_way.set()
        await answered.wait()
        return {"kind": "Pod"}

    async with paper_kube({}) as (kube, _), anyio.create_task_group() as tasks:
        monkeypatch.setattr(Kube, "_once", slow)

        async def create() -> None:
            made.append(await kube.create({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}}, "shop"))

        tasks.start_soon(create)
        await on_its_way.wait()
        tasks.cancel_scope.cancel()
        answered.set()
    assert made == [{"kind": "Pod"}]
