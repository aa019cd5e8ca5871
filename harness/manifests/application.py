"""Manifests -> the application under test: the target, its Service, and what stands beside them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from harness.errors import ManifestError
from harness.manifests.read import Manifest
from harness.spec.serving import named_ports, target_port
from harness.spec.workload import WORKLOAD_KINDS, pod_selector, pod_spec, selects

KINDS = {kind.lower(): kind for kind in WORKLOAD_KINDS}


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    """The workload that is rolled and the Service in front of it; `manifests` holds both and all others, in order."""

    target: Manifest
    service: Manifest
    port: int
    manifests: tuple[Manifest, ...]

    @property
    def kind(self) -> str:
        """Deployment or StatefulSet."""
        return str(self.target["kind"])

    @property
    def name(self) -> str:
        """Of the workload."""
        return str(self.target["metadata"]["name"])

    @property
    def service_name(self) -> str:
        """Of the Service."""
        return str(self.service["metadata"]["name"])

    @property
    def selector(self) -> dict[str, str]:
        """The labels by which the workload selects its pods."""
        return pod_selector(self.target)

    @property
    def containers(self) -> dict[str, str]:
        """Container name -> image."""
        return {container["name"]: container["image"] for container in pod_spec(self.target)["containers"]}

    @property
    def images(self) -> tuple[str, ...]:
        """All images of the workload's pods, init containers' too."""
        spec = pod_spec(self.target)
        return tuple(str(c["image"]) for c in (*spec.get("initContainers", ()), *spec["containers"]))

    def with_target(self, target: Manifest) -> Application:
        """The same application with another manifest of its workload."""
        manifests = tuple(target if manifest is self.target else manifest for manifest in self.manifests)
        return replace(self, target=target, manifests=manifests)


def find_application(manifests: Sequence[Manifest], *, target: str, service: str, port: int) -> Application:
    """The application named `target` ("deployment/web") behind Service `service`, checked to belong together.

    Raises:
        ManifestError: one is not there, the selectors match nothing, or the Service has no such port.
    """
    kind, _, name = target.partition("/")
    workload = _named(manifests, KINDS[kind], name)
    front = _named(manifests, "Service", service)
    _check_workload(workload, target)
    _check_selector(workload, front, target)
    _check_port(workload, front, port)
    return Application(target=workload, service=front, port=port, manifests=tuple(manifests))


def _named(manifests: Sequence[Manifest], kind: str, name: str) -> Manifest:
    found = [m for m in manifests if m["kind"] == kind and m["metadata"]["name"] == name]
    if len(found) == 1:
        return found[0]
    have = ", ".join(f"{m['kind']} {m['metadata']['name']}" for m in manifests) or "nothing"
    seen = f"the manifests have {len(found)} of them" if found else f"the manifests hold only {have}"
    raise ManifestError(f"looking for {kind} {name}", seen, "Name one of them in the experiment.")


def _check_workload(workload: Manifest, target: str) -> None:
    tried = f"reading {target}"
    try:
        labels = dict(workload["spec"]["template"]["metadata"]["labels"])
        selector = dict(workload["spec"]["selector"]["matchLabels"])
        containers = [(c["name"], c["image"]) for c in pod_spec(workload)["containers"]]
    except (KeyError, TypeError, ValueError) as error:
        raise ManifestError(
            tried, f"its spec lacks {error} (selector.matchLabels, template labels, containers)"
        ) from None
    if not containers:
        raise ManifestError(tried, "its pod template has no container")
    if not selects(selector, labels):
        raise ManifestError(
            tried,
            f"its selector {selector} does not match its pod template's labels {labels}",
            "Kubernetes would refuse it: make the two agree.",
        )


def _check_selector(workload: Manifest, service: Manifest, target: str) -> None:
    labels = dict(workload["spec"]["template"]["metadata"]["labels"])
    selector = dict((service.get("spec") or {}).get("selector") or {})
    if not selects(selector, labels):
        raise ManifestError(
            f"matching Service {service['metadata']['name']} with {target}",
            f"the Service selects {selector}, the pods are labelled {labels}: it would have no endpoint",
            "Make the two agree.",
        )


def _check_port(workload: Manifest, service: Manifest, port: int) -> None:
    ports = list((service.get("spec") or {}).get("ports") or ())
    numbers = [entry.get("port") for entry in ports]
    tried = f"looking for port {port} of Service {service['metadata']['name']}"
    if port not in numbers:
        have = ", ".join(map(str, numbers)) or "none"
        raise ManifestError(tried, f"it has {have}", "Name one of these as service.port in the experiment.")
    target = target_port(next(entry for entry in ports if entry.get("port") == port))
    if isinstance(target, str) and target not in named_ports(pod_spec(workload)):
        raise ManifestError(tried, f"its targetPort is {target!r}, and no container has a port of that name")
