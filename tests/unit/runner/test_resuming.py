"""A run is gone on with by what began it, and by nothing else; what is left of it is what was not measured whole."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from harness.clusters.cluster import ClientHost, Cluster
from harness.errors import UsageError
from harness.manifests.patch import in_namespace
from harness.model.experiment import Experiment
from harness.model.request import COLUMNS
from harness.model.run import ClusterFacts, ProxyFacts, RolloutMarks
from harness.runner.facts import run_info
from harness.runner.fingerprint import fingerprint
from harness.runner.resuming import left_to_run
from harness.runner.scenario import Scenario, scenarios
from harness.store.planned import write_planned
from harness.store.reader import read_info
from harness.store.run_json import to_json
from harness.store.writer import RunWriter

FACTS = ClusterFacts(kind="sandbox", kubernetes="v1.36.2", nodes=1, proxy=ProxyFacts(min_sync_period_s=1.0))
MANIFEST = Path(__file__).parents[3] / "fixtures" / "manifests" / "nginx.yaml"


def planned(**keys: Any) -> tuple[Scenario, ...]:
    base: dict[str, Any] = {
        "version": 1,
        "name": "night",
        "manifests": [str(MANIFEST)],
        "service": {"name": "web", "port": 80},
        "update": {"image": {"nginx": ["nginx:1.29.1", "nginx:1.28.0"]}},
        "rollouts": 5,
        "load": {"new": {"rate": 10}},
        "variants": {"default": {}, "prestop": {"mitigations": [{"prestop": "2s"}]}},
    }
    return scenarios(Experiment.model_validate({**base, **keys}))


def cluster(facts: ClusterFacts = FACTS) -> Cluster:
    client = ClientHost(same_machine=True)
    return cast("Cluster", SimpleNamespace(facts=facts, client=client, server=lambda _: "nginx"))


def record(folder: Path, scenario: Scenario, *, updates: int, **more: Any) -> None:
    """A run directory of that scenario, killed as its last update had just begun."""
    marks = tuple(
        RolloutMarks(rollout=i, update=10.0 * i, complete=10.0 * i + 2, settled=10.0 * i + 3) for i in range(updates)
    )
    info = replace(run_info(cluster(), scenario, t0_wall_s=1e9), rollouts=marks, **more)
    info = replace(info, manifests=tuple(in_namespace(m, "rollout-x") for m in scenario.application.manifests))
    with RunWriter(folder, info) as writer:
        due = [i / 10 for i in range(100 * updates)]
        rows = ({"stream": "new", "worker": 0, "seq": i, "scheduled": t, "started": t, "ended": t + 0.01, "reused": 0,
                 "outcome": "ok", "status": 200, "bytes": 1} for i, t in enumerate(due))  # fmt: skip
        writer.requests(",".join(str(row.get(name, "")) for name in COLUMNS).encode() for row in rows)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run of two scenarios of 5 rollouts each: one was killed in the fourth, the other never began."""
    folder = tmp_path / "night"
    write_planned(folder, "night", ["default", "prestop"])
    record(folder / "default", planned()[0], updates=4)
    return folder


def test_what_was_not_measured_whole_is_left(run: Path) -> None:
    first, second = left_to_run(run, planned())
    assert (first.folder, first.scenario.rollouts, first.goes_on_from) == ("default-part2", 2, "default")
    assert (second.folder, second.scenario.rollouts, second.goes_on_from) == ("prestop", 5, None)
    first.check(cluster())
    first.begun()
    assert read_info(run / "default", []).gone_on is not None


def test_a_part_that_was_interrupted_too_is_gone_on_with_in_a_third(run: Path) -> None:
    first, _ = left_to_run(run, planned())
    first.begun()
    record(run / "default-part2", first.scenario, updates=2, goes_on_from="default", t0_wall=2e9)
    third, _ = left_to_run(run, planned())
    assert (third.folder, third.scenario.rollouts) == ("default-part3", 1)
    assert [(part.folder.name, part.rollouts) for part in third.parts] == [("default", 3), ("default-part2", 1)]
    third.begun()
    by = [
        info.gone_on and info.gone_on.by
        for info in (read_info(run / one, []) for one in ("default", third.goes_on_from or ""))
    ]
    assert by == ["default-part2", "default-part3"], "each says which part follows it"


def test_a_run_that_came_to_its_end_or_ended_by_itself_is_not_gone_on_with(run: Path) -> None:
    ended = replace(read_info(run / "default", []), finished=True)
    (run / "default" / "run.json").write_text(json.dumps(to_json(ended)))
    (left,) = left_to_run(run, planned())
    assert left.folder == "prestop"
    stuck = replace(ended, finished=False, stopped="the rollout did not complete")
    (run / "default" / "run.json").write_text(json.dumps(to_json(stuck)))
    with pytest.raises(UsageError, match="ended by itself: the rollout did not complete"):
        left_to_run(run, planned())


