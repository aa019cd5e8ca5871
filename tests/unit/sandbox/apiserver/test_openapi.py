"""The OpenAPI documents that the server publishes."""

from __future__ import annotations

import json
from typing import Any

import pytest

from harness.sandbox.apiserver.catalogue import Catalogue
from harness.sandbox.apiserver.openapi import Documents


def property_of(root: str, schema: str, field: str) -> dict[str, Any]:
    document = json.loads(Documents(Catalogue()).encoded(root) or b"")
    found: dict[str, Any] = document["components"]["schemas"][f"io.k8s.api.{schema}"]["properties"][field]
    return {key: value for key, value in found.items() if key.startswith("x-kubernetes-patch")}


@pytest.mark.parametrize(
    ("root", "schema", "field", "strategy", "key"),
    [
        ("apis/apps/v1", "PodSpec", "containers", "merge", "name"),
        ("apis/apps/v1", "PodSpec", "volumes", "merge,retainKeys", "name"),
        ("apis/apps/v1", "DeploymentSpec", "strategy", "retainKeys", None),
        ("api/v1", "ServiceSpec", "ports", "merge", "port"),
        ("api/v1", "ObjectMeta", "finalizers", "merge", None),
        ("api/v1", "NodeSpec", "taints", None, None),
    ],
)
def test_fields_carry_what_strategic_patches_do_with_them(
    root: str, schema: str, field: str, strategy: str | None, key: str | None
) -> None:
    wanted = {"x-kubernetes-patch-strategy": strategy, "x-kubernetes-patch-merge-key": key}
    assert property_of(root, schema, field) == {name: value for name, value in wanted.items() if value}


@pytest.mark.parametrize(
    ("root", "schema", "field", "width"),
    [
        ("apis/apps/v1", "DeploymentSpec", "replicas", "int32"),
        ("apis/apps/v1", "DeploymentStatus", "observedGeneration", "int64"),
        ("api/v1", "PodSpec", "terminationGracePeriodSeconds", "int64"),
        ("api/v1", "ServicePort", "port", "int32"),
    ],
)
def test_whole_numbers_have_the_width_by_which_they_are_read(root: str, schema: str, field: str, width: str) -> None:
    document = json.loads(Documents(Catalogue()).encoded(root) or b"")
    assert document["components"]["schemas"][f"io.k8s.api.{schema}"]["properties"][field]["format"] == width
