"""Manifests -> the application under test: the target, its Service, and what stands beside them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from harness.errors import ManifestError
from harness.inputs.shown import shown
from harness.manifests.read import Manifest
from harness.spec.selector import is_selector, matches, selector_text
from harness.spec.serving import named_ports, target_port, tcp_ports
from harness.spec.workload import (
    WORKLOAD_KINDS,
    Object,
    is_sidecar,
    pod_selector,
    pod_spec,
    selects,
    spec_of,
    workload_name,
)

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
    def home(self) -> Manifest | None:
        """The Namespace among the manifests in which the workload stands; the only one, where it does not say which."""
        spaces = [m for m in self.manifests if (m["apiVersion"], m["kind"]) == ("v1", "Namespace")]
        said = self.target["metadata"].get("namespace")
        named = [m for m in spaces if m["metadata"]["name"] == said] if said else spaces
        return named[0] if len(named) == 1 else None

    @property
    def service_name(self) -> str:
        """Of the Service."""
        return str(self.service["metadata"]["name"])

    @property
    def beside(self) -> tuple[str, ...]:
        """The other workloads among the manifests to whose pods the Service sends: "deployment/green"."""
        selector = dict(spec_of(self.service).get("selector") or {})
        others = (m for m in self.manifests if m["kind"] in WORKLOAD_KINDS and m is not self.target)
        return tuple(workload_name(other) for other in others if selects(selector, _labels(other)))

    @property
    def selector(self) -> str:
        """The label selector of the workload's pods, as the API's query wants it."""
        return selector_text(pod_selector(self.target))

    @property
    def containers(self) -> dict[str, str]:
        """Container name -> image."""
        return {container["name"]: container["image"] for container in pod_spec(self.target)["containers"]}

    @property
    def sidecars(self) -> dict[str, str]:
        """Native sidecar's name -> image."""
        inits = pod_spec(self.target).get("initContainers") or ()
        return {container["name"]: container["image"] for container in inits if is_sidecar(container)}

    @property
    def images(self) -> tuple[str, ...]:
        """All images of the workload's pods, init containers' too."""
        spec = pod_spec(self.target)
        return tuple(str(c["image"]) for c in (*(spec.get("initContainers") or ()), *spec["containers"]))

    def with_target(self, target: Manifest) -> Application:
        """The same application with another manifest of its workload."""
        manifests = tuple(target if manifest is self.target else manifest for manifest in self.manifests)
        return replace(self, target=target, manifests=manifests)


def find_application(manifests: Sequence[Manifest], *, target: str, service: str, port: int | str) -> Application:
    """The application named `target` ("deployment/web") behind Service `service`, checked to belong together.

    `port`: the number or the name of one of the Service's ports.

    Raises:
        ManifestError: one is not there, the selectors match nothing, or the Service has no such port.
    """
    kind, _, name = target.partition("/")
    workload = _named(manifests, KINDS[kind], name)
    front = _named(manifests, "Service", service)
    _check_workload(workload, target)
    _check_selector(workload, front, target)
    number = _port(workload, front, port)
    return Application(target=workload, service=front, port=number, manifests=tuple(manifests))


def _named(manifests: Sequence[Manifest], kind: str, name: str) -> Manifest:
    found = [m for m in manifests if m["kind"] == kind and m["metadata"]["name"] == name]
    if len(found) == 1:
        return found[0]
    tried = f"looking for {kind} {name}"
    if found:
        spaces = ", ".join(str(m["metadata"].get("namespace") or "(none)") for m in found)
        seen = f"the manifests have {len(found)} of them, in the namespaces {spaces}"
        raise ManifestError(tried, seen, "A run has one namespace: give it the manifests of one of them.")
    have = ", ".join(f"{m['kind']} {m['metadata']['name']}" for m in manifests) or "nothing"
    raise ManifestError(tried, f"the manifests hold only {have}", "Name one of them in the experiment.")