@pytest.mark.parametrize(
    ("keys", "facts", "words"),
    [
        ({"rollouts": 6}, FACTS, "it was to have 5 rollouts, and the experiment has 6 rollouts"),
        ({"variants": {"default": {}}}, FACTS, "its scenarios are default, prestop"),
        ({"load": {"new": {"rate": 20}}}, FACTS, "load was 'new 10/s', and is 'new 20/s' now"),
        ({"update": "restart"}, FACTS, "disruption was 'image', and is 'restart' now"),
        (
            {"request": {"success": ["200-599"]}},
            FACTS,
            "success 200-299', and is 'GET /, weight 1, success 200-599' now",
        ),
        ({"strict_idle_close": True}, FACTS, "strict_idle_close was false, and is true now"),
        ({"variants": {"default": {"expect": "any"}, "prestop": {}}}, FACTS, "expect was 'seamless', and is 'any' now"),
        ({"budget": {"failed": 3}}, FACTS, "budget was '', and is 'failed 3' now"),
        ({}, replace(FACTS, kind="kind"), "cluster was 'sandbox', and is 'kind' now"),
        ({}, replace(FACTS, kubernetes="v1.34.0"), "Kubernetes was 'v1.36.2', and is 'v1.34.0' now"),
        ({}, replace(FACTS, proxy=ProxyFacts(min_sync_period_s=5.0)), "minSyncPeriod was 1.0, and is 5.0 now"),
    ],
)
def test_another_experiment_or_cluster_is_refused(
    run: Path, keys: dict[str, Any], facts: ClusterFacts, words: str
) -> None:
    def resumed() -> None:
        for left in left_to_run(run, planned(**keys)):
            left.check(cluster(facts))

    with pytest.raises(UsageError, match=re.escape(words)):
        resumed()


def test_another_manifest_is_refused(run: Path, tmp_path: Path) -> None:
    changed = tmp_path / "nginx.yaml"
    changed.write_text(MANIFEST.read_text().replace("replicas: ", "replicas: 1"))
    left, _ = left_to_run(run, planned(manifests=[str(changed)]))
    with pytest.raises(UsageError, match="manifest of Deployment/web"):
        left.check(cluster())


@pytest.mark.parametrize("labelled", [True, False])
def test_manifests_that_hold_their_namespace_are_the_same_wherever_it_stands(tmp_path: Path, labelled: bool) -> None:
    space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}}
    held = tmp_path / "shop.yaml"
    held.write_text(json.dumps(space) + "\n---\n" + MANIFEST.read_text())
    write_planned(tmp_path, "night", ["default", "prestop"])
    first = planned(manifests=[str(held)])[0]
    own = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "rollout-x", "labels": {"a": "b"}}}
    manifests = [in_namespace(m, "rollout-x") for m in first.application.manifests if m["kind"] != "Namespace"]
    record(tmp_path / "default", first, updates=4)
    info = replace(read_info(tmp_path / "default", []), manifests=(*([own] if labelled else []), *manifests))
    (tmp_path / "default" / "run.json").write_text(json.dumps(to_json(info)))
    left, _ = left_to_run(tmp_path, planned(manifests=[str(held)]))
    left.check(cluster())
    (tmp_path / "default" / "run.json").write_text(json.dumps(to_json(replace(info, manifests=info.manifests[:-1]))))
    left, _ = left_to_run(tmp_path, planned(manifests=[str(held)]))
    with pytest.raises(
        UsageError, match=r"Service/web was not in run\.json of default, and is among the manifests now"
    ):
        left.check(cluster())


@pytest.mark.parametrize(
    ("keys", "other"),
    [
        ({"request": {"headers": {"X-Version": "3", "Authorization": "Bearer renewed"}}}, "request"),
        ({"request": None}, "request"),
        ({"images": {"nginx:1.29.1": {"command": ["nginx-debug"]}}}, "images"),
        ({"control": "9s"}, "control"),
        (
            {"requests": [{"path": "/", "body_file": "other.json", "method": "POST"}], "allow_methods": ["POST"]},
            "requests",
        ),
    ],
)
def test_what_run_json_does_not_say_of_the_experiment_is_compared_by_digests(
    run: Path, monkeypatch: pytest.MonkeyPatch, keys: dict[str, Any], other: str
) -> None:
    """A token that was renewed, and whether to give up sooner, make no other experiment; nor is a secret written."""
    monkeypatch.chdir(run)
    Path("order.json").write_text('{"order": 1}')
    Path("other.json").write_text('{"order": 2}')
    headers = {"X-Version": "2", "Authorization": "Bearer s3cret-of-the-night"}
    said: dict[str, Any] = {"request": {"headers": headers}}
    if other == "requests":
        said |= {"requests": [{"path": "/", "body_file": "order.json", "method": "POST"}], "allow_methods": ["POST"]}
    write_planned(run, "night", ["default", "prestop"], digests=fingerprint(planned(**said)[0].experiment))
    assert "s3cret" not in (run / "experiment.json").read_text()
    renewed = {"request": {"headers": headers | {"Authorization": "Bearer another-token"}}, "rollout_timeout": "300s"}
    assert len(left_to_run(run, planned(**{**said, **renewed}))) == 2
    changed = {name: value for name, value in {**said, **keys}.items() if value is not None}
    with pytest.raises(UsageError, match=f"says something else than it did: {other}"):
        left_to_run(run, planned(**changed))


def test_where_a_deploy_command_runs_is_part_of_what_is_said(tmp_path: Path) -> None:
    def of(folder: Path) -> dict[str, str]:
        said = {"run": ["sh", "-c", "true"], "folder": str(folder)}
        (first, *_) = planned(update=None, disruption={"command": said})
        return fingerprint(first.experiment, "salt")

    assert of(tmp_path)["disruption"] != of(tmp_path.parent)["disruption"]
    assert of(tmp_path) == of(tmp_path)
