"""What was created and not removed, as the commands that remove it."""

from __future__ import annotations

from typing import Any

import pytest
from paper_api import CUT, paper_kube

from harness.errors import ClusterError
from harness.kube.standing import Standing

pytestmark = pytest.mark.anyio

PODS = "/api/v1/namespaces/shop/pods"
OURS = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a", "labels": {"rollout-harness/run": "1"}}}


def test_a_namespace_of_ours_goes_with_all_that_is_in_it() -> None:
    standing = Standing()
    standing.add("Namespace", "ours")
    standing.add("Deployment", "web", "ours")
    standing.add("Service", "web", "theirs")
    standing.add("Deployment", "web", "theirs")
    assert standing.commands("kubectl") == (
        "kubectl delete namespace ours",
        "kubectl -n theirs delete deployment/web service/web",
    )
    standing.discard("Namespace", "ours")
    standing.discard("Service", "web", "theirs")
    assert standing.commands("kubectl --context prod") == ("kubectl --context prod -n theirs delete deployment/web",)
    standing.discard("Deployment", "web", "theirs")
    assert standing.commands("kubectl") == ()


@pytest.mark.parametrize(
    ("answers", "stands"),
    [([{}], True), ([403], False), ([409], False), ([503], True), ([CUT], True), ([CUT, 409], False)],
    ids=["made", "forbidden", "another's", "not known", "lost", "lost, but another's"],
)
async def test_what_may_have_been_created_stands(answers: list[Any], stands: bool) -> None:
    async with paper_kube({f"POST {PODS}": answers}) as (kube, _):
        kube.patience_s = 0.2 if len(answers) == 1 else 10.0  # where it must be repeated, a busy machine has time to
        try:
            await kube.create(OURS, "shop")
        except ClusterError:
            assert answers != [{}]
        assert bool(kube.standing.commands("kubectl")) == stands


async def test_what_does_not_carry_a_run_is_not_ours_to_remove() -> None:
    async with paper_kube({f"POST {PODS}": [{}]}) as (kube, _):
        await kube.create({**OURS, "metadata": {"name": "a"}}, "shop")
        assert kube.standing.commands("kubectl") == ()


@pytest.mark.parametrize(("answer", "stands"), [({}, False), (404, False), (403, True)])
async def test_what_was_deleted_or_is_gone_stands_no_more(answer: Any, stands: bool) -> None:
    async with paper_kube({f"POST {PODS}": [{}], f"DELETE {PODS}/a": [answer]}) as (kube, _):
        await kube.create(OURS, "shop")
        try:
            await kube.delete("v1", "Pod", "a", namespace="shop")
        except ClusterError:
            assert answer in (404, 403)
        assert bool(kube.standing.commands("kubectl")) == stands
