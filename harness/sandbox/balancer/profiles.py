"""The load balancers of clouds, as far as public sources tell how late they are: one row each, with where it is from.

What no source tells is a round guess, and said to be one. docs/paths.md shows the same table to people.
"""

from __future__ import annotations

from harness.sandbox.balancer.settings import NONE, BalancerSettings, Check, Delay, Http, Targets
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

# aws-load-balancer-controller pkg/ingress/model_builder.go: defaultHealthCheck* ("/", 15 s, 5 s, 2, 2, status 200). A
# new target is healthy after one passed check (docs.aws.amazon.com/elasticloadbalancing/latest/application/
# target-group-health-checks.html).
_ALB_CHECK = Check(interval_s=15.0, timeout_s=5.0, healthy=2, unhealthy=2, path="/", codes=(200, 200), first=1)

# The same guide: 10 s to connect (load-balancer-troubleshooting.html, HTTP 504), 60 s idle
# (application-load-balancers.html), deregistration delay 300 s (edit-target-group-attributes.html). It sends no request
# a second time.
_ALB_HTTP = Http(
    connect_s=10.0, idle_s=60.0, answer_s=60.0, kept_s=60.0, draining_s=300.0, own=("Server", "awselb/2.0")
)

# ingress-gce pkg/healthchecks: defaultNEG* (15 s, 15 s, 1, 2), status 200.
_NEG_CHECK = Check(interval_s=15.0, timeout_s=15.0, healthy=1, unhealthy=2, path="/", codes=(200, 200))

# cloud.google.com/load-balancing/docs/https/request-distribution: 610 s for clients, 600 s for kept connections to
# backends; timeouts and retries there: what has no body is sent once more after 502, 503 or 504. An answer takes 30 s
# (backend service timeout); drainingTimeoutSec is 0 unless a BackendConfig sets it (compute API, connectionDraining).
_GFE_HTTP = Http(
    connect_s=10.0,
    idle_s=610.0,
    answer_s=30.0,
    kept_s=600.0,
    draining_s=0.0,
    retries=True,
    added=("Via", "1.1 google"),
    unclassed=True,
)

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
    # Deregistering stops new requests "as soon as" it is asked for, says the guide; aws-load-balancer-controller #1064
    # and #2366 saw some come later, until 25 s of preStop cured it. So 5 to 15 s, a round guess, as for the NLB; the
    # target is asked for its first check as soon as it is registered.
    "aws-alb-ip": BalancerSettings(
        profile="aws-alb-ip",
        targets=Targets.PODS,
        controller=_LBC_RECONCILE,
        registration=Delay(1.0, 5.0),
        propagation=Delay(1.0, 5.0),
        deregistration=Delay(5.0, 15.0),
        check=_ALB_CHECK,
        http=_ALB_HTTP,
        classes=("alb",),
    ),
    "aws-alb-instance": BalancerSettings(
        profile="aws-alb-instance",
        targets=Targets.NODES,
        controller=_LBC_RECONCILE,
        registration=NONE,
        propagation=Delay(1.0, 5.0),
        deregistration=Delay(5.0, 15.0),
        check=_ALB_CHECK,
        local_check=_ALB_CHECK,
        http=_ALB_HTTP,
        classes=("alb",),
    ),
    # How long the NEG API and the front ends take no source tells: a round guess.
    "gke-neg": BalancerSettings(
        profile="gke-neg",
        targets=Targets.PODS,
        controller=Delay(0.5, 2.0),
        registration=Delay(5.0, 15.0),
        propagation=Delay(1.0, 5.0),
        deregistration=Delay(5.0, 15.0),
        check=_NEG_CHECK,
        http=_GFE_HTTP,
        classes=("gce",),
    ),
}
