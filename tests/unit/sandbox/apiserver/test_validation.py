# ruff: noqa: E501  (a case is a row)
"""Objects that the real API refuses, with what it says of them; each row changes a proper object at one place."""

from __future__ import annotations

import base64
import copy
import json
from typing import Any

import pytest

from harness.sandbox.apiserver.api_errors import StatusError
from harness.sandbox.apiserver.decoding import decoded
from harness.sandbox.apiserver.defaults import apply_defaults
from harness.sandbox.apiserver.resources import resource_of
from harness.sandbox.apiserver.validation import validate
from tests.unit.sandbox.apiserver.proper import PROPER, changed, kind_of

Object = dict[str, Any]


def stored(name: str, changes: dict[str, Any]) -> Object:
    api_version, _, kind = kind_of(name).rpartition("/")
    metadata = {"name": "web", "namespace": "default", "uid": "1a2b"}
    obj = changed({"metadata": metadata, **PROPER[kind_of(name)]}, changes)
    clean, unknown = decoded({"apiVersion": api_version, "kind": kind, **obj})
    assert not unknown
    apply_defaults(clean)
    return clean


def said(new: Object, old: Object | None = None) -> list[str]:
    """What is wrong with it, a line a field."""
    resource = resource_of(new["apiVersion"], new["kind"])
    assert resource is not None
    try:
        validate(resource, new, old)
    except StatusError as error:
        return [f"{cause['field']}: {cause['message']}" for cause in error.details["causes"]]
    return []


@pytest.mark.parametrize("kind", PROPER)
def test_what_is_proper_is_taken_and_may_be_stored_again(kind: str) -> None:
    obj = stored(kind.rpartition("/")[2], {})
    assert said(obj) == []
    assert said(copy.deepcopy(obj), obj) == []


