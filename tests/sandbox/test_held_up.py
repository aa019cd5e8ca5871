"""What holds a rollout up is said while it is waited for, and what no waiting mends ends the wait within 10 s.

All cases run side by side on one sandbox, each in a namespace of its own.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import pytest
from needs import missing

from harness.clusters.cluster import Cluster
from harness.clusters.sandbox import sandbox_cluster
from harness.disruptions.completion import until_complete
from harness.disruptions.obstacle import Obstacle
from harness.disruptions.obstacles import in_words
from harness.disruptions.workload import Workload
from harness.errors import RolloutError
from harness.kube.view import View
from harness.model.cluster_settings import SandboxSettings
from harness.observers.cluster import application_objects, observe

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.sandbox,
    pytest.mark.skipif(bool(missing()), reason=" ".join(missing())),
]

LABELS = {"app": "web"}
DEADLINE_S = 40.0
GIVEN_UP_WITHIN_S = 10.0
Case = dict[str, Any]


def case(*, pod: Case | None = None, container: Case | None = None, more: tuple[Case, ...] = (), **spec: Any) -> Case:
    """A Deployment of nginx with these changes, and what is created before it."""
    template = {
        "metadata": {"labels": LABELS},
        "spec": {
            "terminationGracePeriodSeconds": 1,
            "containers": [{"name": "web", "image": "nginx:1.29.1", **(container or {})}],
            **(pod or {}),
        },
    }
    workload = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web"},
        "spec": {"replicas": 1, "selector": {"matchLabels": LABELS}, "template": template, **spec},
    }
    return {"objects": (*more, workload)}


QUOTA = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "few"}, "spec": {"hard": {"pods": "1"}}}
SECRET: Case = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "there"}, "stringData": {"user": "me"}}
UNHEALTHY = {"httpGet": {"path": "/absent", "port": 80}, "periodSeconds": 1, "failureThreshold": 1}


def key_of(name: str, key: str) -> Case:
    return {"env": [{"name": "A", "valueFrom": {"secretKeyRef": {"name": name, "key": key}}}]}


MAY_GO_BY_ITSELF = {
    "quota": (case(more=(QUOTA,), replicas=2), "its pods are refused (exceeded quota: few"),
    "gate": (
        case(pod={"readinessGates": [{"conditionType": "lb/ready"}]}),
        "its readiness gate lb/ready is closed (nobody has set it)",
    ),
    "unschedulable": (
        case(pod={"nodeSelector": {"disk": "fast"}}),
        "unschedulable (0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector)",
    ),
    "crash": (  # with a probe: without one it would be Ready, and the rollout complete, for a moment
        case(container={"command": ["sh", "-c", "exit 3"], "readinessProbe": UNHEALTHY}),
        "CrashLoopBackOff, its last end was exit code 3",
    ),
    "readiness": (case(container={"readinessProbe": UNHEALTHY}), "Readiness probe failed", "404"),
    "liveness": (
        case(container={"readinessProbe": UNHEALTHY, "livenessProbe": UNHEALTHY}),
        "killed after: Liveness",
        "404",
    ),
}
NEVER_GOES = {
    "secret": (case(container={"envFrom": [{"secretRef": {"name": "absent"}}]}), "there is no Secret absent"),
    "config": (
        case(pod={"volumes": [{"name": "v", "configMap": {"name": "absent"}}]}),
        "there is no ConfigMap absent",
        "Put ConfigMap absent into the manifests.",
    ),
    "key": (
        case(container=key_of("there", "password"), more=(SECRET,)),
        "couldn't find key password in Secret",
        "/there",
    ),
    "image": (
        case(container={"image": "shop:404"}),
        "image shop:404",
        "No waiting mends that. Name an image that its nodes can pull.",
    ),
    "program": (
        case(container={"command": ["no-such-program"]}),
        'StartError (exec: "no-such-program": executable file not found in $PATH)',
    ),
    "paused": (case(paused=True), "while it is paused an update replaces no pod"),
}


@asynccontextmanager
async def watched(cluster: Cluster, name: str, wanted: Case) -> AsyncIterator[tuple[View, Workload]]:
    """The case's objects in a namespace of their own, and a live view of them."""
    kube, view = cluster.kube, View()
    await kube.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    async with anyio.create_task_group() as tasks:
        objects = application_objects(kind="Deployment", name="web", selector=LABELS, service="web")
        await observe(tasks, kube, name, objects, view=view, record=lambda *_: None)
        for manifest in wanted["objects"]:
            await kube.create(manifest, name)
        yield view, Workload(kind="Deployment", name="web", namespace=name)
        tasks.cancel_scope.cancel()


async def heard_of(cluster: Cluster, name: str, wanted: Case, says: tuple[str, ...]) -> None:
    """Wait until it is said; that the wait goes on then is what ends the test, not an error."""
    heard, said = anyio.Event(), list[str]()

    def hear(standing: tuple[Obstacle, ...]) -> None:
        said.append(in_words(standing))
        if all(words in said[-1] for words in says):
            heard.set()

    async with watched(cluster, name, wanted) as (view, workload), anyio.create_task_group() as tasks:

        async def wait() -> None:
            await until_complete(view, workload, 1, deadline_s=2 * DEADLINE_S, hear=hear)

        tasks.start_soon(wait)
        with anyio.move_on_after(DEADLINE_S):
            await heard.wait()
        tasks.cancel_scope.cancel()
    assert heard.is_set(), f"{name}: {said}"


async def given_up(cluster: Cluster, name: str, wanted: Case, says: tuple[str, ...]) -> None:
    async with watched(cluster, name, wanted) as (view, workload):
        start = time.monotonic()
        with pytest.raises(RolloutError) as error:
            await until_complete(view, workload, 1, deadline_s=DEADLINE_S)
        assert time.monotonic() - start < GIVEN_UP_WITHIN_S, str(error.value)
    assert [words for words in says if words not in str(error.value)] == [], str(error.value)
    assert "rollout_timeout" not in str(error.value)


async def test_what_may_go_by_itself_is_said_and_waited_for_and_what_never_does_ends_the_wait() -> None:
    async with sandbox_cluster(SandboxSettings(), {}) as cluster, anyio.create_task_group() as tasks:
        for name, (wanted, *says) in MAY_GO_BY_ITSELF.items():
            tasks.start_soon(heard_of, cluster, name, wanted, tuple(says))
        for name, (wanted, *says) in NEVER_GOES.items():
            tasks.start_soon(given_up, cluster, name, wanted, tuple(says))
