"""A plan, an image and a run's labels -> the Secret and the Pod of a load worker.

Several workers are so many Pods, not an Indexed Job. A Job starts another Pod in place of one that is gone, which would
begin its plan anew in the middle of the run, and where that is forbidden by `backoffLimit: 0` it ends all the others
too, which is the load that was to go on. With Pods one that is lost takes its own part with it and nothing else, each
has a Secret of its own that goes as soon as it runs, and nobody needs rights to Jobs.

The Secret holds the plan, whose header values nobody must read in a spec or an environment, and the load program. The
Pod asks for nothing that Pod Security's level `restricted` refuses.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping
from typing import Any

STOCK_IMAGE = "python:3.13-slim"
"""The worker's image where no other is named: any Python from 3.11 on will do, as the program comes with the run."""

START_TIMEOUT_S = 120.0
"""For so long a worker's Pod may take to run."""

STOP_GRACE_S = 60
CONTAINER = "load"

_LONGEST_DEADLINE_S = 2**31 - 1
_LABELS = {"app.kubernetes.io/name": "rollout-harness-load"}
_PLACE = "/run/rollout-harness"
_PROGRAM, _PLAN = "harness.load.pyz", "plan.json"
_NOBODY = 65532
"""An id that images give to nobody in particular; their own users may be root, or have a name and no number."""

_ANNOTATIONS = {
    # Who makes room on nodes, or does away with them, does so elsewhere or later: a run without its load shows nothing.
    "cluster-autoscaler.kubernetes.io/safe-to-evict": "false",
    "karpenter.sh/do-not-disrupt": "true",
}
_RESOURCES = {
    # One thread sends, so that more than a core is of no use; what of it there is to have is tried out before the load.
    "requests": {"cpu": "250m", "memory": "128Mi"},
    "limits": {"cpu": "1", "memory": "512Mi"},
}


def worker_secret(name: str, plan: str, program: bytes, labels: Mapping[str, str]) -> dict[str, Any]:
    """The Secret of the Pod `name`."""
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name, "labels": {**_LABELS, **labels}},
        "immutable": True,
        "data": {_PLAN: base64.b64encode(plan.encode()).decode(), _PROGRAM: base64.b64encode(program).decode()},
    }


def worker_pod(
    name: str,
    image: str,
    labels: Mapping[str, str],
    duration_s: float | None,
    *,
    away_from: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The Pod; `duration_s`: how long its load lasts, None where it has no end of its own.

    `away_from`: a label selector of pods whose nodes it had better not share.
    """
    spec: dict[str, Any] = {
        "restartPolicy": "Never",
        "nodeSelector": {"kubernetes.io/os": "linux"},
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": STOP_GRACE_S,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": _NOBODY,
            "runAsGroup": _NOBODY,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "affinity": {"podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": _apart(away_from)}},
        "containers": [_container(image)],
        "volumes": [{"name": CONTAINER, "secret": {"secretName": name, "defaultMode": 0o444}}],
    }
    if duration_s is not None:  # what the worker cannot do by itself any more, its kubelet does
        longest_s = math.ceil(START_TIMEOUT_S + duration_s + STOP_GRACE_S)
        spec["activeDeadlineSeconds"] = min(longest_s, _LONGEST_DEADLINE_S)
    metadata = {"name": name, "labels": {**_LABELS, **labels}, "annotations": _ANNOTATIONS}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def _apart(away_from: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """Nodes to keep off, where there are others: first those of other load workers, then those of the application.

    Preferred, not required: a worker that shares a node sends load, and one that is pending does not.
    """
    kept_off = [(100, {"matchLabels": _LABELS}), *([(50, dict(away_from))] if away_from else [])]
    return [
        {"weight": weight, "podAffinityTerm": {"labelSelector": selector, "topologyKey": "kubernetes.io/hostname"}}
        for weight, selector in kept_off
    ]


def _container(image: str) -> dict[str, Any]:
    return {
        "name": CONTAINER,
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "command": ["python3", f"{_PLACE}/{_PROGRAM}", f"{_PLACE}/{_PLAN}"],
        "resources": _RESOURCES,
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        # What it says before it ends at once is read from its status, also where its log is not there yet.
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "volumeMounts": [{"name": CONTAINER, "mountPath": _PLACE, "readOnly": True}],
    }
