"""Two runs on one workload: one has it, the other is told who; who was killed is forgotten."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import anyio
import pytest
from paper_api import PaperApi, paper_kube

from harness.kube.lease import Lease, Lost, Taken, seems_held
from harness.kube.ownership import PROCESS_LABEL, RUN_LABEL, Ownership, new_ownership

pytestmark = pytest.mark.anyio

LEASES = "/apis/coordination.k8s.io/v1/namespaces/shop/leases"
NAME = "rollout-harness-deployment-web"
PATH = f"{LEASES}/{NAME}"
MINE = Ownership(run="mine", owner="ada.laptop")
GONE = new_ownership(1.0).process.rsplit(".", 1)[0] + ".1"  # this machine, this number, another start
HERE = new_ownership(1.0).process


def theirs(version: int = 7, process: str = "elsewhere.1.1", holder: str = "bob.ci_theirs") -> dict[str, Any]:
    labels = {RUN_LABEL: "theirs", PROCESS_LABEL: process}
    notes = {"rollout-harness/experiment": "nightly"}
    return {
        "metadata": {"name": NAME, "uid": "u", "resourceVersion": str(version), "labels": labels, "annotations": notes},
        "spec": {
            "holderIdentity": holder,
            "leaseDurationSeconds": 1,
            "acquireTime": "2026-11-27T10:00:00.000000Z",
            "renewTime": f"2026-11-27T10:00:{version:02}.000000Z",
            "leaseTransitions": 2,
        },
    }


def mine(version: int = 8) -> dict[str, Any]:
    found = theirs(version, holder="ada.laptop_mine")
    found["metadata"]["labels"] = MINE.labels
    return found


@asynccontextmanager
async def lease(answers: dict[str, list[Any]]) -> AsyncIterator[tuple[Lease, PaperApi]]:
    async with paper_kube(answers) as (kube, api):
        yield (
            Lease(
                kube=kube,
                namespace="shop",
                name=NAME,
                what="deployment/web in namespace shop",
                experiment="mine",
                owner=MINE,
                duration_s=1,
                renew_s=0.0,
                look_s=0.05,
            ),
            api,
        )


async def test_one_that_nobody_has_is_made_and_left_without_a_trace() -> None:
    answers = {f"GET {PATH}": [404, mine(1)], f"POST {LEASES}": [mine(1)], f"DELETE {PATH}": [{}]}
    async with lease(answers) as (own, api):
        await own.take()
        (made,) = api.asked(f"POST {LEASES}")
        assert made.body["spec"]["holderIdentity"] == "ada.laptop_mine"
        assert made.body["spec"]["leaseDurationSeconds"] == 1
        assert made.body["metadata"]["labels"] == MINE.labels
        await own.leave()
        assert api.asked(f"DELETE {PATH}")[0].body == {"preconditions": {"uid": "u"}}


@pytest.mark.parametrize("answers", [[theirs(7), theirs(8)], [theirs(process=HERE)]], ids=["renewed", "runs here"])
async def test_who_has_it_and_lives_is_named_and_nothing_is_written(answers: list[Any]) -> None:
    async with lease({f"GET {PATH}": answers}) as (own, api):
        with pytest.raises(Taken) as refused:
            await own.take()
        assert all(call.what.startswith("GET") for call in api.calls)
    words = str(refused.value)
    assert "deployment/web in namespace shop" in words
    assert "bob.ci_theirs (experiment nightly), since 2026-11-27T10:00:00" in words
    assert "Wait until it is over" in words


@pytest.mark.parametrize("found", [theirs(), theirs(process=GONE), theirs(holder="")], ids=["silent", "dead", "free"])
async def test_who_was_killed_is_forgotten(found: dict[str, Any]) -> None:
    async with lease({f"GET {PATH}": [found], f"PATCH {PATH}": [mine()]}) as (own, api):
        with anyio.fail_after(30):
            await own.take()
        (patch,) = api.asked(f"PATCH {PATH}")
        assert patch.body["metadata"]["resourceVersion"] == "7"  # only while it is as it was looked at
        assert patch.body["metadata"]["labels"][PROCESS_LABEL] is None
        assert patch.body["spec"]["holderIdentity"] == "ada.laptop_mine"
        assert patch.body["spec"]["leaseTransitions"] == 3
        if found["metadata"]["labels"][PROCESS_LABEL] == GONE:
            assert len(api.asked(f"GET {PATH}")) == 1  # without waiting


async def test_of_two_that_take_it_in_the_same_moment_one_has_it() -> None:
    async with lease({f"GET {PATH}": [404, theirs(7), theirs(8), theirs(9)], f"POST {LEASES}": [409]}) as (own, _):
        with pytest.raises(Taken, match=r"bob\.ci_theirs"):
            await own.take()
    dead = {f"GET {PATH}": [theirs(process=GONE), theirs(8), theirs(9)], f"PATCH {PATH}": [409]}
    async with lease(dead) as (own, _):
        with pytest.raises(Taken, match=r"bob\.ci_theirs"):
            await own.take()


async def test_who_seems_to_have_it_is_known_by_his_process_or_by_what_he_wrote() -> None:
    assert seems_held(theirs(process=HERE))
    assert not seems_held(theirs(process=GONE))
    assert not seems_held(theirs())  # not renewed for long
    fresh = theirs()
    fresh["spec"]["renewTime"] = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    fresh["spec"]["leaseDurationSeconds"] = 60
    assert seems_held(fresh)
    assert not seems_held({**fresh, "spec": {**fresh["spec"], "holderIdentity": ""}})


async def test_it_is_renewed_made_anew_where_it_was_deleted_and_given_up_where_another_has_it() -> None:
    answers = {
        f"GET {PATH}": [404, mine(1), 404, mine(3), 503, theirs()],
        f"POST {LEASES}": [mine(1), mine(3)],
        f"PATCH {PATH}": [mine(2), 409],
    }
    async with lease(answers) as (own, api):
        own.kube.patience_s = 0.0
        await own.take()
        with pytest.raises(Lost, match=r"taken it over: bob\.ci_theirs"), anyio.fail_after(30):
            await own.keep()
        assert len(api.asked(f"POST {LEASES}")) == 2
        assert set(api.asked(f"PATCH {PATH}")[0].body["spec"]) == {"renewTime"}
        await own.leave()
        assert not api.asked(f"DELETE {PATH}")  # it is another's
