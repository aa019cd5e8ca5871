"""A StatefulSet that has its template back goes on once the pods that can never be Ready are deleted."""

from __future__ import annotations

from typing import Any

import pytest
from paper_api import paper_kube

from harness.disruptions.stuck_pods import free, stuck
from tests.unit.disruptions.histories import DATABASE, deployment, pod, serving, shown, stateful_set
from tests.unit.disruptions.stages import stage

pytestmark = pytest.mark.anyio

POD = "DELETE /api/v1/namespaces/shop/pods/{}"


def of(revision: str, found: Any) -> Any:
    found["metadata"]["labels"] = {"controller-revision-hash": revision}
    return found


def database() -> list[Any]:
    """It is to have revision `new` again; db-2 was started with another and crashes."""
    own = "uid-db"
    return [
        stateful_set(),
        of("new", serving("db-0", owner=own)),
        of("other", serving("db-1", owner=own)),
        of("other", pod("db-2", owner=own)),
        of("other", pod("db-3", owner=own, going=True)),
        of("new", pod("db-4", owner=own)),
    ]


def test_only_pods_of_another_revision_that_are_not_ready_are_stuck() -> None:
    assert [each["metadata"]["name"] for each in stuck(shown(*database()), DATABASE)] == ["db-2"]


async def test_they_are_deleted_when_the_controller_has_seen_the_template() -> None:
    async with paper_kube({POD.format("db-2"): [{}]}) as (kube, api):
        await free(stage(kube, database(), workload=DATABASE), 2)
    assert api.done() == [POD.format("db-2")]


async def test_of_a_deployment_none_is() -> None:
    async with paper_kube({}) as (kube, api):
        await free(stage(kube, [deployment(), pod("web-1-a")]), 2)
    assert api.done() == []
