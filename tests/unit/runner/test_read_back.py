"""What a cluster made of an application's pods is told of those that its template made, and of no others."""

from __future__ import annotations

from typing import Any

from harness.fixture_files import fixtures
from harness.manifests.application import find_application
from harness.manifests.read import read_manifests
from harness.runner.read_back import read_back
from tests.unit.disruptions.histories import WEB, deployment, pod, shown

APPLICATION = find_application(
    read_manifests([fixtures() / "manifests" / "nginx.yaml"]), target="deployment/web", service="web", port=80
)


def another_image(*, going: bool) -> Any:
    found = pod("web-1-a", going=going)
    found["spec"] = {"containers": [{"name": "nginx", "image": "mirror/nginx:9"}]}
    return found


def of_pods(*, going: bool) -> list[str]:
    told = read_back(APPLICATION, shown(deployment(), another_image(going=going)), WEB)
    return [words for words in told if words.startswith("This cluster changed its pods")]


def test_a_pod_of_an_earlier_template_that_is_still_going_was_changed_by_nobody() -> None:
    assert of_pods(going=True) == []
    (said,) = of_pods(going=False)
    assert "the image of nginx is mirror/nginx:9" in said
