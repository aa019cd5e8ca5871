"""A manifest -> where a field is of another kind than Kubernetes wants, or is a template that is not rendered.

For the fields that are read here; the API checks the others. A new field that is read is a word in this table.
https://kubernetes.io/docs/reference/kubernetes-api/
"""

from __future__ import annotations

from typing import Any

from harness.inputs.shape import (
    ANY,
    COUNT,
    FLAG,
    INTEGER,
    MOST,
    TEXT,
    Kind,
    Misfit,
    Shape,
    is_whole,
    map_of,
    misfits,
    too_large,
    unquoted,
)
from harness.inputs.shown import cut, printable
from harness.spec.workload import Object

_UNRENDERED = ", a template that is not rendered (helm template)"


def _is_rendered(value: Any) -> bool:
    return isinstance(value, str) and not ("{{" in value and "}}" in value)


def _is_share(value: Any) -> bool:
    """A number of pods or a percentage; as text a number without % is neither."""
    if isinstance(value, str):
        digits = value.removesuffix("%")
        return value.endswith("%") and digits.isascii() and digits.isdigit() and len(digits) < 10
    return is_whole(value, 0, 2**31 - 1)


def _is_port(value: Any) -> bool:
    return is_whole(value, 1, 65535)


NAME = Kind("text", _is_rendered, how=lambda value: _UNRENDERED if isinstance(value, str) else unquoted(value))
SHARE = Kind("a number of pods or a percentage such as 25%", _is_share)
PORT = Kind("a port number from 1 to 65535", _is_port)
PORT_OR_NAME = Kind("a port number from 1 to 65535, or a port's name", lambda it: _is_port(it) or _is_rendered(it))


def _one_of(*words: str) -> Kind:
    return Kind(" or ".join(words), lambda value: value in words)


_PROTOCOL = _one_of("TCP", "UDP", "SCTP")
SECONDS = Kind("a whole number of seconds from 0 on", lambda value: is_whole(value, 0, MOST), how=too_large)

