"""A pod for stand-ins: what of its manifest stays, and what is made to do."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from harness.sandbox.images import Image
from harness.sandbox.settings import Settings
from harness.sandbox.stand_ins import adapted, stand_in_image, undeclared, with_service_ports

IMAGES = (stand_in_image("shop", "exits", 0.05), Image(name="real", command=("real",)))
STANDS_IN = Settings(images=IMAGES).stand_in


def container(image: str = "shop", name: str = "c", **fields: Any) -> dict[str, Any]:
    return {"name": name, "image": image, **fields}


def pod(*containers: dict[str, Any], **spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": "p", "labels": {"app": "x"}}, "spec": {"containers": list(containers), **spec}}


def made(*containers: dict[str, Any], **spec: Any) -> dict[str, Any]:
    spec_of: dict[str, Any] = adapted(pod(*containers, **spec), STANDS_IN)["spec"]
    return spec_of


def env(container: dict[str, Any]) -> dict[str, str]:
    return {entry["name"]: entry.get("value", "") for entry in container["env"]}


def test_a_pod_of_real_images_is_left_alone() -> None:
    asked = pod(container("real"))
    assert adapted(asked, STANDS_IN) is asked


def test_the_manifest_itself_is_never_changed() -> None:
    asked = pod(container(env=[{"name": "A", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}]))
    adapted(asked, STANDS_IN)
    assert asked == pod(container(env=[{"name": "A", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}]))


def test_it_listens_on_every_port_of_its_container_and_on_those_that_its_probes_ask() -> None:
    shop = container(
        ports=[{"containerPort": 8080}, {"containerPort": 53, "protocol": "UDP"}, {"containerPort": 53}],
        readinessProbe={"httpGet": {"port": 9000, "host": "127.0.0.1"}},
        livenessProbe={"grpc": {"port": 9001}},
        startupProbe={"tcpSocket": {"port": "http"}},
        lifecycle={"preStop": {"httpGet": {"port": 9002, "path": "/stop"}}},
    )
    (seen,) = made(shop)["containers"]
    assert (env(seen)["STAND_IN_TCP"], env(seen)["STAND_IN_UDP"]) == ("53,8080,9000,9001,9002", "53")
    assert "host" not in seen["readinessProbe"]["httpGet"]


def test_a_port_that_another_container_declares_is_that_ones() -> None:
    main = container(name="main", ports=[{"containerPort": 8080}])
    sidecar = container(name="sidecar", readinessProbe={"httpGet": {"port": 8080}})
    assert env(made(main, sidecar)["containers"][1])["STAND_IN_TCP"] == ""


def test_ports_of_services_that_nobody_declares_are_added_once() -> None:
    spec = made(container(ports=[{"containerPort": 80}]))
    more = undeclared(spec, [("TCP", 80), ("TCP", 8080), ("UDP", 80)])
    assert more == (("TCP", 8080), ("UDP", 80))
    seen = env(with_service_ports(spec["containers"][0], [*more, *more]))
    assert (seen["STAND_IN_TCP"], seen["STAND_IN_UDP"]) == ("80,8080", "80")


@pytest.mark.parametrize("policy", ["Never", "OnFailure"])
def test_init_containers_and_jobs_end_and_sidecars_serve(policy: str) -> None:
    init = [container(name="init"), container(name="sidecar", restartPolicy="Always")]
    spec = made(container(), initContainers=init)
    assert ["STAND_IN_ENDS" in env(each) for each in spec["initContainers"]] == [True, False]
    assert "STAND_IN_ENDS" not in env(spec["containers"][0])
    assert "STAND_IN_ENDS" in env(made(container(), restartPolicy=policy)["containers"][0])


def test_what_does_not_exist_may_be_missing() -> None:
    shop = container(
        envFrom=[{"configMapRef": {"name": "a"}}, {"secretRef": {"name": "b"}}],
        env=[{"name": "A", "valueFrom": {"configMapKeyRef": {"name": "c", "key": "k"}}}, {"name": "LD_PRELOAD"}],
        volumeMounts=[{"name": "v", "mountPath": "/v"}],
    )
    projected = {"sources": [{"secret": {"name": "d"}}, {"configMap": {"name": "e"}}]}
    spec = made(shop, volumes=[{"name": "v", "projected": projected}])
    (seen,) = spec["containers"]
    assert [next(iter(item.values()))["optional"] for item in seen["envFrom"]] == [True, True]
    assert seen["env"][0]["valueFrom"]["configMapKeyRef"]["optional"] is True
    assert "LD_PRELOAD" not in env(seen)  # it would reach the stand-in's own Python
    sources = spec["volumes"][0]["projected"]["sources"]
    assert [next(iter(source.values()))["optional"] for source in sources] == [True, True]


def test_volumes_that_the_sandbox_cannot_provide_are_empty_unless_a_real_container_has_them() -> None:
    volumes: list[dict[str, Any]] = [{"name": "host", "hostPath": {"path": "/"}}, {"name": "nfs", "nfs": {}}]
    mounts = [{"name": volume["name"], "mountPath": f"/{volume['name']}"} for volume in volumes]
    shop, real = container(volumeMounts=mounts), container("real", name="real", volumeMounts=mounts[:1])
    assert made(shop, volumes=volumes)["volumes"] == [{"name": name, "emptyDir": {}} for name in ("host", "nfs")]
    assert made(shop, real, volumes=volumes)["volumes"] == [volumes[0], {"name": "nfs", "emptyDir": {}}]


def test_mounts_over_what_it_runs_on_are_left_out() -> None:
    paths = ["/", "/usr/lib", "/usr", sys.base_prefix, "/etc/hosts", "/proc/x", "/data", "/usr/share/shop"]
    mounts = [{"name": "v", "mountPath": path} for path in paths]
    (seen,) = made(container(volumeMounts=mounts), volumes=[{"name": "v", "emptyDir": {}}])["containers"]
    assert [mount["mountPath"] for mount in seen["volumeMounts"]] == ["/data", "/usr/share/shop"]


def test_who_it_runs_as_and_where_do_not_keep_it_from_starting() -> None:
    shop = container(workingDir="/opt/shop", securityContext={"runAsUser": 1000, "readOnlyRootFilesystem": True})
    (seen,) = made(shop, securityContext={"runAsGroup": 7})["containers"]
    assert "workingDir" not in seen
    assert seen["securityContext"] == {"runAsUser": 0, "runAsGroup": 0, "readOnlyRootFilesystem": True}


def test_everything_that_a_rollout_goes_by_stays() -> None:
    kept = {
        "lifecycle": {"preStop": {"exec": {"command": ["sleep", "5"]}}, "stopSignal": "SIGQUIT"},
        "readinessProbe": {"exec": {"command": ["check"]}, "periodSeconds": 7},
    }
    spec = made(container(**kept), terminationGracePeriodSeconds=42)
    (seen,) = spec["containers"]
    assert {key: seen[key] for key in kept} == kept
    assert spec["terminationGracePeriodSeconds"] == 42
    assert env(seen)["STAND_IN_STOP_SIGNAL"] == "SIGQUIT"
