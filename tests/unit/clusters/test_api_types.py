"""Values of another type than an API server takes in that field, wherever it stands."""

from __future__ import annotations

from typing import Any

import pytest

from harness.clusters.api_types import misfits

_NO_TEXT = ", a number without quotes, where text is wanted"


def deployment(**spec: Any) -> dict[str, Any]:
    """One whose pods have these fields."""
    template = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [], **spec}}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": {"template": template}}


def object_(kind: str, version: str = "v1", **fields: Any) -> dict[str, Any]:
    return {"apiVersion": version, "kind": kind, "metadata": {"name": "web"}, **fields}


POD = "spec.template.spec"


@pytest.mark.parametrize(
    ("manifest", "said"),
    [
        pytest.param(object_("ConfigMap", data={"port": 80}), f"data.port is 80{_NO_TEXT}", id="data"),
        pytest.param(
            object_("ConfigMap", immutable="yes"), "immutable is 'yes' (text), where true or false is wanted", id="flag"
        ),
        pytest.param(
            object_("ServiceAccount", metadata={"name": "a", "annotations": {"a": True}}),
            "metadata.annotations.a is true, as YAML reads y, yes and on without quotes, where text is wanted",
            id="annotation",
        ),
        pytest.param(deployment(priorityClassName=1), f"{POD}.priorityClassName is 1{_NO_TEXT}", id="text"),
        pytest.param(
            deployment(securityContext={"fsGroup": "1"}),
            f"{POD}.securityContext.fsGroup is '1' (text), where a whole number is wanted",
            id="number",
        ),
        pytest.param(
            deployment(containers=[{"name": "a", "args": ["x", 1]}]),
            f"{POD}.containers[0].args[1] is 1{_NO_TEXT}",
            id="item of a list",
        ),
        pytest.param(
            deployment(hostAliases={"ip": "10.0.0.1"}), f"{POD}.hostAliases is a mapping (ip), where a list", id="list"
        ),
        pytest.param(deployment(affinity=[]), f"{POD}.affinity is a list of 0, where a mapping", id="mapping"),
        pytest.param(
            deployment(containers=[{"name": "a", "resources": {"limits": {"memory": "100MB"}}}]),
            f"{POD}.containers[0].resources.limits.memory is '100MB' (text), where a quantity, such as 250m or 64Mi,",
            id="quantity",
        ),
    ],
)
def test_the_first_value_of_another_type_is_named_with_its_place(manifest: dict[str, Any], said: str) -> None:
    assert str(next(misfits(manifest))).startswith(said)


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("stringData", 80817263, "stringData.key is no text, where text is wanted"),
        (
            "data",
            "pass-80817263",
            "data.key is no base64, where text in base64 (stringData takes it as it is) is wanted",
        ),
    ],
)
def test_what_a_secret_holds_is_not_told(field: str, value: object, said: str) -> None:
    assert [str(each) for each in misfits(object_("Secret", **{field: {"key": value}}))] == [said]


@pytest.mark.parametrize(
    "manifest",
    [
        pytest.param(deployment(containers=[{"resources": {"limits": {"cpu": 1, "memory": "1e3"}}}]), id="quantities"),
        pytest.param(deployment(volumes=[{"name": "a", "emptyDir": {"sizeLimit": 5}}]), id="a quantity's number"),
        pytest.param(deployment(terminationGracePeriodSeconds=30.0), id="a whole number with a fraction of 0"),
        pytest.param(deployment(nodeName=None, tolerations=[None]), id="null is absent"),
        pytest.param(
            object_("Service", spec={"ports": [{"port": 80, "targetPort": "web"}, {"port": 81, "targetPort": 8081}]}),
            id="a number or a text",
        ),
        pytest.param(object_("Secret", data={"key": "cGFzcw==\n"}), id="base64 with its line break"),
        pytest.param(object_("Pod", spec={"no": {"such": 1}}), id="an unknown field is told elsewhere"),
        pytest.param(object_("Rollout", "argoproj.io/v1alpha1", spec={"replicas": "2"}), id="a custom kind"),
        pytest.param(object_("Deployment", "apps/v9", spec={"replicas": "2"}), id="a version of the future"),
    ],
)
def test_what_an_api_server_takes_is_let_pass(manifest: dict[str, Any]) -> None:
    assert list(misfits(manifest)) == []
