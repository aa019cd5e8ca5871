"""What a kubelet knows of a pod beyond the API's object: its sandbox and the states of its containers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datetime import datetime

Object = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A container that is not running yet, or not again yet."""

    reason: str
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A container whose process runs."""

    started_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Terminated:
    """A container whose process ended; a process killed by signal n has exit code 128 + n, as containerd has it."""

    exit_code: int
    reason: str
    message: str = ""
    started_at: datetime | None = None
    finished_at: datetime | None = None
    container_id: str = ""


State = Waiting | Running | Terminated


@dataclass(slots=True, kw_only=True)
class ContainerRecord:
    """One container of a pod through all its restarts."""

    name: str
    spec: Object
    init: bool = False
    state: State = field(default_factory=lambda: Waiting(reason="ContainerCreating"))
    last_state: Terminated | None = None
    restarts: int = 0
    container_id: str = ""
    image_id: str = ""
    user: int = 0
    group: int = 0
    started: bool = False
    ready: bool = False

    @property
    def sidecar(self) -> bool:
        """Whether this is an init container that goes on running beside the others."""
        return self.init and self.spec.get("restartPolicy") == "Always"

    @property
    def field_path(self) -> str:
        """Where the pod's spec has the container, as events spell it."""
        return f"spec.{'initContainers' if self.init else 'containers'}{{{self.name}}}"


@dataclass(slots=True, kw_only=True)
class PodRecord:
    """One pod on this node. `ip` appears in the status with the first container; `ended`: nothing of it runs again.

    `reason`, `message`: why the kubelet ended it of its own accord; empty where it did not.
    """

    pod: Object
    containers: tuple[ContainerRecord, ...]
    init_containers: tuple[ContainerRecord, ...] = ()
    start_time: datetime | None = None
    network: bool = False
    ip: str = ""
    generation: int = 1
    ended: bool = False
    reason: str = ""
    message: str = ""

    @property
    def name(self) -> str:
        """The pod's name."""
        return str(self.pod["metadata"]["name"])

    @property
    def namespace(self) -> str:
        """The pod's namespace."""
        return str(self.pod["metadata"]["namespace"])

    @property
    def uid(self) -> str:
        """The pod's uid."""
        return str(self.pod["metadata"]["uid"])

    @property
    def spec(self) -> Object:
        """The pod's spec."""
        spec: Object = self.pod["spec"]
        return spec

    @property
    def restart_policy(self) -> str:
        """`Always`, `OnFailure` or `Never`."""
        return str(self.spec.get("restartPolicy", "Always"))

    @property
    def all_containers(self) -> tuple[ContainerRecord, ...]:
        """Init containers, then the others."""
        return (*self.init_containers, *self.containers)

    @classmethod
    def of(cls, pod: Object) -> PodRecord:
        """The record of a pod of which nothing has been done yet."""
        spec = pod["spec"]
        init = tuple(ContainerRecord(name=c["name"], spec=c, init=True) for c in spec.get("initContainers") or ())
        waiting = Waiting(reason="PodInitializing" if init else "ContainerCreating")
        containers = tuple(ContainerRecord(name=c["name"], spec=c, state=waiting) for c in spec["containers"])
        for record in init:
            record.state = Waiting(reason="PodInitializing")
        return cls(pod=pod, containers=containers, init_containers=init)
