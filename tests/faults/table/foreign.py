"""What others change while a run goes on: the workload, its Service, its pods, its namespace."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ..fault import (
    DROPPING,
    IN_DOUBT,
    INCONCLUSIVE,
    NEVER_DROPPING,
    NEVER_SEAMLESS,
    NONE,
    SEAMLESS,
    App,
    Fault,
    Group,
    Holds,
    Inject,
    Left,
    Phase,
    Records,
)
from ..scene import Object
from .foreign_deeds import (
    deleted,
    foreign_slice,
    held_by_a_finalizer,
    namespace_deleted,
    patched,
    pod_taken_out,
    pods_deleted,
    pods_evicted,
    pods_killed,
    quota,
    scaled,
    slice_emptied,
    template,
    worker_evicted,
)

CUT_SHORT = Holds(verdicts=(DROPPING, INCONCLUSIVE), codes=(1, 3), records=Records.READABLE, within_s=150)
BEFORE = Holds(verdicts=(DROPPING, INCONCLUSIVE, NONE), codes=(1, 2, 3), records=Records.ANY, within_s=150)


def row(name: str, phase: Phase, what: str, inject: Inject, holds: Holds, **more: Any) -> Fault:
    return Fault(name=name, group=Group.FOREIGN, phase=phase, what=what, inject=inject, holds=holds, **more)


def _image(tag: str) -> Object:
    return {"containers": [{"name": "nginx", "image": f"nginx:{tag}"}]}


_NO_PRESTOP = {"containers": [{"name": "nginx", "lifecycle": None}]}
_RESTARTED = {"kubectl.kubernetes.io/restartedAt": "2026-01-01T00:00:00Z"}

_TEMPLATE = (
    row("undone", Phase.ROLLOUT, "`kubectl rollout undo`", template(_image("1.28.0")), NEVER_SEAMLESS),
    row(
        "undone",
        Phase.ROLLOUT,
        "`kubectl rollout undo`",
        template(_image("1.28.0")),
        IN_DOUBT,
        app=App.MITIGATED,
        quick=True,
    ),
    row(
        "image-set",
        Phase.ROLLOUT,
        "`kubectl set image` to a third version",
        template(_image("1.27.0")),
        IN_DOUBT,
        app=App.MITIGATED,
    ),
    row("image-set", Phase.ROLLOUT, "`kubectl set image`", template(_image("1.27.0")), NEVER_SEAMLESS),
    row(
        "image-set",
        Phase.QUIET,
        "`kubectl set image` to a third version",
        template(_image("1.27.0")),
        IN_DOUBT,
        app=App.MITIGATED,
    ),
    row(
        "restarted",
        Phase.ROLLOUT,
        "`kubectl rollout restart`",
        template(annotations=_RESTARTED),
        IN_DOUBT,
        app=App.MITIGATED,
    ),
    row(
        "prestop-removed",
        Phase.ROLLOUT,
        "the preStop is taken out of the template",
        template(_NO_PRESTOP),
        NEVER_SEAMLESS,
        app=App.MITIGATED,
    ),
    row(
        "paused",
        Phase.ROLLOUT,
        "`kubectl rollout pause`",
        patched("deployments", "web", {"spec": {"paused": True}}),
        CUT_SHORT,
    ),
    row(
        "labelled",
        Phase.ROLLOUT,
        "the Deployment gets a label, which rolls nothing",
        patched("deployments", "web", {"metadata": {"labels": {"team": "shop"}}}),
        NEVER_DROPPING,
        app=App.MITIGATED,
    ),
)

_OBJECTS = (
    row("service-deleted", Phase.ROLLOUT, "the Service is deleted", deleted("services", "web"), CUT_SHORT),
    row(
        "service-deleted",
        Phase.ROLLOUT,
        "the Service is deleted",
        deleted("services", "web"),
        Holds(verdicts=(INCONCLUSIVE,), codes=(3,), within_s=150),
        app=App.MITIGATED,
    ),
    row("service-deleted", Phase.CONTROL, "the Service is deleted", deleted("services", "web"), BEFORE),
    row(
        "selector-changed",
        Phase.ROLLOUT,
        "the Service selects other pods",
        patched("services", "web", {"spec": {"selector": {"app": "other"}}}),
        Holds(verdicts=(INCONCLUSIVE,), codes=(3,), within_s=150),
        app=App.MITIGATED,
    ),
    row(
        "target-port-changed",
        Phase.ROLLOUT,
        "the Service sends to another port",
        patched("services", "web", {"spec": {"ports": [{"port": 80, "targetPort": 81}]}}),
        Holds(verdicts=(INCONCLUSIVE,), codes=(3,), within_s=150),
        app=App.MITIGATED,
    ),
    row(
        "slice-emptied",
        Phase.ROLLOUT,
        "somebody empties the EndpointSlice",
        slice_emptied,
        NEVER_DROPPING,
        app=App.MITIGATED,
    ),
    row(
        "foreign-slice",
        Phase.ROLLOUT,
        "a foreign EndpointSlice adds a dead endpoint for 3 s",
        foreign_slice,
        IN_DOUBT,
        app=App.MITIGATED,
    ),
    row(
        "foreign-slice",
        Phase.CONTROL,
        "a foreign EndpointSlice adds a dead endpoint for 3 s",
        foreign_slice,
        NEVER_SEAMLESS,
    ),
    row("workload-deleted", Phase.ROLLOUT, "the Deployment is deleted", deleted("deployments", "web"), CUT_SHORT),
    row("workload-deleted", Phase.CONTROL, "the Deployment is deleted", deleted("deployments", "web"), BEFORE),
    row(
        "config-deleted",
        Phase.CONTROL,
        "the ConfigMap that new pods need is deleted",
        deleted("configmaps", "web"),
        CUT_SHORT,
    ),
    row("quota", Phase.CONTROL, "a quota allows no further pod", quota, CUT_SHORT),
    row("namespace-deleted", Phase.CONTROL, "the namespace is deleted", namespace_deleted, BEFORE),
    row("namespace-deleted", Phase.ROLLOUT, "the namespace is deleted", namespace_deleted, CUT_SHORT),
    row(
        "finalizer",
        Phase.CLEAN_UP,
        "something keeps a pod by a finalizer, for ever",
        held_by_a_finalizer,
        Holds(verdicts=(SEAMLESS,), codes=(3,), cluster=Left.NAMED, within_s=200),
        at=Phase.QUIET,
        app=App.MITIGATED,
    ),
)

_PODS = (
    row("scaled-up", Phase.ROLLOUT, "somebody scales to 3", scaled(3), NEVER_SEAMLESS),
    row("scaled-up", Phase.ROLLOUT, "somebody scales to 3", scaled(3), NEVER_DROPPING, app=App.MITIGATED),
    row("scaled-to-zero", Phase.ROLLOUT, "somebody scales to 0", scaled(0), CUT_SHORT),
    row(
        "scaled-to-zero",
        Phase.ROLLOUT,
        "somebody scales to 0 and back to 1",
        scaled(0, 1),
        Holds(verdicts=(INCONCLUSIVE,), codes=(3,), within_s=150),
        app=App.MITIGATED,
    ),
    row(
        "scaled-to-and-fro",
        Phase.ROLLOUT,
        "an autoscaler goes to 2, 1, 2 and 1 pods",
        scaled(2, 1, 2, 1),
        NEVER_DROPPING,
        app=App.MITIGATED,
    ),
    row("pods-deleted", Phase.ROLLOUT, "somebody deletes all pods", pods_deleted, NEVER_SEAMLESS),
    row("pods-deleted", Phase.ROLLOUT, "somebody deletes all pods", pods_deleted, IN_DOUBT, app=App.MITIGATED),
    row(  # their preStop outlasts the load, so that nothing need be lost
        "pods-deleted",
        Phase.QUIET,
        "somebody deletes all pods",
        pods_deleted,
        NEVER_DROPPING,
        app=App.MITIGATED,
    ),
    row("pods-killed", Phase.ROLLOUT, "somebody deletes all pods by force", pods_killed, NEVER_SEAMLESS),
    row("pods-killed", Phase.ROLLOUT, "somebody deletes all pods by force", pods_killed, IN_DOUBT, app=App.MITIGATED),
    row(
        "pod-taken-out",
        Phase.ROLLOUT,
        "somebody takes a pod out by its label",
        pod_taken_out,
        NEVER_DROPPING,
        app=App.MITIGATED,
    ),
    row(
        "strategy-changed",
        Phase.ROLLOUT,
        "the strategy becomes Recreate",
        patched("deployments", "web", {"spec": {"strategy": {"type": "Recreate", "rollingUpdate": None}}}),
        replace(NEVER_DROPPING, within_s=150),
        app=App.MITIGATED,
    ),
    row("pods-evicted", Phase.ROLLOUT, "all pods are evicted", pods_evicted, IN_DOUBT, app=App.MITIGATED),
    row(
        "worker-deleted",
        Phase.ROLLOUT,
        "the load worker's Pod is deleted",
        deleted("pods", "rollout-harness-load-0"),
        Holds(verdicts=(INCONCLUSIVE,), codes=(3,), records=Records.READABLE, within_s=150),
        app=App.MITIGATED,
    ),
    row(
        "worker-evicted",
        Phase.CONTROL,
        "the load worker's Pod is evicted",
        worker_evicted,
        Holds(verdicts=(INCONCLUSIVE, NONE), codes=(2, 3), records=Records.ANY, within_s=150),
    ),
)

ROWS = (*_TEMPLATE, *_OBJECTS, *_PODS)
