# ruff: noqa: E501  (an object is a row)
"""Objects that the API takes, one a kind, and a way to change one at a few places."""

from __future__ import annotations

import copy
from typing import Any

Object = dict[str, Any]

PODS = {"containers": [{"name": "c", "image": "i"}]}
TEMPLATE = {"metadata": {"labels": {"app": "web"}}, "spec": PODS}
SELECTED = {"selector": {"matchLabels": {"app": "web"}}, "template": TEMPLATE}
BACKEND = {"service": {"name": "web", "port": {"number": 80}}}
PROPER: dict[str, Object] = {
    "v1/Pod": {"spec": PODS},
    "v1/ConfigMap": {"data": {"a": "b"}},
    "v1/Secret": {"data": {"a": "Yg=="}},
    "v1/Service": {"spec": {"ports": [{"port": 80}], "clusterIP": "10.96.0.20", "clusterIPs": ["10.96.0.20"]}},
    "v1/Node": {"spec": {"taints": [{"key": "a", "effect": "NoSchedule"}]}},
    "v1/ResourceQuota": {"spec": {"hard": {"pods": "5"}}},
    "v1/PersistentVolumeClaim": {"spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}},
    "apps/v1/Deployment": {"spec": SELECTED},
    "apps/v1/ReplicaSet": {"spec": SELECTED},
    "apps/v1/StatefulSet": {"spec": SELECTED},
    "apps/v1/DaemonSet": {"spec": SELECTED},
    "batch/v1/Job": {"spec": {"template": {"spec": {**PODS, "restartPolicy": "Never"}}}},
    "batch/v1/CronJob": {
        "spec": {
            "schedule": "@hourly",
            "jobTemplate": {"spec": {"template": {"spec": {**PODS, "restartPolicy": "Never"}}}},
        }
    },
    "coordination.k8s.io/v1/Lease": {"spec": {"holderIdentity": "a", "leaseDurationSeconds": 15}},
    "networking.k8s.io/v1/Ingress": {
        "spec": {"rules": [{"host": "a.example", "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": BACKEND}]}}]}
    },
    "networking.k8s.io/v1/IngressClass": {"spec": {"controller": "example.com/one"}},
    "networking.k8s.io/v1/NetworkPolicy": {
        "spec": {"podSelector": {}, "ingress": [{"ports": [{"port": 80}], "from": [{"ipBlock": {"cidr": "10.0.0.0/8"}}]}]}
    },
    "policy/v1/PodDisruptionBudget": {"spec": {"minAvailable": 1, "selector": {}}},
    "autoscaling/v2/HorizontalPodAutoscaler": {
        "spec": {
            "scaleTargetRef": {"kind": "Deployment", "name": "web"},
            "maxReplicas": 3,
            "metrics": [
                {"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 50}}}
            ],
        }
    },
}  # fmt: skip


def kind_of(name: str) -> str:
    """`Pod` -> `v1/Pod`."""
    return next(kind for kind in PROPER if kind.rpartition("/")[2] == name)


def changed(obj: Object, changes: dict[str, Any]) -> Object:
    """Each path of steps with a new value; None takes away what was there."""
    obj = copy.deepcopy(obj)
    for path, value in changes.items():
        *steps, last = (int(step) if step.isdigit() else step for step in path.split("/"))
        place: Any = obj
        for step in steps:
            place = place[step] if isinstance(step, int) else place.setdefault(step, {})
        if value is None:
            del place[last]
        elif isinstance(last, int) and last == len(place):
            place.append(value)
        else:
            place[last] = value
    return obj
