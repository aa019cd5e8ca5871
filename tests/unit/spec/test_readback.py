"""What somebody changed of an object between its manifest and the API's answer, as far as a verdict rests on it."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from harness.spec.readback import changed

Object = dict[str, Any]
HOOK = {"preStop": {"sleep": {"seconds": 5}}}
CONTAINER = {"name": "web", "image": "nginx:1.29.1", "lifecycle": HOOK, "ports": [{"containerPort": 80}]}
WRITTEN: Object = {
    "kind": "Deployment",
    "spec": {"replicas": 2, "template": {"spec": {"containers": [CONTAINER]}}},
}


def stands(**spec: Any) -> Object:
    """As the API answers with its defaults, and with these differences."""
    made = deepcopy(WRITTEN)
    made["spec"] |= {"strategy": {"type": "RollingUpdate"}, "progressDeadlineSeconds": 600, **spec}
    (container,) = made["spec"]["template"]["spec"]["containers"]
    container |= {"terminationMessagePath": "/dev/termination-log", "resources": {}}
    made["spec"]["template"]["spec"] |= {"restartPolicy": "Always", "dnsPolicy": "ClusterFirst"}
    return made


def pod(made: Object) -> Object:
    found: Object = made["spec"]["template"]["spec"]
    return found


def dropped(made: Object) -> None:
    pod(made)["containers"][0].pop("lifecycle")


def emptied(made: Object) -> None:
    pod(made)["containers"][0]["lifecycle"] = {"preStop": {}}


def another_image(made: Object) -> None:
    pod(made)["containers"][0]["image"] = "mirror.example/nginx:1.29.1"


def injected(made: Object) -> None:
    pod(made)["containers"].append({"name": "istio-proxy", "image": "istio/proxyv2:1.28"})


def probed(made: Object) -> None:
    pod(made)["containers"][0]["readinessProbe"] = {"tcpSocket": {"port": 80}}


def hurried(made: Object) -> None:
    pod(made)["terminationGracePeriodSeconds"] = 5


def test_defaults_are_no_change() -> None:
    assert changed(WRITTEN, stands()) == ()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (dropped, "spec.template.spec.containers[web].lifecycle does not stand as it was written"),
        (emptied, "spec.template.spec.containers[web].lifecycle does not stand as it was written"),
        (another_image, "the image of web is mirror.example/nginx:1.29.1, and was written as nginx:1.29.1"),
        (injected, "container istio-proxy was added (istio/proxyv2:1.28)"),
        (probed, 'readinessProbe of web is {"tcpSocket": {"port": 80}}, and was not written'),
        (lambda made: made["spec"].update(replicas=3), "spec.replicas is 3, and was written as 2"),
        (lambda made: made["spec"].update(minReadySeconds=10), "spec.minReadySeconds is 10, and was not written"),
    ],
)
def test_what_was_changed_is_said_alone(change: Any, says: str) -> None:
    made = stands()
    change(made)
    assert changed(WRITTEN, made) == (says,)


def test_a_grace_period_that_was_written_must_stand() -> None:
    written, made = deepcopy(WRITTEN), stands()
    pod(written)["terminationGracePeriodSeconds"] = 60
    hurried(made)
    assert changed(written, made) == (
        "spec.template.spec.terminationGracePeriodSeconds does not stand as it was written",
    )


@pytest.mark.parametrize(
    ("made", "says"),
    [
        ({"selector": {"app": "web"}, "ports": [{"port": 80, "protocol": "TCP"}], "clusterIP": "10.96.0.7"}, ()),
        (
            {"selector": {"app": "web"}, "ports": [{"port": 8080}]},
            ('spec.ports is [{"port": 8080}], and was written as [{"port": 80}]',),
        ),
    ],
)
def test_a_service_s_ports_must_stand_and_its_address_is_the_cluster_s(made: Object, says: tuple[str, ...]) -> None:
    written = {"kind": "Service", "spec": {"selector": {"app": "web"}, "ports": [{"port": 80}]}}
    assert changed(written, {"kind": "Service", "spec": made}) == says
