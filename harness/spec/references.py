"""A pod spec and the manifests beside it -> what it names that is not there: objects that it mounts, ports by name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from harness.spec.serving import Port, named_ports
from harness.spec.workload import Object, containers

_IN_EVERY_NAMESPACE = frozenset({("ConfigMap", "kube-root-ca.crt")})
_ENVIRONMENT = (("Secret", "secretRef", "secretKeyRef"), ("ConfigMap", "configMapRef", "configMapKeyRef"))
_PROBES = ("startupProbe", "readinessProbe", "livenessProbe")


def absent_objects(pod: Object, manifests: Iterable[Object]) -> tuple[str, ...]:
    """The Secrets, ConfigMaps and claims ("Secret app-secrets") that the pod needs and that no manifest brings.

    A reference that is `optional` needs nothing.
    """
    there = {(str(each.get("kind")), str((each.get("metadata") or {}).get("name"))) for each in manifests}
    needed = dict.fromkeys((*_in_environment(pod), *_in_volumes(pod)))
    return tuple(f"{kind} {name}" for kind, name in needed if (kind, name) not in there | _IN_EVERY_NAMESPACE)


def absent_ports(pod: Object, targets: Iterable[Port]) -> tuple[str, ...]:
    """What asks for a port that no container has: a probe by a name, or a Service by a number that nobody declares."""
    return (*_probed(pod), *_sent_to(pod, targets))


def _probed(pod: Object) -> Iterator[str]:
    for container in containers(pod):
        names = {entry.get("name") for entry in container.get("ports") or ()}
        for probe in _PROBES:
            port = _probe_port(container.get(probe) or {})
            if isinstance(port, str) and not port.isdigit() and port not in names:
                yield f"the {probe} of container {container.get('name')} asks port {port!r}, which it has not"


def _probe_port(probe: Object) -> object:
    return (probe.get("httpGet") or probe.get("tcpSocket") or {}).get("port")


def _sent_to(pod: Object, targets: Iterable[Port]) -> Iterator[str]:
    declared = {entry.get("containerPort") for container in containers(pod) for entry in container.get("ports") or ()}
    for target in targets if declared else ():
        number = named_ports(pod).get(str(target), target)
        if isinstance(number, int) and number not in declared:
            yield f"a Service sends to port {number}, which no container declares"


def _in_environment(pod: Object) -> Iterator[tuple[str, str]]:
    for container in (*(pod.get("initContainers") or ()), *containers(pod)):
        for kind, whole, key in _ENVIRONMENT:
            sources = [entry.get(whole) for entry in container.get("envFrom") or ()]
            sources += [(entry.get("valueFrom") or {}).get(key) for entry in container.get("env") or ()]
            yield from ((kind, str(each["name"])) for each in sources if each and not each.get("optional"))


def _in_volumes(pod: Object) -> Iterator[tuple[str, str]]:
    for volume in pod.get("volumes") or ():
        if claim := volume.get("persistentVolumeClaim"):
            yield "PersistentVolumeClaim", str(claim.get("claimName"))
        for part in (volume, *((volume.get("projected") or {}).get("sources") or ())):
            config, secret = part.get("configMap"), part.get("secret")
            if config and not config.get("optional"):
                yield "ConfigMap", str(config.get("name"))
            if secret and not secret.get("optional"):
                yield "Secret", str(secret.get("secretName") or secret.get("name"))
