"""The arguments of one call leave no choice open, or name it; a wrong one is told with what would do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from harness.errors import UsageError
from harness.manifests.read import read_manifests
from harness.model.experiment import Experiment
from harness.pytest_plugin.arguments import experiment_of, manifest_files, paths_in_turn, target_there
from harness.runner.scenario import scenarios

WEB = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "web:1"}]}
"""
TWO = WEB.replace('image: "web:1"}]', 'image: "web:1"}, {name: log, image: "log:1"}]')
ARGUMENTS: dict[str, Any] = {
    "target": None,
    "service": None,
    "image": None,
    "disruption": None,
    "rollouts": 1,
    "load": None,
    "path": "clusterip",
    "mitigations": (),
    "budget": None,
    "expect": "any",
}


def service(name: str, selector: str, rest: str = "") -> str:
    ports = "ports: [{name: quic, port: 443, protocol: UDP}, {name: tls, port: 444}, {name: plain, port: 8080}]"
    spec = f"{{{ports}, selector: {selector}{rest}}}"
    return f"---\n{{apiVersion: v1, kind: Service, metadata: {{name: {name}}}, spec: {spec}}}\n"


ONE = service("web", "{app: web}")


def called(tmp_path: Path, *documents: str, **given: Any) -> Experiment:
    file = tmp_path / "web.yaml"
    file.write_text("".join(documents or (WEB, ONE)))
    return experiment_of([file], default=False, **(ARGUMENTS | given))


def test_of_several_services_the_one_with_an_address_before_the_workload_is_called(tmp_path: Path) -> None:
    headless = service("headless", "{app: web}", ", clusterIP: None")
    documents = (WEB, service("other", "{app: other}"), headless, ONE)
    found = called(tmp_path, *documents).service
    assert (found.name, found.port) == ("web", 444)
    assert called(tmp_path, *documents, service="web:plain").service.port == "plain"
    assert called(tmp_path, *documents, service="web:8080").service.port == 8080
    with pytest.raises(UsageError, match=r"it has 444 \(tls\), 8080 \(plain\)"):
        called(tmp_path, *documents, service="web:80")


def test_where_several_would_do_one_must_be_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r'several would do: a, b\. Give one as service="NAME"\.'):
        called(tmp_path, WEB, service("a", "{app: web}"), service("b", "{app: web}"))


@pytest.mark.parametrize("target", ["web", "deployment/web", "Deployment/web"])
def test_a_target_is_named_with_its_kind_or_without(tmp_path: Path, target: str) -> None:
    assert called(tmp_path, target=target).target == "deployment/web"


@pytest.mark.parametrize(
    ("image", "update"),
    [
        ("web:2", {"web": ("web:2", "web:1")}),
        ({"web": "web:2"}, {"web": ("web:2", "web:1")}),
        (["web:2", {"web": "web:3"}], {"web": ("web:2", "web:3", "web:1")}),
    ],
)
def test_rollouts_go_to_the_images_in_turn_and_back(tmp_path: Path, image: Any, update: Any) -> None:
    assert called(tmp_path, image=image).asked == ("image", update)


def test_of_several_containers_those_that_a_turn_does_not_name_stay(tmp_path: Path) -> None:
    found = called(tmp_path, TWO, ONE, image=[{"web": "web:2"}, {"log": "log:2"}])
    assert found.asked == ("image", {"web": ("web:2", "web:2", "web:1"), "log": ("log:1", "log:2", "log:1")})


def test_of_several_containers_one_must_be_named_unless_kubectl_knows_which(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r'has 2 containers: web, log\. Name the one that changes: image=\{"web": '):
        called(tmp_path, TWO, ONE, image="web:2")
    annotated = TWO.replace(
        "metadata: {labels", "metadata: {annotations: {kubectl.kubernetes.io/default-container: log}, labels"
    )
    assert called(tmp_path, annotated, ONE, image="log:2").asked == ("image", {"log": ("log:2", "log:1")})


def test_a_native_sidecar_is_named_and_never_meant_by_an_image_alone(tmp_path: Path) -> None:
    mesh = "initContainers: [{name: mesh, image: mesh:1, restartPolicy: Always}]"
    meshed = WEB.replace("spec: {containers", f"spec: {{{mesh}, containers")
    assert meshed != WEB
    assert called(tmp_path, meshed, ONE, image="web:2").asked == ("image", {"web": ("web:2", "web:1")})
    assert called(tmp_path, meshed, ONE, image={"mesh": "mesh:2"}).asked == ("image", {"mesh": ("mesh:2", "mesh:1")})


@pytest.mark.parametrize("disruption", ["evict", {"delete-pod": {"grace": "0s"}}, {"scale": {"to": [3, 2]}}, "drain"])
def test_what_is_done_to_it_is_what_an_experiment_would_do(tmp_path: Path, disruption: Any) -> None:
    name = disruption if isinstance(disruption, str) else next(iter(disruption))
    assert called(tmp_path, disruption=disruption).asked[0] == name


def test_without_an_image_it_is_restarted_and_ours_gets_a_new_one(tmp_path: Path) -> None:
    assert called(tmp_path).asked == ("restart", None)
    ours = experiment_of(manifest_files(None, (), tmp_path), default=True, **ARGUMENTS)
    assert ours.asked[0] == "image"
    assert called(tmp_path, disruption={"image": {"web": ["web:9"]}}).asked == ("image", {"web": ("web:9",)})


