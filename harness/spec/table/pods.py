"""The rows of the table of hazards about each pod, whatever replaces it: when it is Ready, how it ends, where it is."""

from __future__ import annotations

from harness.model.result import Cause
from harness.spec.hazard import HazardId, Row, Severity, Where
from harness.spec.placing import root_by_number, unnameable
from harness.spec.readiness import is_probed, lost_probes, only_idle
from harness.spec.serving import listens_when_ready
from harness.spec.stopping import named

_CONTAINER = "spec.template.spec.containers[]"
_ONE_A_NODE = (
    "With maxSurge a new pod waits for a node on which no old one runs, and the rollout with it. A StatefulSet's pod "
    "comes when the old one of its name is gone, and needs a node on which no other of them runs."
)

ROWS: tuple[Row, ...] = (
    Row(
        id=HazardId.NO_READINESS_PROBE,
        severity=Severity.ERROR,
        holds=lambda it: not is_probed(it.pod),
        wrong="without a readiness probe a pod is Ready before it listens",
        found="no container has a readinessProbe",
        cause=Cause.CREATION_RACE,
        mend="a readiness probe on every container",
        path=f"{_CONTAINER}.readinessProbe",
        why="Without one a pod counts as Ready as soon as its containers run. Calls are sent to it while it still "
        "starts, and old pods go for it.",
    ),
    Row(
        id=HazardId.PROBE_ON_ANOTHER_PORT,
        severity=Severity.ERROR,
        holds=lambda it: (
            bool(it.targets)
            and not it.unnamed
            and not lost_probes(it.pod)
            and it.all_probes_connect
            and not listens_when_ready(it.pod, it.targets)
        ),
        wrong="its readiness probe looks at another port than the one that serves",
        found="the probe asks {it.probed}, the Service sends to {it.sent_to}",
        cause=Cause.CREATION_RACE,
        mend="a readiness probe of the port that serves",
        path=f"{_CONTAINER}.readinessProbe",
        why="Ready then says that another port answers. The one that serves may open later, and calls to it are "
        "refused until then.",
    ),
    Row(
        id=HazardId.PROBE_PORT_UNNAMED,
        severity=Severity.ERROR,
        holds=lambda it: bool(lost_probes(it.pod)),
        wrong="a probe goes to a port by a name that its container gives to none: no pod is ever Ready",
        found=lambda it: ", ".join(f"port: {port} in {name}" for name, port in lost_probes(it.pod).items()),
        cause=None,
        mend="that name at a port of the same container, or the number of the port",
        path=f"{_CONTAINER}.readinessProbe",
        containers=lambda it: tuple(lost_probes(it.pod)),
        why="The kubelet looks the name up among the ports of the container that has the probe, and nowhere else.",
        source="https://kubernetes.io/docs/tasks/configure-pod-container/configure-liveness-readiness-startup-probes/"
        "#use-a-named-port",
        blocks=True,
    ),
    Row(
        id=HazardId.PROBE_ASKS_NOTHING,
        severity=Severity.WARNING,
        holds=lambda it: bool(only_idle(it.pod)),
        wrong="its readiness probe asks nothing of the server: a pod is Ready as soon as its program runs",
        found=lambda it: f"exec of what always succeeds in {', '.join(named(only_idle(it.pod)))}",
        cause=Cause.CREATION_RACE,
        mend="a readiness probe that asks the port that serves (httpGet, tcpSocket, grpc)",
        path=f"{_CONTAINER}.readinessProbe.exec",
        containers=lambda it: named(only_idle(it.pod)),
        why="It is as good as none: calls are sent to a pod that still starts, and old pods go for it. Nothing is lost "
        "by it where the server listens at once.",
        source="https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#container-probes",
    ),
    Row(
        id=HazardId.NO_PRESTOP,
        severity=Severity.ERROR,
        holds=lambda it: bool(it.unhooked),
        wrong="without a preStop hook a pod stops listening while requests are still sent to it",
        found="no preStop in {it.unhooked}",
        cause=Cause.TERMINATION_RACE,
        mend="a preStop hook that sleeps until the network has learnt of it",
        path=f"{_CONTAINER}.lifecycle.preStop",
        containers=lambda it: it.without_hook,
        why="The stop signal and the news of it set out at the same time. Most servers close their listener at once; "
        "kube-proxy, an ingress or a balancer goes on sending until it has learnt of it. A hook that sleeps keeps "
        "the listener open for that long.",
    ),
    Row(
        id=HazardId.PRESTOP_OUTLASTS_GRACE,
        severity=Severity.ERROR,
        holds=lambda it: it.hook_s > 0 and it.hook_s >= it.grace_s,
        wrong="its preStop hook leaves nothing of the grace period for the work that is under way",
        found="the hook takes {it.hook_s:g} s, terminationGracePeriodSeconds is {it.grace_s:g}",
        cause=Cause.IN_FLIGHT_KILL,
        mend="terminationGracePeriodSeconds above {it.hook_s:g}",
        path="spec.template.spec.terminationGracePeriodSeconds",
        why="The countdown of the grace period starts before the hook does. When it is over the hook is cut off, and "
        "the process is killed 2 s after its stop signal, with the calls that it has in hand.",
    ),
    Row(
        id=HazardId.HEADLESS,
        severity=Severity.NOTE,
        holds=lambda it: bool(it.headless),
        wrong="no request can be sent to a ClusterIP that there is not: what a client resolves is the pods themselves",
        found="clusterIP: None in Service {it.headless}",
        cause=None,
        mend="a Service with a ClusterIP",
        path="spec.clusterIP",
        where=Where.SERVICE,
        why="Clients resolve the addresses of pods and keep them as long as they like, for which no setting of the "
        "workload makes up.",
        source="https://kubernetes.io/docs/concepts/services-networking/service/#headless-services",
        blocks=True,
    ),
    Row(
        id=HazardId.PUBLISHES_NOT_READY,
        severity=Severity.ERROR,
        holds=lambda it: bool(it.unready),
        wrong="its Service lists pods that are not Ready yet, and those that terminate until they are gone",
        found="publishNotReadyAddresses: true in Service {it.unready}",
        cause=Cause.TERMINATION_RACE,
        mend="no publishNotReadyAddresses, or a headless Service of its own for it",
        path="spec.publishNotReadyAddresses",
        where=Where.SERVICE,
        why="All addresses then count as ready. Calls go to a pod before it listens, and to one that stops until it is "
        "gone, whatever its probes say: a preStop hook only makes that later.",
        source="https://kubernetes.io/docs/reference/kubernetes-api/service-resources/service-v1/#ServiceSpec",
    ),
    Row(
        id=HazardId.HOST_NETWORK,
        severity=Severity.WARNING,
        holds=lambda it: bool(it.pod.get("hostNetwork")),
        wrong="on the node's own network only one of its pods can have the port on a node",
        found="hostNetwork: true",
        cause=None,
        mend="hostNetwork: false",
        path="spec.template.spec.hostNetwork",
        why=_ONE_A_NODE,
        source="https://kubernetes.io/docs/concepts/configuration/overview/#services",
    ),
    Row(
        id=HazardId.HOST_PORT,
        severity=Severity.WARNING,
        holds=lambda it: bool(it.host_ports),
        wrong="only one of its pods on a node can have that port of the node",
        found="hostPort: {it.host_ports}",
        cause=None,
        mend="no hostPort, but a Service",
        path=f"{_CONTAINER}.ports[].hostPort",
        why=_ONE_A_NODE,
        source="https://kubernetes.io/docs/concepts/configuration/overview/#services",
    ),
    Row(
        id=HazardId.APART_FROM_OLD_PODS,
        severity=Severity.WARNING,
        holds=lambda it: bool(it.apart_by) and it.rollout.brings_first,
        wrong="a new pod needs a node where no old one is, and none of those goes first",
        found=lambda it: f"required podAntiAffinity by {it.apart_by}, maxUnavailable comes to 0",
        cause=None,
        mend="matchLabelKeys: [pod-template-hash] in that term (on by default from 1.31), the anti-affinity as a "
        "preference, or a node more than replicas",
        path="spec.template.spec.affinity.podAntiAffinity",
        why="The rule keeps new pods from old ones too. Where there are as many nodes as pods, the new one stays "
        "Pending, while the old ones wait for it to be Ready: the rollout hangs until its deadline.",
        source="https://kubernetes.io/docs/concepts/scheduling-eviction/assign-pod-node/#matchlabelkeys",
        updates=True,
    ),
    Row(
        id=HazardId.ROOT_BY_NUMBER,
        severity=Severity.ERROR,
        holds=lambda it: bool(root_by_number(it.pod)),
        wrong="a container that must not be root is told to be: no node starts it",
        found=lambda it: f"runAsNonRoot: true and runAsUser: 0 in {', '.join(root_by_number(it.pod))}",
        cause=None,
        mend="another runAsUser, or no runAsNonRoot",
        path=f"{_CONTAINER}.securityContext",
        containers=lambda it: root_by_number(it.pod),
        why="The kubelet refuses it (`container's runAsUser breaks non-root policy`), and the pod stays in "
        "CreateContainerConfigError.",
        source="https://kubernetes.io/docs/tasks/configure-pod-container/security-context/",
        blocks=True,
    ),
    Row(
        id=HazardId.IMAGE_NAME,
        severity=Severity.WARNING,
        holds=lambda it: bool(unnameable(it.pod)),
        wrong="no node can pull an image of that name",
        found=lambda it: f"image: {', '.join(unnameable(it.pod))}",
        cause=None,
        mend="an image's name, whose path is of lower case",
        path=f"{_CONTAINER}.image",
        why="The kubelet cannot read it, and the pod stays in InvalidImageName. Where it stands for a name that is "
        "still to be put in, what is applied in the end is what counts.",
        source="https://kubernetes.io/docs/concepts/containers/images/#image-names",
    ),
)
