"""What a run changed of a workload that is not ours: put back only while it is as the run wrote it."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from paper_api import paper_kube

from harness.kube.field_owners import MANAGER, RESTARTER
from harness.kube.ownership import new_ownership
from harness.manifests.merge import patched
from harness.manifests.patch import image_patch, restart_patch
from harness.model.undo import Cordon, Undo
from harness.runner.putting_back import (
    ChangedByOthers,
    check_ours,
    fingerprint,
    foreign,
    give_owners_back,
    put_values_back,
)
from harness.runner.restore import restore, uncordon
from harness.store.undo import is_pending, read_cordon, read_undo, write_cordon, write_undo

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


RESTART_OWNED: Json = {
    "f:spec": {
        "f:template": {"f:metadata": {"f:annotations": {".": {}, "f:kubectl.kubernetes.io/restartedAt": {}}}},
    }
}
OURS, THEIRS = "2026-11-27T10:00:00.000001+00:00", "2026-11-27T10:00:00Z"


def restarted(at: str, fields: Json = RESTART_OWNED, **container: Any) -> Json:
    """What a killed run left, restarted since."""
    return by(patched(changed(**container), restart_patch(at)), RESTARTER, fields)


def run_of(reports: Path, name: str, undo: Undo) -> Path:
    folder = reports / name / "default"
    folder.mkdir(parents=True)
    write_undo(folder, undo)
    return folder


LATER = replace(UNDO, patch={}, written=(restart_patch(OURS),), done=True)


@pytest.mark.anyio
async def test_a_restart_by_a_later_run_is_known_by_its_record_and_stays(tmp_path: Path) -> None:
    killed = run_of(tmp_path, "killed", UNDO)
    run_of(tmp_path, "later", LATER)
    stands = restarted(OURS)
    back = patched(stands, UNDO.patch)
    answers = {f"GET {OBJECT}": [stands, back], f"PATCH {OBJECT}": [back]}
    async with paper_kube(answers) as (kube, api):
        await restore(kube, killed, UNDO)
        (sent,) = api.asked(f"PATCH {OBJECT}")
    assert sent.body["spec"] == UNDO.patch["spec"]
    assert (done := read_undo(killed)) is not None
    assert done.done


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("live", "who"),
    [
        pytest.param(restarted(THEIRS), "kubectl-rollout", id="somebody else's restart"),
        pytest.param(by(restarted(OURS), "kubectl-set"), "kubectl-set", id="somebody else's write"),
        pytest.param(
            restarted(
                OURS,
                {
                    **OWNED,
                    "f:spec": {
                        "f:template": OWNED["f:spec"]["f:template"]
                        | {"f:metadata": RESTART_OWNED["f:spec"]["f:template"]["f:metadata"]}
                    },
                },
            ),
            "kubectl-rollout",
            id="a rollout undo",
        ),
        pytest.param(restarted(OURS, image="web:3"), "web:3", id="another image"),
    ],
)
async def test_no_record_makes_somebody_elses_change_ours(tmp_path: Path, live: Json, who: str) -> None:
    killed = run_of(tmp_path, "killed", UNDO)
    run_of(tmp_path, "later", LATER)
    run_of(tmp_path, "elsewhere", replace(LATER, uid="u2", written=(restart_patch(THEIRS),)))
    async with paper_kube({f"GET {OBJECT}": [live]}) as (kube, api):
        with pytest.raises(ChangedByOthers, match=who):
            await restore(kube, killed, UNDO)
        assert not api.asked(f"PATCH {OBJECT}")


@pytest.mark.anyio
async def test_what_a_later_run_has_still_to_put_back_comes_first(tmp_path: Path) -> None:
    killed = run_of(tmp_path, "killed", UNDO)
    rest, written = fingerprint(changed()["spec"]["template"]), (image_patch({"web": "web:3"}),)
    later = run_of(tmp_path, "later", replace(UNDO, patch=AHEAD, written=written, rest=rest))
    async with paper_kube({f"GET {OBJECT}": [by(changed(image="web:3"), MANAGER)]}) as (kube, api):
        with pytest.raises(ChangedByOthers, match="a later run of the harness has changed it") as refused:
            await restore(kube, killed, UNDO)
        assert not api.asked(f"PATCH {OBJECT}")
    assert refused.value.do == f"Put that back first: rollout-harness restore {later}"


@pytest.mark.anyio
async def test_what_another_run_has_is_left_to_it_and_what_the_killed_one_had_is_not(tmp_path: Path) -> None:
    killed = run_of(tmp_path, "killed", UNDO)
    lease = "/apis/coordination.k8s.io/v1/namespaces/shop/leases/rollout-harness-deployment-web"
    labels, spec = new_ownership(60.0).labels, {"holderIdentity": "ada.laptop_1a"}
    held, own = (
        {"metadata": {"labels": labels, "annotations": {"rollout-harness/records": records}}, "spec": spec}
        for records in ("/elsewhere", str(tmp_path / "killed"))
    )
    answers = {f"GET {lease}": [held, own], f"GET {OBJECT}": [WEB]}
    async with paper_kube(answers) as (kube, _):
        with pytest.raises(ChangedByOthers, match=r"another run of the harness has it: ada\.laptop_1a"):
            await restore(kube, killed, UNDO)
        await restore(kube, killed, UNDO)
