"""The official client's models -> harness/sandbox/apiserver/schemas.json, the shapes of the kinds the sandbox knows.

Run it again after raising the `kubernetes` dependency or adding a kind to the sandbox's table of resources. The file
maps a type's name to its fields, and a field to its type: `string`, `integer`, `boolean`, `number`, `time`, `bytes`,
`any`, `int-or-string`, `quantity`, `boolean-or-schema`, `Name` for another type of the file, `[T]` for a list and `{T}`
for a map: what the real API publishes as OpenAPI, without descriptions. How strategic merge patches treat a field,
which the client's models do not tell, is the table below: the one place for it, from which the server patches and
publishes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path

from kubernetes.client import models

from harness.sandbox.apiserver.resources import RESOURCES

TARGET = Path(__file__).parents[1] / "harness" / "sandbox" / "apiserver" / "schemas.json"
_SCALARS = {
    "str": "string",
    "int": "integer",
    "float": "number",
    "bool": "boolean",
    "datetime": "time",
    "object": "any",
    "bytes": "bytes",
}
# What the client's models do not tell apart from plain objects and strings.
_FREE = {"data", "fieldsV1", "all", "single", "basic"}
_WITH_ANYTHING = {"V1CustomResourceSubresources", "V1JSONSchemaProps"}  # where an object is one of any shape
_SCHEMAS = {"additionalProperties": "boolean-or-schema", "items": "V1JSONSchemaProps"}  # of the schemas of custom kinds
_QUANTITIES = {
    "allocatable", "allocatedResources", "averageValue", "capacity", "default", "defaultRequest", "divisor", "hard",
    "limits", "max", "maxLimitRequestRatio", "min", "overhead", "podFixed", "requests", "sizeLimit", "used",
}  # fmt: skip
_METRICS = {"V2MetricTarget", "V2MetricValueStatus"}  # whose value is a quantity
# What manifests bring that is not served here: its types are known all the same.
_ELSEWHERE = (
    ("admissionregistration.k8s.io", "v1", "MutatingWebhookConfiguration"),
    ("admissionregistration.k8s.io", "v1", "ValidatingAdmissionPolicy"),
    ("admissionregistration.k8s.io", "v1", "ValidatingAdmissionPolicyBinding"),
    ("admissionregistration.k8s.io", "v1", "ValidatingWebhookConfiguration"),
    ("apiregistration.k8s.io", "v1", "APIService"),
    ("autoscaling", "v1", "HorizontalPodAutoscaler"),
    ("certificates.k8s.io", "v1", "CertificateSigningRequest"),
    ("flowcontrol.apiserver.k8s.io", "v1", "FlowSchema"),
    ("flowcontrol.apiserver.k8s.io", "v1", "PriorityLevelConfiguration"),
    ("", "v1", "PersistentVolume"),
    ("", "v1", "PodTemplate"),
    ("", "v1", "ReplicationController"),
    ("storage.k8s.io", "v1", "CSIDriver"),
    ("storage.k8s.io", "v1", "StorageClass"),
    ("storage.k8s.io", "v1", "VolumeAttributesClass"),
)
_CONTAINER = {
    "env": "merge name", "ports": "merge containerPort", "volumeDevices": "merge devicePath",
    "volumeMounts": "merge mountPath",
}  # fmt: skip
_CONDITIONS = {"conditions": "merge type"}
# Type -> field -> "STRATEGIES KEY" as in x-kubernetes-patch-strategy and x-kubernetes-patch-merge-key, which the API
# makes of the tags patchStrategy and patchMergeKey in k8s.io/api's types.go. A list that is not here is replaced.
_PATCHES = {
    "V1Container": _CONTAINER,
    "V1ContainerStatus": {"allocatedResourcesStatus": "merge name", "volumeMounts": "merge mountPath"},
    "V1DaemonSetStatus": _CONDITIONS,
    "V1DeploymentSpec": {"strategy": "retainKeys"},
    "V1DeploymentStatus": _CONDITIONS,
    "V1EphemeralContainer": _CONTAINER,
    "V1JobSchedulingConfiguration": {"resourceClaims": "merge name"},
    "V1JobStatus": _CONDITIONS,
    "V1NamespaceStatus": _CONDITIONS,
    "V1NodeAllocatableResourceClaimStatus": {"mapping": "merge name", "overhead": "merge name"},
    "V1NodeSpec": {"podCIDRs": "merge"},
    "V1NodeStatus": {**_CONDITIONS, "addresses": "merge type"},
    "V1ObjectMeta": {"finalizers": "merge", "ownerReferences": "merge uid"},
    "V1PersistentVolumeClaimStatus": _CONDITIONS,
    "V1PodDisruptionBudgetSpec": {"selector": "replace"},
    "V1PodDisruptionBudgetStatus": _CONDITIONS,
    "V1PodSpec": {
        "containers": "merge name", "ephemeralContainers": "merge name", "evictionResponders": "merge name",
        "hostAliases": "merge ip", "imagePullSecrets": "merge name", "initContainers": "merge name",
        "resourceClaims": "merge,retainKeys name", "schedulingGates": "merge name",
        "topologySpreadConstraints": "merge topologyKey", "volumes": "merge,retainKeys name",
    },
    "V1PodStatus": {
        **_CONDITIONS, "hostIPs": "merge ip", "podIPs": "merge ip",
        "nodeAllocatableResourceClaimStatuses": "merge resourceClaimName",
        "resourceClaimStatuses": "merge,retainKeys name",
    },
    "V1PodVolumeHealth": {"healthConditions": "merge status"},
    "V1ReplicaSetStatus": _CONDITIONS,
    "V1ServiceAccount": {"secrets": "merge name"},
    "V1ServiceSpec": {"ports": "merge port"},
    "V1ServiceStatus": _CONDITIONS,
    "V1StatefulSetStatus": _CONDITIONS,
    "V1VolumeHealthStatus": {"healthConditions": "merge status"},
    "V2HorizontalPodAutoscalerStatus": _CONDITIONS,
}  # fmt: skip
_EXTRA = ("AuthenticationV1TokenRequest", "V1Scale", "V1Eviction", "V1Binding", "V1DeleteOptions")


def model_of(group: str, version: str, kind: str) -> str | None:
    """The name of the client's model for a kind, None where it has none (kinds of custom resources)."""
    short = {"": "Core", "events.k8s.io": "Events"}.get(group, group.partition(".")[0].capitalize())
    for name in (f"{version.capitalize()}{kind}", f"{short}{version.capitalize()}{kind}"):
        if hasattr(models, name):
            return name
    return None


