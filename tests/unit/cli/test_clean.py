"""`clean` as people run it, against an API on loopback: it lists, removes with `--yes`, ends with 3 if it cannot."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from anyio.from_thread import start_blocking_portal
from paper_api import serving
from program import called

from harness.model.undo import Undo
from harness.store.undo import write_undo

NAMESPACES = "/api/v1/namespaces"
VERBS = ["list", "delete"]


def namespace(name: str, *, expires_in_s: float = -60) -> dict[str, Any]:
    expiry = datetime.now(UTC) + timedelta(seconds=expires_in_s)
    labels = {
        "rollout-harness/run": name[-2:],
        "rollout-harness/owner": "ada.laptop",
        "rollout-harness/expiry": f"{expiry:%Y%m%dT%H%M%SZ}",
        "rollout-harness/process": f"0123456789abcdef.{name[-2]}.7",
    }
    created = datetime.now(UTC) - timedelta(hours=5)
    return {"metadata": {"name": name, "labels": labels, "creationTimestamp": f"{created:%Y-%m-%dT%H:%M:%SZ}"}}


def clean(
    tmp_path: Path, answers: dict[str, list[Any]], *words: str, discovery: dict[str, list[Any]] | None = None
) -> tuple[int, str, str, list[str]]:
    """Exit code, standard output and error, and what was deleted."""
    usual: dict[str, list[Any]] = {"GET /version": [{"gitVersion": "v1.36.2"}], "GET /apis": [{"groups": []}]}
    pods = {"name": "pods", "kind": "Pod", "namespaced": True, "verbs": VERBS}
    spaces = {"name": "namespaces", "kind": "Namespace", "namespaced": False, "verbs": VERBS}
    usual["GET /api/v1/pods"] = [{"items": []}]
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(serving(usual | answers)) as api:
        api.discovery = {"/api/v1": [pods, spaces], **(discovery or {})}
        config = tmp_path / "config"
        config.write_text(json.dumps(api.kubeconfig))
        done = called("clean", "--cluster", "context:paper", *words, env={"KUBECONFIG": str(config)})
        deleted = [what for what in api.done() if what.startswith("DELETE")]
    assert "Traceback" not in done.err
    return done.code, done.out, done.err, deleted


def left(*items: dict[str, Any], **more: list[Any]) -> dict[str, list[Any]]:
    return {f"GET {NAMESPACES}": [{"items": list(items)}]} | more


def test_nothing_left_is_said(tmp_path: Path) -> None:
    assert clean(tmp_path, left()) == (0, "No earlier run left anything here.\n", "", [])


def test_it_lists_with_owner_age_and_expiry_and_says_why_something_is_left_alone(tmp_path: Path) -> None:
    code, out, _, deleted = clean(tmp_path, left(namespace("old-1a"), namespace("new-2b", expires_in_s=900)))
    assert (code, deleted) == (0, [])
    old, why_old, new, why_new, hint = out.splitlines()
    assert old.startswith("run 1a of ada.laptop, 5 h old, expiry 2")
    assert old.endswith(" UTC: namespace/old-1a")
    assert why_old == "  it should have been over by now"
    assert new.endswith("namespace/new-2b")
    assert why_new.startswith("  left alone: it may be in progress")
    assert why_new.endswith("; --all removes it too")
    assert hint == "To remove it: rollout-harness clean --cluster context:paper --yes"


@pytest.mark.parametrize(("words", "gone"), [(("--yes",), ["old-1a"]), (("--yes", "--all"), ["new-2b", "old-1a"])])
def test_with_yes_it_removes_what_is_over_and_with_all_what_may_be(
    tmp_path: Path, words: tuple[str, ...], gone: list[str]
) -> None:
    answers = left(namespace("old-1a"), namespace("new-2b", expires_in_s=900))
    for name in ("old-1a", "new-2b"):
        answers |= {f"DELETE {NAMESPACES}/{name}": [{}], f"GET {NAMESPACES}/{name}/pods": [{"items": []}]}
    code, out, _, deleted = clean(tmp_path, answers, *words)
    assert code == 0
    assert sorted(deleted) == [f"DELETE {NAMESPACES}/{name}" for name in gone]
    assert out.count("removed: run ") == len(gone)


def test_what_may_not_be_removed_ends_it_with_3_and_the_command(tmp_path: Path) -> None:
    answers = left(namespace("old-1a")) | {f"DELETE {NAMESPACES}/old-1a": [403]}
    code, out, err, _ = clean(tmp_path, answers, "--yes")
    assert code == 3
    assert "Delete it by hand: kubectl --context paper delete namespace old-1a" in err
    assert "removed" not in out


def test_where_it_may_not_look_is_said(tmp_path: Path) -> None:
    code, _, err, _ = clean(tmp_path, {f"GET {NAMESPACES}": [403]})
    assert code == 0
    assert "mind: not everything could be listed: namespaces: " in err
    assert "--namespace looks where you have access" in err


@pytest.mark.parametrize(
    ("cluster", "says"),
    [("sandbox", "only as long as its run"), ("k3s", "only as long as its run"), ("x", "no provider")],
)
def test_clusters_of_one_run_have_nothing_to_clean(cluster: str, says: str) -> None:
    done = called("clean", "--cluster", cluster)
    assert done.code == 2
    (line,) = done.err.splitlines()
    assert line.startswith("error: ")
    assert says in line


def test_what_a_killed_run_changed_of_somebodys_is_told_with_the_command_that_puts_it_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "reports" / "night ly" / "default"
    folder.mkdir(parents=True)
    undo = Undo(
        cluster="context:paper",
        namespace="shop",
        kind="Deployment",
        name="web",
        uid="u1",
        patch={},
        written=(),
        rest="",
        managed_fields=(),
    )
    write_undo(folder, undo)
    monkeypatch.chdir(tmp_path)
    metadata = {"name": "web", "namespace": "shop", "managedFields": [{"manager": "rollout-harness"}]}
    deployments = {"name": "deployments", "kind": "Deployment", "namespaced": True, "verbs": VERBS}
    answers: dict[str, list[Any]] = {
        "GET /apis": [{"groups": [{"preferredVersion": {"groupVersion": "apps/v1"}}]}],
        "GET /apis/apps/v1/deployments": [{"items": [{"metadata": metadata}]}],
    }
    told = "deployment/web in shop: changed by a run and not put back. To put it back: rollout-harness restore"
    code, out, _, _ = clean(tmp_path, left(**answers), discovery={"/apis/apps/v1": [deployments]})
    assert (code, out) == (0, f"{told} '{folder}'\n")
    write_undo(folder, replace(undo, done=True))
    lease = {"metadata": {"name": "rollout-harness-deployment-web", "namespace": "shop"}}
    lease["metadata"]["annotations"] = {"rollout-harness/records": "/elsewhere/run"}
    kinds = [deployments, {**deployments, "name": "leases", "kind": "Lease"}]
    answers["GET /apis/apps/v1/leases"] = [{"items": [lease]}]
    _, out, _, _ = clean(tmp_path, left(**answers), discovery={"/apis/apps/v1": kinds})
    assert out == f"{told} /elsewhere/run\n"


def test_machines_get_what_was_found_and_what_became_of_it(tmp_path: Path) -> None:
    answers = left(namespace("old-1a"), namespace("new-2b", expires_in_s=900))
    answers |= {f"DELETE {NAMESPACES}/old-1a": [{}], f"GET {NAMESPACES}/old-1a/pods": [{"items": []}]}
    answers |= {f"GET {NAMESPACES}/old-1a": [404]}
    code, out, _, deleted = clean(tmp_path, answers, "--json")
    listed = {one["run"]: one for one in json.loads(out)["runs"]}
    assert (code, deleted) == (0, [])
    assert [(one["removable"], one["removed"]) for one in (listed["1a"], listed["2b"])] == [
        (True, False),
        (False, False),
    ]
    code, out, _, deleted = clean(tmp_path, answers, "--json", "--yes")
    gone = {one["run"]: one["removed"] for one in json.loads(out)["runs"]}
    assert (code, gone, len(deleted)) == (0, {"1a": True, "2b": False}, 1)
