"""What clients are told of custom kinds: discovery, OpenAPI of both versions, columns."""

from __future__ import annotations

import json
from typing import Any

import pytest

from harness.sandbox.apiserver import discovery
from harness.sandbox.apiserver.catalogue import Catalogue
from harness.sandbox.apiserver.custom.columns import cells_of, definitions_of
from harness.sandbox.apiserver.custom.kinds import priority, resources_of, schema_of
from harness.sandbox.apiserver.openapi import Documents
from harness.sandbox.apiserver.printers import Clock

AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["spec"],
    "properties": {
        "spec": {
            "type": "object",
            "properties": {
                "port": {"x-kubernetes-int-or-string": True, "anyOf": [{"type": "integer"}, {"type": "string"}]},
                "note": {"type": "string", "nullable": True, "default": ""},
                "items": {
                    "type": "array",
                    "x-kubernetes-list-type": "map",
                    "x-kubernetes-list-map-keys": ["name"],
                    "items": {"type": "object", "properties": {"name": {"type": "string"}}},
                },
                "template": {"type": "object", "x-kubernetes-embedded-resource": True, "properties": {}},
            },
        }
    },
}


def definition(*versions: str, columns: tuple[dict[str, Any], ...] = ()) -> dict[str, Any]:
    return {
        "metadata": {"name": "shops.example.org"},
        "spec": {
            "group": "example.org",
            "scope": "Namespaced",
            "names": {},
            "versions": [
                {
                    "name": name,
                    "served": True,
                    "storage": name == versions[0],
                    "schema": {"openAPIV3Schema": SCHEMA},
                    "subresources": {"status": {}},
                    "additionalPrinterColumns": list(columns),
                }
                for name in versions
            ],
        },
        "status": {
            "acceptedNames": {"plural": "shops", "singular": "shop", "kind": "Shop", "listKind": "ShopList"},
        },
    }


def catalogue(*versions: str) -> Catalogue:
    served = Catalogue()
    served.define("shops.example.org", resources_of(definition(*versions)))
    return served


def test_versions_are_preferred_as_kubernetes_sorts_them() -> None:
    names = ["foo", "v1alpha1", "v2beta1", "v1", "v10", "v2beta2", "v1beta1", "bar"]
    assert sorted(names, key=priority) == ["v10", "v1", "v2beta2", "v2beta1", "v1beta1", "v1alpha1", "bar", "foo"]


def test_both_kinds_of_discovery_name_the_kind_and_its_subresources() -> None:
    rows = catalogue("v1beta1", "v1").rows
    listed = discovery.document("/apis/example.org/v1", "", rows)
    assert listed is not None
    assert [(item["name"], item["kind"]) for item in listed["resources"]] == [
        ("shops", "Shop"),
        ("shops/status", "Shop"),
    ]
    whole = discovery.document("/apis", AGGREGATED, rows)
    assert whole is not None
    group = whole["items"][-1]
    assert (group["metadata"]["name"], [each["version"] for each in group["versions"]]) == (
        "example.org",
        ["v1", "v1beta1"],
    )
    (shop,) = group["versions"][0]["resources"]
    assert (shop["singularResource"], [each["subresource"] for each in shop["subresources"]]) == ("shop", ["status"])


def test_the_schema_is_published_with_what_every_object_has() -> None:
    served = catalogue("v1")
    document = json.loads(Documents(served).encoded("apis/example.org/v1") or b"")
    shop = document["components"]["schemas"]["org.example.v1.Shop"]
    assert shop["x-kubernetes-group-version-kind"] == [{"group": "example.org", "version": "v1", "kind": "Shop"}]
    assert (shop["required"], {*shop["properties"]}) == (["spec"], {"apiVersion", "kind", "metadata", "spec"})
    spec = shop["properties"]["spec"]["properties"]
    assert spec["items"]["x-kubernetes-list-map-keys"] == ["name"]
    assert spec["template"]["required"] == ["kind", "apiVersion"]
    patches = document["paths"]["/apis/example.org/v1/namespaces/{namespace}/shops/{name}"]["patch"]
    assert "application/strategic-merge-patch+json" not in patches["requestBody"]["content"]


def test_version_2_leaves_out_what_it_has_no_words_for() -> None:
    document = json.loads(Documents(catalogue("v1")).encoded_v2())
    shop = document["definitions"]["org.example.v1.Shop"]
    spec = shop["properties"]["spec"]["properties"]
    assert spec["note"] == {"type": "string"}
    assert "anyOf" not in spec["port"]
    assert shop["properties"]["metadata"] == {"$ref": "#/definitions/io.k8s.api.ObjectMeta"}
    assert document["definitions"]["io.k8s.api.Deployment"]["properties"]["spec"]["$ref"].startswith("#/definitions/")


def test_the_index_changes_with_the_definitions_of_a_group_alone() -> None:
    served = catalogue("v1")
    documents = Documents(served)
    before = documents.index()["paths"]
    served.define("shops.example.org", resources_of(definition("v1", "v2")))
    after = documents.index()["paths"]
    assert before["apis/apps/v1"] == after["apis/apps/v1"]
    assert before["apis/example.org/v1"] != after["apis/example.org/v1"]
    assert documents.encoded("apis/example.org/v2") is not None
    served.define("shops.example.org", ())
    assert documents.encoded("apis/example.org/v2") is None


def test_a_kinds_schema_is_told_and_the_apis_own_have_none() -> None:
    rows = catalogue("v1").rows
    assert [schema_of(row) for row in rows[-1:]] == [SCHEMA]
    assert schema_of(rows[0]) is None


@pytest.mark.parametrize(
    ("column", "obj", "cell"),
    [
        ({"type": "integer", "jsonPath": ".spec.n"}, {"spec": {"n": 2}}, 2),
        ({"type": "integer", "jsonPath": ".spec.n"}, {"spec": {"n": "2"}}, None),
        ({"type": "number", "jsonPath": ".spec.n"}, {"spec": {"n": 1.5}}, 1.5),
        ({"type": "boolean", "jsonPath": ".spec.n"}, {"spec": {"n": False}}, False),
        ({"type": "string", "jsonPath": ".spec.n"}, {"spec": {"n": ["a", 1]}}, '["a",1]'),
        ({"type": "string", "jsonPath": ".spec.n"}, {"spec": {"n": True}}, "true"),
        ({"type": "string", "jsonPath": ".spec.n"}, {}, None),
        ({"type": "date", "jsonPath": ".spec.n"}, {"spec": {"n": "2026-01-01T00:00:00Z"}}, "60s"),
        ({"type": "date", "jsonPath": ".spec.n"}, {"spec": {"n": "yesterday"}}, "<invalid>"),
    ],
)
def test_a_cell_has_the_type_of_its_column(column: dict[str, Any], obj: dict[str, Any], cell: Any) -> None:
    (row,) = resources_of(definition("v1", columns=({"name": "N", **column},)))
    assert row.custom is not None
    now = Clock(1767225660.0)  # a minute after 2026 began
    assert cells_of(row.custom, {"metadata": {"name": "a"}, **obj}, now) == ["a", cell]
    assert [each["name"] for each in definitions_of(row.custom)] == ["Name", "N"]


def test_without_columns_the_age_is_shown() -> None:
    (row,) = resources_of(definition("v1"))
    assert row.custom is not None
    assert [each["name"] for each in definitions_of(row.custom)] == ["Name", "Age"]
