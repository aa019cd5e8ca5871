"""A pod's record -> the containers to start now: init containers one after the other, then the others.

Source: pkg/kubelet/kuberuntime (computePodActions, computeInitContainerActions).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.sandbox.kubelet.records import ContainerRecord, PodRecord, Terminated

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet


def containers_to_start(record: PodRecord, running: AbstractSet[str]) -> tuple[ContainerRecord, ...]:
    """The containers that should run and do not; `running` names those whose process runs.

    While an init container has not succeeded, or a sidecar has not started up, nothing after it is started.
    """
    for container in record.init_containers:
        runs = container.name in running
        if container.sidecar:
            if runs and container.started:
                continue
            return () if runs else (container,)
        if not _succeeded(container):
            gave_up = isinstance(container.state, Terminated) and record.restart_policy == "Never"
            return () if runs or gave_up else (container,)
    return tuple(c for c in record.containers if c.name not in running and _wanted(c, record.restart_policy))


def _succeeded(container: ContainerRecord) -> bool:
    return isinstance(container.state, Terminated) and container.state.exit_code == 0


def _wanted(container: ContainerRecord, policy: str) -> bool:
    past = container.state if isinstance(container.state, Terminated) else container.last_state
    return past is None or policy == "Always" or (policy == "OnFailure" and past.exit_code != 0)
