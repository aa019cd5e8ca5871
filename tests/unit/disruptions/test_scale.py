"""A scaling goes through its numbers one after the other, and back to what it was."""

from __future__ import annotations

from typing import Any

import pytest
from paper_api import paper_kube

from harness.disruptions.scale import Scaling, planned
from harness.errors import ManifestError
from harness.fixture_files import fixtures
from harness.manifests.application import Application, find_application
from harness.manifests.read import read_manifests
from harness.model.disruption import Scale
from tests.unit.disruptions.histories import deployment, serving
from tests.unit.disruptions.stages import stage

PATH = "/apis/apps/v1/namespaces/shop/deployments/web"
WEB = f"PATCH {PATH}/scale"
ANSWERS: dict[str, list[Any]] = {WEB: [{"kind": "Scale"}], f"GET {PATH}": [{"metadata": {"generation": 2}}]}


def application(*more: dict[str, Any]) -> Application:
    """Two replicas of nginx."""
    manifests = (*read_manifests([fixtures() / "manifests" / "nginx.yaml"]), *more)
    return find_application(manifests, target="deployment/web", service="web", port=80)


def scale(to: Any, **more: Any) -> Scale:
    return Scale.model_validate({"to": to, **more})


@pytest.mark.parametrize(
    ("to", "numbers", "words"),
    [
        (1, (1, 2), "scaling to 1 and back to 2 replicas"),
        ([5, 1], (5, 1, 2), "scaling to 5, 1 and back to 2 replicas"),
        ([4, 2], (4, 2), "scaling to 4 and back to 2 replicas"),
        (0, (0, 2), "scaling to 0 and back to 2 replicas, with no pod in between"),
    ],
)
def test_it_ends_with_the_manifests_own_number(to: Any, numbers: tuple[int, ...], words: str) -> None:
    found = planned(application(), scale(to), 3)
    assert (found.numbers, found.words) == (numbers, words)


@pytest.mark.parametrize("to", [2, [3, 3], [2, 1]])
def test_a_step_that_would_change_nothing_is_refused(to: Any) -> None:
    with pytest.raises(ManifestError, match="it would change nothing"):
        planned(application(), scale(to), 1)


def test_an_autoscaler_would_take_it_back() -> None:
    autoscaler = {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "web"},
        "spec": {"scaleTargetRef": {"kind": "Deployment", "name": "web"}},
    }
    with pytest.raises(ManifestError, match="HorizontalPodAutoscaler web among the manifests would scale it back"):
        planned(application(autoscaler), scale(1), 1)


@pytest.mark.anyio
async def test_each_number_is_marked_sent_and_awaited_before_the_next() -> None:
    marks: list[dict[str, Any]] = []
    async with paper_kube(ANSWERS) as (kube, api):
        # Both numbers are those of the view, which nobody changes here: what is awaited is there at once.
        pods = [serving(f"web-{number}") for number in range(3)]
        step = Scaling(numbers=(3, 3)).step(0)
        assert await step.do(stage(kube, [deployment(), *pods], marks=marks)) == 2
    assert step.details == {"replicas": [3, 3]}
    assert marks == [{"replicas": 3}, {"replicas": 3}]
    assert [call.body for call in api.asked(WEB)] == [{"spec": {"replicas": 3}}] * 2


@pytest.mark.anyio
async def test_it_is_taken_back_to_what_it_was() -> None:
    async with paper_kube(ANSWERS) as (kube, api):
        pods = [serving(f"web-{number}") for number in range(3)]
        undo = Scaling(numbers=(1, 3)).step(0).undo
        assert undo is not None
        await undo(stage(kube, [deployment(), *pods]))
    assert [call.body for call in api.asked(WEB)] == [{"spec": {"replicas": 3}}]
