"""What the worker is told to do, and that secret header values come from where they are kept."""

from pathlib import Path

import pytest

from harness.cli.plan import plan_text
from harness.errors import ExperimentError
from harness.fixture_files import fixtures
from harness.model.experiment import Experiment
from harness.runner.experiment_file import read_experiment
from harness.runner.scenario import load_plan, scenarios

TEXT = """\
version: 1
name: demo
manifests: [web.yaml]
service: {name: web, port: 80}
request:
  {path: /shop, host: shop.example, headers: {A: plain, B: {env: TOKEN}, C: {file: token.txt}}, success: [204, 300-399]}
load: {new: {rate: 100}, kept: {rate: 50, connections: 7}, slow: {rate: 4, path: /slow, read_timeout: 9s}}
"""


def plan(experiment: Experiment, environment: dict[str, str]):
    return load_plan(
        experiment,
        address="10.96.0.7:80",
        source_addresses=("10.200.0.2",),
        ports=((10240, 59239),),
        t0_monotonic_ns=5,
        own_clock=False,
        start_s=1.5,
        environment=environment,
    )


@pytest.fixture
def experiment(tmp_path: Path) -> Experiment:
    (tmp_path / "experiment.yaml").write_text(TEXT)
    (tmp_path / "token.txt").write_text("from a file\n")
    return read_experiment(tmp_path / "experiment.yaml")


def test_the_plan_says_what_the_experiment_says(experiment: Experiment) -> None:
    made = plan(experiment, {"TOKEN": "from the environment"})
    assert made.url == "http://10.96.0.7:80/shop"
    assert [(s.name, s.rate_per_s, s.connections, s.path) for s in made.streams] == [
        ("new", 100, 0, None),
        ("kept", 50, 7, None),
        ("slow", 4, 0, "/slow"),
    ]
    assert made.streams[2].read_timeout_s == 9
    assert made.success == ((204, 204), (300, 399))
    assert (made.host, made.start_s, made.t0_monotonic_ns) == ("shop.example", 1.5, 5)


def test_header_values_come_from_where_they_are_kept(experiment: Experiment) -> None:
    made = plan(experiment, {"TOKEN": "from the environment"})
    assert made.headers == (("A", "plain"), ("B", "from the environment"), ("C", "from a file"))


def test_a_header_value_that_is_not_there_is_named(experiment: Experiment, tmp_path: Path) -> None:
    with pytest.raises(ExperimentError, match="header B: the environment variable TOKEN is not set"):
        plan(experiment, {})
    (tmp_path / "token.txt").unlink()
    with pytest.raises(ExperimentError, match="header C: "):
        plan(experiment, {"TOKEN": ""})


def test_every_variant_becomes_a_scenario_with_its_mitigations() -> None:
    planned = scenarios(read_experiment(fixtures() / "experiments" / "demo.yaml"))
    assert [scenario.name for scenario in planned] == ["default", "prestop", "min-ready", "both"]
    both = planned[-1].application.target["spec"]
    assert both["minReadySeconds"] == 5
    assert "minReadySeconds" not in planned[0].application.target["spec"]
    assert [scenario.disruption.images[1] for scenario in planned] == [{"nginx": "nginx:1.28.0"}] * 4
    images = [pod["spec"]["containers"][0]["image"] for pod in pods_of(planned[0].all_manifests)]
    assert images == ["nginx:1.28.0", "nginx:1.29.1"]


def pods_of(manifests: tuple[dict, ...]) -> list[dict]:
    return [manifest for manifest in manifests if manifest["kind"] == "Pod"]


def test_what_a_mitigation_left_alone_is_in_the_plan_and_on_record(tmp_path: Path) -> None:
    manifest = (fixtures() / "manifests" / "nginx.yaml").read_text()
    container = "containers:\n        - name: nginx\n"
    assert container in manifest
    hook = "          lifecycle: {preStop: {exec: {command: [/wait-shutdown]}}}\n"
    (tmp_path / "web.yaml").write_text(manifest.replace(container, container + hook))
    described = (
        "{version: 1, name: a, manifests: [web.yaml], target: deployment/web, service: {name: web, port: http}, "
        "update: restart, load: {new: {rate: 1}}, variants: {as-it-is: {}, slow: {mitigations: [{prestop: 5s}]}}}"
    )
    (tmp_path / "a.yaml").write_text(described)
    experiment = read_experiment(tmp_path / "a.yaml")
    as_it_is, slow = planned = scenarios(experiment)
    (said,) = slow.provisos
    assert as_it_is.provisos == ()
    assert said.startswith("slow: the preStop hook of container nginx (exec /wait-shutdown) stays as it is")
    assert said in plan_text(experiment, planned, experiment.cluster).splitlines()
    assert slow.application.port == 80
