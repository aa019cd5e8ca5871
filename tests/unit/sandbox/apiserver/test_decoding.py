"""Objects in the shape of their kind; what validation says of them."""

from __future__ import annotations

from typing import Any

import pytest

from harness.sandbox.apiserver import resources
from harness.sandbox.apiserver.api_errors import StatusError
from harness.sandbox.apiserver.decoding import decoded
from harness.sandbox.apiserver.defaults import apply_defaults
from harness.sandbox.apiserver.validation import validate


def deployment(**spec: Any) -> dict[str, Any]:
    template = {"metadata": {"labels": {"app": "w"}}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
    body = {"selector": {"matchLabels": {"app": "w"}}, "template": template, **spec}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "w"}, "spec": body}


def test_unknown_fields_are_left_out_with_a_warning_and_nulls_without() -> None:
    clean, warnings = decoded(deployment(replica=1, paused=None))
    assert "replica" not in clean["spec"]
    assert "paused" not in clean["spec"]
    assert warnings == ('unknown field "spec.replica"',)


def test_empty_lists_and_maps_are_left_out_where_the_real_api_leaves_them_out() -> None:
    body = deployment()
    body["metadata"] |= {"labels": {}, "annotations": {}, "finalizers": []}
    pod = body["spec"]["template"]["spec"]
    pod |= {"securityContext": {}, "volumes": [{"name": "v", "emptyDir": {}}], "nodeSelector": {}, "tolerations": []}
    clean, _ = decoded(body)
    assert clean["metadata"] == {"name": "w"}
    assert clean["spec"]["template"]["spec"] == {
        "containers": [{"name": "c", "image": "i"}],
        "securityContext": {},
        "volumes": [{"name": "v", "emptyDir": {}}],
    }
    slice_ = {"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "endpoints": [], "ports": []}
    assert decoded(slice_)[0] == slice_


def test_zeros_are_left_out_of_what_is_no_pointer_and_kept_where_they_mean_something() -> None:
    body = deployment(replicas=0, minReadySeconds=0, paused=False, revisionHistoryLimit=0)
    body["spec"]["template"]["metadata"]["generation"] = 0
    pod = body["spec"]["template"]["spec"]
    pod |= {"hostNetwork": False, "hostPID": False, "terminationGracePeriodSeconds": 0, "shareProcessNamespace": False}
    pod["containers"][0] |= {"stdin": False, "tty": False, "env": [{"name": "A", "value": ""}]}
    clean, _ = decoded(body)
    spec = deployment(replicas=0, revisionHistoryLimit=0)["spec"]
    spec["template"]["spec"] |= {"terminationGracePeriodSeconds": 0, "shareProcessNamespace": False}
    spec["template"]["spec"]["containers"][0]["env"] = [{"name": "A"}]
    assert clean["spec"] == spec


def test_strict_shapes_refuse_unknown_fields_in_the_real_words() -> None:
    body = deployment()
    body["spec"]["template"]["spec"]["containers"][0]["imag"] = "x"
    with pytest.raises(StatusError) as refused:
        decoded(body, strict=True)
    assert refused.value.message == (
        'Deployment in version "v1" cannot be handled as a Deployment: strict decoding error: '
        'unknown field "spec.template.spec.containers[0].imag"'
    )


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (
            {"replicas": "three"},
            "cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32",
        ),
        ({"replicas": True}, "cannot unmarshal bool into Go struct field DeploymentSpec.spec.replicas"),
        ({"paused": 1}, "cannot unmarshal number into Go struct field DeploymentSpec.spec.paused of type bool"),
        ({"template": []}, "cannot unmarshal array into"),
        ({"strategy": {"rollingUpdate": {"maxSurge": 1.5}}}, "cannot unmarshal number"),
    ],
)
def test_values_of_the_wrong_type_are_refused(spec: dict[str, Any], message: str) -> None:
    with pytest.raises(StatusError) as refused:
        decoded(deployment(**spec))
    assert refused.value.code == 400
    assert message in refused.value.message


def test_kinds_of_custom_resources_keep_everything() -> None:
    body = {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": {"name": "r"},
        "spec": {"x": 1},
    }
    assert decoded(body, strict=True) == (body, ())