C = "spec/containers/0"
CREATED: list[tuple[str, dict[str, Any], str]] = [
    # Pods
    ("Pod", {f"{C}/volumeMounts": [{"name": "v", "mountPath": "/v", "subPath": "../../etc"}], "spec/volumes": [{"name": "v"}]}, "spec.containers[0].volumeMounts[0].subPath: Invalid value: \"../../etc\": must not contain '..'"),
    ("Pod", {f"{C}/volumeMounts": [{"name": "v", "mountPath": "/v", "subPath": "/etc"}], "spec/volumes": [{"name": "v"}]}, 'spec.containers[0].volumeMounts[0].subPath: Invalid value: "/etc": must be a relative path'),
    ("Pod", {f"{C}/volumeMounts": [{"name": "v", "mountPath": "/v"}]}, 'spec.containers[0].volumeMounts[0].name: Not found: "v"'),
    ("Pod", {"spec/volumes": [{"name": "v", "hostPath": {"path": "/a/../b"}}]}, "spec.volumes[0].hostPath.path: Invalid value: \"/a/../b\": must not contain '..'"),
    ("Pod", {"spec/volumes": [{"name": "v", "hostPath": {"path": "/a", "type": "Dir"}}]}, 'spec.volumes[0].hostPath.type: Unsupported value: "Dir": supported values: "", "BlockDevice", "CharDevice", "Directory", "DirectoryOrCreate", "File", "FileOrCreate", "Socket"'),
    ("Pod", {"spec/volumes": [{"name": "v", "configMap": {"name": "a", "defaultMode": 512}}]}, "spec.volumes[0].configMap.defaultMode: Invalid value: 512: must be a number between 0 and 0777 (octal), both inclusive"),
    ("Pod", {"spec/volumes": [{"name": "v", "configMap": {"name": "a", "items": [{"key": "k", "path": "../k"}]}}]}, "spec.volumes[0].configMap.items[0].path: Invalid value: \"../k\": must not contain '..'"),
    ("Pod", {"spec/volumes": [{"name": "v", "persistentVolumeClaim": {}}]}, "spec.volumes[0].persistentVolumeClaim.claimName: Required value"),
    ("Pod", {f"{C}/ports": [{"containerPort": 80, "hostPort": 70000}]}, "spec.containers[0].ports[0].hostPort: Invalid value: 70000: must be between 1 and 65535, inclusive"),
    ("Pod", {f"{C}/ports": [{"containerPort": 80, "hostPort": 81}], "spec/hostNetwork": True}, "spec.containers[0].ports[0].hostPort: Invalid value: 81: must match `containerPort` when `hostNetwork` is true"),
    ("Pod", {f"{C}/ports": [{"containerPort": 80, "hostPort": 80}, {"containerPort": 81, "hostPort": 80}]}, 'spec.containers[0].ports[1].hostPort: Duplicate value: "TCP//80"'),
    ("Pod", {f"{C}/ports": [{"containerPort": 80, "name": "a-much-too-long-name"}]}, 'spec.containers[0].ports[0].name: Invalid value: "a-much-too-long-name": must be no more than 15 characters'),
    ("Pod", {f"{C}/env": [{"name": "A", "valueFrom": {}}]}, 'spec.containers[0].env[0].valueFrom: Invalid value: "": must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef` or `secretKeyRef`'),
    ("Pod", {f"{C}/env": [{"name": "A", "valueFrom": {"configMapKeyRef": {"name": "a"}}}]}, "spec.containers[0].env[0].valueFrom.configMapKeyRef.key: Required value"),
    ("Pod", {f"{C}/env": [{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "spec.nothing"}}}]}, 'spec.containers[0].env[0].valueFrom.fieldRef.fieldPath: Invalid value: "spec.nothing": error converting fieldPath: field label not supported: spec.nothing'),
    ("Pod", {f"{C}/envFrom": [{}]}, 'spec.containers[0].envFrom[0]: Invalid value: "": must specify one of: `configMapRef` or `secretRef`'),
    ("Pod", {f"{C}/resources": {"limits": {"cpus": "1"}}}, 'spec.containers[0].resources.limits[cpus]: Invalid value: "cpus": must be a standard resource for containers'),
    ("Pod", {f"{C}/resources": {"limits": {"cpu": "-1"}}}, 'spec.containers[0].resources.limits[cpu]: Invalid value: "-1": must be greater than or equal to 0'),
    ("Pod", {f"{C}/resources": {"requests": {"cpu": "2"}, "limits": {"cpu": "1500m"}}}, 'spec.containers[0].resources.requests: Invalid value: "2": must be less than or equal to cpu limit of 1500m'),
    ("Pod", {f"{C}/resources": {"limits": {"a.example/gpu": "500m"}}}, 'spec.containers[0].resources.limits[a.example/gpu]: Invalid value: "500m": must be an integer'),
    ("Pod", {f"{C}/lifecycle": {"preStop": {"sleep": {"seconds": 31}}}}, "spec.containers[0].lifecycle.preStop.sleep: Invalid value: 31: must be non-negative and less than terminationGracePeriodSeconds (30)"),
    ("Pod", {f"{C}/readinessProbe": {"httpGet": {"port": 80, "scheme": "http"}}}, 'spec.containers[0].readinessProbe.httpGet.scheme: Unsupported value: "http": supported values: "HTTP", "HTTPS"'),
    ("Pod", {f"{C}/readinessProbe": {"tcpSocket": {"port": 80}, "terminationGracePeriodSeconds": 1}}, "spec.containers[0].readinessProbe.terminationGracePeriodSeconds: Invalid value: 1: must not be set for readinessProbes"),
    ("Pod", {f"{C}/livenessProbe": {"grpc": {}}}, "spec.containers[0].livenessProbe.grpc.port: Invalid value: 0: must be between 1 and 65535, inclusive"),
    ("Pod", {"spec/initContainers": [{"name": "i", "image": "i", "lifecycle": {"preStop": {"exec": {"command": ["a"]}}}}]}, "spec.initContainers[0].lifecycle: Forbidden: may not be set for init containers without restartPolicy=Always"),
    ("Pod", {"spec/securityContext": {"runAsUser": -1}}, "spec.securityContext.runAsUser: Invalid value: -1: must be between 0 and 2147483647, inclusive"),
    ("Pod", {f"{C}/securityContext": {"privileged": True, "allowPrivilegeEscalation": False}}, 'spec.containers[0].securityContext: Invalid value: {"privileged":true,"allowPrivilegeEscalation":false}: cannot set `allowPrivilegeEscalation` to false and `privileged` to true'),
    ("Pod", {"spec/tolerations": [{"operator": "Equal", "value": "a"}]}, 'spec.tolerations[0].operator: Invalid value: "Equal": operator must be Exists when `key` is empty, which means "match all values and all keys"'),
    ("Pod", {"spec/tolerations": [{"key": "a", "operator": "Exists", "effect": "NoSchedule", "tolerationSeconds": 1}]}, "spec.tolerations[0].effect: Invalid value: \"NoSchedule\": effect must be 'NoExecute' when `tolerationSeconds` is set"),
    ("Pod", {"spec/topologySpreadConstraints": [{"topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule"}]}, "spec.topologySpreadConstraints[0].maxSkew: Invalid value: 0: must be greater than zero"),
    ("Pod", {"spec/affinity": {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [{"labelSelector": {}}]}}}, "spec.affinity.podAntiAffinity.requiredDuringSchedulingIgnoredDuringExecution[0].topologyKey: Required value: can not be empty"),
    ("Pod", {"spec/affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": []}}}}, "spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms: Required value: must have at least one node selector term"),
    ("Pod", {"spec/hostAliases": [{"ip": "nowhere"}]}, 'spec.hostAliases[0].ip: Invalid value: "nowhere": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)'),
    ("Pod", {"spec/dnsPolicy": "None"}, "spec.dnsConfig.nameservers: Required value: must provide at least one DNS nameserver when `dnsPolicy` is None"),
    ("Pod", {"spec/activeDeadlineSeconds": 2**31}, "spec.activeDeadlineSeconds: Invalid value: 2147483648: must be between 1 and 2147483647, inclusive"),
    ("Pod", {"spec/ephemeralContainers": [{"name": "e", "image": "i"}]}, "spec.ephemeralContainers: Forbidden: cannot be set on create"),
    ("Pod", {"metadata/annotations": {"a": "x" * 2**18}}, "metadata.annotations: Too long: may not be more than 262144 bytes"),
    # Workloads
    ("Deployment", {"spec/template/spec/activeDeadlineSeconds": 5}, "spec.template.spec.activeDeadlineSeconds: Forbidden: activeDeadlineSeconds in ReplicaSet is not Supported"),
    ("Deployment", {"spec/selector/matchExpressions": [{"key": "a", "operator": "Exists", "values": ["b"]}]}, "spec.selector.matchExpressions[0].values: Forbidden: may not be specified when `operator` is 'Exists' or 'DoesNotExist'"),
    ("Deployment", {"spec/strategy": {"rollingUpdate": {"maxUnavailable": "101%"}}}, 'spec.strategy.rollingUpdate.maxUnavailable: Invalid value: "101%": must not be greater than 100%'),
    ("Deployment", {"spec/selector": None}, 'spec.template.metadata.labels: Invalid value: {"app":"web"}: `selector` does not match template `labels`'),
    ("Deployment", {"spec/template": None}, "spec.template.spec.containers: Required value"),
    ("StatefulSet", {"spec/ordinals": {"start": -1}}, "spec.ordinals.start: Invalid value: -1: must be greater than or equal to 0"),
    ("StatefulSet", {"spec/persistentVolumeClaimRetentionPolicy": {"whenScaled": "Keep"}}, 'spec.persistentVolumeClaimRetentionPolicy.whenScaled: Unsupported value: "Keep": supported values: "Delete", "Retain"'),
    ("StatefulSet", {"spec/template/spec/activeDeadlineSeconds": 5}, "spec.template.spec.activeDeadlineSeconds: Forbidden: activeDeadlineSeconds in StatefulSet is not Supported"),
    ("Job", {"spec/template/spec/restartPolicy": "Always"}, 'spec.template.spec.restartPolicy: Required value: valid values: "OnFailure", "Never"'),
    ("Job", {"spec/completionMode": "Indexed", "spec/parallelism": 1}, "spec.completions: Required value: when completion mode is Indexed"),
    ("Job", {"spec/backoffLimitPerIndex": 1}, "spec.backoffLimitPerIndex: Invalid value: 1: requires indexed completion mode"),
    ("Job", {"spec/podFailurePolicy": {"rules": [{"action": "FailJob"}]}}, "spec.podFailurePolicy.rules[0]: Invalid value: specifying one of OnExitCodes and OnPodConditions is required"),
    ("Job", {"spec/podFailurePolicy": {"rules": [{"action": "Retry", "onPodConditions": [{"type": "DisruptionTarget"}]}]}}, 'spec.podFailurePolicy.rules[0].action: Unsupported value: "Retry": supported values: "Count", "FailIndex", "FailJob", "Ignore"'),
    ("Job", {"spec/podFailurePolicy": {"rules": [{"action": "FailIndex", "onExitCodes": {"operator": "In", "values": [1]}}]}}, 'spec.podFailurePolicy.rules[0].action: Invalid value: "FailIndex": requires the backoffLimitPerIndex to be set'),
    ("Job", {"spec/podFailurePolicy": {"rules": [{"action": "FailJob", "onExitCodes": {"operator": "In", "values": [0]}}]}}, "spec.podFailurePolicy.rules[0].onExitCodes.values[0]: Invalid value: 0: must not be 0 for the In operator"),
    ("Job", {"spec/podFailurePolicy": {"rules": [{"action": "FailJob", "onExitCodes": {"operator": "In", "values": [2, 1]}}]}}, "spec.podFailurePolicy.rules[0].onExitCodes.values: Invalid value: [2,1]: must be ordered"),
    ("Job", {"spec/podFailurePolicy": {"rules": [{"action": "FailJob", "onExitCodes": {"operator": "In", "values": [1, 1]}}]}}, "spec.podFailurePolicy.rules[0].onExitCodes.values[1]: Duplicate value: 1"),
    ("Job", {"spec/podFailurePolicy": {"rules": [{"action": "FailJob", "onExitCodes": {"containerName": "none", "operator": "NotIn", "values": [1]}}]}}, 'spec.podFailurePolicy.rules[0].onExitCodes.containerName: Invalid value: "none": must be one of the container or initContainer names in the pod template'),
    ("Job", {"spec/podFailurePolicy": {"rules": []}, "spec/podReplacementPolicy": "TerminatingOrFailed"}, 'spec.podReplacementPolicy: Unsupported value: "TerminatingOrFailed": supported values: "Failed"'),
    ("Job", {"spec/selector": {"matchLabels": {"a": "b"}}}, 'spec.selector: Invalid value: {"matchLabels":{"a":"b","batch.kubernetes.io/controller-uid":"1a2b"}}: `selector` not auto-generated'),
    ("CronJob", {"spec/jobTemplate/spec/selector": {"matchExpressions": [{"key": "a", "operator": "1"}]}}, 'spec.jobTemplate.spec.selector: Invalid value: {"matchExpressions":[{"key":"a","operator":"1"}]}: `selector` will be auto-generated'),
    ("CronJob", {"spec/jobTemplate/spec/manualSelector": True}, 'spec.jobTemplate.spec.manualSelector: Unsupported value: true: supported values: "nil", "false"'),
    ("CronJob", {"spec/jobTemplate/spec/completionMode": "Indexed", "spec/jobTemplate/spec/parallelism": 1}, "spec.jobTemplate.spec.completions: Required value: when completion mode is Indexed"),
    ("CronJob", {"spec/jobTemplate/spec/template/spec/restartPolicy": "Always"}, 'spec.jobTemplate.spec.template.spec.restartPolicy: Required value: valid values: "OnFailure", "Never"'),
    # Services
    ("Service", {"spec/ports": [{"port": 80, "name": "a"}, {"port": 80, "name": "b"}]}, 'spec.ports[1]: Duplicate value: {"Name":"","Protocol":"TCP","AppProtocol":null,"Port":80,"TargetPort":0,"NodePort":0}'),
    ("Service", {"spec/ports/0/nodePort": 30080}, "spec.ports[0].nodePort: Forbidden: may not be used when `type` is 'ClusterIP'"),
    ("Service", {"spec/ports/0/port": None}, "spec.ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive"),
    ("Service", {"spec/type": "NodePort", "spec/clusterIP": "None", "spec/clusterIPs": ["None"]}, "spec.clusterIPs[0]: Invalid value: \"None\": may not be set to 'None' for NodePort services"),
    ("Service", {"spec/clusterIPs": ["10.96.0.21"]}, 'spec.clusterIPs: Invalid value: ["10.96.0.21"]: first value must match `clusterIP`'),
    ("Service", {"spec/externalTrafficPolicy": "Local"}, 'spec.externalTrafficPolicy: Invalid value: "Local": may only be set for externally-accessible services'),
    ("Service", {"spec/internalTrafficPolicy": "Near"}, 'spec.internalTrafficPolicy: Unsupported value: "Near": supported values: "Cluster", "Local"'),
    ("Service", {"spec/trafficDistribution": "Near"}, 'spec.trafficDistribution: Unsupported value: "Near": supported values: "PreferClose", "PreferSameNode", "PreferSameZone"'),
    ("Service", {"spec/sessionAffinity": "ClientIP", "spec/sessionAffinityConfig": {"clientIP": {"timeoutSeconds": 86401}}}, "spec.sessionAffinityConfig.clientIP.timeoutSeconds: Invalid value: 86401: must be greater than 0 and less than 86400"),
    ("Service", {"spec/externalIPs": ["x"]}, 'spec.externalIPs[0]: Invalid value: "x": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)'),
    ("Service", {"spec/loadBalancerClass": "a"}, "spec.loadBalancerClass: Forbidden: may only be used when `type` is 'LoadBalancer'"),
    # ConfigMaps, Secrets, claims, leases
    ("ConfigMap", {"binaryData": {"a": "Yg=="}}, 'data[a]: Invalid value: "a": duplicate of key present in binaryData'),
    ("ConfigMap", {"data/a": "x" * (2**20 + 1)}, ": Too long: may not be more than 1048576 bytes"),
    ("Secret", {"data/a": base64.b64encode(b"x" * (2**20 + 1)).decode()}, "data: Too long: may not be more than 1048576 bytes"),
    ("Secret", {"type": "kubernetes.io/tls", "data": {"tls.crt": ""}}, "data[tls.key]: Required value"),
    ("Secret", {"type": "kubernetes.io/dockerconfigjson", "data": {".dockerconfigjson": "Yg=="}}, 'data[.dockerconfigjson]: Invalid value: "<secret contents redacted>": it is not JSON'),
    ("Secret", {"type": "kubernetes.io/basic-auth"}, "data[username]: Required value"),
    ("Secret", {"type": "kubernetes.io/service-account-token"}, "metadata.annotations[kubernetes.io/service-account.name]: Required value"),
    ("PersistentVolumeClaim", {"spec/accessModes": []}, "spec.accessModes: Required value: at least 1 access mode is required"),
    ("ResourceQuota", {"spec/hard/pods": "-1"}, 'spec.hard[pods]: Invalid value: "-1": must be greater than or equal to 0'),
    ("Node", {"spec/taints/0/effect": "No"}, 'spec.taints[0].effect: Unsupported value: "No": supported values: "NoExecute", "NoSchedule", "PreferNoSchedule"'),
    ("Node", {"status": {"allocatable": {"pods": "-1"}}}, 'status.allocatable[pods]: Invalid value: "-1": must be greater than or equal to 0'),
    ("StatefulSet", {"metadata/name": "a.b"}, 'metadata.name: Invalid value: "a.b": a lowercase RFC 1123 label must consist of'),
    ("Lease", {"spec/leaseDurationSeconds": 0}, "spec.leaseDurationSeconds: Invalid value: 0: must be greater than 0"),
    # Networking
    ("Ingress", {"spec/rules": []}, "spec: Invalid value: null: either `defaultBackend` or `rules` must be specified"),
    ("Ingress", {"spec/rules/0/host": "10.0.0.1"}, 'spec.rules[0].host: Invalid value: "10.0.0.1": must be a DNS name, not an IP address'),
    ("Ingress", {"spec/rules/0/http/paths/0/pathType": None}, "spec.rules[0].http.paths[0].pathType: Required value: pathType must be specified"),
    ("Ingress", {"spec/rules/0/http/paths/0/pathType": "Regex"}, 'spec.rules[0].http.paths[0].pathType: Unsupported value: "Regex": supported values: "Exact", "ImplementationSpecific", "Prefix"'),
    ("Ingress", {"spec/rules/0/http/paths/0/path": "a"}, 'spec.rules[0].http.paths[0].path: Invalid value: "a": must be an absolute path'),
    ("Ingress", {"spec/rules/0/http/paths/0/path": "/a/.."}, "spec.rules[0].http.paths[0].path: Invalid value: \"/a/..\": cannot end with '/..'"),
    ("Ingress", {"spec/rules/0/http/paths/0/backend": {}}, 'spec.rules[0].http.paths[0].backend: Invalid value: "": resource or service backend is required'),
    ("Ingress", {"spec/rules/0/http/paths/0/backend": {"service": {"name": "web"}}}, "spec.rules[0].http.paths[0].backend: Required value: port name or number is required"),
    ("Ingress", {"spec/tls": [{"secretName": "A"}]}, 'spec.tls[0].secretName: Invalid value: "A": a lowercase RFC 1123 subdomain'),
    ("Ingress", {"spec/ingressClassName": "a", "metadata/annotations": {"kubernetes.io/ingress.class": "b"}}, 'annotations.kubernetes.io/ingress.class: Invalid value: "b": must match `ingressClassName` when both are specified'),
    ("IngressClass", {"spec/controller": "one"}, 'spec.controller: Invalid value: "one": must be a domain-prefixed path (such as "acme.io/foo")'),
    ("IngressClass", {"spec/parameters": {"kind": "A", "name": "a", "scope": "Namespace"}}, "spec.parameters.namespace: Required value: `parameters.scope` is set to 'Namespace'"),
    ("NetworkPolicy", {"spec/ingress/0/ports/0/port": 0}, "spec.ingress[0].ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive"),
    ("NetworkPolicy", {"spec/ingress/0/ports/0/endPort": 79}, "spec.ingress[0].ports[0].endPort: Invalid value: 79: must be greater than or equal to `port`"),
    ("NetworkPolicy", {"spec/ingress/0/from/0": {}}, "spec.ingress[0].from[0]: Required value: must specify a peer"),
    ("NetworkPolicy", {"spec/ingress/0/from/0/podSelector": {}}, "spec.ingress[0].from[0]: Forbidden: may not specify both ipBlock and another peer"),
    ("NetworkPolicy", {"spec/ingress/0/from/0/ipBlock/cidr": "10.0.0.1"}, 'spec.ingress[0].from[0].ipBlock.cidr: Invalid value: "10.0.0.1": must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)'),
    ("NetworkPolicy", {"spec/ingress/0/from/0/ipBlock/except": ["11.0.0.0/16"]}, 'spec.ingress[0].from[0].ipBlock.except[0]: Invalid value: "11.0.0.0/16": must be a strict subset of `cidr`'),
    ("NetworkPolicy", {"spec/policyTypes": ["In"]}, 'spec.policyTypes[0]: Unsupported value: "In": supported values: "Egress", "Ingress"'),
    # Budgets and autoscalers
    ("PodDisruptionBudget", {"spec/maxUnavailable": 1}, 'spec: Invalid value: {"MinAvailable":1,"Selector":{},"MaxUnavailable":1,"UnhealthyPodEvictionPolicy":null}: minAvailable and maxUnavailable cannot be both set'),
    ("PodDisruptionBudget", {"spec/minAvailable": "half"}, "spec.minAvailable: Invalid value: \"half\": a valid percent string must be"),
    ("PodDisruptionBudget", {"spec/minAvailable": "101%"}, 'spec.minAvailable: Invalid value: "101%": must not be greater than 100%'),
    ("PodDisruptionBudget", {"spec/minAvailable": -1}, "spec.minAvailable: Invalid value: -1: must be greater than or equal to 0"),
    ("PodDisruptionBudget", {"spec/unhealthyPodEvictionPolicy": "Never"}, 'spec.unhealthyPodEvictionPolicy: Unsupported value: "Never": supported values: "AlwaysAllow", "IfHealthyBudget"'),
    ("HorizontalPodAutoscaler", {"spec/minReplicas": 0}, "spec.minReplicas: Invalid value: 0: must be greater than or equal to 1"),
    ("HorizontalPodAutoscaler", {"spec/minReplicas": 4}, "spec.maxReplicas: Invalid value: 3: must be greater than or equal to `minReplicas`"),
    ("HorizontalPodAutoscaler", {"spec/maxReplicas": None}, "spec.maxReplicas: Invalid value: 0: must be greater than 0"),
    ("HorizontalPodAutoscaler", {"spec/scaleTargetRef/name": None}, "spec.scaleTargetRef.name: Required value"),
    ("HorizontalPodAutoscaler", {"spec/metrics/0/type": "Cpu"}, 'spec.metrics[0].type: Unsupported value: "Cpu": supported values: "ContainerResource", "External", "Object", "Pods", "Resource"'),
    ("HorizontalPodAutoscaler", {"spec/metrics/0/resource/target/averageUtilization": 0}, "spec.metrics[0].resource.target.averageUtilization: Invalid value: 0: must be greater than 0"),
    ("HorizontalPodAutoscaler", {"spec/metrics/0/resource/target/averageUtilization": None}, "spec.metrics[0].resource.target.averageUtilization: Required value: must set either a target raw value or a target utilization"),
    ("HorizontalPodAutoscaler", {"spec/behavior": {"scaleDown": {"stabilizationWindowSeconds": 3601, "policies": []}}}, "spec.behavior.scaleDown.stabilizationWindowSeconds: Invalid value: 3601: must be less than or equal to 3600"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "changes", "says"), CREATED)