_LABELS = map_of(NAME)
_SELECTOR: Shape = {
    "matchLabels": _LABELS,
    "matchExpressions": [{"key!": NAME, "operator!": NAME, "values": [NAME]}],
}
_METADATA: Shape = {
    "name": NAME, "namespace": NAME, "labels": _LABELS, "annotations": map_of(TEXT), "finalizers": [TEXT],
    "ownerReferences": [map_of(ANY)],
}  # fmt: skip
_HTTP: Shape = {
    "path": NAME, "port!": PORT_OR_NAME, "host": NAME, "scheme": NAME, "httpHeaders": [{"name": TEXT, "value": TEXT}],
}  # fmt: skip
_ACTION = {
    "exec": {"command": [TEXT]},
    "httpGet": _HTTP,
    "tcpSocket": {"port!": PORT_OR_NAME, "host": NAME},
}
_PROBE: Shape = {
    **_ACTION,
    "grpc": {"port!": PORT, "service": NAME},
    **dict.fromkeys(
        ("initialDelaySeconds", "timeoutSeconds", "periodSeconds", "terminationGracePeriodSeconds"), SECONDS
    ),
    **dict.fromkeys(("successThreshold", "failureThreshold"), COUNT),
}
_HANDLER: Shape = {**_ACTION, "sleep": {"seconds!": SECONDS}}
_REFERENCE: Shape = {"name!": NAME, "optional": FLAG}
_KEY_REFERENCE: Shape = {"name!": NAME, "key": NAME, "optional": FLAG}
_CONTAINER: Shape = {
    "name": NAME,
    "image": NAME,
    "command": [TEXT],
    "args": [TEXT],
    "workingDir": TEXT,
    "ports": [
        {"name": NAME, "containerPort!": PORT, "hostPort": Kind("a port number", lambda it: is_whole(it, 0, 65535)),
         "protocol": _PROTOCOL}
    ],
    "env": [
        {"name!": NAME, "value": TEXT, "valueFrom": {
            "secretKeyRef": _KEY_REFERENCE, "configMapKeyRef": _KEY_REFERENCE, "fieldRef": {"fieldPath": NAME},
            "resourceFieldRef": map_of(ANY),
        }}
    ],
    "envFrom": [{"prefix": TEXT, "secretRef": _REFERENCE, "configMapRef": _REFERENCE}],
    "resources": map_of(ANY),
    "volumeMounts": [{"name!": NAME, "mountPath!": TEXT, "subPath": TEXT, "readOnly": FLAG}],
    "readinessProbe": _PROBE,
    "livenessProbe": _PROBE,
    "startupProbe": _PROBE,
    "lifecycle": {"preStop": _HANDLER, "postStart": _HANDLER, "stopSignal": TEXT},
    "restartPolicy": NAME,
    "securityContext": map_of(ANY),
}  # fmt: skip
_SOURCE = {"configMap": {"name": NAME, "optional": FLAG, "items": [map_of(ANY)]}}
POD: Shape = {
    "containers": [_CONTAINER],
    "initContainers": [_CONTAINER],
    "volumes": [
        {"name!": NAME, **_SOURCE, "secret": {"secretName": NAME, "optional": FLAG, "items": [map_of(ANY)]},
         "projected": {"sources": [{**_SOURCE, "secret": {"name": NAME, "optional": FLAG}}]},
         "emptyDir": map_of(ANY), "hostPath": map_of(ANY), "persistentVolumeClaim": map_of(ANY)}
    ],
    "terminationGracePeriodSeconds": SECONDS,
    "hostNetwork": FLAG,
    "restartPolicy": NAME,
    "readinessGates": [{"conditionType!": NAME}],
    "nodeSelector": _LABELS,
    "nodeName": NAME,
    "securityContext": map_of(ANY),
    "imagePullSecrets": [map_of(ANY)],
    "tolerations": [map_of(ANY)],
    "serviceAccountName": NAME,
    "activeDeadlineSeconds": SECONDS,
}  # fmt: skip
_TEMPLATE: Shape = {"metadata": _METADATA, "spec": POD}
_ROLLED = {
    "replicas": COUNT,
    "selector": _SELECTOR,
    "template": _TEMPLATE,
    "minReadySeconds": SECONDS,
    "revisionHistoryLimit": COUNT,
}
_PACE: Shape = {"maxSurge": SHARE, "maxUnavailable": SHARE, "partition": COUNT}
_DEPLOYMENTS: Shape = {"type": _one_of("RollingUpdate", "Recreate"), "rollingUpdate": _PACE}
_UPDATE: Shape = {"type": _one_of("RollingUpdate", "OnDelete"), "rollingUpdate": _PACE}
_JOB = {**_ROLLED, "manualSelector": FLAG, "completions": COUNT, "parallelism": COUNT, "backoffLimit": COUNT}
_BACKEND: Shape = {"service": {"name": NAME}}
_SPECS: dict[str, Shape] = {
    "Deployment": {
        **_ROLLED, "strategy": _DEPLOYMENTS, "paused": FLAG, "progressDeadlineSeconds": SECONDS,
    },
    "StatefulSet": {
        **_ROLLED, "updateStrategy": _UPDATE, "podManagementPolicy": NAME, "serviceName": NAME,
        "volumeClaimTemplates": [{"metadata": _METADATA, "spec": map_of(ANY)}],
    },
    "DaemonSet": {**_ROLLED, "updateStrategy": _UPDATE},
    "ReplicaSet": _ROLLED,
    "Job": _JOB,
    "CronJob": {"schedule": TEXT, "jobTemplate": {"metadata": _METADATA, "spec": _JOB}},
    "Pod": POD,
    "Ingress": {
        "ingressClassName": NAME, "defaultBackend": _BACKEND,
        "rules": [{"host": NAME, "http": {"paths": [{"backend": _BACKEND}]}}],
    },
    "HorizontalPodAutoscaler": {
        "scaleTargetRef": {"kind": NAME, "name": NAME}, "minReplicas": COUNT, "maxReplicas": COUNT,
    },
    "PodDisruptionBudget": {"selector": _SELECTOR, "minAvailable": SHARE, "maxUnavailable": SHARE},
    "Service": {
        "selector": _LABELS,
        "type": _one_of("ClusterIP", "NodePort", "LoadBalancer", "ExternalName"),
        "clusterIP": NAME,
        "ports": [{"name": NAME, "port!": PORT, "targetPort": PORT_OR_NAME, "nodePort": INTEGER,
                   "protocol": _PROTOCOL}],
        "publishNotReadyAddresses": FLAG,
        "sessionAffinity": NAME,
    },
}  # fmt: skip
_HEAD = {"apiVersion": NAME, "kind": NAME, "metadata": _METADATA}


def misshapen(manifest: Object) -> Misfit | None:
    """The first place where the object is not of the shape that Kubernetes wants; None where all is well."""
    spec = _SPECS.get(str(manifest.get("kind")))  # readers go by the kind alone
    return next(misfits(manifest, _HEAD if spec is None else {**_HEAD, "spec": spec}), None)


def is_known(kind: str) -> bool:
    """Whether specs of that kind are read."""
    return kind in _SPECS


def spec_shape(kind: str) -> Shape:
    """The shape of that kind's spec."""
    return _SPECS[kind]


def named(manifest: Object) -> str:
    """The object in a message: "Service shop"."""
    metadata = manifest.get("metadata")
    name = metadata.get("name") or metadata.get("generateName") if isinstance(metadata, dict) else None
    return cut(printable(f"{manifest.get('kind')} {name}"), 120)