@pytest.mark.parametrize(
    "mitigations",
    [
        ["prestop", "min-ready=7s"],
        [{"prestop": "5s"}, {"min-ready": "7s"}],
        {"prestop": "5s", "min-ready": "7s"},
        ("prestop = 5s", {"min-ready": "7s"}),
    ],
)
def test_mitigations_are_written_as_one_likes(tmp_path: Path, mitigations: Any) -> None:
    (variant,) = called(tmp_path, mitigations=mitigations).variants.values()
    assert [(each.name, each.value_s) for each in variant.mitigations] == [("prestop", 5.0), ("min-ready", 7.0)]


def test_a_load_may_be_a_number(tmp_path: Path) -> None:
    load = called(tmp_path, load=40).load
    assert {name: stream.rate for name, stream in load.streams.items()} == {"new": 40}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"mitigations": ["prstop"]}, "mitigations: there is no 'prstop'; did you mean prestop"),
        ({"mitigations": ["grace"]}, 'grace has no value by default; write "grace=30s"'),
        ({"mitigations": ["prestop=5"]}, "mitigations.0.prestop: '5' is not a duration"),
        ({"mitigations": 5}, "mitigations: 5 is none"),
        ({"load": {"new": {"rate": -1}}}, "load.new.rate: input should be greater than 0, not -1"),
        ({"load": {"new": {"rates": 1}}}, "load.new.rates: there is no such key; did you mean rate"),
        ({"load": "100"}, "load: '100' is no mapping"),
        ({"load": True}, "load: True is no mapping"),
        ({"rollouts": "3"}, "rollouts: input should be a valid integer, not '3'"),
        ({"rollouts": 0}, "rollouts: input should be greater than or equal to 1, not 0"),
        ({"path": "internet"}, "path: input should be 'clusterip', 'nodeport', 'loadbalancer', 'ingress' or 'gateway'"),
        ({"expect": "semless"}, "expect: .*did you mean seamless"),
        ({"image": {"wbe": "web:2"}}, "image: there is no container 'wbe' in deployment/web; there is web"),
        ({"image": []}, r"image: '\[\]' is none|image: \[\] is none"),
        ({"image": "web:2", "disruption": "restart"}, "disruption: it is given beside image"),
        ({"disruption": "reboot"}, "disruption: "),
        ({"disruption": {"evict": {"pods": 0}}}, "disruption.evict.pods: "),
        ({"disruption": {"scale": {}}}, "disruption.scale"),
        ({"disruption": ""}, "disruption: "),
        ({"target": "job/web"}, "there is deployment/web"),
        ({"target": 5}, "target: 5 is no text"),
        ({"images": {"web": {}}}, "images.web: name either command or stand_in"),
        ({"images": {"web": {"command": ["./nothing"]}}}, "there is no ./nothing"),
    ],
)
def test_a_wrong_argument_is_named_with_what_would_do(tmp_path: Path, given: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said) as refused:
        called(tmp_path, **given)
    assert refused.value.do


def test_a_path_is_looked_for_beside_the_test_and_then_in_the_root(tmp_path: Path) -> None:
    (tmp_path / "tests").mkdir()
    (tmp_path / "k8s" / "more").mkdir(parents=True)
    places = paths_in_turn(tmp_path / "tests" / "test_web.py", tmp_path)
    for path in ("web.yaml", "tests/web.yaml", "k8s/web.yaml", "k8s/more/service.yml", "k8s/notes.txt"):
        (tmp_path / path).write_text("")
    assert manifest_files("web.yaml", places, tmp_path) == (tmp_path / "tests/web.yaml",)
    both = (tmp_path / "k8s/more/service.yml", tmp_path / "k8s/web.yaml")
    assert manifest_files(Path("k8s"), places, tmp_path) == both
    assert manifest_files(["web.yaml", "k8s/web.yaml"], places, tmp_path) == (tmp_path / "tests/web.yaml", both[1])
    with pytest.raises(UsageError, match=r"there is no nothing\.yaml in .*/tests nor "):
        manifest_files("nothing.yaml", places, tmp_path)


def test_parsed_documents_are_manifests_too(tmp_path: Path) -> None:
    documents = list(yaml.safe_load_all(WEB + ONE))
    experiment = experiment_of(manifest_files(documents, (), tmp_path), default=False, **ARGUMENTS)
    assert (experiment.target, experiment.service.name) == ("deployment/web", "web")
    assert len(manifest_files(documents[0], (), tmp_path)) == 1


@pytest.mark.parametrize("given", [5, [], [5], ["web.yaml", {}]])
def test_what_is_no_manifest_is_said(tmp_path: Path, given: Any) -> None:
    with pytest.raises(UsageError, match=r"manifest: .*Give a YAML file, a directory, a list of them, or parsed"):
        manifest_files(given, (tmp_path,), tmp_path)


@pytest.mark.parametrize(
    ("target", "manifest", "said"),
    [
        (None, None, "target: None does not say what is there in namespace staging"),
        ("web", None, "target: 'web' does not say what is there in namespace staging"),
        ("deployment/web", "web.yaml", "namespace: it is given beside manifest"),
    ],
)
def test_what_is_there_must_be_named_and_is_not_deployed(target: Any, manifest: Any, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        target_there("staging", target, manifest)


def test_of_what_is_there_the_path_of_its_probe_is_called(tmp_path: Path) -> None:
    file = tmp_path / "web.yaml"
    file.write_text(WEB + ONE)
    given = ARGUMENTS | {"target": "deployment/web", "service": "web:8080", "image": "web:2"}
    there = read_manifests([file])
    found = experiment_of((), default=False, namespace="staging", there=there, **given)
    assert (found.is_there, found.namespace, found.service.port) == (True, "staging", 8080)
    assert scenarios(found, there=there)[0].disruption.images == ({"web": "web:2"}, {"web": "web:1"})
