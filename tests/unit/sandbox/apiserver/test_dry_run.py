# ruff: noqa: E501  (a rule is a row)
"""What an API server refuses in a manifest is known without one; beside each wrong value stands one that it takes."""

from __future__ import annotations

from typing import Any

import pytest

from harness.sandbox.apiserver.dry_run import refused_fields
from tests.unit.sandbox.apiserver.proper import PROPER, changed, kind_of

POD = "spec/template/spec"
C = f"{POD}/containers/0"
SECRET = {"secretKeyRef": {"name": "a", "key": "b"}}
HTTP = {"httpGet": {"port": 80}}
TRUE = {"exec": {"command": ["true"]}}
MOUNT = {"name": "v", "mountPath": "/v"}
OTHER = {"name": "d", "image": "i"}
_80 = {"containerPort": 80, "name": "http"}
_81 = {"containerPort": 81, "name": "admin"}
_ROLL = "spec/strategy/rollingUpdate"


def manifest(kind: str, changes: dict[str, Any]) -> dict[str, Any]:
    version, _, name = kind_of(kind).rpartition("/")
    proper = PROPER[kind_of(kind)]
    if kind == "Service":  # as somebody writes it, without an address
        proper = {"spec": {"selector": {"app": "web"}, "ports": [{"port": 80}]}}
    return {"apiVersion": version, "kind": name, **changed({"metadata": {"name": "web"}, **proper}, changes)}


