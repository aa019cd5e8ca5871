"""Manifests become an experiment where target, Service and port are clear; else it is said what there is."""

from __future__ import annotations

from typing import Any

import pytest

from harness.errors import UsageError
from harness.model.experiment import Experiment
from harness.runner.from_manifests import described_experiment


def workload(name: str = "shop", kind: str = "Deployment", app: str = "", **pod: Any) -> dict[str, Any]:
    labels = {"app": app or name}
    containers = [{"name": "c", "image": "x", "ports": [{"name": "web", "containerPort": 8080}]}]
    template = {"metadata": {"labels": labels}, "spec": {"containers": containers, **pod}}
    spec = {"replicas": 2, "selector": {"matchLabels": labels}, "template": template}
    return {"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": name}, "spec": spec}


def service(name: str = "shop", app: str = "shop", ports: Any = None, **spec: Any) -> dict[str, Any]:
    spec = {"selector": {"app": app}, "ports": ports or [{"name": "http", "port": 80}], **spec}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": spec}


def described(*manifests: dict[str, Any], target: str | None = None, wanted: str | None = None) -> dict[str, Any]:
    return described_experiment(manifests, target=target, service=wanted, stand_in="exits", latency_s=0.25)


def test_the_only_workload_behind_a_service_is_the_target() -> None:
    seen = described(workload("job-runner"), workload(), service())
    assert (seen["target"], seen["service"]) == ("deployment/shop", {"name": "shop", "port": 80})
    assert seen["images"] == {"*": {"stand_in": "exits", "latency": "250ms"}}
    experiment = Experiment.model_validate({**seen, "manifests": ["m.yaml"]})
    assert (experiment.update, experiment.others, experiment.images["*"].latency_s) == ("restart", "skip", 0.25)


def test_a_name_that_is_no_label_still_makes_an_experiment() -> None:
    seen = described(workload("a.b" + "c" * 60, app="shop"), service())
    Experiment.model_validate({**seen, "manifests": ["m.yaml"]})
    assert seen["name"] == "a-b" + "c" * 47


HEADLESS = service("shop-headless", clusterIP="None")
METRICS = service("shop-metrics", ports=[{"name": "http", "port": 9100}])
SCRAPED = service("shop-internal", ports=[{"name": "tcp-metrics", "port": 9100}])
EXTERNAL = service("shop-external", type="ExternalName")
DNS = service("shop-dns", ports=[{"port": 53, "protocol": "UDP"}])


@pytest.mark.parametrize("other", [HEADLESS, METRICS, SCRAPED, EXTERNAL, DNS, service("other", app="other")])
def test_services_that_nobody_calls_leave_the_choice_clear(other: dict[str, Any]) -> None:
    assert described(other, workload(), service("front"))["service"]["name"] == "front"


def test_of_two_the_one_with_the_workloads_name_is_meant() -> None:
    assert described(service("admin"), workload(), service())["service"]["name"] == "shop"


def test_a_choice_that_is_not_clear_names_what_there_is() -> None:
    with pytest.raises(UsageError, match=r"several would do: one, two\. Give one as --service NAME\."):
        described(service("one"), service("two"), workload())
    assert described(service("one"), service("two"), workload(), wanted="two")["service"]["name"] == "two"


def test_without_a_service_to_call_that_is_said() -> None:
    with pytest.raises(UsageError, match="none with a ClusterIP and a TCP port selects its pods"):
        described(workload(), HEADLESS, target="deployment/shop")


def test_a_target_that_is_not_there_or_not_clear_names_what_there_is() -> None:
    two = (workload("a"), service("a", "a"), workload("b", "StatefulSet"), service("b", "b"))
    with pytest.raises(UsageError, match="there is deployment/a, statefulset/b"):
        described(*two, target="deployment/c")
    with pytest.raises(UsageError, match="2 have a Service"):
        described(*two)
    assert described(*two, target="StatefulSet/b")["target"] == "statefulset/b"
    with pytest.raises(UsageError, match="no Deployment and no StatefulSet"):
        described(service())


@pytest.mark.parametrize(
    ("ports", "port"),
    [
        ([{"name": "grpc", "port": 9095}, {"name": "http", "port": 3100}], 3100),
        ([{"name": "admin", "port": 9000}, {"name": "web", "port": 80}], 80),
        ([{"name": "admin", "port": 9000}, {"name": "api", "port": 7000, "targetPort": "web"}], 7000),
        ([{"name": "admin", "port": 9000}, {"name": "api", "port": 7000, "targetPort": 8080}], 7000),
        ([{"name": "metrics", "port": 9000}, {"name": "api", "port": 7000}], 7000),
        ([{"name": "dns", "port": 53, "protocol": "UDP"}, {"name": "dns-tcp", "port": 5353}], 5353),
    ],
)
def test_the_port_is_http_or_80_or_what_the_probe_looks_at_or_the_first(ports: Any, port: int) -> None:
    probed = workload()
    probed["spec"]["template"]["spec"]["containers"][0]["readinessProbe"] = {"httpGet": {"port": "web"}}
    assert described(probed, service(ports=ports))["service"]["port"] == port


def test_a_port_can_be_given() -> None:
    two = service(ports=[{"name": "http", "port": 80}, {"name": "tls", "port": 8443}])
    assert described(workload(), two, wanted="shop:8443")["service"]["port"] == 8443
    assert described(workload(), two, wanted="shop:tls")["service"]["port"] == "tls"
    with pytest.raises(UsageError, match=r"port 443 of Service shop: it has 80 \(http\), 8443 \(tls\)"):
        described(workload(), two, wanted="shop:443")


def test_a_slow_rollout_is_given_twice_the_time_that_it_takes() -> None:
    assert described(workload(), service())["rollout_timeout"] == "2m"
    slow = workload(kind="StatefulSet", terminationGracePeriodSeconds=300)
    assert described(slow, service())["rollout_timeout"] == "20m21s"
