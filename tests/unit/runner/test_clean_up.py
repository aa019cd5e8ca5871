"""A clean-up goes on after what it may not remove, repeats what fails in passing, and names what is left."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from paper_api import CUT, paper_kube

from harness.kube.errors import LeftBehind
from harness.kube.repetition import CLEAN_UP_PATIENCE_S
from harness.runner.clean_up import delete_namespace, delete_objects

pytestmark = pytest.mark.anyio

AT = "/api/v1/namespaces/shop"
MADE = [{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}} for name in ("a", "b", "c")]


async def deleted(**answers: list[Any]) -> list[str]:
    async with paper_kube({f"DELETE {AT}/pods/{name}": script for name, script in answers.items()}) as (kube, api):
        try:
            await delete_objects(kube, MADE, "shop")
        finally:
            asked = api.done()
    return asked


async def test_every_object_is_tried_and_what_is_refused_is_named_with_its_command() -> None:
    with pytest.raises(LeftBehind) as left:
        await deleted(a=[{}], b=[403], c=[403])
    assert left.value.do == "Remove by hand: kubectl -n shop delete pod/c pod/b"
    assert "403" in left.value.seen


@pytest.mark.parametrize("fault", [429, 500, 503, CUT], ids=["429", "500", "503", "cut"])
async def test_what_fails_in_passing_is_repeated(fault: Any) -> None:
    asked = await deleted(a=[{}], b=[fault, fault, {}], c=[{}])
    assert asked == [f"DELETE {AT}/pods/{name}" for name in "cbbba"]


async def test_what_is_gone_already_is_no_fault() -> None:
    await deleted(a=[404], b=[{}], c=[404])


async def test_a_whole_clean_up_shares_one_time_and_the_next_one_has_its_own() -> None:
    """Where every DELETE is throttled: the pods, then their namespace, and what hurries those that are left in it."""
    table = {f"DELETE {AT}/pods/{name}": [503] for name in "abc"} | {f"DELETE {AT}": [503], f"GET {AT}/pods": [404]}
    async with paper_kube(table) as (kube, api):
        kube.clean_up.left_s = 0.3
        with pytest.raises(LeftBehind, match="pod/c pod/b pod/a"):
            await delete_objects(kube, MADE, "shop")
        assert kube.clean_up.left_s < 0.3
        kube.clean_up.left_s = 0.0
        before = Counter(api.done())
        with pytest.raises(LeftBehind, match="kubectl delete namespace shop"):
            await delete_namespace(kube, "shop")
        assert (Counter(api.done()) - before)[f"DELETE {AT}"] == 1
        kube.clean_up.renew()
        assert kube.clean_up.left_s == CLEAN_UP_PATIENCE_S


async def test_pods_of_a_namespace_that_may_not_be_deleted_are_stopped_all_the_same() -> None:
    pods = {"items": [{"metadata": {"name": "load"}}]}
    table = {f"DELETE {AT}": [403], f"GET {AT}/pods": [pods], f"DELETE {AT}/pods/load": [{}]}
    async with paper_kube(table) as (kube, api):
        with pytest.raises(LeftBehind, match="kubectl delete namespace shop"):
            await delete_namespace(kube, "shop")
        assert api.done() == [f"DELETE {AT}", f"GET {AT}/pods", f"DELETE {AT}/pods/load"]
