"""Every answer of the API is seen, refusals too, and each is an error that says what was tried."""

from __future__ import annotations

import pytest
from paper_api import paper_kube

from harness.errors import ClusterError
from harness.kube.errors import ApiRefusal

pytestmark = pytest.mark.anyio

PODS = "/api/v1/namespaces/shop/pods"
POD = f"{PODS}/a"


async def test_a_kind_that_the_cluster_does_not_have_is_named() -> None:
    async with paper_kube({}) as (kube, api):
        with pytest.raises(ClusterError, match=rf"looking for v1 Pot: {kube.server} does not have this kind"):
            await kube.get("v1", "Pot", "a", "shop")
    assert api.done() == []


async def test_how_a_kind_is_addressed_is_asked_for_once() -> None:
    async with paper_kube({f"GET {POD}": [{}]}) as (kube, api):
        await kube.get("v1", "Pod", "a", "shop")
        await kube.get("v1", "Pod", "a", "shop")
    assert [call.what for call in api.calls] == ["GET /api/v1", f"GET {POD}", f"GET {POD}"]


async def test_a_list_asks_for_the_labels_and_an_empty_selector_for_everything() -> None:
    async with paper_kube({f"GET {PODS}": [{"items": []}]}) as (kube, api):
        assert await kube.list("v1", "Pod", "shop", selector={"app": "web", "tier": "front"}) == []
        await kube.list("v1", "Pod", "shop", selector={})
    assert [call.query for call in api.asked(f"GET {PODS}")] == [{"labelSelector": "app=web,tier=front"}, {}]


async def test_a_deletion_leaves_the_grace_period_to_the_object_unless_one_is_given() -> None:
    async with paper_kube({f"DELETE {POD}": [{}]}) as (kube, api):
        await kube.delete("v1", "Pod", "a", namespace="shop")
        await kube.delete("v1", "Pod", "a", namespace="shop", grace_s=0)
    options = [call.body for call in api.asked(f"DELETE {POD}")]
    assert [option.get("gracePeriodSeconds") for option in options] == [None, 0]
    assert {option["propagationPolicy"] for option in options} == {"Background"}


@pytest.mark.parametrize(
    ("status", "advice"), [(401, "Renew the credentials"), (403, "Ask for that right"), (409, "")], ids=str
)
async def test_a_refusal_says_what_was_tried_what_was_answered_and_what_to_do(status: int, advice: str) -> None:
    async with paper_kube({f"GET {POD}": [status]}) as (kube, api):
        with pytest.raises(ApiRefusal) as refused:
            await kube.get("v1", "Pod", "a", "shop")
    assert refused.value.status == status
    assert f"GET {POD} on {kube.server}: the API answered {status} No: GET {POD} is refused" in str(refused.value)
    assert advice in str(refused.value)
    assert len(api.asked(f"GET {POD}")) == 1
