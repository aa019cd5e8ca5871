"""A workload's volumes, and the claims that are known -> those that make a second pod beside the first a danger.

An old pod and a new one of a Deployment share what its template names. A claim that is ReadWriteOnce is for one node: a
new pod elsewhere waits for a volume that is attached to the old one's, and on the same node two servers write one
directory. ReadWriteOncePod is for one pod.
https://kubernetes.io/docs/tasks/run-application/run-single-instance-stateful-application/
https://kubernetes.io/docs/concepts/storage/persistent-volumes/#access-modes
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from harness.spec.rolling import RolloutSpec, Strategy
from harness.spec.workload import Object, pod_spec, spec_of

CLAIM = "PersistentVolumeClaim"
_FOR_SEVERAL = ("ReadWriteMany", "ReadOnlyMany")


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """`shared`: the names of those that an old pod and a new one would share, and may not, as far as is known. `once`:
    of those of the template the ones that are known to be for one node or one pod, with their mode, "data:
    ReadWriteOnce". `own`: the names of those that each pod of a StatefulSet has for itself."""

    shared: tuple[str, ...] = ()
    once: tuple[str, ...] = ()
    own: tuple[str, ...] = ()

    @property
    def why(self) -> str:
        """What comes of a second pod beside the first, in words; empty where nothing is known to."""
        if self.shared:
            return f"an old pod and a new one would share {', '.join(self.shared)}"
        return f"a second pod has a claim {', '.join(self.own)} of its own, which begins empty" if self.own else ""

    def stays(self, what: str) -> str:
        """That a setting is left as it is, and why; empty where nothing keeps it."""
        return f"{what} stays, for {self.why}" if self.why else ""

    def needed(self, cure: str, instead: str) -> str:
        """What cures a moment without a pod; where that is a danger, what is true in its place."""
        if not self.why:
            return cure
        first = "application and volume let several pods use that at once, or " if self.shared else ""
        return (
            f"what {instead} gives, for {self.why}: an outage is part of it, unless {first}the application "
            "replicates its data"
        )


def claims(workload: Object, rollout: RolloutSpec, known: Iterable[Object]) -> Claims:
    """Of the workload that rolls so; `known`: the claims that its template may name.

    One that is not known counts as shared where only one pod has used it so far; where Recreate keeps pods apart, each.
    """
    modes = {str((each.get("metadata") or {}).get("name")): _mode(each) for each in known}
    named = claim_names(workload)
    own = (each.get("metadata") or {} for each in spec_of(workload).get("volumeClaimTemplates") or ())
    return Claims(
        shared=tuple(name for name in named if _is_for_one(name, modes, rollout)),
        once=tuple(f"{name}: {modes[name]}" for name in named if modes.get(name)),
        own=tuple(str(each.get("name")) for each in own) if rollout.replicas == 1 else (),
    )


def claims_among(manifests: Iterable[Object]) -> tuple[Object, ...]:
    """The PersistentVolumeClaims."""
    return tuple(each for each in manifests if each.get("kind") == CLAIM)


def claim_names(workload: Object) -> tuple[str, ...]:
    """The claims that its pod template names, and all of its pods share."""
    volumes = (each.get("persistentVolumeClaim") or {} for each in pod_spec(workload).get("volumes") or ())
    return tuple(dict.fromkeys(str(each["claimName"]) for each in volumes if each.get("claimName")))


def _mode(claim: Object) -> str:
    """The mode by which it is for one node or one pod; empty where it is for several, or says nothing."""
    modes = [str(each) for each in spec_of(claim).get("accessModes") or ()]
    return "" if any(each in _FOR_SEVERAL for each in modes) else ", ".join(modes)


def _is_for_one(name: str, modes: Mapping[str, str], rollout: RolloutSpec) -> bool:
    if rollout.strategy == Strategy.RECREATE or modes.get(name):
        return True
    return rollout.replicas == 1 and name not in modes
