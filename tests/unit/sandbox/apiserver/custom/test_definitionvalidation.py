"""What the API does not take as a CustomResourceDefinition."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from harness.sandbox.apiserver.custom.definitions import fill_definition
from harness.sandbox.apiserver.custom.definitionvalidation import check_definition
from harness.sandbox.apiserver.field_errors import FieldErrors
from harness.sandbox.definitions import definition_of

AT = "spec.versions[0].schema.openAPIV3Schema"
GOOD: dict[str, Any] = {
    "metadata": {"name": "shops.example.org"},
    "spec": {
        "group": "example.org",
        "scope": "Namespaced",
        "names": {"plural": "shops", "kind": "Shop"},
        "versions": [
            {
                "name": "v1",
                "served": True,
                "storage": True,
                "schema": {"openAPIV3Schema": {"type": "object", "properties": {}}},
            }
        ],
    },
}


def told(definition: dict[str, Any], old: dict[str, Any] | None = None) -> list[str]:
    errors = FieldErrors()
    check_definition(errors, fill_definition(definition), old)
    return [f"{cause.field}: {cause.message}" for cause in errors.causes]


def changed(**spec: Any) -> dict[str, Any]:
    body = copy.deepcopy(GOOD)
    body["spec"] |= spec
    return body


def with_field(**schema: Any) -> dict[str, Any]:
    body = copy.deepcopy(GOOD)
    body["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["x"] = schema
    return body


def with_version(**more: Any) -> dict[str, Any]:
    body = copy.deepcopy(GOOD)
    body["spec"]["versions"][0] |= more
    return body


def test_a_good_definition_has_nothing_wrong() -> None:
    assert told(copy.deepcopy(GOOD)) == []


@pytest.mark.parametrize(
    ("definition", "message"),
    [
        (changed(scope=None), "spec.scope: Required value"),
        (changed(scope="Global"), 'spec.scope: Unsupported value: "Global": supported values: "Cluster", "Namespaced"'),
        (changed(names={"plural": "shop", "kind": "Shop"}),
         'metadata.name: Invalid value: "shops.example.org": must be spec.names.plural+"."+spec.group'),
        (changed(names={"plural": "shops", "kind": "Shop", "listKind": "Shop"}),
         'spec.names.listKind: Invalid value: "Shop": kind and listKind may not be the same'),
        (changed(preserveUnknownFields=True), "spec.preserveUnknownFields: Invalid value: true: cannot set to true"),
        (with_version(storage=False), "must have exactly one version marked as storage version"),
        (with_version(name="V1"), 'spec.versions[0].name: Invalid value: "V1": a DNS-1035 label must consist of'),
        (with_version(schema=None), f"{AT}: Required value"),
        (with_version(additionalPrinterColumns=[{"name": "A", "type": "list", "jsonPath": ".x"}]),
         'spec.versions[0].additionalPrinterColumns[0].type: Invalid value: "list": must be one of boolean,date,'),
        (with_version(additionalPrinterColumns=[{"name": "A", "type": "string", "jsonPath": "x"}]),
         'additionalPrinterColumns[0].JSONPath: Invalid value: "x": must be a simple json path starting with .'),
        (with_version(subresources={"scale": {"specReplicasPath": ".status.n", "statusReplicasPath": ".status.n"}}),
         'scale.specReplicasPath: Invalid value: ".status.n": should be a json path under .spec'),
        (with_field(), f"{AT}.properties[x].type: Required value: must not be empty for specified object fields"),
        (with_field(type="text"), f'{AT}.properties[x].type: Unsupported value: "text": supported values: "array",'),
        (with_field(type="array"), f"{AT}.properties[x].items: Required value: must be specified"),
        (with_field(type="array", items={}),
         f"{AT}.properties[x].items.type: Required value: must not be empty for specified array items"),
        (with_field(type="string", pattern="("),
         f'{AT}.properties[x].pattern: Invalid value: "(": must be a valid regular expression, but isn\'t: '),
        (with_field(type="string", **{"$ref": "#/x"}), f"{AT}.properties[x].$ref: Forbidden: $ref is not supported"),
        (with_field(type="array", items={"type": "string"}, uniqueItems=True),
         f"{AT}.properties[x].uniqueItems: Forbidden: uniqueItems cannot be set to true"),
        (with_field(type="object", properties={"a": {"type": "string"}}, additionalProperties={"type": "string"}),
         "additionalProperties: Forbidden: additionalProperties and properties are mutual exclusive"),
        (with_field(type="object", anyOf=[{"type": "object"}]),
         f"{AT}.properties[x].anyOf[0].type: Forbidden: must be empty to be structural"),
        (with_field(type="integer", maximum=3, default=5),
         f"{AT}.properties[x].default: Invalid value: 5: "),
        (with_field(type="object", default={"a": 1}), "must not have unknown fields: a"),
        (with_field(type="array", items={"type": "object", "properties": {"k": {"type": "string"}}},
                    **{"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["k"]}),
         "so it must have a default or be a required property"),
        (with_field(**{"x-kubernetes-preserve-unknown-fields": False}, type="object"),
         f"{AT}.properties[x].x-kubernetes-preserve-unknown-fields: Invalid value: false: must be true or undefined"),
        (changed(conversion={"strategy": "Webhook"}), "spec.conversion.webhookClientConfig: Required value"),
    ],
)  # fmt: skip
def test_what_the_real_api_refuses_is_refused_in_its_words(definition: dict[str, Any], message: str) -> None:
    assert [each for each in told(definition) if message in each], told(definition)


def test_a_version_without_a_name_is_refused_like_any_other_mistake() -> None:
    body = copy.deepcopy(GOOD)
    del body["spec"]["versions"][0]["name"]
    assert any(each.startswith("spec.versions[0].name: ") for each in told(body)), told(body)


def test_a_group_of_kubernetes_needs_its_approval() -> None:
    body = changed(group="example.k8s.io") | {"metadata": {"name": "shops.example.k8s.io"}}
    assert told(body)[0].startswith(
        "metadata.annotations[api-approved.kubernetes.io]: Required value: protected groups must have approval"
    )
    body["metadata"]["annotations"] = {"api-approved.kubernetes.io": "https://github.com/kubernetes/x/pull/1"}
    assert told(body) == []


@pytest.mark.parametrize(
    ("new", "message"),
    [
        (changed(scope="Cluster"), 'spec.scope: Invalid value: "Cluster": field is immutable'),
        (
            changed(names={"plural": "shops", "kind": "Store"}),
            'spec.names.kind: Invalid value: "Store": field is immut',
        ),
        (with_version(name="v2") | {"status": {"storedVersions": ["v1"]}}, "status.storedVersions[0]: Invalid value"),
    ],
)
def test_an_established_definition_keeps_its_names_and_stored_versions(new: dict[str, Any], message: str) -> None:
    old = fill_definition(copy.deepcopy(GOOD))
    old["status"]["conditions"] = [{"type": "Established", "status": "True"}]
    assert [each for each in told(new, old) if each.startswith(message)], told(new, old)


@pytest.mark.parametrize(
    ("api_version", "kind"),
    [
        ("argoproj.io/v1alpha1", "Rollout"),
        ("argoproj.io/v1alpha1", "Application"),
        ("gateway.networking.k8s.io/v1", "GatewayClass"),
        ("gateway.networking.k8s.io/v1", "Gateway"),
        ("gateway.networking.k8s.io/v1", "HTTPRoute"),
        ("elbv2.k8s.aws/v1beta1", "TargetGroupBinding"),
        ("kustomize.toolkit.fluxcd.io/v1", "Kustomization"),
        ("helm.toolkit.fluxcd.io/v2", "HelmRelease"),
    ],
)
def test_the_definitions_that_come_along_are_good_ones(api_version: str, kind: str) -> None:
    definition = definition_of(api_version, kind)
    assert definition is not None
    assert told(copy.deepcopy(definition)) == []
    assert definition_of(f"{api_version}x", kind) is None
