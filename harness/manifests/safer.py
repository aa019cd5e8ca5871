"""A workload and what is before it -> the same without the errors of `check` that a change of its manifest cures.

What a change might break otherwise stays, and is said: another replica of what may not have one, a second pod on a
volume that one alone can have.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from copy import deepcopy
from math import ceil

from harness.manifests.mends import MENDS, declared_target, same_hook
from harness.manifests.mitigations import mitigated
from harness.manifests.mitigations.grace import STOP_S
from harness.manifests.mitigations.mitigated import Mitigated
from harness.manifests.read import Manifest
from harness.model.experiment import Mitigation
from harness.spec.around import Around
from harness.spec.hazard import HazardId
from harness.spec.hazards import hazards
from harness.spec.hooks import hook_takes_s, only_sleeps
from harness.spec.images import has_no_shell
from harness.spec.readiness import asked_port
from harness.spec.rolling import PROGRESS_DEADLINE_DEFAULT_S
from harness.spec.serving import Port, target_ports
from harness.spec.stopping import stop_s, stopping_first
from harness.spec.subject import subject
from harness.spec.workload import Object, containers, pod_spec

_MENDED = (
    HazardId.RECREATE,
    HazardId.MAX_UNAVAILABLE_ALL,
    HazardId.NO_READINESS_PROBE,
    HazardId.PROBE_ON_ANOTHER_PORT,
)


_SAID = {
    HazardId.RECREATE: (
        "strategy: Recreate became RollingUpdate: in a rollout an old pod and a new one run side by side, which this "
        "application has to bear",
    )
}
"""What is to be known of a mend: whoever wrote what it takes away may have meant it."""


def safer(
    workload: Manifest,
    services: Iterable[Object],
    mitigations: Iterable[Mitigation],
    *,
    asked: Iterable[str] = (),
    claims: Iterable[Object] = (),
) -> Mitigated:
    """The workload mended, with these mitigations; what could not be mended, and what is to be known of what was, is in
    `left_alone`.

    `asked`: names of hazards that are mended too where they cost something, as only a run can tell. `claims`: as in
    `hazards`.
    """
    services = tuple(services)
    changed, said = deepcopy(workload), []
    for hazard in hazards(workload, services, around=Around(), claims=claims):
        if hazard.id is HazardId.SIDECAR_STOPS_FIRST and hazard.id in asked:
            changed, told = _with_the_same_hook(changed, services)
            said += told
        elif hazard.id in _MENDED and (keeps := hazard.stays or _keeps(hazard.id, changed, services)):
            said.append(f"{hazard.wrong}: {keeps}")
        elif hazard.id in _MENDED:
            MENDS[hazard.id](changed, _targets(changed, services))
            said += [*_startup_probes(workload, changed), *_SAID.get(hazard.id, ())]
    _hooks_without_programs(changed)
    done = mitigated(changed, mitigations)
    changed = _with_time_to_progress(_with_time_to_stop(done.workload))
    return Mitigated(workload=changed, left_alone=(*said, *done.left_alone))


def _targets(workload: Manifest, services: tuple[Object, ...]) -> tuple[Port, ...]:
    """Where the Services send; without any, the first port that is declared."""
    declared = (entry for each in containers(pod_spec(workload)) for entry in each.get("ports") or ())
    own = (entry.get("name") or entry.get("containerPort") for entry in declared)
    return target_ports(services) or tuple(port for port in own if port)[:1]


def _ports_unknown(workload: Manifest, services: tuple[Object, ...]) -> str:
    """What keeps a probe from being given; empty where nothing does."""
    return "" if _targets(workload, services) else "give it one: which port serves is not known"


def _probes_stay(workload: Manifest, services: tuple[Object, ...]) -> str:
    """What keeps the probes from being added to; they are never taken away, for they may ask more than a connection."""
    pod, targets = pod_spec(workload), _targets(workload, services)
    serving = [each for each in containers(pod) if declared_target(each, targets) is not None]
    if not serving:
        ports = ", ".join(map(str, targets))
        return f"its probes stay, for no container declares port {ports}, and who serves there is not known"
    if all(each.get("startupProbe") for each in serving):
        names = ", ".join(str(each.get("name")) for each in serving)
        return f"its probes stay, for {names} has a startup probe already: let one of them ask the port that serves"
    return ""


def _startup_probes(before: Manifest, after: Manifest) -> list[str]:
    """What was added beside probes that stay, in words."""
    pairs = zip(containers(pod_spec(before)), containers(pod_spec(after)), strict=True)
    return [
        f"the readiness probe of container {new.get('name')} stays as it is; a startup probe beside it keeps the "
        f"container from being Ready until port {asked_port(new['startupProbe'])} is open, and restarts it where that "
        f"takes more than {new['startupProbe']['failureThreshold']} s"
        for old, new in pairs
        if new.get("startupProbe") and not old.get("startupProbe")
    ]


def _keeps(hazard: HazardId, workload: Manifest, services: tuple[Object, ...]) -> str:
    keeps = _KEEPS.get(hazard)
    return keeps(workload, services) if keeps is not None else ""


_KEEPS: dict[HazardId, Callable[[Manifest, tuple[Object, ...]], str]] = {
    HazardId.NO_READINESS_PROBE: _ports_unknown,
    HazardId.PROBE_ON_ANOTHER_PORT: _probes_stay,
}


def _with_the_same_hook(workload: Manifest, services: tuple[Object, ...]) -> tuple[Manifest, list[str]]:
    """With the hook of the container that serves in those beside it too, and what else would do."""
    it = subject(workload, services, around=Around())
    done = same_hook(workload, _targets(workload, services))
    after = subject(done.workload, services, around=Around())
    first, front = (" and ".join(str(each.get("name")) for each in some) for some in (stopping_first(it), it.serving))
    mended = "" if stopping_first(after) else "each container sleeps before its stop signal now. In place of that, "
    said = (
        f"container {first} stops first, while {front}, which the Service sends to, serves on: {mended}{first} could "
        "be a native sidecar (initContainers, restartPolicy: Always), which is told to stop after the others"
    )
    return done.workload, [said, *done.left_alone]


def _hooks_without_programs(workload: Manifest) -> None:
    """Hooks that only sleep get the handler for it where their image has no program that could."""
    for container in _with_broken_hooks(workload):
        seconds = int(hook_takes_s(container) or 0)
        container["lifecycle"] = {**container["lifecycle"], "preStop": {"sleep": {"seconds": seconds}}}


def _with_broken_hooks(workload: Manifest) -> Iterator[Object]:
    for container in containers(pod_spec(workload)):
        hook = (container.get("lifecycle") or {}).get("preStop") or {}
        if "exec" in hook and has_no_shell(str(container.get("image") or "")) and only_sleeps(container):
            yield container


def _with_time_to_stop(workload: Manifest) -> Manifest:
    """With a grace period in which its hook and the stop of its server have room, where that is known."""
    it = subject(workload, (), around=Around())
    needed_s = it.hook_s + (stop_s(it) or 0.0)
    if it.grace_s >= needed_s:
        return workload
    changed = deepcopy(workload)
    changed["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] = ceil(needed_s) + STOP_S
    return changed


def _with_time_to_progress(workload: Manifest) -> Manifest:
    """With a progress deadline that is longer than a step."""
    it = subject(workload, ())
    deadline_s = it.rollout.progress_deadline_s
    if deadline_s is None or deadline_s > it.step_s:
        return workload
    changed = deepcopy(workload)
    changed["spec"]["progressDeadlineSeconds"] = int(it.step_s) + PROGRESS_DEADLINE_DEFAULT_S
    return changed
