"""What would have saved requests that no number of seconds does, and why none does: in words."""

from __future__ import annotations

FINISH = "the application finishing, after its stop signal, what it has accepted"
"""What cures requests that were cut in hand: no number of seconds does, unless the grace period was what cut them."""

SERVE = "the application answering as before, until it ends, what still comes on the connections that it has open"
HOOK = "a preStop hook that does not fail, such as sleep, which needs no program of the image (Kubernetes >= 1.30)"
GATE = "a readiness gate of the balancer, where it has one, or a minReadySeconds that outlasts its taking a pod in"
PROBE = "a readiness probe that succeeds only once the application serves"
SAME_PORT = (
    "one port for what the new version listens on, what the Service sends to and what the readiness probe asks: a "
    "targetPort by name (targetPort: http) is in each pod that pod's own number, and a probe of it keeps one that does "
    "not listen there from being Ready"
)
RESEND = "a client that sends again what met a connection as it was closed (RFC 9112, 9.3.1)"
ONE_LEFT = "a number of replicas that leaves a Ready pod at every moment, never 0"
KEEP_LONGER = (
    "a server that keeps idle connections for longer than what stands before it does: more than 60 s behind an "
    "Application Load Balancer, more than 600 s behind Google's"
)
BUDGET = (
    "a PodDisruptionBudget that leaves one pod (minAvailable: 1, with more than one replica): an eviction then waits "
    "until another is Ready"
)
ALWAYS_ONE = "a pod that is Ready at every moment: more replicas, or fewer of them unavailable"

A_POD_ON_EACH_NODE = (
    "a pod on each node that is called (a DaemonSet, or topologySpreadConstraints by kubernetes.io/hostname), or "
    "externalTrafficPolicy: Cluster"
)
SELECTED = (
    "new pods to which the Service can send: with labels that it selects, and with a container port of the name that "
    "its targetPort has, where that is a name"
)

GRACE = "the grace period that its spec gives it"

KEPT = "a preStop only moves new connections away; on one that a client keeps the pod is asked until it ends"
UNHOOKED = "without a preStop hook a pod is told to stop while requests are still sent to it"
BALANCER_IS_LATER = (
    "the rollout takes an old pod away once a new one is Ready, and the balancer sends to the new one only later: "
    "minReadySeconds makes the rollout wait for that"
)
SENT_WHEN_READY = "no minReadySeconds cures it, for a pod is sent to as soon as it is Ready"
TO_THOSE_THAT_SERVE = (
    "the network sends to pods that terminate where no other is, as long as they serve (KEP-1669): a preStop that "
    "outlasts the start of new ones bridges that"
)

LEAD_LATER = (
    "a Service that a deploy changes only once pods are Ready that answer as it then leads, or pods and Service that "
    "keep their labels and ports"
)
"""Of what a deploy led away from the pods that served: no setting of these pods makes up for it."""


BY_DEED = {"scale": ONE_LEFT, "evict": BUDGET, "drain": BUDGET}
"""What leaves a pod that can answer, by what was done."""


def pods(number: int) -> str:
    """How many pods, and the verb: "1 pod was", "2 pods were"."""
    return "1 pod was" if number == 1 else f"{number} pods were"
