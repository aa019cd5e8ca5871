"""How an application that is there is called: found where it is clear, and nothing is guessed."""

from __future__ import annotations

from typing import Any

import pytest
from paper_api import paper_kube

from harness.errors import UsageError
from harness.kube.lease import Taken
from harness.kube.ownership import new_ownership
from harness.model.experiment import Experiment
from harness.runner.choice import Asked
from harness.runner.from_cluster import Called, called, described_there
from harness.runner.there import as_it_stands

Json = dict[str, Any]
LABELS = {"app": "shop"}


def shop(probe: Json | None = None, port: int = 8080) -> Json:
    container: Json = {"name": "shop", "image": "shop:1", "ports": [{"name": "web", "containerPort": port}]}
    if probe is not None:
        container["readinessProbe"] = {"httpGet": probe}
    template = {"metadata": {"labels": LABELS}, "spec": {"containers": [container]}}
    spec = {"replicas": 2, "selector": {"matchLabels": LABELS}, "template": template}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "shop"}, "spec": spec}


def service(name: str = "shop", **spec: Any) -> Json:
    spec = {"selector": LABELS, "ports": [{"name": "http", "port": 80, "targetPort": "web"}], **spec}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": spec}


def ingress(*rules: tuple[str, str, Json]) -> Json:
    listed = [
        {"host": host, "http": {"paths": [{"path": "/", "backend": {"service": {"name": to, "port": port}}}]}}
        for host, to, port in rules
    ]
    kind = {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {"name": "all"}}
    return {**kind, "spec": {"rules": listed}}


def found(*manifests: Json, asked: str | None = None) -> Called:
    return called(manifests, Asked("deployment/shop", asked))


def test_service_and_port_are_found_and_a_root_path_needs_no_word() -> None:
    assert (seen := found(shop({"path": "/", "port": "web"}), service())).service == {"name": "shop", "port": 80}
    assert seen.request == {}


@pytest.mark.parametrize("port", ["web", 8080])
def test_path_and_host_are_those_of_the_probe_of_the_port_that_the_service_sends_to(port: int | str) -> None:
    probe = {"path": "/healthz", "port": port, "httpHeaders": [{"name": "host", "value": "shop.example"}]}
    assert found(shop(probe), service()).request == {"path": "/healthz", "host": "shop.example"}


def test_a_probe_of_another_port_says_nothing_of_this_one() -> None:
    assert found(shop({"path": "/healthz", "port": 9090}), service()).request == {}


@pytest.mark.parametrize("port", [{"number": 80}, {"name": "http"}])
def test_the_only_host_of_ingresses_that_lead_there_is_the_host(port: Json) -> None:
    others = ingress(("shop.example", "shop", port), ("docs.example", "docs", port))
    assert found(shop(), service(), others).request == {"host": "shop.example"}


@pytest.mark.parametrize("hosts", [("a.example", "b.example"), ("*.example",), ("",)])
def test_a_host_that_is_not_clear_is_not_guessed(hosts: tuple[str, ...]) -> None:
    rules = [(host, "shop", {"number": 80}) for host in hosts]
    assert found(shop(), service(), ingress(*rules)).request == {}


def test_a_service_that_is_not_clear_is_asked_for() -> None:
    two = (shop(), service("front"), service("back"))
    with pytest.raises(UsageError, match="several would do: front, back"):
        found(*two)
    assert found(*two, asked="back:http").service == {"name": "back", "port": "http"}


def test_what_it_amounts_to_is_an_experiment_that_plans_the_same() -> None:
    described = described_there(
        [shop({"path": "/up", "port": "web"}), service()],
        target="deployment/shop",
        namespace="staging",
        service=None,
        done={"update": {"image": {"shop": ["shop:2"]}}, "rollouts": 3},
        cluster={"context": "staging"},
    )
    experiment = Experiment.model_validate(described)
    assert experiment.is_there
    assert (experiment.target, experiment.namespace) == ("deployment/shop", "staging")
    assert (experiment.request.path, experiment.cluster.context, experiment.rollouts) == ("/up", "staging", 3)


