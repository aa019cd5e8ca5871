"""The load balancers of clouds, as far as public sources tell how late they are: one row each, with where it is from.

What no source tells is a round guess, and said to be one. docs/paths.md shows the same table to people.
"""

from __future__ import annotations

from harness.sandbox.balancer.settings import NONE, BalancerSettings, Check, Delay, Targets
from harness.sandbox.gates.settings import AWS_GATES

NLB_CLASSES = ("service.k8s.aws/nlb",)
_LBC_RECONCILE = Delay(0.2, 1.0)

# aws-load-balancer-controller pkg/service/model_builder.go: defaultHealthCheck* (10 s, 10 s, 3, 3), and
# defaultHealthCheck*ForInstanceModeLocal (HTTP /healthz at the healthCheckNodePort, 10 s, 6 s, 2, 2).
_LBC_CHECK = Check(interval_s=10.0, timeout_s=10.0, healthy=3, unhealthy=3)
LBC_LOCAL_CHECK = Check(interval_s=10.0, timeout_s=6.0, healthy=2, unhealthy=2, path="/healthz", port=0)

# ingress-gce pkg/healthchecksl4/healthchecksl4.go: gceLocalHc* (3 s, 1 s, 1, 2) and gceSharedHc* (8 s, 1 s, 1, 3), the
# shared one at kube-proxy's own port, 10256.
_GCE_SHARED = Check(interval_s=8.0, timeout_s=1.0, healthy=1, unhealthy=3, path="/healthz", port=10256)
_GCE_LOCAL = Check(interval_s=3.0, timeout_s=1.0, healthy=1, unhealthy=2, path="/healthz", port=0)

PROFILES = {
    # The health check's times are the controller's; how long registration and deregistration take no source promises.
    # These are round guesses at a good day, between the API's answer at once and the minutes that are reported (below).
    "aws-nlb-ip": BalancerSettings(
        profile="aws-nlb-ip",
        targets=Targets.PODS,
        controller=_LBC_RECONCILE,
        registration=Delay(30.0, 60.0),
        propagation=Delay(1.0, 5.0),
        deregistration=Delay(5.0, 15.0),
        check=_LBC_CHECK,
        classes=NLB_CLASSES,
        gates=AWS_GATES,
    ),
    # AWS support, quoted in aws-load-balancer-controller #1834: 180 to 300 s to register, then the health checks, and
    # as long to deregister, in which new connections still come; #2366, #3270 and aws/containers-roadmap #470 measured
    # 120 s and more of that, and 30 to 40 s from unhealthy to the last connection.
    "aws-nlb-ip-slow": BalancerSettings(
        profile="aws-nlb-ip-slow",
        targets=Targets.PODS,
        controller=_LBC_RECONCILE,
        registration=Delay(180.0, 300.0),
        propagation=Delay(30.0, 40.0),
        deregistration=Delay(120.0, 180.0),
        check=_LBC_CHECK,
        classes=NLB_CLASSES,
        gates=AWS_GATES,
    ),
    # Nodes are registered once; the first health checks make up most of the time until it answers.
    "aws-nlb-instance": BalancerSettings(
        profile="aws-nlb-instance",
        targets=Targets.NODES,
        controller=_LBC_RECONCILE,
        registration=NONE,
        propagation=Delay(1.0, 5.0),
        deregistration=Delay(5.0, 15.0),
        check=_LBC_CHECK,
        local_check=LBC_LOCAL_CHECK,
        classes=NLB_CLASSES,
        gates=AWS_GATES,
    ),
    # Packets come to the node with the balancer's address on them, which its kube-proxy takes as one of the Service's.
    "gke-l4": BalancerSettings(
        profile="gke-l4",
        targets=Targets.NODES,
        controller=Delay(0.2, 1.0),
        registration=NONE,
        propagation=Delay(0.5, 2.0),
        deregistration=Delay(0.5, 2.0),
        check=_GCE_SHARED,
        local_check=_GCE_LOCAL,
        vip=True,
        classes=("networking.gke.io/l4-regional-external", "networking.gke.io/l4-regional-internal"),
    ),
    # No balancer at all: an announced address, and the node's proxy behind it (metallb.io/concepts).
    "none": BalancerSettings(profile="none", targets=Targets.NODES, vip=True, announced=True),
}