def _check_workload(workload: Manifest, target: str) -> None:
    tried = f"reading {target}"
    selector, labels, containers = pod_selector(workload), _labels(workload), pod_spec(workload).get("containers")
    missing = {
        "spec.selector": selector,
        "spec.template.metadata.labels": labels,
        "spec.template.spec.containers": containers,
    }
    if lacks := [path for path, found in missing.items() if not found]:
        raise ManifestError(tried, f"it lacks {', '.join(lacks)}", "Kubernetes would refuse it.")
    for word, kind in (("init container", "initContainers"), ("container", "containers")):
        for number, container in enumerate(pod_spec(workload).get(kind) or (), start=1):
            if not (isinstance(container, dict) and container.get("name") and container.get("image")):
                seen = f"{word} {number} of its pod template lacks a name or an image"
                raise ManifestError(tried, seen, "Kubernetes would refuse it.")
    if not (is_selector(selector) and matches(selector, labels)):
        raise ManifestError(
            tried,
            f"its selector {shown(selector)} does not match its pod template's labels {shown(labels)}",
            "Kubernetes would refuse it: make the two agree.",
        )


def _labels(workload: Manifest) -> dict[str, str]:
    template: Object = spec_of(workload).get("template") or {}
    return dict((template.get("metadata") or {}).get("labels") or {})


def _check_selector(workload: Manifest, service: Manifest, target: str) -> None:
    tried = f"matching Service {service['metadata']['name']} with {target}"
    _check_sends_to_pods(workload, service, tried)
    selector, labels = dict(spec_of(service).get("selector") or {}), _labels(workload)
    if not selects(selector, labels):
        raise ManifestError(
            tried,
            f"the Service selects {shown(selector)}, the pods are labelled {shown(labels)}: it would have no endpoint",
            "Make the two agree.",
        )


def _check_sends_to_pods(workload: Manifest, service: Manifest, tried: str) -> None:
    """A Service sends to the pods of its own namespace that it selects.

    https://kubernetes.io/docs/concepts/services-networking/service/
    """
    other = "Name the Service that selects the pods."
    if spec_of(service).get("type") == "ExternalName":
        seen = "the Service is of type ExternalName: a DNS alias, which has no endpoints, whatever it selects"
        raise ManifestError(tried, seen, other)
    if not spec_of(service).get("selector"):
        seen = "the Service has no selector: its endpoints are somebody else's to write, and no rollout changes them"
        raise ManifestError(tried, seen, other)
    own, theirs = (each["metadata"].get("namespace") for each in (service, workload))
    if own and theirs and own != theirs:
        seen = f"the Service is in namespace {own}, the pods are in {theirs}: it would have no endpoint"
        raise ManifestError(tried, seen, "Put both in one namespace.")


def _port(workload: Manifest, service: Manifest, port: int | str) -> int:
    """The number of the Service's port with this number or name; its target is checked to be there."""
    tried = f"looking for port {port} of Service {service['metadata']['name']}"
    found = [entry for entry in tcp_ports(service) if port in (entry.get("port"), entry.get("name"))]
    if not found:
        have = ", ".join(_shown(entry) for entry in spec_of(service).get("ports") or ())
        do = "Name one of these, of TCP, as service.port in the experiment." if have else "Give it a port."
        raise ManifestError(tried, f"it has {have or 'no port'}", do)
    target = target_port(found[0])
    if isinstance(target, str) and target not in named_ports(pod_spec(workload)):
        raise ManifestError(tried, f"its targetPort is {target!r}, and no container has a TCP port of that name")
    return int(found[0]["port"])


def _shown(entry: Object) -> str:
    name, protocol = entry.get("name"), entry.get("protocol") or "TCP"
    details = ", ".join(filter(None, (name, protocol if protocol != "TCP" else "")))
    return f"{entry.get('port')} ({details})" if details else str(entry.get("port"))
