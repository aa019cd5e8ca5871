"""A workload with a hazard -> the same without it, as the table of hazards says that it is mended.

Only what is wrong in the manifest and loses requests; seconds are the mitigations' business.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from copy import deepcopy

from harness.manifests.mitigations import prestop
from harness.manifests.mitigations.mitigated import Mitigated
from harness.manifests.read import Manifest
from harness.model.run import MeasuredService
from harness.spec.hazards import HazardId
from harness.spec.hooks import surely_serves_s
from harness.spec.readiness import ready_probes
from harness.spec.rolling import PROGRESS_DEADLINE_DEFAULT_S
from harness.spec.serving import Port, serving_containers, target_ports
from harness.spec.workload import Object, pod_spec, spec_of

Mend = Callable[[Manifest, Sequence[Port]], None]
"""Changes the workload that it is given; the target ports are those of the Service before it."""


def mended(workload: Manifest, service: Manifest, measured: MeasuredService, hazards: Iterable[str]) -> Manifest:
    """The workload without these hazards; the one that is passed in stays as it was."""
    changed = deepcopy(workload)
    targets = target_ports((service,), measured)
    for name in hazards:
        MENDS[HazardId(name)](changed, targets)
    return changed


def _rolling_update(workload: Manifest, _: Sequence[Port]) -> None:
    workload["spec"]["strategy"] = {"type": "RollingUpdate"}


def _one_more_first(workload: Manifest, _: Sequence[Port]) -> None:
    rolling = (spec_of(workload).get("strategy") or {}).get("rollingUpdate") or {}
    surge = rolling.get("maxSurge")
    kept = surge if surge not in (0, "0%") else 1
    rolling = {"maxUnavailable": 0} if kept is None else {"maxSurge": kept, "maxUnavailable": 0}
    workload["spec"]["strategy"] = {"type": "RollingUpdate", "rollingUpdate": rolling}


def _two_replicas(workload: Manifest, _: Sequence[Port]) -> None:
    workload["spec"]["replicas"] = 2


def _probe_of_the_serving_port(workload: Manifest, targets: Sequence[Port]) -> None:
    """A connection to the port that serves is all that can be asked for without knowing the application.

    A probe that is there asks more, and stays. A startup probe beside it keeps the pod from being Ready until the port
    that serves is open; it kills a container for which that takes longer than a rollout may, and no sooner.
    """
    for container in serving_containers(pod_spec(workload), targets):
        port = declared_target(container, targets)
        if port is None and not ready_probes(container):
            port = next((target for target in targets if not isinstance(target, str)), None)
        if port is None:
            continue  # a name that no container gives to a port, or one of which nobody knows who serves there
        connects = {"tcpSocket": {"port": port}, "periodSeconds": 1}
        if not ready_probes(container):
            container["readinessProbe"] = connects
        elif not container.get("startupProbe"):
            container["startupProbe"] = {**connects, "failureThreshold": PROGRESS_DEADLINE_DEFAULT_S}


def declared_target(container: Object, targets: Sequence[Port]) -> Port | None:
    """The first target port that the container itself declares, by the name or the number by which it is the target."""
    entries = container.get("ports") or ()
    declared = [port for entry in entries for port in (entry.get("name"), entry["containerPort"])]
    return next((target for target in targets if target in declared), None)


def same_hook(workload: Manifest, targets: Sequence[Port]) -> Mitigated:
    """The workload in which every container sleeps for as long before its stop signal as the one that serves."""
    serving = serving_containers(pod_spec(workload), targets)
    held = [seconds for container in serving if (seconds := surely_serves_s(container))]
    return prestop.apply(workload, math.ceil(min(held))) if held else Mitigated(workload=workload)


def _same_hook(workload: Manifest, targets: Sequence[Port]) -> None:
    workload["spec"] = same_hook(workload, targets).workload["spec"]


MENDS: dict[HazardId, Mend] = {
    HazardId.RECREATE: _rolling_update,
    HazardId.MAX_UNAVAILABLE_ALL: _one_more_first,
    HazardId.LONE_STATEFUL_POD: _two_replicas,
    HazardId.LONE_POD: _two_replicas,
    HazardId.NO_READINESS_PROBE: _probe_of_the_serving_port,
    HazardId.PROBE_ON_ANOTHER_PORT: _probe_of_the_serving_port,
    HazardId.SIDECAR_STOPS_FIRST: _same_hook,
}
"""What mends each; `Row.mend` says it in words."""
