"""What earlier runs left is found by its labels, told apart from runs in progress, and removed whatever fails."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from paper_api import paper_kube

from harness.kube.field_owners import MANAGER
from harness.kube.kinds import Kind, deletable_kinds
from harness.kube.ownership import Ownership, new_ownership
from harness.runner.earlier_runs import USUAL_KINDS, State, earlier_runs, remove, state

pytestmark = pytest.mark.anyio

NOW = datetime(2026, 1, 2, 12, 0, tzinfo=UTC)
ELSEWHERE = "0123456789abcdef.7.7"
ALL = {
    "Namespace": "GET /api/v1/namespaces",
    "Pod": "GET /api/v1/pods",
    "Service": "GET /api/v1/services",
    "Deployment": "GET /apis/apps/v1/deployments",
    "StatefulSet": "GET /apis/apps/v1/statefulsets",
}


def item(name: str, namespace: str | None = None, run: str = "1a", **more: Any) -> dict[str, Any]:
    metadata = {"name": name, "creationTimestamp": "2026-01-02T11:00:00Z", "labels": {"rollout-harness/run": run}}
    return {"metadata": metadata | ({"namespace": namespace} if namespace else {}) | more}


def listed(**kinds: list[dict[str, Any]]) -> dict[str, list[Any]]:
    """A cluster that has these objects with a run's label, by kind."""
    return {what: [{"items": kinds.get(kind, [])}] for kind, what in ALL.items()}


async def found(answers: dict[str, list[Any]], *namespaces: str) -> tuple[dict[str, list[str]], tuple[str, ...]]:
    """The names of what is found, by run, and where nothing could be seen."""
    async with paper_kube(answers) as (kube, api):
        seen = await earlier_runs(kube, USUAL_KINDS, namespaces=namespaces)
        for call in api.calls:
            if "pods" in call.what:
                assert call.query["labelSelector"] == "rollout-harness/run"
    return {run.ownership.run: [one.named for one in run.remnants] for run in seen.runs}, seen.unseen


async def test_a_namespace_of_a_run_stands_for_all_that_is_in_it() -> None:
    left = listed(Namespace=[item("ours")], Pod=[item("load", "ours")], Deployment=[item("web", "ours")])
    assert await found(left) == ({"1a": ["namespace/ours"]}, ())


async def test_in_a_namespace_that_was_there_before_each_object_is_named_by_run() -> None:
    left = listed(Service=[item("web", "shop")], Deployment=[item("web", "shop"), item("api", "shop", "2b")])
    assert await found(left) == (
        {"1a": ["deployment/web in shop", "service/web in shop"], "2b": ["deployment/api in shop"]},
        (),
    )


async def test_what_one_process_left_is_one_runs_though_its_lease_and_its_pod_are_labelled_apart() -> None:
    labels = {"rollout-harness/process": ELSEWHERE, "rollout-harness/expiry": "20260102T130000Z"}
    pod, service = (item(name, "shop", labels={"rollout-harness/run": run, **labels}) for name, run in ("ab", "ba"))
    service["metadata"]["labels"]["rollout-harness/expiry"] = "20260102T140000Z"
    async with paper_kube(listed(Pod=[pod], Service=[service])) as (kube, _):
        (run,) = (await earlier_runs(kube, USUAL_KINDS)).runs
    assert [one.named for one in run.remnants] == ["pod/a in shop", "service/b in shop"]
    assert run.ownership.expiry == NOW + timedelta(hours=2)


async def test_somebody_elses_workload_is_told_that_a_run_changed_unless_one_that_has_it_goes_on() -> None:
    entry = {"manager": MANAGER, "operation": "Update", "fieldsV1": {}}
    web, api, db = (item(name, "shop", labels={}, managedFields=[entry]) for name in ("web", "api", "db"))
    db["metadata"]["managedFields"] = [{**entry, "manager": "kubectl"}]
    held = item("rollout-harness-deployment-api", "shop", labels=new_ownership(60.0).labels)
    dead = item("rollout-harness-deployment-web", "shop")
    leases = [each | {"spec": {"holderIdentity": "ada.laptop_1a"}} for each in (held, dead)]
    answers = listed(Deployment=[web, api, db]) | {
        "GET /apis/coordination.k8s.io/v1/leases": [{"items": leases}],
    }
    async with paper_kube(answers) as (kube, _):
        found = await earlier_runs(kube, (*USUAL_KINDS, Kind(api_version="coordination.k8s.io/v1", name="Lease")))
    (left,) = found.changed
    assert (left.kind, left.name, left.namespace, left.lease) == ("Deployment", "web", "shop", leases[1])


async def test_what_a_controller_made_of_a_labelled_object_goes_with_that() -> None:
    owned = item("web-x", "shop", ownerReferences=[{"kind": "StatefulSet", "name": "web", "controller": True}])
    assert await found(listed(Pod=[owned])) == ({}, ())


async def test_where_one_may_not_look_is_told_and_the_rest_is_found() -> None:
    left = listed(Service=[item("web", "shop")]) | {ALL["Pod"]: [403], ALL["Namespace"]: [403]}
    runs, unseen = await found(left)
    assert runs == {"1a": ["service/web in shop"]}
    assert [words.split(":")[0] for words in unseen] == ["Pod", "namespaces"]