# Kind, where, what is refused there, what is said of it, and what is taken there.
RULES: list[tuple[str, str, Any, str, Any]] = [
    # Environment
    ("Deployment", f"{C}/env", [{"name": "A", "value": "1", "valueFrom": SECRET}], "env[0].valueFrom: Invalid value: \"\": may not be specified when `value` is not empty", [{"name": "A", "value": "", "valueFrom": SECRET}]),
    ("Deployment", f"{C}/env", [{"name": "A", "valueFrom": {**SECRET, "fieldRef": {"fieldPath": "metadata.name"}}}], "env[0].valueFrom: Invalid value: \"\": may not have more than one field specified at a time", [{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "metadata.labels['app']"}}}]),
    ("Deployment", f"{C}/env", [{"name": "A", "valueFrom": {}}], "env[0].valueFrom: Invalid value: \"\": must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef` or `secretKeyRef`", [{"name": "A"}]),
    ("Deployment", f"{C}/env", [{"name": "A=B", "value": "1"}], "env[0].name: Invalid value: \"A=B\": a valid environment variable name must", [{"name": "a.b-C d/9", "value": "1"}]),
    ("Deployment", f"{C}/env", [{"value": "1"}], "env[0].name: Required value", [{"name": "A"}, {"name": "A"}]),
    ("Deployment", f"{C}/env", [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "a"}}}], "env[0].valueFrom.secretKeyRef.key: Required value", [{"name": "A", "valueFrom": SECRET}]),
    ("Deployment", f"{C}/env", [{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "status.phase"}}}], "env[0].valueFrom.fieldRef.fieldPath: Unsupported value: \"status.phase\"", [{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}]),
    ("Deployment", f"{C}/envFrom", [{"prefix": "A_"}], "envFrom[0]: Invalid value: \"\": must specify one of: `configMapRef` or `secretRef`", [{"configMapRef": {"name": "a"}}]),
    # Ports
    ("Deployment", f"{C}/ports", [{**_80, "name": "metrics-exporter"}], "ports[0].name: Invalid value: \"metrics-exporter\": must be no more than 15 characters", [{**_80, "name": "metrics-exports"}]),
    ("Deployment", f"{C}/ports", [{**_80, "name": "HTTP"}], "ports[0].name: Invalid value: \"HTTP\": must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)", [{**_80, "name": "2-h"}]),
    ("Deployment", f"{C}/ports", [{**_80, "name": "80"}], "ports[0].name: Invalid value: \"80\": must contain at least one letter (a-z)", [{**_80, "name": "a80"}]),
    ("Deployment", f"{C}/ports", [{**_80, "name": "a--b"}], "ports[0].name: Invalid value: \"a--b\": must not contain consecutive hyphens", [{**_80, "name": "a-b"}]),
    ("Deployment", f"{C}/ports", [_80, {**_81, "name": "http"}], "ports[1].name: Duplicate value: \"http\"", [_80, {**_80, "name": "again"}]),
    ("Deployment", f"{C}/ports", [{"name": "http"}], "ports[0].containerPort: Required value", [_80]),
    ("Deployment", f"{C}/ports", [{"containerPort": 65536}], "ports[0].containerPort: Invalid value: 65536: must be between 1 and 65535, inclusive", [{"containerPort": 65535}]),
    ("Deployment", f"{C}/ports", [{**_80, "hostPort": 1}, {**_81, "hostPort": 1}], "ports[1].hostPort: Duplicate value: \"TCP//1\"", [{**_80, "hostPort": 1}, {**_81, "hostPort": 1, "protocol": "UDP"}]),
    ("Deployment", POD, {"containers/0/ports": [{**_80, "hostPort": 81}], "hostNetwork": True}, "ports[0].hostPort: Invalid value: 81: must match `containerPort` when `hostNetwork` is true", {"containers/0/ports": [_80], "hostNetwork": True}),
    # Resources
    ("Deployment", f"{C}/resources", {"requests": {"cpu": "1001m"}, "limits": {"cpu": 1}}, "resources.requests: Invalid value: \"1001m\": must be less than or equal to cpu limit of 1", {"requests": {"cpu": "1000m"}, "limits": {"cpu": 1}}),
    ("Deployment", f"{C}/resources", {"requests": {"memory": "1Gi"}, "limits": {"memory": "1G"}}, "resources.requests: Invalid value: \"1Gi\": must be less than or equal to memory limit of 1G", {"requests": {"memory": "1G"}, "limits": {"memory": "1Gi"}}),
    ("Deployment", f"{C}/resources", {"limits": {"cpu": "-1"}}, "resources.limits[cpu]: Invalid value: \"-1\": must be greater than or equal to 0", {"limits": {"cpu": "0.5"}}),
    ("Deployment", f"{C}/resources", {"limits": {"gpu": "1"}}, "resources.limits[gpu]: Invalid value: \"gpu\": must be a standard resource for containers", {"limits": {"example.com/gpu": "1"}}),
    # Volumes and mounts
    ("Deployment", f"{POD}/volumes", [{"name": "v", "emptyDir": {}, "configMap": {"name": "a"}}], "volumes[0].configMap: Forbidden: may not specify more than 1 volume type", [{"name": "v"}]),
    ("Deployment", f"{POD}/volumes", [{"name": "v"}, {"name": "v"}], "volumes[1].name: Duplicate value: \"v\"", [{"name": "v"}, {"name": "w", "emptyDir": {"medium": "HugePages-2Mi"}}]),
    ("Deployment", f"{POD}/volumes", [{"name": "a_b"}], "volumes[0].name: Invalid value: \"a_b\": a lowercase RFC 1123 label", [{"name": "a-b"}]),
    ("Deployment", f"{POD}/volumes", [{"name": "v", "secret": {"optional": True}}], "volumes[0].secret.secretName: Required value", [{"name": "v", "secret": {"secretName": "a"}}]),
    ("Deployment", f"{POD}/volumes", [{"name": "v", "persistentVolumeClaim": {}}], "volumes[0].persistentVolumeClaim.claimName: Required value", [{"name": "v", "persistentVolumeClaim": {"claimName": "a"}}]),
    ("Deployment", f"{POD}/volumes", [{"name": "v", "configMap": {"name": "a", "items": [{"key": "k", "path": "/k"}]}}], "items[0].path: Invalid value: \"/k\": must be a relative path", [{"name": "v", "configMap": {"name": "a", "items": [{"key": "k", "path": "d/k"}]}}]),
    ("Deployment", f"{C}/volumeMounts", [MOUNT], "volumeMounts[0].name: Not found: \"v\"", []),
    ("Deployment", POD, {"volumes": [{"name": "v"}], "containers/0/volumeMounts": [MOUNT, MOUNT]}, "volumeMounts[1].mountPath: Invalid value: \"/v\": must be unique", {"volumes": [{"name": "v"}], "containers/0/volumeMounts": [MOUNT, {**MOUNT, "mountPath": "/w"}]}),
    ("Deployment", POD, {"volumes": [{"name": "v"}], "containers/0/volumeMounts": [{**MOUNT, "subPath": "../a"}]}, "subPath: Invalid value: \"../a\": must not contain '..'", {"volumes": [{"name": "v"}], "containers/0/volumeMounts": [{**MOUNT, "subPath": "a/..b"}]}),
    ("StatefulSet", "spec", {"volumeClaimTemplates": [{"metadata": {"name": "w"}}], f"{C[5:]}/volumeMounts": [MOUNT]}, "volumeMounts[0].name: Not found: \"v\"", {"volumeClaimTemplates": [{"metadata": {"name": "v"}}], f"{C[5:]}/volumeMounts": [MOUNT]}),
    # Probes
    ("Deployment", f"{C}/livenessProbe", {**HTTP, "successThreshold": 2}, "livenessProbe.successThreshold: Invalid value: 2: must be 1", {**HTTP, "successThreshold": 1}),
    ("Deployment", f"{C}/startupProbe", {**HTTP, "successThreshold": 2}, "startupProbe.successThreshold: Invalid value: 2: must be 1", HTTP),
    ("Deployment", f"{C}/readinessProbe", {**HTTP, "periodSeconds": -1}, "readinessProbe.periodSeconds: Invalid value: -1: must be greater than or equal to 0", {**HTTP, "successThreshold": 2, "periodSeconds": 0}),
    ("Deployment", f"{C}/readinessProbe", {**HTTP, **TRUE}, "readinessProbe.httpGet: Forbidden: may not specify more than 1 handler type", TRUE),
    ("Deployment", f"{C}/readinessProbe", {"periodSeconds": 1}, "readinessProbe: Required value: must specify a handler type", {"grpc": {"port": 9000}}),
    ("Deployment", f"{C}/readinessProbe", {"exec": {}}, "readinessProbe.exec.command: Required value", TRUE),
    ("Deployment", f"{C}/readinessProbe", {**HTTP, "terminationGracePeriodSeconds": 5}, "readinessProbe.terminationGracePeriodSeconds: Invalid value: 5: must not be set for readinessProbes", HTTP),
    ("Deployment", f"{C}/livenessProbe", {**HTTP, "terminationGracePeriodSeconds": 0}, "livenessProbe.terminationGracePeriodSeconds: Invalid value: 0: must be greater than 0", {**HTTP, "terminationGracePeriodSeconds": 5}),
    ("Deployment", f"{C}/readinessProbe", {"httpGet": {"port": 80, "scheme": "https"}}, "httpGet.scheme: Unsupported value: \"https\": supported values: \"HTTP\", \"HTTPS\"", {"httpGet": {"port": 80, "scheme": "HTTPS"}}),
    ("Deployment", f"{C}/readinessProbe", {"httpGet": {"port": "not_one"}}, "httpGet.port: Invalid value: \"not_one\": must contain only", {"httpGet": {"port": "no-such-port"}}),
    ("Deployment", f"{C}/readinessProbe", {"httpGet": {"port": 80, "httpHeaders": [{"name": "A:", "value": "1"}]}}, "httpHeaders[0].name: Invalid value: \"A:\": a valid HTTP header must", {"httpGet": {"port": 80, "httpHeaders": [{"name": "X-A", "value": ""}]}}),
    # Hooks
    ("Deployment", f"{C}/lifecycle", {"preStop": {**TRUE, "sleep": {"seconds": 1}}}, "preStop.sleep: Forbidden: may not specify more than 1 handler type", {"preStop": TRUE, "postStart": TRUE}),
    ("Deployment", f"{C}/lifecycle", {"preStop": {}}, "preStop: Required value: must specify a handler type", {}),
    ("Deployment", f"{C}/lifecycle", {"preStop": {"sleep": {"seconds": 31}}}, "preStop.sleep: Invalid value: 31: must be non-negative and less than terminationGracePeriodSeconds (30)", {"preStop": {"sleep": {"seconds": 30}}}),
    ("Deployment", f"{C}/lifecycle", {"preStop": {"sleep": {"seconds": -1}}}, "preStop.sleep: Invalid value: -1: must be non-negative", {"preStop": {"sleep": {"seconds": 0}}}),
    ("Deployment", f"{POD}/initContainers", [{**OTHER, "lifecycle": {"preStop": TRUE}}], "initContainers[0].lifecycle: Forbidden: may not be set for init containers without restartPolicy=Always", [{**OTHER, "restartPolicy": "Always", "lifecycle": {"preStop": TRUE}}]),
    ("Deployment", f"{POD}/initContainers", [{**OTHER, "readinessProbe": HTTP}], "initContainers[0].readinessProbe: Forbidden: may not be set for init containers", [{**OTHER, "restartPolicy": "Always", "readinessProbe": HTTP}]),
    # Containers and pods
    ("Deployment", f"{POD}/containers", [], "containers: Required value", [OTHER]),
    ("Deployment", f"{POD}/containers", [OTHER, OTHER], "containers[1].name: Duplicate value: \"d\"", [OTHER, {**OTHER, "name": "e"}]),
    ("Deployment", f"{POD}/initContainers", [{"name": "c", "image": "i"}], "initContainers[0].name: Duplicate value: \"c\"", [OTHER]),
    ("Deployment", C, {"name": "c"}, "containers[0].image: Required value", {"name": "c", "image": " i"}),
    ("Deployment", f"{C}/imagePullPolicy", "IfAbsent", "imagePullPolicy: Unsupported value: \"IfAbsent\"", ""),
    ("Deployment", f"{C}/securityContext", {"runAsUser": -1}, "runAsUser: Invalid value: -1: must be between 0 and 2147483647, inclusive", {"runAsUser": 0}),
    ("Deployment", f"{C}/securityContext", {"allowPrivilegeEscalation": False, "privileged": True}, "cannot set `allowPrivilegeEscalation` to false and `privileged` to true", {"privileged": True}),
    ("Deployment", f"{POD}/restartPolicy", "Never", "restartPolicy: Unsupported value: \"Never\": supported values: \"Always\"", "Always"),
    ("Deployment", f"{POD}/restartPolicy", "always", "restartPolicy: Unsupported value: \"always\"", ""),
    ("Deployment", POD, {"activeDeadlineSeconds": 60}, "activeDeadlineSeconds: Forbidden: activeDeadlineSeconds in ReplicaSet is not Supported", {"terminationGracePeriodSeconds": 60}),
    ("Deployment", f"{POD}/dnsPolicy", "None", "dnsConfig.nameservers: Required value: must provide at least one DNS nameserver when `dnsPolicy` is None", "Default"),
    ("Deployment", f"{POD}/readinessGates", [{"conditionType": "a/b/c"}], "readinessGates[0].conditionType: Invalid value: \"a/b/c\"", [{"conditionType": "example.com/Ready"}]),
    ("Deployment", f"{POD}/hostname", "a.b", "hostname: Invalid value: \"a.b\": a lowercase RFC 1123 label", "a-b"),
    ("Deployment", f"{POD}/serviceAccountName", "A", "serviceAccountName: Invalid value: \"A\": a lowercase RFC 1123 subdomain", "a.b"),
    ("Deployment", f"{POD}/tolerations", [{"operator": "Equal"}], "tolerations[0].operator: Invalid value: \"Equal\": operator must be Exists when `key` is empty", [{"operator": "Exists"}]),
    ("Deployment", f"{POD}/tolerations", [{"key": "a", "tolerationSeconds": 5}], "tolerations[0].effect: Invalid value: \"\": effect must be 'NoExecute' when `tolerationSeconds` is set", [{"key": "a", "effect": "NoExecute", "tolerationSeconds": 5}]),
    ("Deployment", f"{POD}/tolerations", [{"key": "a", "operator": "In"}], "tolerations[0].operator: Unsupported value: \"In\"", [{"key": "a", "operator": "Gt", "value": "5"}]),
    ("Deployment", f"{POD}/nodeSelector", {"a b": "c"}, "nodeSelector: Invalid value: \"a b\": name part must consist", {"kubernetes.io/os": "linux"}),
    ("Deployment", f"{POD}/topologySpreadConstraints", [{"maxSkew": 0, "topologyKey": "a", "whenUnsatisfiable": "DoNotSchedule"}], "topologySpreadConstraints[0].maxSkew: Invalid value: 0: must be greater than zero", [{"maxSkew": 1, "topologyKey": "a", "whenUnsatisfiable": "DoNotSchedule"}]),
    ("Deployment", f"{POD}/affinity", {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [{}]}}, "requiredDuringSchedulingIgnoredDuringExecution[0].topologyKey: Required value: can not be empty", {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [{"topologyKey": "kubernetes.io/hostname"}]}}),
    ("Deployment", "spec/template/metadata/annotations", {"a b": "1"}, "spec.template.annotations: Invalid value: \"a b\": name part must consist", {"Example.com/A_b": "any text\n"}),
    ("Deployment", "spec/template/metadata/annotations", {"a": "b" * 262144}, "spec.template.annotations: Too long: may not be more than 262144 bytes", {"a": "b" * 262143}),
    ("DaemonSet", "spec/template/metadata/labels/b", "b c", "spec.template.labels: Invalid value: \"b c\": a valid label", "b_c.d-e"),
    # Workloads
    ("Deployment", "spec/replicas", -1, "spec.replicas: Invalid value: -1: must be greater than or equal to 0", 0),
    ("Deployment", "spec/minReadySeconds", -1, "spec.minReadySeconds: Invalid value: -1: must be greater than or equal to 0", 0),
    ("Deployment", "spec/revisionHistoryLimit", -1, "spec.revisionHistoryLimit: Invalid value: -1: must be greater than or equal to 0", 0),
    ("Deployment", "spec", {"minReadySeconds": 60, "progressDeadlineSeconds": 60}, "spec.progressDeadlineSeconds: Invalid value: 60: must be greater than minReadySeconds", {"minReadySeconds": 60, "progressDeadlineSeconds": 61}),
    ("Deployment", "spec/minReadySeconds", 600, "spec.progressDeadlineSeconds: Invalid value: 600: must be greater than minReadySeconds", 599),
    ("Deployment", _ROLL, {"maxSurge": 0, "maxUnavailable": "0%"}, "maxUnavailable: Invalid value: \"0%\": may not be 0 when `maxSurge` is 0", {"maxSurge": "1%", "maxUnavailable": 0}),
    ("Deployment", _ROLL, {"maxUnavailable": "101%"}, "maxUnavailable: Invalid value: \"101%\": must not be greater than 100%", {"maxUnavailable": "100%", "maxSurge": "200%"}),
    ("Deployment", _ROLL, {"maxSurge": "1"}, "maxSurge: Invalid value: \"1\": a valid percent string must", {"maxSurge": 1}),
    ("Deployment", _ROLL, {"maxSurge": -1}, "maxSurge: Invalid value: -1: must be greater than or equal to 0", {"maxSurge": "1%"}),
    ("Deployment", "spec/strategy", {"type": "Recreate", "rollingUpdate": {"maxSurge": 1}}, "spec.strategy.rollingUpdate: Forbidden: may not be specified when strategy `type` is 'Recreate'", {"type": "Recreate"}),
    ("Deployment", "spec/strategy", {"type": "OnDelete"}, "spec.strategy.type: Unsupported value: \"OnDelete\": supported values: \"Recreate\", \"RollingUpdate\"", {"type": ""}),
    ("Deployment", "spec/selector", {"matchLabels": {"app": "other"}}, "spec.template.metadata.labels: Invalid value: {\"app\":\"web\"}: `selector` does not match template `labels`", {"matchExpressions": [{"key": "app", "operator": "Exists"}]}),
    ("Deployment", "spec/selector", {}, "spec.selector: Invalid value: {}: empty selector is invalid for deployment", {"matchLabels": {"app": "web"}}),
    ("Deployment", "spec/selector", None, "spec.selector: Required value", {"matchLabels": {"app": "web"}}),
    ("Deployment", "spec/selector", {"matchExpressions": [{"key": "app", "operator": "Is", "values": ["web"]}]}, "matchExpressions[0].operator: Invalid value: \"Is\": not a valid selector operator", {"matchExpressions": [{"key": "app", "operator": "In", "values": ["web"]}]}),
    ("Deployment", "spec/template/metadata/labels", {"app": "web", "a": "b c"}, "spec.template.labels: Invalid value: \"b c\": a valid label must", {"app": "web", "a": ""}),
    ("Deployment", "metadata/labels", {"a/b/c": "d"}, "metadata.labels: Invalid value: \"a/b/c\": prefix part", {"example.com/A_b": "d"}),
    ("Deployment", "metadata/labels", {"a": 64 * "b"}, "must be no more than 63 bytes", {"a": 63 * "b"}),
    ("Deployment", "metadata/name", "Web", "metadata.name: Invalid value: \"Web\": a lowercase RFC 1123 subdomain", 253 * "w"),
    ("StatefulSet", "spec/podManagementPolicy", "Ordered", "spec.podManagementPolicy: Unsupported value: \"Ordered\"", "Parallel"),
    ("StatefulSet", "spec/updateStrategy", {"type": "OnDelete", "rollingUpdate": {"partition": 1}}, "only allowed for updateStrategy 'RollingUpdate'", {"type": "OnDelete"}),
    ("StatefulSet", "spec/updateStrategy", {"type": "Recreate"}, "spec.updateStrategy.type: Unsupported value: \"Recreate\"", {"type": "RollingUpdate"}),
    ("StatefulSet", "spec/updateStrategy", {"rollingUpdate": {"partition": -1}}, "partition: Invalid value: -1: must be greater than or equal to 0", {"rollingUpdate": {"partition": 9}}),
    ("StatefulSet", f"{POD}/restartPolicy", "OnFailure", "restartPolicy: Unsupported value: \"OnFailure\"", "Always"),
    ("StatefulSet", "spec/selector", {"matchLabels": {"app": "other"}}, "`selector` does not match template `labels`", {"matchLabels": {"app": "web"}}),
    ("DaemonSet", "spec/updateStrategy", {"rollingUpdate": {"maxSurge": 1}}, "maxSurge: Invalid value: 1: may not be set when maxUnavailable is non-zero", {"rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}),
    ("DaemonSet", "spec/updateStrategy", {"rollingUpdate": {"maxUnavailable": 0}}, "maxUnavailable: Required value: cannot be 0 when maxSurge is 0", {"rollingUpdate": {"maxUnavailable": "50%"}}),
    # Services
    ("Service", "spec/ports", [], "spec.ports: Required value", [{"port": 80}]),
    ("Service", "spec", {"ports": []}, "spec.ports: Required value", {"ports": [], "clusterIP": "None"}),
    ("Service", "spec/ports", [{"port": 80, "name": "a"}, {"port": 80, "name": "b"}], "spec.ports[1]: Duplicate value: ", [{"port": 80, "name": "a"}, {"port": 80, "name": "b", "protocol": "UDP"}]),
    ("Service", "spec/ports", [{"port": 80, "name": "a"}, {"port": 81, "name": "a"}], "spec.ports[1].name: Duplicate value: \"a\"", [{"port": 80, "name": "a"}, {"port": 81, "name": "b"}]),
    ("Service", "spec/ports", [{"port": 80, "name": "a"}, {"port": 81}], "spec.ports[1].name: Required value", [{"port": 80, "targetPort": "http"}]),
    ("Service", "spec/ports", [{"port": 80, "name": "a_b"}], "spec.ports[0].name: Invalid value: \"a_b\": a lowercase RFC 1123 label", [{"port": 80, "name": "a-name-longer-than-15-characters"}]),
    ("Service", "spec/ports", [{"port": 0}], "spec.ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive", [{"port": 1}]),
    ("Service", "spec/ports", [{"port": 65536}], "spec.ports[0].port: Invalid value: 65536: must be between 1 and 65535, inclusive", [{"port": 65535}]),
    ("Service", "spec/ports", [{"port": 80, "targetPort": "web_http"}], "spec.ports[0].targetPort: Invalid value: \"web_http\": must contain only", [{"port": 80, "targetPort": ""}]),
    ("Service", "spec/ports", [{"port": 80, "nodePort": 30080}], "spec.ports[0].nodePort: Forbidden: may not be used when `type` is 'ClusterIP'", [{"port": 80, "nodePort": 0}]),
    ("Service", "spec", {"type": "NodePort", "clusterIP": "None"}, "spec.clusterIPs[0]: Invalid value: \"None\": may not be set to 'None' for NodePort services", {"type": "NodePort", "ports": [{"port": 80, "nodePort": 20000}]}),
    ("Service", "spec", {"clusterIP": "None", "externalTrafficPolicy": "Local"}, "spec.externalTrafficPolicy: Invalid value: \"Local\": may only be set for externally-accessible services", {"clusterIP": "None", "externalTrafficPolicy": ""}),
    ("Service", "spec/type", "Internal", "spec.type: Unsupported value: \"Internal\"", ""),
    ("Service", "spec/type", "ExternalName", "spec.externalName: Required value", "LoadBalancer"),
    ("Service", "spec", {"sessionAffinity": "Cookie"}, "spec.sessionAffinity: Unsupported value: \"Cookie\"", {"sessionAffinity": "ClientIP"}),
    ("Service", "spec", {"loadBalancerSourceRanges": ["10.0.0.0/8"]}, "Forbidden: may only be used when `type` is 'LoadBalancer'", {"type": "LoadBalancer", "loadBalancerSourceRanges": ["10.0.0.0/8"]}),
    ("Service", "spec/selector", {"a": "b c"}, "spec.selector: Invalid value: \"b c\"", {}),
    ("Service", "spec/internalTrafficPolicy", "Near", "spec.internalTrafficPolicy: Unsupported value: \"Near\"", "Local"),
    ("Service", "metadata/name", "web.shop", "metadata.name: Invalid value: \"web.shop\"", "1web"),
    # What stands beside
    ("Ingress", "spec/rules/0/http/paths/0/pathType", None, "paths[0].pathType: Required value: pathType must be specified", "Exact"),
    ("Ingress", "spec/rules/0/http/paths/0/path", "shop", "paths[0].path: Invalid value: \"shop\": must be an absolute path", "/shop"),
    ("Ingress", "spec/rules/0/http/paths/0/backend", {"service": {"name": "web"}}, "paths[0].backend: Required value: port name or number is required", {"service": {"name": "web", "port": {"name": "http"}}}),
    ("Ingress", "spec/rules/0/host", "10.0.0.1", "host: Invalid value: \"10.0.0.1\": must be a DNS name, not an IP address", "*.example.com"),
    ("Ingress", "spec", {"rules": []}, "spec: Invalid value: null: either `defaultBackend` or `rules` must be specified", {"rules": [], "defaultBackend": {"service": {"name": "1web", "port": {"number": 80}}}}),
    ("ConfigMap", "data", {"a b": "c"}, "data[a b]: Invalid value: \"a b\": a valid config key must", {"..a_B.c-1": "c"}),
    ("Secret", "type", "kubernetes.io/tls", "data[tls.crt]: Required value", "Opaque"),
    ("Secret", "data", {"a b": "Yg=="}, "data[a b]: Invalid value: \"a b\": a valid config key must", {"a": "Yg\n==\n"}),
    ("PodDisruptionBudget", "spec", {"maxUnavailable": 1}, "minAvailable and maxUnavailable cannot be both set", {"minAvailable": "50%"}),
    ("PodDisruptionBudget", "metadata/name", "a/b", "metadata.name: Invalid value: \"a/b\": may not contain '/'", "Web_1"),
    ("HorizontalPodAutoscaler", "spec/minReplicas", 4, "spec.maxReplicas: Invalid value: 3: must be greater than or equal to `minReplicas`", 0),
    ("HorizontalPodAutoscaler", "spec/behavior", {"scaleDown": {"stabilizationWindowSeconds": 3601}}, "must be less than or equal to 3600", {"scaleDown": {"stabilizationWindowSeconds": 3600}}),
    ("NetworkPolicy", "spec/ingress/0/from/0", {}, "spec.ingress[0].from[0]: Required value: must specify a peer", {"podSelector": {}}),
    ("PersistentVolumeClaim", "spec/accessModes", [], "spec.accessModes: Required value: at least 1 access mode is required", ["ReadWriteOncePod"]),
    ("Job", f"{POD}/restartPolicy", "Always", "restartPolicy: Required value: valid values: \"OnFailure\", \"Never\"", "OnFailure"),
    ("CronJob", "spec/schedule", "* * *", "spec.schedule: Invalid value: \"* * *\"", "*/5 0-4,6 * * 1-5"),
]  # fmt: skip


TAKEN: list[tuple[str, str, Any]] = [
    # What another cluster has, or another version of Kubernetes takes
    ("Service", "spec", {"ipFamilyPolicy": "RequireDualStack", "ipFamilies": ["IPv6", "IPv4"]}),
    ("Service", "spec", {"clusterIP": "192.168.7.9", "clusterIPs": ["192.168.7.9", "fd00::9"]}),
    ("Service", "spec", {"type": "LoadBalancer", "loadBalancerClass": "example.com/lb", "externalTrafficPolicy": "Local"}),
    ("Deployment", f"{POD}/volumes", [{"name": "v", "image": {"reference": "i"}}]),
    ("CronJob", "spec", {"timeZone": "Moon/Tranquility"}),
    *(("CronJob", "spec/schedule", words) for words in ("@every 1h30m", "@daily", "0 0 ? * MON-FRI", "5,10 */2 1-7/2 JAN *")),
    # Texts that a chart leaves empty
    ("Deployment", POD, {"restartPolicy": "", "dnsPolicy": "", "containers/0/imagePullPolicy": "", "serviceAccountName": ""}),
    ("Service", "spec", {"type": "", "sessionAffinity": "", "clusterIP": "", "externalTrafficPolicy": ""}),
    ("Secret", "type", ""),
]  # fmt: skip


def written(kind: str, path: str, value: Any) -> dict[str, Any]:
    """The proper object with this value; a mapping that stands for the spec of it or of its pods changes a part."""
    several = path in ("spec", POD) and isinstance(value, dict)
    return manifest(kind, {f"{path}/{key}": inner for key, inner in value.items()} if several else {path: value})


@pytest.mark.parametrize(("kind", "path", "wrong", "says", "right"), RULES)
def test_what_is_refused_is_told_and_what_stands_beside_it_is_taken(
    kind: str, path: str, wrong: Any, says: str, right: Any
) -> None:
    assert refused_fields(written(kind, path, right)) == ()
    found = [f"{cause.field}: {cause.message}" for cause in refused_fields(written(kind, path, wrong))]
    assert any(says in line for line in found), found


@pytest.mark.parametrize(("kind", "path", "value"), TAKEN)
def test_what_some_cluster_takes_is_let_pass(kind: str, path: str, value: Any) -> None:
    assert refused_fields(written(kind, path, value)) == ()


def test_the_pods_of_a_kind_of_somebody_elses_are_theirs() -> None:
    theirs = {"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "metadata": {"name": "A"}, "spec": {}}
    assert refused_fields(theirs) == ()


def test_an_account_in_a_binding_is_of_its_namespace_unless_it_says_another() -> None:
    subjects = [{"kind": "ServiceAccount", "name": "robot"}]
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "reader"}
    of_one = {"apiVersion": "rbac.authorization.k8s.io/v1", "metadata": {"name": "a"}, "roleRef": role}
    bindings = [{**of_one, "kind": kind, "subjects": subjects} for kind in ("RoleBinding", "ClusterRoleBinding")]
    assert [[cause.field for cause in refused_fields(each)] for each in bindings] == [[], ["subjects[0].namespace"]]


def test_a_name_that_a_server_makes_is_one() -> None:
    nameless = {**manifest("ConfigMap", {}), "metadata": {"generateName": "conf-"}}
    assert refused_fields(nameless) == ()


def test_what_is_of_another_type_is_told_as_the_decoder_says_it() -> None:
    (cause,) = refused_fields(manifest("Deployment", {"spec/template/spec/priority": "1"}))
    assert cause.message.startswith("json: cannot unmarshal string into Go struct field ")


def test_a_null_in_a_list_is_an_empty_item_as_go_decodes_it() -> None:
    (cause,) = refused_fields(manifest("Deployment", {"spec/template/spec/tolerations": [None]}))
    assert cause.field == "spec.template.spec.tolerations[0].operator"


@pytest.mark.parametrize(
    ("version", "kind", "said"),
    [
        ("v1", "PersistentVolume", 1),
        ("storage.k8s.io/v1", "StorageClass", 1),
        ("example.com/v1", "Storage", 0),
    ],
)
def test_of_a_kind_that_is_not_served_here_the_labels_are_looked_at(version: str, kind: str, said: int) -> None:
    theirs = {"apiVersion": version, "kind": kind, "metadata": {"name": "a", "labels": {"a": "b c"}}}
    assert [cause.field for cause in refused_fields(theirs)] == said * ["metadata.labels"]


def test_a_namespace_is_a_label() -> None:
    (cause,) = refused_fields(manifest("ConfigMap", {"metadata/namespace": "X_Y"}))
    assert cause.field == "metadata.namespace"


def test_a_manifest_stays_as_it_was_written() -> None:
    given = manifest("Service", {"spec/ipFamilies": ["IPv6"]})
    refused_fields(given)
    assert given == manifest("Service", {"spec/ipFamilies": ["IPv6"]})
