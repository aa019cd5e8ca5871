"""Patches of a workload: what they make of it, and the patch that takes them back."""

from __future__ import annotations

from typing import Any

import pytest

from harness.manifests.merge import patched, taken_back
from harness.manifests.patch import image_patch, restart_patch

WEB: dict[str, Any] = {
    "metadata": {"name": "web"},
    "spec": {
        "replicas": 2,
        "template": {
            "metadata": {"labels": {"app": "web"}},
            "spec": {"containers": [{"name": "web", "image": "web:1", "env": []}, {"name": "log", "image": "log:1"}]},
        },
    },
}
ANNOTATED = patched(WEB, restart_patch("2026-01-01T00:00:00Z"))


@pytest.mark.parametrize("before", [WEB, ANNOTATED], ids=["plain", "restarted before"])
@pytest.mark.parametrize(
    "patch",
    [
        image_patch({"web": "web:2"}),
        image_patch({"log": "log:2", "web": "web:2"}),
        restart_patch("2026-11-27T00:00:00Z"),
        {"spec": {"replicas": 0}},
        {"spec": {"paused": True, "strategy": {"type": "Recreate"}}},
    ],
)
def test_a_patch_that_is_taken_back_leaves_the_object_as_it_was(before: dict[str, Any], patch: dict[str, Any]) -> None:
    changed = patched(before, patch)
    assert changed != before
    assert _told(patched(changed, taken_back(patch, before))) == _told(before)


def test_what_others_set_beside_it_stays() -> None:
    patch = restart_patch("2026-11-27T00:00:00Z")
    theirs = {"spec": {"template": {"metadata": {"annotations": {"team": "shop"}}}}}
    again = patched(patched(patched(WEB, patch), theirs), taken_back(patch, WEB))
    assert again["spec"]["template"]["metadata"]["annotations"] == {"team": "shop"}


def test_containers_are_found_by_name_and_keep_their_order() -> None:
    images = [c["image"] for c in patched(WEB, image_patch({"log": "log:2"}))["spec"]["template"]["spec"]["containers"]]
    assert images == ["web:1", "log:2"]


def _told(node: Any) -> Any:
    if isinstance(node, dict):
        return {key: told for key, value in node.items() if (told := _told(value)) != {}}
    return node
