"""Behind balancers of layer 7: ALBs to pods and to nodes, and Google's NEGs."""

from __future__ import annotations

from .case import Case
from .parts import OUTLASTING, SLOW, alone, app_by, balanced, cutting_by, ingress, nginx_by


def albs() -> tuple[Case, ...]:
    alb, quick = (ingress("alb"),), balanced("aws-alb-ip")
    slowly = balanced("aws-alb-ip", registration="9s", deregistration="1s")
    app, creating = app_by("ingress", quick), app_by("ingress", slowly, quiet="15s")
    # Some requests meet a connection that is closing, however often a pod is asked: as many in a rollout, which has
    # more pods for a while, as before it. That takes time to show.
    idle = {**app_by("ingress", quick, IDLE_S="0.001", IDLE_SPREAD_S="0.1"), "control": "15s", "rollouts": 3}
    return (
        Case(name="aws-alb-ip-default", described=app, verdict="dropping", objects=alb),
        Case(name="aws-alb-ip-outlasting", described=app, verdict="seamless", variant=OUTLASTING, objects=alb),
        Case(name="aws-alb-ip-cut", described=cutting_by(quick), verdict="dropping", objects=alb),
        Case(name="aws-alb-ip-nginx", described=nginx_by("ingress", quick), verdict="dropping", objects=alb),
        Case(name="aws-alb-ip-creation", described=creating, verdict="dropping", variant=alone("6s"), objects=alb),
        Case(name="aws-alb-ip-idle-close", described=idle, verdict="seamless", variant=OUTLASTING, objects=alb),
        Case(
            name="aws-alb-ip-draining",
            described=app_by("ingress", balanced("aws-alb-ip", deregistration="1s", draining="1s"), load=SLOW),
            verdict="dropping",
            variant=OUTLASTING,
            objects=alb,
        ),
    )


def nodes_behind_an_alb() -> tuple[Case, ...]:
    instance, quick = (ingress("alb", "instance"),), balanced("aws-alb-instance", registration="0s")
    service = {"kind": "Service", "name": "web", "patch": {"spec": {"type": "NodePort"}}}
    both = {"mitigations": [{"prestop": "5s"}, {"min-ready": "5s"}]}
    return tuple(
        Case(
            name=f"aws-alb-instance-{name}",
            described=described,
            verdict=verdict,
            variant={**variant, "patches": [service]},
            objects=instance,
        )
        for name, described, verdict, variant in (
            ("default", app_by("ingress", quick), "dropping", {}),
            # A connection that it keeps to a node stays with its pod until that closes it: a request may meet that.
            ("both", app_by("ingress", quick), "", both),
            ("cut", cutting_by(quick), "dropping", {}),
        )
    )


def negs() -> tuple[Case, ...]:
    gce, quick = (ingress(""),), balanced("gke-neg")
    app = app_by("ingress", quick)
    return (
        Case(name="gke-neg-default", described=app, verdict="dropping", objects=gce),
        Case(name="gke-neg-outlasting", described=app, verdict="seamless", variant=OUTLASTING, objects=gce),
        Case(
            name="gke-neg-draining",
            described=app_by("ingress", quick, load=SLOW),
            verdict="dropping",
            variant=OUTLASTING,
            objects=gce,
        ),
    )
