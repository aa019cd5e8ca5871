"""Names, keys and words that no API server takes, and those next to them that it does."""

from __future__ import annotations

from typing import Any

import pytest

from harness.spec.refused import refusal
from tests.unit.spec.objects import container, workload


def labelled(**metadata: Any) -> dict[str, Any]:
    return {"kind": "Service", "metadata": {"name": "web", **metadata}}


def of_pod(*containers: dict[str, Any], **pod: Any) -> dict[str, Any]:
    return workload("Deployment", *containers, pod=pod)


AT = "spec.template.spec"


@pytest.mark.parametrize(
    ("manifest", "said"),
    [
        (labelled(labels={"a": "b c"}), "metadata.labels: Invalid value: 'b c': a valid label"),
        (labelled(labels={"a": "x" * 64}), "metadata.labels: Invalid value: 'xxx"),
        (labelled(labels={"a b": "c"}), "metadata.labels: Invalid value: 'a b': a key"),
        (labelled(labels={"/a": "c"}), "metadata.labels: Invalid value: '/a': a key"),
        (labelled(annotations={"a b": "c"}), "metadata.annotations: Invalid value: 'a b': a key"),
        (labelled(namespace="X_Y"), "metadata.namespace: Invalid value: 'X_Y': a lowercase RFC 1123 label"),
        (of_pod(container(name="my_web")), f"{AT}.containers[0].name: Invalid value: 'my_web'"),
        (of_pod(container(), container()), f"{AT}.containers[1].name: Duplicate value: 'web'"),
        (of_pod(restartPolicy="Never"), f"{AT}.restartPolicy: Unsupported value: 'Never'"),
        (of_pod(container(imagePullPolicy="always")), f"{AT}.containers[0].imagePullPolicy: Unsupported value"),
        (
            of_pod(container(volumeMounts=[{"name": "data", "mountPath": "/data"}])),
            f"{AT}.containers[0].volumeMounts[0].name: Not found: 'data'",
        ),
        (workload(selector={"matchLabels": {"app": "-"}}), "spec.selector.matchLabels: Invalid value: '-'"),
        ({**workload(), "metadata": {"name": "Web"}}, "metadata.name: Invalid value: 'Web': a lowercase RFC 1123 sub"),
    ],
)
def test_what_is_refused_is_told_with_its_place(manifest: dict[str, Any], said: str) -> None:
    assert refusal(manifest).startswith(said)


@pytest.mark.parametrize(
    "manifest",
    [
        labelled(
            labels={"app.kubernetes.io/name": "A_b.c-1", "empty": ""}, annotations={"Example.com/A": "any text\n"}
        ),
        of_pod(container(imagePullPolicy="Never"), restartPolicy="Always"),
        of_pod(container(volumeMounts=[{"name": "a", "mountPath": "/a"}]), volumes=[{"name": "a", "emptyDir": {}}]),
        workload(
            "StatefulSet",
            container(volumeMounts=[{"name": "data", "mountPath": "/data"}]),
            volumeClaimTemplates=[{"metadata": {"name": "data"}}],
        ),
        {"kind": "Role", "metadata": {"name": "system:reader"}},
        {"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "metadata": {"name": "web", "labels": {"a": "b c"}}},
    ],
)
def test_what_is_taken_is_let_pass(manifest: dict[str, Any]) -> None:
    assert refusal(manifest) == ""