def described(text: str) -> tuple[str, list[str]]:
    """A type of the client in the file's words, and the models it names."""
    if match := re.fullmatch(r"List\[(.+)\]", text, re.IGNORECASE):
        inner, names = described(match[1])
        return f"[{inner}]", names
    if match := re.fullmatch(r"Dict[\[(]str, ?(.+)[\])]", text, re.IGNORECASE):
        inner, names = described(match[1])
        return f"{{{inner}}}", names
    return (_SCALARS[text], []) if text in _SCALARS else (text, [text])


def refined(owner: str, field: str, text: str, names: list[str]) -> tuple[str, list[str]]:
    """The type of an owner's field with quantities and numbers-or-strings told apart."""
    if owner in _WITH_ANYTHING:
        return _SCHEMAS.get(field, text) if text == "any" else text, names
    if text == "any" and field not in _FREE:
        return "int-or-string", names
    if (field in _QUANTITIES or (owner in _METRICS and field == "value")) and text in ("string", "{string}"):
        return text.replace("string", "quantity"), names
    return text, names


def required_of(model: type) -> list[str]:
    """The fields without which the real API takes no such object."""
    return sorted(model.attribute_map[name] for name, field in model.model_fields.items() if field.is_required())


def types_below(names: Iterable[str]) -> dict[str, dict[str, str]]:
    """These types, and all that they name: type -> field -> type."""
    waiting, types = list(names), dict[str, dict[str, str]]()
    while waiting:
        name = waiting.pop()
        if name in types:
            continue
        model = getattr(models, name)
        types[name] = {}
        for attribute, text in model.openapi_types.items():
            field = model.attribute_map[attribute]
            types[name][field], more = refined(name, field, *described(text))
            waiting.extend(more)
    return {name: types[name] for name in sorted(types)}


def named_models(kinds: Iterable[tuple[str, str, str]]) -> dict[str, str]:
    """apiVersion/kind -> the client's model, of those that it has."""
    named = {
        (f"{group}/{version}" if group else version, kind): model_of(group, version, kind)
        for group, version, kind in kinds
    }
    return {"/".join(of): name for of, name in named.items() if name is not None}


def main() -> None:
    """Writes the file."""
    kinds = named_models((row.group, row.version, row.kind) for row in RESOURCES)
    types = types_below([*kinds.values(), *_EXTRA, "V1ObjectMeta"])
    elsewhere = named_models(_ELSEWHERE)
    unknown = [f"{name}.{field}" for name, row in _PATCHES.items() for field in row if field not in types.get(name, {})]
    if unknown:
        raise SystemExit(f"no such field in the client's models: {', '.join(unknown)}")
    required = {name: fields for name in sorted(types) if (fields := required_of(getattr(models, name)))}
    body = {
        "kinds": kinds,
        "required": required,
        "types": types,
        "patches": _PATCHES,
        "elsewhere": elsewhere,
        "elsewhere_types": {
            name: fields for name, fields in types_below(elsewhere.values()).items() if name not in types
        },
    }
    TARGET.write_text(json.dumps(body, separators=(",", ":"), sort_keys=True) + "\n")
    print(f"{TARGET.name}: {len(kinds)} kinds, {len(types)} types, {TARGET.stat().st_size} bytes")


if __name__ == "__main__":
    main()
