"""By node ports, and behind balancers of layer 4: to nodes and to pods."""

from __future__ import annotations

from .case import Case
from .parts import CHECKS, OUTLASTING, SLOW, alone, app_by, balanced


def layer_4() -> tuple[Case, ...]:
    found = []
    for kind, path, profiles in (
        ("NodePort", "nodeport", (None,)),
        ("LoadBalancer", "loadbalancer", ("aws-nlb-instance", "gke-l4", "none")),
    ):
        for profile in profiles:
            cluster = (
                {"sandbox": {"proxy": {"minSyncPeriod": "1s"}}}
                if profile is None
                else balanced(profile, **{**CHECKS, "registration": "0s"})
            )
            service = {"kind": "Service", "name": "web", "patch": {"spec": {"type": kind}}}
            described = app_by(path, cluster)
            for name, verdict, mitigations in (
                ("default", "dropping", []),
                ("both", "seamless", [{"prestop": "5s"}, {"min-ready": "5s"}]),
                ("cut", "dropping", []),
            ):
                found.append(
                    Case(
                        name=f"{profile or path}-{name}",
                        described=app_by(path, cluster, load=SLOW, ON_SIGTERM="cut") if name == "cut" else described,
                        verdict=verdict,
                        variant={"mitigations": mitigations, "patches": [service]},
                    )
                )
    return tuple(found)


def nlb_to_pods() -> tuple[Case, ...]:
    metadata = {"annotations": {"service.beta.kubernetes.io/aws-load-balancer-nlb-target-type": "ip"}}
    spec = {"type": "LoadBalancer", "loadBalancerClass": "service.k8s.aws/nlb"}
    service = {"kind": "Service", "name": "web", "patch": {"metadata": metadata, "spec": spec}}
    balancer = balanced("aws-nlb-ip", **{**CHECKS, "registration": "1s"})
    app = app_by("loadbalancer", balancer)
    cutting = app_by("loadbalancer", balancer, load=SLOW, ON_SIGTERM="cut")
    slowly = app_by("loadbalancer", balanced("aws-nlb-ip", **{**CHECKS, "registration": "9s"}), quiet="15s")
    return tuple(
        Case(name=f"aws-nlb-ip-{name}", described=described, verdict=verdict, variant={**variant, "patches": patches})
        for name, described, verdict, variant, patches in (
            ("default", app, "dropping", {}, [service]),
            ("outlasting", app, "seamless", OUTLASTING, [service]),
            ("cut", cutting, "dropping", {}, [service]),
            ("creation", slowly, "dropping", {"mitigations": [{"prestop": "6s"}]}, [service, *alone("6s")["patches"]]),
        )
    )
