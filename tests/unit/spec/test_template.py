"""When going from one pod template to another rolls nothing."""

from __future__ import annotations

from typing import Any

import pytest

from harness.spec.template import same_template

PLAIN: dict[str, Any] = {
    "metadata": {"labels": {"app": "web"}},
    "spec": {"containers": [{"name": "web", "image": "a"}]},
}


@pytest.mark.parametrize(
    ("other", "same"),
    [
        (PLAIN, True),
        (PLAIN | {"metadata": {"labels": {"app": "web", "pod-template-hash": "5d95"}}}, True),
        (PLAIN | {"metadata": {"labels": {"app": "web"}, "creationTimestamp": None}}, True),
        (PLAIN | {"metadata": {"labels": {"app": "shop"}}}, False),
        (PLAIN | {"metadata": {"labels": {"app": "web"}, "annotations": {"restartedAt": "now"}}}, False),
        (PLAIN | {"spec": {"containers": [{"name": "web", "image": "b"}]}}, False),
        (PLAIN | {"spec": {"containers": [{"name": "web", "image": "a", "ports": None}]}}, True),
        (None, False),
    ],
)
def test_only_the_controllers_own_label_makes_no_difference(other: dict[str, Any] | None, same: bool) -> None:
    assert same_template(PLAIN, other) is same
    assert same_template(other, PLAIN) is same


def test_what_is_compared_stays_as_it_was() -> None:
    labels = {"app": "web", "pod-template-hash": "5d95"}
    same_template({"metadata": {"labels": labels}}, PLAIN)
    assert labels == {"app": "web", "pod-template-hash": "5d95"}
