"""A stage in front of an API on paper, whose view shows what a test wants."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from harness.disruptions.last_words import no_log
from harness.disruptions.obstacle import Obstacle
from harness.disruptions.stage import Stage
from harness.disruptions.workload import Workload
from harness.kube.client import Kube
from tests.unit.disruptions.histories import WEB, deployment, shown


def stage(
    kube: Kube,
    objects: Sequence[Any] | None = None,
    *,
    workload: Workload = WEB,
    deadline_s: float = 10.0,
    marks: list[dict[str, Any]] | None = None,
    heard: list[tuple[Obstacle, ...]] | None = None,
) -> Stage:
    """By default `deployment/web` in generation 2 is rolled out already."""
    objects = [deployment()] if objects is None else objects
    return Stage(
        kube=kube,
        workload=workload,
        view=shown(*objects),
        before=objects[0],
        deadline_s=deadline_s,
        mark=([] if marks is None else marks).append,
        hear=([] if heard is None else heard).append,
        logs=no_log,
    )