APPS, CORE = "/apis/apps/v1/namespaces/staging", "/api/v1/namespaces/staging"
ASKED: Json = {"version": 1, "name": "shop", "target": "deployment/shop", "namespace": "staging"}


def listed(*items: Json) -> Json:
    """As the API lists objects: without what each is of."""
    return {"items": [{key: value for key, value in item.items() if key in ("metadata", "spec")} for item in items]}


@pytest.mark.anyio
async def test_what_a_file_says_stays_and_the_rest_is_found() -> None:
    probe = {"path": "/healthz", "port": "web", "httpHeaders": [{"name": "Host", "value": "shop.example"}]}
    answers = {f"GET {APPS}/deployments/shop": [shop(probe)], f"GET {CORE}/services": [listed(service())]}
    asked = Experiment.model_validate({**ASKED, "request": {"path": "/buy"}, "load": {"new": {"rate": 1}}})
    async with paper_kube(answers) as (kube, _):  # which does not let Ingresses be read
        experiment, manifests = await as_it_stands(kube, asked)
    assert (experiment.service.name, experiment.service.port) == ("shop", 80)
    assert (experiment.request.path, experiment.request.host) == ("/buy", "shop.example")
    assert [manifest["kind"] for manifest in manifests] == ["Deployment", "Service"]


@pytest.mark.anyio
async def test_a_target_that_is_not_there_is_told_with_what_shows_those_that_are() -> None:
    asked = Experiment.model_validate({**ASKED, "load": {"new": {"rate": 1}}})
    async with paper_kube({}) as (kube, _):
        with pytest.raises(UsageError, match="-n staging get deployments,statefulsets"):
            await as_it_stands(kube, asked)
    lists = {f"GET {APPS}/deployments": [listed(shop())], f"GET {APPS}/statefulsets": [listed()]}
    mistyped = asked.model_copy(update={"target": "deployment/shopp"})
    async with paper_kube(lists) as (kube, _):
        with pytest.raises(UsageError, match=r"Those that are there: deployment/shop \("):
            await as_it_stands(kube, mistyped)
    async with paper_kube({key: [listed()] for key in lists}) as (kube, _):
        with pytest.raises(UsageError, match=r"namespaces that are there: .* get namespaces"):
            await as_it_stands(kube, mistyped)


@pytest.mark.anyio
async def test_what_another_run_has_is_refused_by_its_name_before_anything_is_planned_of_its_doing() -> None:
    asked = Experiment.model_validate(
        {**ASKED, "update": {"image": {"shop": ["shop:1"]}}, "load": {"new": {"rate": 1}}}
    )
    lease = "/apis/coordination.k8s.io/v1/namespaces/staging/leases/rollout-harness-deployment-shop"
    owner = new_ownership(60.0)
    held: Json = {"metadata": {"labels": owner.labels}, "spec": {"holderIdentity": "ada.laptop_1a"}}
    answers: dict[str, list[Any]] = {
        f"GET {APPS}/deployments/shop": [shop()],
        f"GET {CORE}/services": [listed(service())],
        f"GET {lease}": [held, 403],
    }
    async with paper_kube(answers) as (kube, _):
        with pytest.raises(Taken, match=r"deployment/shop in namespace staging .*has it: ada\.laptop_1a"):
            await as_it_stands(kube, asked)
        _, there = await as_it_stands(kube, asked)  # who may not read Leases is told of it by the preflight
    assert there


def test_a_service_that_does_not_select_its_pods_is_told_with_those_that_do() -> None:
    with pytest.raises(UsageError, match=r"none of that name .* selects the pods of deployment/shop, but shop, web"):
        found(shop(), service(), service("web"), asked="shopp")
