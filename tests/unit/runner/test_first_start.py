"""An application that is deployed and does not answer: the error says what its pods and its manifests show."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from paper_api import paper_kube

from harness.disruptions.workload import Workload
from harness.errors import LoadError, RolloutError
from harness.kube.view import View
from harness.kube.watch import EventType, WatchEvent
from harness.model.request import COLUMNS
from harness.runner.experiment_file import read_experiment
from harness.runner.first_start import FirstStart
from harness.runner.load_session import LoadSession
from harness.runner.scenario import scenarios

pytestmark = pytest.mark.anyio

EXPERIMENT = """\
version: 1
name: shop
manifests: [shop.yaml]
target: deployment/shop
service: {name: shop, port: 80}
rollout_timeout: 1s
load: {new: {rate: 10}}
"""
SHOP = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: shop}
spec:
  selector: {matchLabels: {app: shop}}
  template:
    metadata: {labels: {app: shop}}
    spec: {containers: [{name: till, image: "shop:1", ports: [{containerPort: 8080}]}]}
---
apiVersion: v1
kind: Service
metadata: {name: shop}
spec: {selector: {app: shop}, ports: [{port: 80, targetPort: TARGET}]}
"""
DATABASE = """\
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db}
spec:
  selector: {matchLabels: {app: db}}
  template: {metadata: {labels: {app: db}}, spec: {containers: [{name: db, image: "db:1"}]}}
"""
LOG = "GET /api/v1/namespaces/shop/pods/shop-1-a/log"


def owned(kind: str, name: str, owner: str, **fields: Any) -> dict[str, Any]:
    metadata = {"name": name, "uid": name, "ownerReferences": [{"uid": owner, "controller": True}]}
    return {"kind": kind, "metadata": metadata, **fields}


def crashing(times: int) -> View:
    """What the watches show of shop once its only pod has ended so often."""
    over = {"terminated": {"exitCode": 3, "reason": "Error", "containerID": "containerd://9"}}
    status = {"name": "till", "restartCount": times - 1, "state": {"waiting": {"reason": "CrashLoopBackOff"}}}
    pod = owned("Pod", "shop-1-a", "shop-1", status={"containerStatuses": [status | {"lastState": over}]})
    workload = {"kind": "Deployment", "metadata": {"name": "shop", "uid": "shop"}, "spec": {"replicas": 1}}
    view = View()
    for each in (workload, owned("ReplicaSet", "shop-1", "shop"), pod):
        view.apply(each["kind"], WatchEvent(type=EventType.ADDED, object=each))
    return view


def started(kube: Any, folder: Path, view: View, *, target: int = 8080, more: str = "") -> FirstStart:
    (folder / "shop.yaml").write_text(SHOP.replace("TARGET", str(target)) + more)
    (folder / "experiment.yaml").write_text(EXPERIMENT)
    (scenario,) = scenarios(read_experiment(folder / "experiment.yaml"))
    return FirstStart(kube, Workload(kind="Deployment", name="shop", namespace="shop"), scenario, view)


async def silent(first: FirstStart) -> LoadError:
    with pytest.raises(LoadError) as error:
        async with first.explained():
            raise LoadError("warming up for 15 s", "the Service is not answering steadily: 9 connect-refused", "Why?")
    return error.value


async def test_pods_without_a_probe_that_crash_are_why_nothing_answers(tmp_path: Path) -> None:
    async with paper_kube({LOG: [["no database"], []]}) as (kube, api):
        error = await silent(started(kube, tmp_path, crashing(3)))
    assert str(error) == (
        "warming up for 15 s: the Service is not answering steadily: 9 connect-refused; container till of shop-1-a: "
        "CrashLoopBackOff, its last end was exit code 3, restarted 2 times. See its log for why it ends."
    )
    assert error.details == ("the log of container till of shop-1-a ends:", "| no database")
    assert api.asked(LOG)[0].query["previous"] == "true"


async def test_a_port_that_no_container_declares_is_why_nothing_answers(tmp_path: Path) -> None:
    async with paper_kube({}) as (kube, _):
        error = await silent(started(kube, tmp_path, View(), target=8090))
    assert error.seen.endswith("9 connect-refused; a Service sends to port 8090, which no container declares")
    assert error.do == "Why?"


async def test_a_run_that_ended_while_it_was_looked_at_is_asked_for_as_the_one_before(tmp_path: Path) -> None:
    async with paper_kube({LOG: [400, ["no database"]]}) as (kube, api):
        error = await silent(started(kube, tmp_path, crashing(3)))
    assert error.details[1:] == ("| no database",)
    assert [call.query.get("previous") for call in api.asked(LOG)] == ["true", None]


async def until_up(folder: Path, more: str = "") -> str:
    async with paper_kube({}) as (kube, _):
        with pytest.raises(RolloutError) as error:
            await started(kube, folder, crashing(4), more=more).until_up(1, lambda _: None)
    return str(error.value)


async def test_a_crash_is_given_up_where_nothing_else_has_to_come_up(tmp_path: Path) -> None:
    assert "It is given up: container till of shop-1-a has ended 4 times" in await until_up(tmp_path)
    assert "given up" not in await until_up(tmp_path, more=DATABASE)


async def test_answers_that_are_no_success_are_told_with_their_status() -> None:
    cells = [{"outcome": "status", "status": status} for status in ("404", "503", "404")]
    rows = [",".join(row.get(column, "0") for column in COLUMNS) for row in cells]
    session = LoadSession((cast(Any, None),), cast(Any, SimpleNamespace(requests=lambda _: None)), lambda: 0.0)
    for row in rows:
        session.request(session.followed[0], row.encode())
    with pytest.raises(LoadError) as error:
        await session.until_warm(1.0, deadline_s=0.0)
    assert error.value.seen == "the Service is not answering steadily: 3 status (404, 503)"
