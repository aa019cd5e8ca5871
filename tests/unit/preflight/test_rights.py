"""Which rights a run needs, by what it does; asked all at once."""

from __future__ import annotations

from typing import Any

import pytest
from paper_api import CUT, paper_kube
from ruamel.yaml import YAML

from harness.fixture_files import fixtures
from harness.manifests.application import Application
from harness.preflight.intent import Intent
from harness.preflight.rights import Right, lacking, needed_rights, shown, useful_rights

pytestmark = pytest.mark.anyio

TARGET = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": {}}
SERVICE = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}, "spec": {}}
NODE = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "a"}}
WORKER = {"metadata": {"name": "load"}, "spec": {}}
REVIEWS = "POST /apis/authorization.k8s.io/v1/selfsubjectaccessreviews"


def intent(kind: str = "Deployment", manifests: tuple[dict[str, Any], ...] = (), **more: Any) -> Intent:
    target = {**TARGET, "kind": kind}
    application = Application(target=target, service=SERVICE, port=80, manifests=(target, SERVICE, *manifests))
    return Intent(application=application, **{"namespace": "shop", "worker_pods": (WORKER,), **more})


async def named(wanted: Intent) -> set[str]:
    async with paper_kube({}) as (kube, _):
        return {
            right.named + (" everywhere" if right.cluster else "") for right in await needed_rights(kube, (wanted,))
        }


async def test_what_is_there_is_neither_created_nor_deleted() -> None:
    deployed, there = await named(intent()), await named(intent(there=True))
    assert deployed - there == {
        *(f"{verb} {what}" for verb in ("create", "delete") for what in ("deployments.apps", "services"))
    }
    assert there - deployed == {"get deployments.apps"}


async def test_the_role_for_what_is_there_has_all_that_a_run_needs_and_creates_nothing_of_it() -> None:
    role = YAML(typ="safe").load(fixtures() / "manifests" / "rbac-there.yaml")
    given = {
        Right(group=group, resource=resource, verb=verb).named
        for rule in role["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }
    useful = {right.named for right in useful_rights((intent(there=True),))}
    assert await named(intent(there=True)) | useful <= given
    assert not {"create deployments.apps", "delete deployments.apps", "create services", "delete services"} & given


async def test_a_new_namespace_is_made_and_removed() -> None:
    made = {f"{verb} namespaces everywhere" for verb in ("create", "get", "delete")}
    lease = {f"{verb} leases.coordination.k8s.io" for verb in ("create", "get", "patch", "delete")}
    new, there = await named(intent(namespace=None)), await named(intent())
    assert (new - there, there - new) == (made, lease)  # a namespace of its own is nobody else's


@pytest.mark.parametrize(
    ("disruption", "more", "less"),
    [
        ("image", set(), set()),
        ("delete-pod", set(), {"patch deployments.apps"}),
        ("scale", {"patch deployments.apps/scale", "get deployments.apps"}, {"patch deployments.apps"}),
        ("evict", {"create pods/eviction"}, {"patch deployments.apps"}),
        (
            "drain",
            {"create pods/eviction", "list nodes everywhere", "patch nodes everywhere"},
            {"patch deployments.apps"},
        ),
        ("command", set(), set()),  # what a command that fails has done is taken back
    ],
)
async def test_each_disruption_needs_its_own(disruption: str, more: set[str], less: set[str]) -> None:
    usual, own = await named(intent()), await named(intent(disruption=disruption))
    assert (own - usual, usual - own) == (more, less)


async def test_to_put_a_scaled_workload_back_its_owners_are_written_too() -> None:
    assert "patch deployments.apps" in await named(intent(disruption="scale", there=True))


async def test_a_stateful_set_has_revisions_in_place_of_replica_sets() -> None:
    found = await named(intent("StatefulSet"))
    assert {"patch statefulsets.apps", "watch controllerrevisions.apps"} <= found
    assert not any("replicasets" in right or "deployments" in right for right in found)


async def test_churn_and_what_belongs_to_no_namespace() -> None:
    assert "patch endpointslices.discovery.k8s.io" in await named(intent(churn=True))
    assert "create nodes everywhere" in await named(intent(manifests=(NODE,)))


async def test_without_a_worker_no_secret_and_no_log_is_needed() -> None:
    assert not any("secrets" in right or "log" in right for right in await named(intent(worker_pods=())))
    assert useful_rights((intent(worker_pods=()),)) == ()


RIGHTS = tuple(Right(group="", resource="pods", verb=verb) for verb in ("create", "get", "list"))


async def test_those_that_are_refused_are_lacking_and_each_is_asked_for_in_the_namespace() -> None:
    answers = [{"status": {"allowed": True}}, {"status": {"allowed": False}}, {"status": {"allowed": False}}]
    async with paper_kube({REVIEWS: answers}) as (kube, api):
        found = await lacking(kube, "shop", RIGHTS)
    assert len(found.needed) == 2
    asked = [call.body["spec"]["resourceAttributes"] for call in api.asked(REVIEWS)]
    assert {each["namespace"] for each in asked} == {"shop"}
    assert {each["verb"] for each in asked} == {"create", "get", "list"}


async def test_a_subresource_is_asked_for_apart() -> None:
    async with paper_kube({REVIEWS: [{"status": {"allowed": True}}]}) as (kube, api):
        await lacking(kube, None, (Right(group="", resource="pods/log", verb="get"),))
    (call,) = api.asked(REVIEWS)
    assert call.body["spec"]["resourceAttributes"] == {
        "group": "", "resource": "pods", "subresource": "log", "verb": "get",
    }  # fmt: skip


async def test_where_nothing_may_be_asked_nothing_is_known() -> None:
    async with paper_kube({REVIEWS: [403]}) as (kube, _):
        found = await lacking(kube, "shop", RIGHTS)
    assert (found.needed, found.useful) == ((), ())
    assert "403" in found.unknown


async def test_an_answer_that_is_lost_is_asked_for_again_since_a_question_changes_nothing() -> None:
    async with paper_kube({REVIEWS: [CUT, 503, {"status": {"allowed": True}}]}) as (kube, api):
        assert (await lacking(kube, "shop", RIGHTS[:1])).needed == ()
        assert len(api.asked(REVIEWS)) == 3


def test_rights_of_one_resource_are_told_together() -> None:
    assert shown(RIGHTS) == "create, get and list pods"


async def test_several_workers_must_be_told_when_to_begin_and_one_may_be() -> None:
    one, two = intent(), intent(worker_pods=(*intent().worker_pods, *intent().worker_pods))
    assert "get pods/proxy" not in await named(one)
    assert {right.named for right in useful_rights((one,))} == {"get pods/proxy"}
    assert "get pods/proxy" in await named(two)
    assert useful_rights((two,)) == ()