def test_a_kind_that_has_a_spec_has_it_even_where_nothing_is_in_it() -> None:
    for api_version, kind in (("policy/v1", "PodDisruptionBudget"), ("coordination.k8s.io/v1", "Lease")):
        clean, _ = decoded({"apiVersion": api_version, "kind": kind, "metadata": {"name": "a"}})
        apply_defaults(clean)
        assert clean["spec"] == {}
    plain, _ = decoded({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}})
    apply_defaults(plain)
    assert "spec" not in plain


def causes(body: dict[str, Any]) -> list[str]:
    """`field: message` of all causes."""
    clean, _ = decoded(body)
    apply_defaults(clean)
    row = resources.resource_of(body["apiVersion"], body["kind"])
    assert row is not None
    with pytest.raises(StatusError) as refused:
        validate(row, clean)
    assert refused.value.code == 422
    return [f"{cause['field']}: {cause['message']}" for cause in refused.value.details["causes"]]


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({"replicas": -1}, "spec.replicas: Invalid value: -1: must be greater than or equal to 0"),
        ({"selector": None}, "spec.selector: Required value"),
        ({"selector": {"matchLabels": {"app": "x"}}},
         'spec.template.metadata.labels: Invalid value: {"app":"w"}: `selector` does not match template `labels`'),
        ({"selector": {}}, "spec.selector: Invalid value: {}: empty selector is invalid for deployment"),
        ({"strategy": {"type": "Sometimes"}},
         'spec.strategy.type: Unsupported value: "Sometimes": supported values: "Recreate", "RollingUpdate"'),
        ({"strategy": {"type": "Recreate", "rollingUpdate": {"maxSurge": 1}}},
         "spec.strategy.rollingUpdate: Forbidden: may not be specified when strategy `type` is 'Recreate'"),
        ({"strategy": {"rollingUpdate": {"maxSurge": 0, "maxUnavailable": 0}}},
         "spec.strategy.rollingUpdate.maxUnavailable: Invalid value: 0: may not be 0 when `maxSurge` is 0"),
        ({"progressDeadlineSeconds": 5, "minReadySeconds": 5},
         "spec.progressDeadlineSeconds: Invalid value: 5: must be greater than minReadySeconds"),
    ],
)  # fmt: skip
def test_deployments_are_validated_in_the_real_words(spec: dict[str, Any], expected: str) -> None:
    assert expected in causes(deployment(**spec))


@pytest.mark.parametrize(
    ("container", "expected"),
    [
        ({"image": "i"}, "spec.containers[0].name: Required value"),
        ({"name": "c"}, "spec.containers[0].image: Required value"),
        ({"name": "c", "image": "i", "ports": [{"containerPort": 0}]},
         "spec.containers[0].ports[0].containerPort: Required value"),
        ({"name": "c", "image": "i", "volumeMounts": [{"name": "v", "mountPath": "/v"}]},
         'spec.containers[0].volumeMounts[0].name: Not found: "v"'),
        ({"name": "c", "image": "i", "readinessProbe": {"periodSeconds": 1}},
         "spec.containers[0].readinessProbe: Required value: must specify a handler type"),
        ({"name": "c", "image": "i", "livenessProbe": {"tcpSocket": {"port": 80}, "successThreshold": 2}},
         "spec.containers[0].livenessProbe.successThreshold: Invalid value: 2: must be 1"),
        ({"name": "c", "image": "i", "resources": {"requests": {"cpu": "2"}, "limits": {"cpu": "500m"}}},
         'spec.containers[0].resources.requests: Invalid value: "2": must be less than or equal to cpu limit of 500m'),
    ],
)  # fmt: skip
def test_pods_are_validated_in_the_real_words(container: dict[str, Any], expected: str) -> None:
    body = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": {"containers": [container]}}
    assert expected in causes(body)


def test_names_and_labels_are_checked() -> None:
    body = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "A_b", "labels": {"a b": "c d"}},
        "data": {"x y": ""},
    }
    found = causes(body)
    assert [text.partition(":")[0] for text in found] == ["metadata.name", *["metadata.labels"] * 2, "data[x y]"]
