"""What a run changed of a workload that is not ours: put back only while it is as the run wrote it."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from paper_api import paper_kube

from harness.kube.field_owners import MANAGER
from harness.manifests.merge import patched
from harness.manifests.patch import image_patch
from harness.model.undo import Cordon, Undo
from harness.runner.putting_back import (
    ChangedByOthers,
    check_ours,
    fingerprint,
    foreign,
    give_owners_back,
    put_values_back,
)
from harness.runner.restore import uncordon
from harness.store.undo import is_pending, read_cordon, write_cordon

Json = dict[str, Any]
CONTAINER: Json = {"name": "web", "image": "web:1", "env": [{"name": "TOKEN", "value": "s3cret"}]}
OWNED: Json = {
    "f:spec": {"f:template": {"f:spec": {"f:containers": {'k:{"name":"web"}': {"f:env": {}, "f:image": {}}}}}}
}
OWNER: Json = {"manager": "kubectl", "operation": "Apply", "apiVersion": "apps/v1", "time": "t0", "fieldsV1": OWNED}
WEB: Json = {
    "kind": "Deployment",
    "metadata": {"name": "web", "namespace": "shop", "uid": "u1", "resourceVersion": "7", "managedFields": [OWNER]},
    "spec": {"replicas": 2, "template": {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [CONTAINER]}}},
}
AHEAD = image_patch({"web": "web:2"})
UNDO = Undo(
    cluster="context:staging",
    namespace="shop",
    kind="Deployment",
    name="web",
    uid="u1",
    patch=image_patch({"web": "web:1"}),
    written=(AHEAD,),
    rest=fingerprint(WEB["spec"]["template"]),
    managed_fields=(OWNER,),
)
OBJECT = "/apis/apps/v1/namespaces/shop/deployments/web"


def changed(**container: Any) -> Json:
    """The workload with our image, and what somebody else has changed of its container."""
    live = patched(WEB, AHEAD)
    live = deepcopy(live)
    live["spec"]["template"]["spec"]["containers"][0] |= container
    return live


def by(live: Json, manager: str, fields: Json = OWNED, time: str = "t1") -> Json:
    entry = {"manager": manager, "operation": "Update", "apiVersion": "apps/v1", "time": time, "fieldsV1": fields}
    return {**live, "metadata": {**live["metadata"], "managedFields": [OWNER, entry]}}


def test_what_stands_as_the_run_wrote_it_or_as_it_was_is_ours() -> None:
    for live in (WEB, changed(), by(changed(), MANAGER)):
        assert foreign(UNDO, live) == ""
        assert foreign(UNDO, live, WEB["spec"]["template"]) == ""


def test_another_scale_is_nobody_who_deploys() -> None:
    live = changed()
    live["spec"]["replicas"] = 9
    assert foreign(UNDO, live) == ""


@pytest.mark.parametrize(
    ("live", "words"),
    [
        pytest.param(changed(image="web:3"), "it has 'web:3', which this run did not write", id="image"),
        pytest.param(changed(tty=True), "its pod template has changed besides", id="field"),
    ],
)
def test_another_template_is_not_touched_and_who_wrote_it_is_named(live: Json, words: str) -> None:
    assert foreign(UNDO, live) == f"{words}, by somebody who is not recorded"
    assert foreign(UNDO, by(live, "argocd")) == f"{words}, by argocd (Update) at t1"
    with pytest.raises(ChangedByOthers, match=words):
        check_ours(UNDO, live, "putting it back")


def test_a_secret_that_changed_is_found_by_its_owner_though_it_stands_in_no_file() -> None:
    live = changed(env=[{"name": "TOKEN", "value": "other"}])
    assert fingerprint(patched(live, UNDO.patch)["spec"]["template"]) == UNDO.rest
    assert "s3cret" not in repr(UNDO)
    assert foreign(UNDO, by(live, "kubectl-set")) == "its pod template was written again, by kubectl-set (Update) at t1"
    assert foreign(UNDO, live, WEB["spec"]["template"]).startswith("its pod template has changed besides")


def test_a_workload_that_was_made_anew_is_another_one() -> None:
    live = changed()
    live["metadata"]["uid"] = "u2"
    with pytest.raises(ChangedByOthers, match="has been deleted"):
        check_ours(UNDO, live, "putting it back")


@pytest.mark.anyio
async def test_values_go_back_only_to_the_version_that_was_looked_at() -> None:
    first, second = changed(), changed()
    second["metadata"] = {**second["metadata"], "resourceVersion": "8"}
    answers = {f"GET {OBJECT}": [first, second, WEB], f"PATCH {OBJECT}": [409, WEB]}
    async with paper_kube(answers) as (kube, api):
        assert await put_values_back(kube, UNDO) == WEB
    sent = api.asked(f"PATCH {OBJECT}")
    assert [call.body["metadata"] for call in sent] == [{"resourceVersion": "7"}, {"resourceVersion": "8"}]
    assert all(call.body["spec"] == UNDO.patch["spec"] and call.query["fieldManager"] == MANAGER for call in sent)


@pytest.mark.anyio
async def test_a_colleague_who_deploys_between_look_and_write_is_not_overwritten() -> None:
    answers = {f"GET {OBJECT}": [changed(), changed(image="web:3")], f"PATCH {OBJECT}": [409]}
    async with paper_kube(answers) as (kube, api):
        with pytest.raises(ChangedByOthers, match="web:3"):
            await put_values_back(kube, UNDO)
    assert len(api.asked(f"PATCH {OBJECT}")) == 1


@pytest.mark.anyio
async def test_a_template_that_was_given_back_whole_has_its_owners_again() -> None:
    taken = by(WEB, MANAGER)
    taken["metadata"]["managedFields"] = taken["metadata"]["managedFields"][1:]
    later = {**taken, "metadata": {**taken["metadata"], "resourceVersion": "8"}}
    answers = {f"GET {OBJECT}": [taken, later], f"PATCH {OBJECT}": [409, WEB]}
    async with paper_kube(answers) as (kube, api):
        await give_owners_back(kube, UNDO, WEB["spec"]["template"], [OWNER])
    sent = [call.body["metadata"] for call in api.asked(f"PATCH {OBJECT}")]
    assert sent == [{"managedFields": [OWNER], "resourceVersion": version} for version in ("7", "8")]


@pytest.mark.anyio
async def test_a_template_of_somebody_elses_keeps_its_owners() -> None:
    async with paper_kube({f"GET {OBJECT}": [by(changed(tty=True), MANAGER)]}) as (kube, api):
        await give_owners_back(kube, UNDO, WEB["spec"]["template"], [OWNER])
    assert api.asked(f"PATCH {OBJECT}") == []


NODE = "/api/v1/nodes/worker-1"


def cordoned(by: str = MANAGER, uid: str = "n1") -> Json:
    fields = {"f:spec": {"f:unschedulable": {}}}
    entry = {"manager": by, "operation": "Update", "apiVersion": "v1", "time": "t1", "fieldsV1": fields}
    metadata = {"name": "worker-1", "uid": uid, "resourceVersion": "9", "managedFields": [entry]}
    return {"kind": "Node", "metadata": metadata, "spec": {"unschedulable": True}}


@pytest.mark.anyio
async def test_a_node_that_a_killed_drain_left_cordoned_takes_pods_again(tmp_path: Path) -> None:
    left = Cordon(cluster="context:staging", node="worker-1", uid="n1")
    write_cordon(tmp_path, left)
    assert is_pending(tmp_path)
    async with paper_kube({f"GET {NODE}": [cordoned()], f"PATCH {NODE}": [{}]}) as (kube, api):
        await uncordon(kube, tmp_path, left)
        (patch,) = api.asked(f"PATCH {NODE}")
    assert patch.body == {"metadata": {"resourceVersion": "9"}, "spec": {"unschedulable": None}}
    assert (found := read_cordon(tmp_path)) is not None
    assert found.done
    assert not is_pending(tmp_path)


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("node", "why"),
    [
        (cordoned(by="kubectl-cordon"), "kubectl-cordon has cordoned it meanwhile"),
        (cordoned(uid="n2"), "it is another one"),
    ],
)
async def test_a_node_that_somebody_else_cordoned_stays_so(tmp_path: Path, node: Json, why: str) -> None:
    async with paper_kube({f"GET {NODE}": [node], f"PATCH {NODE}": [{}]}) as (kube, api):
        with pytest.raises(ChangedByOthers, match=why):
            await uncordon(kube, tmp_path, Cordon(cluster="context:staging", node="worker-1", uid="n1"))
        assert not api.asked(f"PATCH {NODE}")