async def test_only_the_namespaces_that_are_named_are_looked_in() -> None:
    at = "/api/v1/namespaces/shop"
    apps = "/apis/apps/v1/namespaces/shop"
    empty: dict[str, list[Any]] = {f"GET {apps}/{kind}": [{"items": []}] for kind in ("deployments", "statefulsets")}
    answers = empty | {f"GET {at}": [403], f"GET {at}/pods": [{"items": [item("load", "shop")]}]}
    answers[f"GET {at}/services"] = [{"items": []}]
    assert await found(answers, "shop") == ({"1a": ["pod/load in shop"]}, ())


@pytest.mark.parametrize(
    ("owner", "wanted"),
    [
        (new_ownership(-3600), State.RUNNING),  # this process, however late it is
        (Ownership(run="1", expiry=NOW - timedelta(seconds=1), process=ELSEWHERE), State.EXPIRED),
        (Ownership(run="1", expiry=NOW + timedelta(seconds=1), process=ELSEWHERE), State.MAYBE_RUNNING),
        (Ownership(run="1", expiry=NOW + timedelta(seconds=1)), State.MAYBE_RUNNING),
        (Ownership(run="1"), State.UNDATED),
    ],
    ids=["this one", "expired", "another machine's", "of nobody knows whom", "without a date"],
)
def test_a_run_in_progress_is_told_from_one_that_is_over(owner: Ownership, wanted: State) -> None:
    assert state(owner, NOW) is wanted


def test_a_run_whose_process_has_ended_on_this_machine_is_over_before_it_expires() -> None:
    machine, pid, start = new_ownership(60).process.split(".")
    gone = Ownership(run="1", expiry=NOW + timedelta(hours=1), process=f"{machine}.{pid}.{int(start) - 1}")
    assert state(gone, NOW) is State.ENDED


async def removed(answers: dict[str, list[Any]], **kinds: list[dict[str, Any]]) -> tuple[list[str], list[str]]:
    """What was asked for, and what is told of what could not be removed."""
    async with paper_kube(listed(**kinds) | answers) as (kube, api):
        (run,) = (await earlier_runs(kube, USUAL_KINDS)).runs
        failed = await remove(kube, run)
    return [what for what in api.done() if what.startswith("DELETE")], [str(left) for left in failed]


async def test_everything_of_a_run_is_removed_in_whatever_namespace() -> None:
    table = {
        "DELETE /api/v1/namespaces/ours": [{}],
        "GET /api/v1/namespaces/ours": [404],
        "GET /api/v1/namespaces/ours/pods": [{"items": []}],
        "DELETE /api/v1/namespaces/shop/services/web": [{}],
        "DELETE /apis/apps/v1/namespaces/shop/deployments/web": [{}],
    }
    asked, failed = await removed(
        table, Namespace=[item("ours")], Service=[item("web", "shop")], Deployment=[item("web", "shop")]
    )
    assert sorted(asked) == sorted(what for what in table if what.startswith("DELETE"))
    assert failed == []


async def test_what_may_not_be_removed_is_named_with_its_command_and_the_rest_goes() -> None:
    table = {
        "DELETE /api/v1/namespaces/ours": [403],
        "GET /api/v1/namespaces/ours/pods": [{"items": []}],
        "DELETE /api/v1/namespaces/shop/services/web": [{}],
    }
    asked, failed = await removed(table, Namespace=[item("ours")], Service=[item("web", "shop")])
    assert asked == ["DELETE /api/v1/namespaces/ours", "DELETE /api/v1/namespaces/shop/services/web"]
    (words,) = failed
    assert "Delete it by hand: kubectl delete namespace ours" in words


async def test_kinds_are_those_that_can_be_listed_and_deleted_in_each_group_that_answers() -> None:
    both = ["get", "list", "delete"]
    core = [
        {"name": "pods", "kind": "Pod", "namespaced": True, "verbs": both},
        {"name": "pods/log", "kind": "Pod", "namespaced": True, "verbs": ["get"]},
        {"name": "bindings", "kind": "Binding", "namespaced": True, "verbs": ["create"]},
        {"name": "events", "kind": "Event", "namespaced": True, "verbs": both},
        {"name": "nodes", "kind": "Node", "namespaced": False, "verbs": both},
    ]
    groups = [{"preferredVersion": {"groupVersion": version}} for version in ("metrics.k8s.io/v1", "shop/v1")]
    carts = [{"name": "carts", "kind": "Cart", "namespaced": True, "verbs": both}]
    answers: dict[str, list[Any]] = {
        "GET /apis": [{"groups": groups}],
        "GET /apis/metrics.k8s.io/v1": [503],
        "GET /apis/shop/v1": [{"resources": carts}],
    }
    async with paper_kube(answers) as (kube, api):
        api.discovery = {"/api/v1": core}
        kinds = await deletable_kinds(kube)
    assert kinds.found == (Kind(api_version="v1", name="Pod"), Kind(api_version="shop/v1", name="Cart"))
    (unread,) = kinds.unread
    assert unread.startswith("metrics.k8s.io/v1: ")
