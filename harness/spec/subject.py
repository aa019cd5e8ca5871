"""A workload and the Services before it -> what the rows of the table of hazards look at."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from harness.model.disruption_table import row
from harness.model.run import MeasuredService
from harness.spec.around import Around
from harness.spec.claims import Claims, claims
from harness.spec.hooks import never_runs, serves_on_s, waits_for_nothing
from harness.spec.placing import apart_by
from harness.spec.readiness import asked_port, probed_ports, readiness_s, ready_probes
from harness.spec.rolling import RolloutSpec, Strategy, rollout_spec
from harness.spec.serving import Port, all_held_s, named_ports, serving_containers, target_ports
from harness.spec.termination import grace_period_s, longest_hook_s
from harness.spec.workload import Object, containers, pod_spec, spec_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What a row looks at: the workload's spec, resolved, and the target ports of the Services before it.

    `fronts`: the same for each Service, by its name. `headless`: the names of the Services, where all of them are: one
    beside them serves as it would alone. `unready`: the names of those with a ClusterIP that list pods which are not
    Ready. `disruption`: what is done to it, a rolling update where None. `around`: what is known of its surroundings,
    where nothing is done to it: it is judged by its manifest alone. `fewest`: how it rolls with the fewest pods that
    its autoscaler may leave it; None without one. `claims`: what keeps a second pod from being beside the first.
    `apart_by`: in what two of its pods must not be together, such as a node.
    """

    rollout: RolloutSpec
    pod: Object
    targets: tuple[Port, ...]
    fronts: tuple[tuple[str, tuple[Port, ...]], ...] = ()
    headless: str = ""
    unready: str = ""
    disruption: str | None = None
    around: Around | None = None
    fewest: RolloutSpec | None = None
    claims: Claims = field(default_factory=Claims)
    apart_by: str = ""

    @property
    def keeps_template(self) -> bool:
        """Whether what is done to it rolls nothing."""
        return not row(self.disruption).rolls

    @property
    def scales(self) -> bool:
        """Whether what is done to it is another number of replicas."""
        return self.disruption == "scale"

    @property
    def takes_pods(self) -> bool:
        """Whether what is done to it takes pods, which are replaced afterwards."""
        return self.keeps_template and not self.scales

    @property
    def rolls(self) -> bool:
        """Whether an update replaces pods step by step, by itself."""
        return self.rollout.strategy == Strategy.ROLLING_UPDATE and self.rollout.replicas > 0

    @property
    def is_lone_stateful(self) -> bool:
        """Whether it is a StatefulSet of one pod, which has no other beside it whatever its update says."""
        return self.rollout.kind == "StatefulSet" and self.rollout.replicas == 1

    @property
    def serving(self) -> tuple[Object, ...]:
        """The containers that serve."""
        return serving_containers(self.pod, self.targets)

    @property
    def everything(self) -> tuple[Object, ...]:
        """All containers that run as long as the pod does."""
        return containers(self.pod)

    @property
    def held_s(self) -> float:
        """How long all containers that serve surely go on serving after the pod's deletion."""
        return all_held_s(self.pod, self.serving)

    @property
    def without_hook(self) -> tuple[str, ...]:
        """The containers that serve and have no preStop hook, or one that waits for nothing and does nothing else; but
        for native sidecars that the hooks of others hold."""
        idle = (container for container in self.serving if waits_for_nothing(container))
        return tuple(str(container.get("name")) for container in idle if not serves_on_s(self.pod, container))

    @property
    def unhooked(self) -> str:
        """The same in words."""
        deaf = {str(each.get("name")) for each in self.serving if never_runs(each)}
        return ", ".join(f"{name}: a tcpSocket never runs" if name in deaf else name for name in self.without_hook)

    @property
    def probed(self) -> str:
        """The ports that readiness and startup probes connect to."""
        return ", ".join(str(port) for container in containers(self.pod) for port in probed_ports(container))

    @property
    def sent_to(self) -> str:
        """The ports that the Services send to."""
        return ", ".join(map(str, self.targets))

    @property
    def unnamed(self) -> tuple[Port, ...]:
        """The target ports by name that no container gives to a port: nothing is sent there, ever."""
        names = named_ports(self.pod)
        return tuple(port for port in self.targets if isinstance(port, str) and port not in names)

    @property
    def unnamed_in(self) -> str:
        """The same, with the Services that send there."""
        sent = ((name, [str(port) for port in ports if port in self.unnamed]) for name, ports in self.fronts)
        return ", ".join(dict.fromkeys(f"{', '.join(ports)} in Service {name}" for name, ports in sent if ports))

    @property
    def all_probes_connect(self) -> bool:
        """Whether each probe names a port; what a command looks at cannot be told."""
        probes = [probe for container in containers(self.pod) for probe in ready_probes(container)]
        return bool(probes) and all(asked_port(probe) is not None for probe in probes)

    @property
    def host_ports(self) -> str:
        """The ports of the node that its containers ask for; with hostNetwork every port is one anyway."""
        if self.pod.get("hostNetwork"):
            return ""
        ports = (port for container in containers(self.pod) for port in container.get("ports") or ())
        return ", ".join(str(port["hostPort"]) for port in ports if port.get("hostPort"))

    @property
    def count(self) -> str:
        """Where the number of its pods is from, in words."""
        scaler = self.around.autoscaler if self.around is not None else None
        if scaler is not None and scaler.least == self.rollout.replicas:
            return f"minReplicas: {scaler.least} of {scaler.name}"
        return f"replicas: {self.rollout.replicas}"

    @property
    def hook_s(self) -> float:
        """What the longest preStop hook takes at least."""
        return longest_hook_s(self.pod)

    @property
    def grace_s(self) -> float:
        """The grace period."""
        return grace_period_s(self.pod)

    @property
    def step_s(self) -> float:
        """What the slowest step takes at least: until the first probes can have succeeded, and minReadySeconds."""
        return readiness_s(self.pod)[0] + self.rollout.min_ready_s

    @property
    def one_more_first(self) -> str:
        """The settings with which no pod goes before a new one is available."""
        cure = "maxUnavailable: 0" if self.rollout.max_surge else "maxSurge: 1 and maxUnavailable: 0"
        return self.claims.needed(cure, "no setting of its rollout")

    @property
    def rolled_instead(self) -> str:
        """The strategy with which a new pod comes first."""
        return self.claims.needed("strategy: RollingUpdate", "no setting of its rollout")

    @property
    def another_pod(self) -> str:
        """What leaves a pod when its only one goes."""
        return self.claims.needed("more than 1 replica", "no second replica")

    @property
    def evictable(self) -> str:
        """The budget with which a pod can be evicted, and what keeps calls from being lost then."""
        beside = "" if self.claims.why else ", with more than one replica"
        return f"a budget that lets one pod go (maxUnavailable: 1){beside}"


