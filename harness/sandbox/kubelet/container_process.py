"""A container's spec and its image -> the process that runs in it.

Source: pkg/kubelet/kuberuntime (generateContainerConfig), and the Kubernetes documentation, "Define a Command and
Arguments for a Container": `command` replaces the image's ENTRYPOINT and leaves its CMD away, `args` replaces its CMD.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from harness.sandbox.kubelet.environment import ConfigError, environment, expand
from harness.sandbox.kubelet.runtime import container_env
from harness.sandbox.kubelet.runtime_spec import Process

if TYPE_CHECKING:
    from harness.sandbox.images import Image
    from harness.sandbox.kubelet.environment import Source
    from harness.sandbox.kubelet.records import ContainerRecord, Object, PodRecord
    from harness.sandbox.settings import Settings


class PodPlace(Protocol):
    """What a process takes from the pod around its container."""

    record: PodRecord
    settings: Settings
    host_ip: str
    data: Source


def container_process(image: Image, container: ContainerRecord, pod: PodPlace) -> Process:
    """The process; also notes in the container's record who it runs as.

    Raises:
        ConfigError: a ConfigMap, Secret or key that its environment needs does not exist; or it is told to be the root
            that it must not be.
    """
    spec = container.spec
    if not image.stand_in:
        _check_non_root(container, pod.record)
    container.user, container.group = _user(container, pod)
    own = environment(spec, pod.record, pod.host_ip, pod.data)
    env = container_env(own, image, host_name(pod.record), container.user)
    return Process(
        argv=arguments(image, spec, dict(own)),
        env=env,
        working_dir=spec.get("workingDir") or image.working_dir,
        user=container.user,
        group=container.group,
        stdin=bool(spec.get("stdin")),
        tty=bool(spec.get("tty")),
    )


def arguments(image: Image, spec: Object, env: dict[str, str]) -> tuple[str, ...]:
    """The command line; `$(NAME)` in the manifest's words is the container's variable.

    `env`: what the manifest and the Services around give it, not what only its image or the runtime set:
    ExpandContainerCommandAndArgs in kubernetes `pkg/kubelet/container/helpers.go`.
    """
    if image.fixed:
        return (*image.entrypoint, *image.command)
    command = tuple(expand(word, env.get) for word in spec.get("command") or ())
    args = tuple(expand(word, env.get) for word in spec.get("args") or ())
    return (*command, *args) if command else (*image.entrypoint, *(args or image.command))


def host_name(record: PodRecord) -> str:
    """The name that the pod's containers see themselves under."""
    return str(record.spec.get("hostname") or record.name)


def _user(container: ContainerRecord, pod: PodPlace) -> tuple[int, int]:
    """Who the container runs as; an ordinary user's sandbox has nobody but its root."""
    if pod.settings.rootless:
        return 0, 0
    wanted = _security(container, pod.record)
    return int(wanted.get("runAsUser") or 0), int(wanted.get("runAsGroup") or 0)


def _check_non_root(container: ContainerRecord, pod: PodRecord) -> None:
    """verifyRunAsNonRoot in kubernetes `pkg/kubelet/kuberuntime/security_context.go`; who an image runs as is not known
    here."""
    wanted = _security(container, pod)
    if wanted.get("runAsNonRoot") and wanted.get("runAsUser") == 0:
        place = f'pod: "{pod.name}_{pod.namespace}({pod.uid})", container: {container.name}'
        raise ConfigError(f"container's runAsUser breaks non-root policy ({place})")


def _security(container: ContainerRecord, pod: PodRecord) -> Object:
    return {**(pod.spec.get("securityContext") or {}), **(container.spec.get("securityContext") or {})}
