"""What the published types do not tell of themselves: how their lists and maps merge, and what an empty object shows.

The first table is x-kubernetes-list-type, -list-map-keys and -map-type of the API's OpenAPI documents, made there of
the tags listType, listMapKey, mapType and structType in k8s.io/api's types.go. A list that is not in it is atomic, a
map or struct is granular. The second is which fields Go's encoding writes of an object in which nothing is set: structs
without a pointer, and what is not `omitempty`; a creation is a change of that object, not of none.
"""

from __future__ import annotations

from typing import Any

_CONDITIONS = {"conditions": "map type"}
_CONTAINER = {
    "env": "map name", "ports": "map containerPort,protocol", "volumeDevices": "map devicePath",
    "volumeMounts": "map mountPath",
}  # fmt: skip
_HEALTH = {"healthConditions": "map status,reason"}
# Type -> field -> "map KEYS", "set" or "atomic".
TOPOLOGIES: dict[str, dict[str, str]] = {
    "V1Container": _CONTAINER,
    "V1ContainerRestartRuleOnExitCodes": {"values": "set"},
    "V1ContainerStatus": {"allocatedResourcesStatus": "map name", "volumeMounts": "map mountPath"},
    "V1CronJobStatus": {"active": "atomic"},
    "V1CustomResourceDefinitionStatus": _CONDITIONS,
    "V1DaemonSetStatus": _CONDITIONS,
    "V1DeploymentStatus": _CONDITIONS,
    "V1Endpoint": {"addresses": "set"},
    "V1EphemeralContainer": _CONTAINER,
    "V1JobSchedulingConfiguration": {"resourceClaims": "map name"},
    "V1NamespaceStatus": _CONDITIONS,
    "V1NodeAllocatableResourceClaimStatus": {"containers": "set", "mapping": "map name", "overhead": "map name"},
    "V1NodePodPreemptionPolicy": {"disableResizePreemption": "set"},
    "V1NodeSpec": {"podCIDRs": "set"},
    "V1NodeStatus": {**_CONDITIONS, "addresses": "map type"},
    "V1ObjectMeta": {"finalizers": "set", "ownerReferences": "map uid"},
    "V1PersistentVolumeClaimStatus": _CONDITIONS,
    "V1PodDisruptionBudgetStatus": _CONDITIONS,
    "V1PodFailurePolicyOnExitCodesRequirement": {"values": "set"},
    "V1PodSpec": {
        "containers": "map name", "ephemeralContainers": "map name", "evictionResponders": "map name",
        "hostAliases": "map ip", "imagePullSecrets": "map name", "initContainers": "map name", "nodeSelector": "atomic",
        "resourceClaims": "map name", "schedulingGates": "map name",
        "topologySpreadConstraints": "map topologyKey,whenUnsatisfiable", "volumes": "map name",
    },
    "V1PodStatus": {
        **_CONDITIONS, "nodeAllocatableResourceClaimStatuses": "map resourceClaimName", "podIPs": "map ip",
        "resourceClaimStatuses": "map name", "volumeHealth": "map name",
    },
    "V1PodVolumeHealth": _HEALTH,
    "V1ReplicaSetStatus": _CONDITIONS,
    "V1ReplicationControllerSpec": {"selector": "atomic"},
    "V1ResourceRequirements": {"claims": "map name"},
    "V1ResourceStatus": {"resources": "map resourceID"},
    "V1ServiceAccount": {"secrets": "map name"},
    "V1ServiceSpec": {"ports": "map port,protocol", "selector": "atomic"},
    "V1ServiceStatus": _CONDITIONS,
    "V1StatefulSetStatus": _CONDITIONS,
    "V1UncountedTerminatedPods": {"failed": "set", "succeeded": "set"},
    "V1VolumeHealthStatus": _HEALTH,
    "V1VolumeMount": {"bindMountOptions": "set"},
    "V2HorizontalPodAutoscalerStatus": _CONDITIONS,
}  # fmt: skip
# Structs that are owned as one.
ATOMIC_TYPES = frozenset(
    {
        "CoreV1EndpointPort", "DiscoveryV1EndpointPort", "V1ConfigMapKeySelector", "V1EvictionResponder",
        "V1FileKeySelector", "V1LabelSelector", "V1LocalObjectReference", "V1NodeSelector", "V1NodeSelectorTerm",
        "V1ObjectFieldSelector", "V1ObjectReference", "V1OwnerReference", "V1ResourceFieldSelector", "V1ScopeSelector",
        "V1SecretKeySelector", "V1ServiceBackendPort", "V1TypedLocalObjectReference",
    }
)  # fmt: skip
# What a key counts as where an element of a list leaves it out; of all others "", or 0 for a number.
KEY_DEFAULTS: dict[tuple[str, str], Any] = {
    ("V1ContainerPort", "protocol"): "TCP",
    ("V1ServicePort", "protocol"): "TCP",
}
# Elements of these are told apart by a key that may be missing.
NO_KEY_DEFAULT = frozenset({("V1ObjectReference", "name")})
_SPECIFIED: dict[str, Any] = {"metadata": {}, "spec": {}}
_OBJECT: dict[str, Any] = {"metadata": {}, "spec": {}, "status": {}}
# Type -> field -> what an object shows of it in which nothing is set.
EMPTY: dict[str, dict[str, Any]] = {
    "CoreV1Event": {
        "metadata": {}, "involvedObject": {}, "source": {}, "firstTimestamp": None, "lastTimestamp": None,
        "eventTime": None, "reportingComponent": "", "reportingInstance": "",
    },
    "V1ConfigMap": {"metadata": {}},
    "V1ControllerRevision": {"metadata": {}, "data": None, "revision": 0},
    "V1CronJob": _OBJECT,
    "V1CronJobSpec": {"jobTemplate": {}, "schedule": ""},
    "V1Deployment": _OBJECT,
    "V1DeploymentSpec": {"selector": None, "template": {}, "strategy": {}},
    "V1EndpointSlice": {"metadata": {}, "addressType": "", "endpoints": None, "ports": None},
    "V1Endpoints": {"metadata": {}},
    "V1Ingress": _OBJECT,
    "V1IngressClass": _SPECIFIED,
    "V1IngressStatus": {"loadBalancer": {}},
    "V1Job": _OBJECT,
    "V1JobSpec": {"template": {}},
    "V1JobTemplateSpec": _SPECIFIED,
    "V1Lease": _SPECIFIED,
    "V1LimitRange": _SPECIFIED,
    "V1LimitRangeSpec": {"limits": None},
    "V1Namespace": _OBJECT,
    "V1NetworkPolicy": _SPECIFIED,
    "V1NetworkPolicySpec": {"podSelector": {}},
    "V1Node": _OBJECT,
    "V1PersistentVolumeClaim": _OBJECT,
    "V1PersistentVolumeClaimSpec": {"resources": {}},
    "V1Pod": _OBJECT,
    "V1PodDisruptionBudget": _OBJECT,
    "V1PodSpec": {"containers": None},
    "V1PodTemplateSpec": _SPECIFIED,
    "V1PriorityClass": {"metadata": {}, "value": 0},
    "V1ReplicaSet": _OBJECT,
    "V1ReplicaSetSpec": {"selector": None, "template": {}},
    "V1ResourceQuota": _OBJECT,
    "V1RuntimeClass": {"metadata": {}, "handler": ""},
    "V1Secret": {"metadata": {}},
    "V1Service": _OBJECT,
    "V1ServiceAccount": {"metadata": {}},
    "V1ServiceStatus": {"loadBalancer": {}},
    "V1StatefulSet": _OBJECT,
    "V1DaemonSet": _OBJECT,
    "V1DaemonSetSpec": {"selector": None, "template": {}, "updateStrategy": {}},
    "V1StatefulSetSpec": {"selector": None, "template": {}, "updateStrategy": {}},
    "V2HorizontalPodAutoscaler": _OBJECT,
    "V2HorizontalPodAutoscalerSpec": {"scaleTargetRef": {"kind": "", "name": ""}, "maxReplicas": 0},
}  # fmt: skip