def subject(
    workload: Object,
    services: Iterable[Object],
    *,
    measured: MeasuredService | None = None,
    replicas: int | None = None,
    disruption: str | None = None,
    around: Around | None = None,
    known: Iterable[Object] = (),
) -> Subject:
    """What is to be looked at; `measured`: the one port that is; `replicas`: instead of the workload's own number;
    `disruption`: what is done to it; `around`: what is known of its surroundings; `known`: the claims that are."""
    services = tuple(services)
    scaler = around.autoscaler if around is not None else None
    kind, spec = str(workload["kind"]), spec_of(workload)
    rollout = rollout_spec(kind, spec, replicas=replicas)
    return Subject(
        fronts=tuple((_name(service), target_ports((service,), measured)) for service in services),
        headless=_headless(services),
        unready=_unready(services),
        disruption=disruption,
        around=around,
        rollout=rollout,
        claims=claims(workload, rollout, known),
        apart_by=apart_by(spec.get("template") or {}),
        fewest=rollout_spec(kind, spec, replicas=scaler.least) if scaler is not None else None,
        pod=pod_spec(workload),
        targets=target_ports(services, measured),
    )


def _unready(services: tuple[Object, ...]) -> str:
    """A headless one lists them so that the pods of a StatefulSet find each other: nothing is balanced over them."""
    found = (
        it for it in services if spec_of(it).get("publishNotReadyAddresses") and spec_of(it).get("clusterIP") != "None"
    )
    return ", ".join(map(_name, found))


def _headless(services: tuple[Object, ...]) -> str:
    if not all(spec_of(service).get("clusterIP") == "None" for service in services):
        return ""
    return ", ".join(map(_name, services))


def _name(service: Object) -> str:
    return str((service.get("metadata") or {}).get("name"))
