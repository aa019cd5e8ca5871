"""One row a fault of the API: what a call makes of it, and how often it was sent."""

from __future__ import annotations

import time
from typing import Any

import pytest
from paper_api import CUT, SILENCE, paper_kube

from harness.errors import ClusterError
from harness.kube import calls
from harness.kube.errors import ApiRefusal, NoAnswer
from harness.kube.ownership import RUN_LABEL

pytestmark = pytest.mark.anyio

PODS = "/api/v1/namespaces/shop/pods"
POD = f"{PODS}/a"
OURS = {"metadata": {"name": "a", "labels": {RUN_LABEL: "r1"}}}
THEIRS = {"metadata": {"name": "a", "labels": {RUN_LABEL: "r0"}}}
EXISTS = 409


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
@pytest.mark.parametrize("fault", [429, 500, 502, 503, 504, CUT], ids=lambda fault: "cut" if fault is CUT else fault)
async def test_what_changes_nothing_more_when_done_twice_is_repeated(method: str, fault: Any) -> None:
    async with paper_kube({f"{method} {POD}": [fault, fault, {"kind": "Pod"}]}) as (kube, api):
        assert await kube.request(method, POD) == {"kind": "Pod"}
    assert len(api.asked(f"{method} {POD}")) == 3


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 410, 422, 501])
async def test_a_refusal_that_will_stay_one_is_seen_at_once(status: int) -> None:
    async with paper_kube({f"PATCH {POD}": [status, {}]}) as (kube, api):
        with pytest.raises(ApiRefusal, match=str(status)):
            await kube.request("PATCH", POD)
    assert len(api.asked(f"PATCH {POD}")) == 1


@pytest.mark.parametrize(("fault", "kind"), [(503, ApiRefusal), (CUT, NoAnswer)])
async def test_repetition_ends_by_time_with_the_last_failure(fault: Any, kind: type[ClusterError]) -> None:
    async with paper_kube({f"GET {POD}": [fault]}) as (kube, api):
        begun = time.monotonic()
        with pytest.raises(kind, match=f"GET {POD}"):
            await kube.request("GET", POD)
        assert time.monotonic() - begun < kube.patience_s + 1
    assert len(api.asked(f"GET {POD}")) > 2


async def test_an_api_that_is_silent_is_left_after_the_time_of_a_call(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calls, "CALL_TIMEOUT_S", 0.2)
    async with paper_kube({f"GET {POD}": [SILENCE, {}]}) as (kube, api):
        assert await kube.request("GET", POD) == {}
    assert len(api.asked(f"GET {POD}")) == 2


async def test_the_api_is_not_asked_again_before_it_wants_to_be() -> None:
    async with paper_kube({f"GET {POD}": [(429, "1"), {}]}) as (kube, _):
        begun = time.monotonic()
        await kube.request("GET", POD)
    assert time.monotonic() - begun >= 1


async def test_a_retry_after_beyond_the_time_is_not_waited_for() -> None:
    async with paper_kube({f"GET {POD}": [(429, "3600"), {}]}) as (kube, api):
        with pytest.raises(ApiRefusal, match="429"):
            await kube.request("GET", POD)
    assert len(api.asked(f"GET {POD}")) == 1


@pytest.mark.parametrize("fault", [500, 503, CUT], ids=["500", "503", "cut"])
@pytest.mark.parametrize(
    ("found", "posts"), [(OURS, 1), (404, 2)], ids=["it was created all the same", "nothing was created"]
)
async def test_a_creation_whose_answer_is_lost_is_looked_up(fault: Any, found: Any, posts: int) -> None:
    async with paper_kube({f"POST {PODS}": [fault, OURS], f"GET {POD}": [found]}) as (kube, api):
        assert await kube.create({"apiVersion": "v1", "kind": "Pod", **OURS}, "shop") == OURS
    assert len(api.asked(f"POST {PODS}")) == posts


async def test_a_creation_is_looked_up_again_where_the_first_look_got_no_answer_either() -> None:
    async with paper_kube({f"POST {PODS}": [CUT, EXISTS], f"GET {POD}": [503, OURS]}) as (kube, api):
        assert await kube.create({"apiVersion": "v1", "kind": "Pod", **OURS}, "shop") == OURS
    assert len(api.asked(f"POST {PODS}")) == 2


async def test_an_object_of_that_name_that_is_somebody_elses_is_not_taken_for_ours() -> None:
    async with paper_kube({f"POST {PODS}": [CUT, EXISTS], f"GET {POD}": [THEIRS]}) as (kube, _):
        with pytest.raises(ApiRefusal, match="409"):
            await kube.create({"apiVersion": "v1", "kind": "Pod", **OURS}, "shop")


async def test_a_creation_that_cannot_be_known_again_is_sent_once_unless_it_was_throttled() -> None:
    plain = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}}
    async with paper_kube({f"POST {PODS}": [429, 503, plain]}) as (kube, api):
        with pytest.raises(ApiRefusal, match="503"):
            await kube.create(plain, "shop")
    assert len(api.asked(f"POST {PODS}")) == 2
