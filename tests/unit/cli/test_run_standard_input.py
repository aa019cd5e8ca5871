"""`run -`: manifests on standard input, as `helm template` writes them."""

from __future__ import annotations

from pathlib import Path

from program import Told, called

from harness.fixture_files import fixtures
from harness.runner.experiment_file import read_experiment

MANIFESTS = (fixtures() / "manifests" / "app.yaml").read_text()


def run(*arguments: str, given: str = MANIFESTS) -> Told:
    return called("run", *arguments, "--dry-run", given_text=given)


def test_what_is_printed_is_an_experiment_file_that_plans_the_same(tmp_path: Path) -> None:
    piped = run("-", "--target", "deployment/web", "--stand-in", "refuses", "--latency", "250ms")
    assert (piped.code, piped.err) == (0, "")
    file, _, plan = piped.out.partition("\n\n")
    (tmp_path / "experiment.yaml").write_text(file)
    (tmp_path / "manifests.yaml").write_text(MANIFESTS)
    assert read_experiment(tmp_path / "experiment.yaml").images["*"].stand_in == "refuses"
    again = run(str(tmp_path / "experiment.yaml"))
    assert again.out.strip() == plan.strip()
    assert "web: 1 scenario x 3 rollouts" in plan


def test_how_it_is_reached_stands_in_the_file_that_is_printed() -> None:
    service, selector = "kind: Service", "spec:\n  selector:\n    app: web"
    before, _, after = MANIFESTS.partition(service)
    nodeport = before + service + after.replace(selector, f"{selector}\n  type: NodePort")
    piped = run("-", "--stand-in", "exits", "--path", "nodeport", given=nodeport)
    assert piped.code == 0, piped.err
    assert "\npath: nodeport\n" in piped.out
    assert "to Service web:80 (nodeport)" in piped.out


def test_images_that_are_not_there_are_refused_before_anything_starts() -> None:
    refused = run("-")
    assert refused.code == 2
    assert "the sandbox does not know app:1" in refused.err
    assert "--stand-in finishes" in refused.err


def test_a_stand_in_for_an_experiments_file_takes_what_it_does_not_map(tmp_path: Path) -> None:
    (tmp_path / "manifests.yaml").write_text(MANIFESTS)
    file = tmp_path / "experiment.yaml"
    file.write_text(
        "{version: 1, name: x, manifests: [manifests.yaml], service: {name: web, port: 80}, load: {new: {rate: 1}}}"
    )
    assert run(str(file)).code == 2
    assert run(str(file), "--stand-in", "exits").code == 0


def test_a_cluster_that_pulls_images_itself_has_no_stand_ins() -> None:
    refused = run("-", "--stand-in", "exits", "--cluster", "context:staging")
    assert (refused.code, "only the sandbox has stand-ins" in refused.err) == (2, True)


def test_nothing_on_standard_input_is_said() -> None:
    nothing = run("-", given="\n")
    assert nothing.code == 2
    assert "nothing came" in nothing.err


def test_options_that_say_what_a_file_says_itself_are_refused() -> None:
    for option in (("--target", "deployment/web"), ("--service", "web")):
        refused = run("experiment.yaml", *option)
        assert (refused.code, "goes with `run -`" in refused.err) == (2, True)
    assert "none is asked for" in run("-", "--latency", "5ms").err
    assert "--latency soon" in run("-", "--stand-in", "exits", "--latency", "soon").err
