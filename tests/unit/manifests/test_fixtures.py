"""The fixtures are what the mitigations produce, so that what is read and what is run cannot drift apart."""

from pathlib import Path

import pytest

from harness.manifests.application import Application, find_application, pod_spec
from harness.manifests.mitigations import APPLY, mitigated
from harness.manifests.read import Manifest, read_manifests
from harness.manifests.rewrite import rewritten
from harness.model.experiment import Mitigation

FOLDER = Path(__file__).parents[3] / "fixtures" / "manifests"
FIXTURES = {
    "nginx-prestop": [{"prestop": "5s"}],
    "nginx-prestop-exec": [{"prestop-exec": "5s"}],
    "nginx-min-ready": [{"min-ready": "5s"}],
    "nginx-grace": [{"grace": "40s"}],
    "nginx-both": [{"prestop": "5s"}, {"min-ready": "5s"}],
}


def application(name: str) -> Application:
    return find_application(read_manifests([FOLDER / f"{name}.yaml"]), target="deployment/web", service="web", port=80)


@pytest.mark.parametrize("name", FIXTURES)
def test_a_fixture_is_the_plain_one_with_its_mitigations_applied(name: str) -> None:
    mitigations = [Mitigation.model_validate(each) for each in FIXTURES[name]]
    plain = (FOLDER / "nginx.yaml").read_text()

    def change(manifest: Manifest) -> Manifest:
        return mitigated(manifest, mitigations).workload if manifest["kind"] == "Deployment" else manifest

    assert (FOLDER / f"{name}.yaml").read_text() == rewritten(plain, change, tried="reading it")


def test_every_fixture_and_every_mitigation_is_covered() -> None:
    assert {path.stem for path in FOLDER.glob("nginx-*.yaml")} == set(FIXTURES)
    assert {name for each in FIXTURES.values() for entry in each for name in entry} == set(APPLY)


def test_the_plain_fixture_has_no_mitigation() -> None:
    target = application("nginx").target
    assert "minReadySeconds" not in target["spec"]
    assert "terminationGracePeriodSeconds" not in pod_spec(target)
    assert all("lifecycle" not in container for container in pod_spec(target)["containers"])
