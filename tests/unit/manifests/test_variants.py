"""A variant's patches: what its manifests have otherwise."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import ManifestError
from harness.manifests.read import read_manifests
from harness.manifests.variants import with_patches
from harness.model.patch_settings import ManifestPatch
from harness.runner.experiment_file import read_experiment
from harness.runner.scenario import scenarios
from harness.spec.around import GATES_LABEL
from harness.spec.termination import grace_period_s, longest_hook_s
from harness.spec.workload import pod_spec, spec_of

FIXTURES = Path(__file__).parents[3] / "fixtures"
FINAL = (FIXTURES / "manifests/seed/final.yaml",)


def test_the_matrix_takes_one_thing_away_at_a_time() -> None:
    parts = {}
    for scenario in scenarios(read_experiment(FIXTURES / "experiments/matrix.yaml")):
        application = scenario.application
        workload, home = application.target, application.home
        assert home is not None
        annotations = application.service["metadata"]["annotations"]
        parts[scenario.name] = {
            "gates": (home["metadata"].get("labels") or {}).get(GATES_LABEL) == "enabled",
            "prestop": longest_hook_s(pod_spec(workload)) == 30.0,
            "min-ready": spec_of(workload).get("minReadySeconds") == 30,
            "grace": grace_period_s(pod_spec(workload)) == 60.0,
            "ip": annotations["service.beta.kubernetes.io/aws-load-balancer-nlb-target-type"] == "ip",
        }
    missing = {name: sorted(part for part, there in of.items() if not there) for name, of in parts.items()}
    assert missing == {
        "all": [],
        "no-gates": ["gates"],
        "no-prestop": ["prestop"],
        "no-min-ready": ["min-ready"],
        "no-grace": ["grace"],
        "by-instance": ["ip"],
        "gates-only": ["grace", "min-ready", "prestop"],
        "none": ["gates", "grace", "min-ready", "prestop"],
    }


@pytest.mark.parametrize(
    ("named", "change", "words"),
    [
        ("web", {"spec": {}}, r"patching Deployment web: the manifests hold only Namespace shop, Deployment nginx"),
        ("nginx", {"metadata": {"name": "other"}}, "kind and name are what it is known by"),
        ("nginx", {"metadata": None}, "kind and name are what it is known by"),
    ],
)
def test_a_patch_of_what_is_not_there_or_into_something_else_is_refused(
    named: str, change: dict[str, object], words: str
) -> None:
    manifests = read_manifests(FINAL)
    with pytest.raises(ManifestError, match=words):
        with_patches(manifests, [ManifestPatch(kind="Deployment", name=named, patch=change)])


def test_gates_for_targets_by_instance_are_refused_but_of_a_negative_control(tmp_path: Path) -> None:
    def planned(expect: str, manifest: str = "final-by-instance.yaml", path: str = "loadbalancer") -> None:
        file = tmp_path / "experiment.yaml"
        file.write_text(
            f"version: 1\nname: x\nmanifests: [{FIXTURES}/manifests/seed/{manifest}]\ntarget: deployment/nginx\n"
            f"service: {{name: nginx, port: 80}}\npath: {path}\nload: {{new: {{rate: 1}}}}\n"
            f"variants: {{one: {{expect: {expect}}}}}\n"
        )
        scenarios(read_experiment(file))

    with pytest.raises(ManifestError) as refused:
        planned("seamless")
    assert "its readiness gates never come" in str(refused.value)
    assert "targets by ip" in str(refused.value)
    planned("dropping")
    planned("seamless", "final.yaml")
    planned("seamless", path="clusterip")
