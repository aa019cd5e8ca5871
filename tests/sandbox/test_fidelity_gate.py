"""A recording whose pods wait for a readiness gate is played again: the mark `gate-true` opens it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from needs import missing

from harness.clusters.sandbox import sandbox_cluster
from harness.model.cluster_settings import SandboxSettings
from harness.traces.replay import replay, script
from harness.traces.trace import Mark, Trace, read_trace

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.sandbox,
    pytest.mark.skipif(bool(missing()), reason=" ".join(missing())),
]

LABELS = {"app": "web"}
POD = {
    "metadata": {"labels": LABELS},
    "spec": {
        "containers": [{"name": "nginx", "image": "nginx:1.28.0"}],
        "readinessGates": [{"conditionType": "lb/ready"}],
        "terminationGracePeriodSeconds": 1,
    },
}
DEPLOYMENT: dict[str, Any] = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "web"},
    "spec": {"replicas": 2, "selector": {"matchLabels": LABELS}, "template": POD},
}


async def test_gates_are_opened_where_the_recording_says(tmp_path: Path) -> None:
    marks = (
        Mark(t=0.0, type="create", object=DEPLOYMENT),
        Mark(t=1.0, type="gate-true", object={"pod": "web-1-x"}),
        Mark(t=1.5, type="gate-true", object={"pod": "web-1-y"}),
        Mark(t=2.0, type="created-complete", object=None),
        Mark(t=2.2, type="delete", object=None),
    )
    out = tmp_path / "replayed.jsonl"
    with out.open("xb") as file:
        async with sandbox_cluster(SandboxSettings(), {}) as cluster:
            await replay(cluster, script(Trace(name="gated", changes=(), marks=marks)), file)
    replayed = read_trace(out)
    first, second = (mark.t for mark in replayed.marks if mark.type == "gate-true")
    ready: dict[str, float] = {}
    for change in replayed.changes:
        if change.kind == "Pod" and {"type": "Ready", "status": "True"}.items() <= _ready(change.object).items():
            ready.setdefault(change.uid, change.t)
    one, other = sorted(ready.values())
    assert first <= one < second <= other


def _ready(pod: dict[str, Any]) -> dict[str, Any]:
    conditions = pod.get("status", {}).get("conditions", ())
    return next((each for each in conditions if each["type"] == "Ready"), {})