def test_what_is_wrong_is_named(kind: str, changes: dict[str, Any], says: str) -> None:
    found = said(stored(kind, changes))
    assert any(line.startswith(says) for line in found), found
    for line in found:
        json.dumps(line)
        assert not any(mark in line for mark in ("None:", "True", "{'", "['")), line


IMMUTABLE = "field is immutable when `immutable` is set"
UPDATED: list[tuple[str, dict[str, Any], dict[str, Any], list[str]]] = [
    ("ConfigMap", {"immutable": True}, {"immutable": True, "data/a": "c"}, [f"data: Forbidden: {IMMUTABLE}"]),
    ("ConfigMap", {"immutable": True}, {"immutable": False}, [f"immutable: Forbidden: {IMMUTABLE}"]),
    ("ConfigMap", {"immutable": True}, {"immutable": True, "metadata/labels": {"a": "b"}}, []),
    ("ConfigMap", {"immutable": True}, {"immutable": True, "binaryData": {}}, []),
    ("Secret", {"immutable": True}, {"immutable": True, "data/b": "Yg=="}, [f"data: Forbidden: {IMMUTABLE}"]),
    ("Secret", {}, {"type": "own/kind"}, ['type: Invalid value: "own/kind": field is immutable']),
    ("Service", {}, {"spec/clusterIP": "10.96.0.21", "spec/clusterIPs": ["10.96.0.21"]}, ['spec.clusterIPs[0]: Invalid value: ["10.96.0.21"]: may not change once set']),
    ("IngressClass", {}, {"spec/controller": "example.com/two"}, ['spec.controller: Invalid value: "example.com/two": field is immutable']),
    ("PersistentVolumeClaim", {}, {"spec/accessModes": ["ReadOnlyMany"]}, ["spec: Forbidden: spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims"]),
    ("PersistentVolumeClaim", {}, {"spec/resources/requests/storage": "2Gi"}, []),
    ("Pod", {"spec/activeDeadlineSeconds": 5}, {"spec/activeDeadlineSeconds": 6}, ["spec.activeDeadlineSeconds: Invalid value: 6: must be less than or equal to previous value"]),
    ("Pod", {f"{C}/image": "i:1"}, {f"{C}/image": "i:2"}, []),
    ("Pod", {}, {"spec/schedulingGates": [{"name": "a"}]}, ["spec.schedulingGates[0]: Forbidden: only deletion is allowed, but found new scheduling gate 'a'"]),
    ("Pod", {"spec/tolerations": [{"key": "a", "operator": "Exists", "effect": "NoExecute"}]}, {"spec/tolerations": [{"key": "a", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 5}]}, []),
    ("Pod", {"spec/tolerations": [{"key": "a", "operator": "Exists"}]}, {}, ["spec.tolerations: Forbidden: existing toleration can not be modified except its tolerationSeconds"]),
    ("Job", {}, {"spec/completions": 2, "spec/parallelism": 1}, ["spec.completions: Invalid value: 2: field is immutable"]),
    ("Job", {"spec/suspend": True}, {"spec/suspend": True, "spec/template/spec/nodeSelector": {"a": "b"}}, []),
    ("Job", {"spec/completionMode": "Indexed", "spec/completions": 1, "spec/parallelism": 1}, {"spec/completionMode": "Indexed", "spec/completions": 2, "spec/parallelism": 2}, []),
    ("Pod", {"metadata/deletionTimestamp": "2026-01-01T00:00:00Z"}, {"metadata/finalizers": ["a.example/b"]}, ['metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers ["a.example/b"]']),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "before", "after", "says"), UPDATED)
def test_what_may_not_change_stays(kind: str, before: dict[str, Any], after: dict[str, Any], says: list[str]) -> None:
    assert said(stored(kind, after), stored(kind, before)) == says
