"""A version of Kubernetes and a workload -> what of the workload that version cannot do, or only behind a gate.

Source: https://kubernetes.io/docs/reference/command-line-tools-reference/feature-gates/.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from harness.model.kubernetes_version import Version, version_of
from harness.preflight.finding import Finding, Weight
from harness.spec.workload import Object, containers, pod_spec, spec_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Ability:
    """A field that came with a version. `gated`: from there on behind a feature gate that is off, `on`: from there on
    for everybody, None for not yet. `without`: what becomes of it where it is not there. `refused`: so that the object
    is."""

    field: str
    uses: Callable[[Object], bool]
    gate: str
    gated: Version
    on: Version | None
    without: str
    mend: str
    refused: bool = False


def _hooks(workload: Object) -> Iterator[Object]:
    for container in containers(pod_spec(workload)):
        yield ((container.get("lifecycle") or {}).get("preStop") or {}).get("sleep") or {}


ABILITIES: tuple[Ability, ...] = (
    Ability(
        field="preStop.sleep",
        uses=lambda workload: any(_hooks(workload)),
        gate="PodLifecycleSleepAction",
        gated=(1, 29),
        on=(1, 30),
        without="the hook would be empty",
        mend="Use an exec hook that sleeps.",
        refused=True,
    ),
    Ability(
        field="preStop.sleep of 0 s",
        uses=lambda workload: any(hook.get("seconds") == 0 for hook in _hooks(workload)),
        gate="PodLifecycleSleepActionAllowZero",
        gated=(1, 32),
        on=(1, 33),
        without="the API takes 1 s and more",
        mend="Leave the hook out.",
        refused=True,
    ),
    Ability(
        field="lifecycle.stopSignal",
        uses=lambda workload: any(
            (container.get("lifecycle") or {}).get("stopSignal") for container in containers(pod_spec(workload))
        ),
        gate="ContainerStopSignals",
        gated=(1, 33),
        on=None,
        without="containers get the stop signal of their image",
        mend="Set STOPSIGNAL in the image.",
    ),
    Ability(
        field="minReadySeconds of a StatefulSet",
        uses=lambda workload: workload.get("kind") == "StatefulSet" and bool(spec_of(workload).get("minReadySeconds")),
        gate="StatefulSetMinReadySeconds",
        gated=(1, 22),
        on=(1, 23),
        without="the next pod goes as soon as a new one is Ready",
        mend="Delay readiness by its probe.",
    ),
)


def unable(kubernetes: str, workload: Object) -> tuple[Finding, ...]:
    """What of the workload a cluster of this version ("v1.29.3") does not do."""
    version = version_of(kubernetes)
    if version is None:
        return ()
    return tuple(
        finding
        for ability in ABILITIES
        if ability.uses(workload) and (finding := _finding(ability, version, kubernetes)) is not None
    )


def _finding(ability: Ability, version: Version, kubernetes: str) -> Finding | None:
    if version >= (ability.on or (99, 0)):
        return None
    if version < ability.gated:
        since = ".".join(map(str, ability.on or ability.gated))
        words = f"{ability.field} is not known before Kubernetes {since}, and this is {kubernetes}: {ability.without}"
        return Finding(weight=Weight.BLOCKS if ability.refused else Weight.MIND, words=words, mend=ability.mend)
    words = (
        f"{ability.field} is behind the feature gate {ability.gate} in {kubernetes}, where it is off unless somebody "
        f"has switched it on: {ability.without} then"
    )
    return Finding(weight=Weight.MIND, words=words, mend="What stands after applying is read back and said.")
