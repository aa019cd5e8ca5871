"""Of each rule a manifest that has it and one that has not, as changes of one application.

The application is that of fixtures/app (`app:1`), which a sandbox runs.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import Any

from harness.spec.hazard import HazardId

Object = dict[str, Any]

_LABELS: Object = {"app": "web"}
_PROBE: Object = {"httpGet": {"path": "/healthz", "port": "http"}, "periodSeconds": 1}


def sleep(seconds: int) -> Object:
    """A preStop hook that sleeps, without a program."""
    return {"preStop": {"sleep": {"seconds": seconds}}}


def _apart(**more: Any) -> Object:
    """Pods of which no two may be on a node."""
    term = {"topologyKey": "kubernetes.io/hostname", "labelSelector": {"matchLabels": _LABELS}, **more}
    return {"affinity": {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}}


def run(*words: str) -> Object:
    """A preStop hook that runs a program."""
    return {"preStop": {"exec": {"command": list(words)}}}


@dataclass(frozen=True, kw_only=True)
class App:
    """A workload and its Service. A value of None takes a field away."""

    kind: str = "Deployment"
    spec: Object = field(default_factory=dict)
    pod: Object = field(default_factory=dict)
    container: Object = field(default_factory=dict)
    beside: tuple[Object, ...] = ()
    native: tuple[Object, ...] = ()
    service: Object = field(default_factory=dict)
    annotations: Object = field(default_factory=dict)
    namespace: Object | None = None
    around: tuple[Object, ...] = ()

    @property
    def objects(self) -> list[Object]:
        """The manifests."""
        own = {"namespace": "shop"} if self.namespace is not None else {}
        workload = {
            "apiVersion": "apps/v1",
            "kind": self.kind,
            "metadata": {"name": "web", **own, "labels": _LABELS},
            "spec": self._spec(),
        }
        service = {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": _merged({"name": "web", **own}, {"annotations": self.annotations or None}),
            "spec": _merged(
                {"selector": _LABELS, "ports": [{"name": "http", "port": 80, "targetPort": "http"}]}, self.service
            ),
        }
        namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop", **(self.namespace or {})}}
        return copy.deepcopy([namespace] * (self.namespace is not None) + [workload, service, *self.around])

    def _spec(self) -> Object:
        rolling = {"strategy": {"rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}}
        usual = {"serviceName": "web"} if self.kind == "StatefulSet" else rolling
        base = {"replicas": 2, "minReadySeconds": 5, "selector": {"matchLabels": _LABELS}, **usual}
        return _merged(base, self.spec) | {"template": {"metadata": {"labels": _LABELS}, "spec": self._pod()}}

    def _pod(self) -> Object:
        container = {
            "name": "app",
            "image": "app:1",
            "ports": [{"name": "http", "containerPort": 8080}],
            "readinessProbe": _PROBE,
            "lifecycle": sleep(5),
        }
        containers = [_merged(container, self.container), *self.beside]
        inits = {"initContainers": list(self.native)} if self.native else {}
        return _merged({"terminationGracePeriodSeconds": None, **inits, "containers": containers}, self.pod)


def _merged(base: Object, more: Object) -> Object:
    return {key: value for key, value in (base | more).items() if value is not None}


@dataclass(frozen=True, kw_only=True)
class Case:
    """`fails`: has the hazard; `passes`: has not. `told`: the options that `check` needs to know it.

    `proof`: how a sandbox shows it: which calls are sent, how the application behaves, how often its proxy syncs.
    """

    fails: App
    passes: App = field(default_factory=App)
    told: tuple[str, ...] = ()
    proof: Proof | None = None


@dataclass(frozen=True, kw_only=True)
class Proof:
    """An experiment that drops calls with the one manifest and none with the other."""

    cause: str
    env: dict[str, str] = field(default_factory=dict)
    load: Object = field(default_factory=lambda: {"new": {"rate": 60}})
    period: str = "1s"


_SLOW_ANSWERS = {"APP_SLOW_S": "8"}  # longer than hook and grace: what came before the network knew is in hand then
_SLOW: Object = {"slow": {"rate": 10, "path": "/slow"}, "read_timeout": "12s"}
_SIDE: Object = {
    "name": "proxy",
    "image": "app:1",
    "env": [{"name": "APP_PORT", "value": "9090"}, {"name": "APP_START_S", "value": "0"}],
}
_LABEL: Object = {"labels": {"elbv2.k8s.aws/pod-readiness-gate-inject": "enabled"}}
_PREFIX = "service.beta.kubernetes.io/aws-load-balancer"
_BY_IP: Object = {f"{_PREFIX}-type": "external", f"{_PREFIX}-nlb-target-type": "ip"}
_BY_INSTANCE: Object = {f"{_PREFIX}-type": "external", f"{_PREFIX}-nlb-target-type": "instance"}
_BALANCED: Object = {"type": "LoadBalancer"}
_LONG = App(spec={"minReadySeconds": 30}, container={"lifecycle": sleep(30)}, pod={"terminationGracePeriodSeconds": 60})


def _scaler(least: int) -> Object:
    """An autoscaler of the application."""
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "web"},
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"},
            "minReplicas": least,
            "maxReplicas": 10,
        },
    }


def _budget(**limit: Any) -> Object:
    """A disruption budget of the application."""
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": "web"},
        "spec": {**limit, "selector": {"matchLabels": _LABELS}},
    }


def _claim(mode: str) -> Object:
    """A claim of storage for the application."""
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "data"},
        "spec": {"accessModes": [mode], "resources": {"requests": {"storage": "1Gi"}}},
    }


_ON_CLAIM: Object = {"volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}]}


def _long(**more: Any) -> App:
    """The application with the settings for traffic from outside, and more."""
    from dataclasses import replace

    return replace(_LONG, **more)


CASES: dict[HazardId, Case] = {
    HazardId.RECREATE: Case(
        fails=App(spec={"strategy": {"type": "Recreate"}}), proof=Proof(cause="no-endpoints", env={"APP_START_S": "2"})
    ),
    HazardId.MAX_UNAVAILABLE_ALL: Case(
        fails=App(spec={"strategy": {"rollingUpdate": {"maxSurge": 1, "maxUnavailable": "100%"}}}),
        proof=Proof(cause="no-endpoints", env={"APP_START_S": "8"}),
    ),
    HazardId.LONE_STATEFUL_POD: Case(
        fails=App(kind="StatefulSet", spec={"replicas": 1}),
        passes=App(kind="StatefulSet"),
        proof=Proof(cause="no-endpoints", env={"APP_START_S": "2"}),
    ),
    HazardId.LONE_POD: Case(fails=App(spec={"replicas": 1})),
    HazardId.NO_READINESS_PROBE: Case(
        fails=App(container={"readinessProbe": None}), proof=Proof(cause="creation-race", env={"APP_START_S": "4"})
    ),
    HazardId.PROBE_ON_ANOTHER_PORT: Case(
        fails=App(
            container={"readinessProbe": {"tcpSocket": {"port": 9090}, "periodSeconds": 1}},
            beside=(_SIDE | {"lifecycle": sleep(5)},),
        ),
        passes=App(beside=(_SIDE | {"lifecycle": sleep(5)},)),
        proof=Proof(cause="creation-race", env={"APP_START_S": "4"}),
    ),
    HazardId.PROBE_PORT_UNNAMED: Case(fails=App(container={"readinessProbe": {"httpGet": {"port": "web"}}})),
    HazardId.PROBE_ASKS_NOTHING: Case(fails=App(container={"readinessProbe": {"exec": {"command": ["true"]}}})),
    HazardId.TARGET_PORT_UNNAMED: Case(fails=App(service={"ports": [{"port": 80, "targetPort": "web"}]})),
    HazardId.NO_PRESTOP: Case(fails=App(container={"lifecycle": None}), proof=Proof(cause="termination-race")),
    HazardId.PRESTOP_STOPS_SERVER: Case(
        fails=App(container={"lifecycle": run("/bin/sh", "-c", "kill -TERM 1; sleep 5")}),
        proof=Proof(cause="termination-race"),
    ),
    HazardId.PRESTOP_TOO_SHORT: Case(fails=App(container={"lifecycle": sleep(1)})),
    HazardId.PRESTOP_UNREADABLE: Case(
        fails=App(container={"lifecycle": {"preStop": {"httpGet": {"path": "/drain", "port": "http"}}}}),
        passes=App(container={"lifecycle": run("/bin/sh", "-c", "sleep 5; /app/drain")}),
    ),
    HazardId.PRESTOP_OUTLASTS_GRACE: Case(
        fails=App(pod={"terminationGracePeriodSeconds": 5}),
        passes=App(pod={"terminationGracePeriodSeconds": 30}),
        proof=Proof(cause="in-flight-kill", load=_SLOW, env=_SLOW_ANSWERS),
    ),
    HazardId.NO_MIN_READY: Case(fails=App(spec={"minReadySeconds": None})),
    HazardId.PROGRESS_DEADLINE_TOO_SHORT: Case(
        fails=App(
            spec={"progressDeadlineSeconds": 10}, container={"readinessProbe": {**_PROBE, "initialDelaySeconds": 10}}
        ),
        passes=App(
            spec={"progressDeadlineSeconds": 60}, container={"readinessProbe": {**_PROBE, "initialDelaySeconds": 10}}
        ),
    ),
    HazardId.ON_DELETE: Case(
        fails=App(kind="StatefulSet", spec={"updateStrategy": {"type": "OnDelete"}}), passes=App(kind="StatefulSet")
    ),
    HazardId.PAUSED: Case(fails=App(spec={"paused": True})),
    HazardId.STATEFUL_MAX_UNAVAILABLE: Case(
        fails=App(kind="StatefulSet", spec={"updateStrategy": {"rollingUpdate": {"maxUnavailable": 2}}, "replicas": 3}),
        passes=App(kind="StatefulSet"),
    ),
    HazardId.PARTITION: Case(
        fails=App(kind="StatefulSet", spec={"updateStrategy": {"rollingUpdate": {"partition": 1}}}),
        passes=App(kind="StatefulSet"),
    ),
    HazardId.PARTITION_KEEPS_ALL: Case(
        fails=App(kind="StatefulSet", spec={"updateStrategy": {"rollingUpdate": {"partition": 2}}}),
        passes=App(kind="StatefulSet"),
    ),
    HazardId.HEADLESS: Case(fails=App(service={"clusterIP": "None"})),
    HazardId.PUBLISHES_NOT_READY: Case(fails=App(service={"publishNotReadyAddresses": True})),
    HazardId.HOST_NETWORK: Case(fails=App(pod={"hostNetwork": True})),
    HazardId.HOST_PORT: Case(
        fails=App(container={"ports": [{"name": "http", "containerPort": 8080, "hostPort": 8080}]})
    ),
    HazardId.APART_FROM_OLD_PODS: Case(
        fails=App(pod=_apart()), passes=App(pod=_apart(matchLabelKeys=["pod-template-hash"]))
    ),
    HazardId.ROOT_BY_NUMBER: Case(
        fails=App(
            pod={"securityContext": {"runAsNonRoot": True}},
            container={"securityContext": {"runAsUser": 0}},
        ),
        passes=App(
            pod={"securityContext": {"runAsNonRoot": True}},
            container={"securityContext": {"runAsUser": 1000}},
        ),
    ),
    HazardId.IMAGE_NAME: Case(fails=App(container={"image": "App:1"})),
    HazardId.GRACE_BELOW_STOP_TIME: Case(
        fails=App(pod={"terminationGracePeriodSeconds": 6}),
        passes=App(pod={"terminationGracePeriodSeconds": 30}),
        told=("--stop-time", "5s"),
        proof=Proof(cause="in-flight-kill", load=_SLOW, env=_SLOW_ANSWERS),
    ),
    HazardId.PRESTOP_NEEDS_SHELL: Case(
        fails=App(
            container={"image": "gcr.io/distroless/java21-debian12", "lifecycle": run("/bin/sh", "-c", "sleep 5")}
        ),
        passes=App(container={"image": "gcr.io/distroless/java21-debian12"}),
    ),
    HazardId.PRESTOP_EXEC: Case(fails=App(container={"lifecycle": run("sleep", "5")})),
    HazardId.PRESTOP_SLEEP_TOO_NEW: Case(
        fails=App(), passes=App(container={"lifecycle": run("sleep", "5")}), told=("--kubernetes", "1.28")
    ),
    HazardId.SIDECAR_STOPS_FIRST: Case(
        fails=App(beside=(_SIDE,)), passes=App(native=(_SIDE | {"restartPolicy": "Always"},))
    ),
    HazardId.DIES_AT_STOP_SIGNAL: Case(
        fails=App(container={"image": "tomcat:10.1"}), passes=App(container={"image": "caddy:2"})
    ),
    HazardId.DEAF_TO_STOP_SIGNAL: Case(
        fails=App(container={"image": "node:20"}), passes=App(container={"image": "nginx:1.28"})
    ),
    HazardId.BALANCER_LEARNS_LATE: Case(
        fails=_long(spec={"minReadySeconds": None}, service=_BALANCED, annotations=_BY_IP),
        passes=_long(service=_BALANCED, annotations=_BY_IP),
    ),
    HazardId.BALANCER_MAY_LEARN_LATE: Case(
        fails=_long(spec={"minReadySeconds": None}, service=_BALANCED), passes=_long(service=_BALANCED)
    ),
    HazardId.PRESTOP_SHORT_FOR_BALANCER: Case(
        fails=_long(container={"lifecycle": sleep(5)}, service=_BALANCED), passes=_long(service=_BALANCED)
    ),
    HazardId.GATES_BY_INSTANCE: Case(
        fails=_long(namespace=_LABEL, service=_BALANCED, annotations=_BY_INSTANCE),
        passes=_long(namespace=_LABEL, service=_BALANCED, annotations=_BY_IP),
    ),
    HazardId.GATES_WITHOUT_LABEL: Case(
        fails=_long(
            namespace={},
            service=_BALANCED,
            annotations=_BY_IP,
            pod={
                "terminationGracePeriodSeconds": 60,
                "readinessGates": [{"conditionType": "target-health.elbv2.k8s.aws/k8s-shop-web-0123456789"}],
            },
        ),
        passes=_long(namespace=_LABEL, service=_BALANCED, annotations=_BY_IP),
    ),
    HazardId.SLOW_PROXY: Case(
        fails=App(),
        passes=App(container={"lifecycle": sleep(15)}),
        told=("--proxy-period", "10s"),
        proof=Proof(cause="termination-race", period="10s"),
    ),
    HazardId.CI_TIMEOUT_TOO_SHORT: Case(
        fails=App(spec={"replicas": 10, "minReadySeconds": 30}),
        passes=App(spec={"replicas": 10, "minReadySeconds": 30, "strategy": {"rollingUpdate": {"maxSurge": "100%"}}}),
        told=("--ci-timeout", "2m"),
    ),
    HazardId.SURGE_ON_ONE_CLAIM: Case(
        fails=App(pod=_ON_CLAIM, around=(_claim("ReadWriteOnce"),)),
        passes=App(pod=_ON_CLAIM, around=(_claim("ReadWriteMany"),)),
    ),
    HazardId.REPLICAS_BESIDE_AUTOSCALER: Case(
        fails=App(around=(_scaler(2),)), passes=App(spec={"replicas": None}, around=(_scaler(2),))
    ),
    HazardId.AUTOSCALER_LEAVES_GAP: Case(fails=App(around=(_scaler(1),)), passes=App(around=(_scaler(2),))),
    HazardId.BUDGET_BLOCKS_DRAINS: Case(
        fails=App(around=(_budget(minAvailable="100%"),)), passes=App(around=(_budget(maxUnavailable=1),))
    ),
}
"""In the table's order. Where a case is told nothing else, it passes and fails by its manifest alone."""
