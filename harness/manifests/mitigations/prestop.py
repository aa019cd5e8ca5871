"""preStop sleep: the pod goes on serving while the network forgets it (native since Kubernetes 1.29)."""

from __future__ import annotations

import math
from copy import deepcopy
from typing import Any

from harness.manifests.mitigations.grace import room_for
from harness.manifests.mitigations.longer_hook import longer
from harness.manifests.mitigations.mitigated import Mitigated
from harness.manifests.read import Manifest
from harness.spec.hooks import exec_words, only_sleeps, pre_stop, surely_serves_s
from harness.spec.workload import containers, pod_spec


def apply(workload: Manifest, value_s: int) -> Mitigated:
    """The workload with `preStop: sleep` in every container, and a grace period in which it fits."""
    return with_hook(workload, {"sleep": {"seconds": value_s}}, value_s)


def with_hook(workload: Manifest, hook: dict[str, Any], value_s: int) -> Mitigated:
    """The workload with this preStop hook in every container that has none, native sidecars too.

    A hook that is there sleeps `value_s` before it does what it does, and the grace period grows by what that adds:
    what the hook does then has as long as before. One that sleeps as long already, or that cannot be made to, stays.
    """
    changed = deepcopy(workload)
    left_alone, more_s = [], 0
    for container in containers(pod_spec(changed)):
        held_s = surely_serves_s(container)
        if held_s is None:
            container["lifecycle"] = {**(container.get("lifecycle") or {}), "preStop": deepcopy(hook)}
        elif held_s >= value_s:
            if held_s > value_s:
                left_alone.append(f"{_of(container)} stays: it sleeps {held_s:g} s, which is more than {value_s} s")
        elif (with_sleep := longer(container, value_s)) is None:
            left_alone.append(
                f"{_of(container)} stays as it is, for no shell is known in its image that could sleep before it: "
                f"let it sleep {value_s} s first"
            )
        else:
            more_s = more_s if only_sleeps(container) else max(more_s, math.ceil(value_s - held_s))
            container["lifecycle"] = {**container["lifecycle"], "preStop": with_sleep}
    return Mitigated(workload=room_for(changed, more_s=more_s), left_alone=tuple(left_alone))


def _of(container: dict[str, Any]) -> str:
    """Which hook, by no more of its command than the program's name: what follows may be a secret."""
    hook = pre_stop(container) or {}
    program = next(iter(exec_words(hook)), "")
    what = ", ".join(hook) + (f" {program}" if program else "")
    return f"the preStop hook of container {container.get('name')} ({what})"
