"""A rollout begins when the workload's own pod template changes, whoever changed it."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from harness.disruptions.changed import is_rolled

Object = dict[str, Any]
BEFORE: Object = {
    "metadata": {"name": "web", "uid": "1", "generation": 3, "annotations": {}},
    "spec": {
        "replicas": 2,
        "template": {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "a", "image": "a:1"}]}},
    },
}


def after(**changes: Any) -> Object:
    """The workload with other values at paths such as `spec__replicas`."""
    found = copy.deepcopy(BEFORE)
    for path, value in changes.items():
        *parents, last = path.split("__")
        place = found
        for name in parents:
            place = place[name]
        place[last] = value
    return found


@pytest.mark.parametrize(
    "now",
    [
        after(spec__template__spec__containers=[{"name": "a", "image": "a:2"}]),
        after(spec__template__metadata__annotations={"kubectl.kubernetes.io/restartedAt": "now"}),
        after(metadata__uid="2"),  # deleted and made again
    ],
)
def test_another_template_is_rolled_out(now: Object) -> None:
    assert is_rolled(BEFORE, now)
    now["spec"]["paused"] = True
    assert not is_rolled(BEFORE, now)


@pytest.mark.parametrize(
    "now",
    [
        after(),
        after(metadata__generation=4, spec__replicas=5),  # scaled
        after(metadata__annotations={"deployment.kubernetes.io/revision": "2"}),
        after(spec__template__metadata__labels={"app": "web", "pod-template-hash": "6c8"}),
    ],
)
def test_what_leaves_the_template_as_it_is_rolls_nothing(now: Object) -> None:
    assert not is_rolled(BEFORE, now)
