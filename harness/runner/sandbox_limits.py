"""A scenario that is to run in the sandbox -> what the sandbox makes of it, or why it cannot run there.

All of it can be told from the manifests, before anything is started.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from harness.clusters.sandbox import absent_program, check_images, serves, stand_in
from harness.clusters.sandbox_balancer import serves_ingresses, why_not_served
from harness.clusters.sandbox_room import no_room
from harness.disruptions.no_node import mend_for
from harness.errors import UsageError
from harness.inputs.shown import shown
from harness.manifests.application import Application
from harness.manifests.read import Manifest
from harness.model.balancer_settings import BalancerSettings
from harness.model.cluster_settings import SandboxSettings
from harness.model.disruption_table import row
from harness.model.path_settings import GatewaySettings, IngressSettings, PathSettings
from harness.runner.ingress_address import ingress_of
from harness.runner.ingress_front import front_port, no_https
from harness.runner.left_out import makes_pods, without
from harness.runner.refused_manifests import check_manifests
from harness.runner.scenario import Scenario
from harness.runner.stand_in_notes import stand_in_notes
from harness.spec.hazards import HazardId, hazards
from harness.spec.ingresses import class_of
from harness.spec.rolling import rollout_spec
from harness.spec.ways_in import way_to
from harness.spec.workload import is_custom, pod_spec, services, spec_of, workload_name

# What keeps a pod from being what it would be on a node of its own.
_IMPOSSIBLE = (HazardId.HOST_NETWORK, HazardId.HOST_PORT)
_LAYERS = {"loadbalancer": (4, "aws-nlb-ip"), "ingress": (7, "aws-alb-ip")}
_BY_GATEWAY = "planning the path gateway for the sandbox"
_ANNOUNCED = "none"  # the profile for a Service of whatever runs in the cluster
_CLASSES = ("alb", "gce", "")
_CHANGE = "Change one of the two"
_BRING = "or let the manifests bring what serves that class, with its IngressClass"
_LESS = "Insufficient"
_OTHERWISE = "Take out of its pod template what keeps its pods from a node, or give another --cluster."
_WORKLOADS = ("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job", "Pod")


def in_the_sandbox(scenario: Scenario) -> Scenario:
    """The scenario without the kinds that the sandbox does not have, and with sentences on what is not as it says.

    Raises:
        UsageError: the sandbox cannot run it: an image, a kind, or what a pod wants of its node.
    """
    own = () if scenario.experiment.is_there else scenario.application.manifests
    left_out = (manifest for manifest in own if not serves(manifest))
    check_manifests(left_out, among=own, files=scenario.experiment.manifests)
    _refuse_kinds(scenario)
    application, gone = without(
        scenario.application,
        lambda manifest: not serves(manifest),
        "since the sandbox has no controller for such kinds",
    )
    fitting = replace(scenario, application=application)
    _refuse_host(application.manifests)
    check_images(scenario.experiment.images, fitting.all_manifests)
    notes = stand_in_notes(application, lambda name: stand_in(scenario.experiment.images, name))
    unenforced = (
        f"NetworkPolicy {each['metadata']['name']} is not enforced in the sandbox: what it keeps away comes through"
        for each in own
        if each["kind"] == "NetworkPolicy"
    )
    return replace(fitting, provisos=tuple(dict.fromkeys((*scenario.provisos, *gone, *notes, *unenforced))))


def check_balancer(scenarios: Iterable[Scenario], settings: SandboxSettings) -> None:
    """Refuse a load balancer's path in a sandbox that has none, or none for it.

    Raises:
        UsageError: says how it gets one.
    """
    for scenario in scenarios:
        path, secure = scenario.experiment.way_in, scenario.experiment.request.tls is not None
        if path.gateway is not None:
            _check_front(path.gateway, scenario.application, settings.balancing, _BY_GATEWAY, secure=secure)
        if path.name in _LAYERS:
            _check_balancer(scenario, path, settings.balancing, secure=secure)


def check_room(scenarios: Iterable[Scenario], settings: SandboxSettings) -> None:
    """Refuse a workload of which a pod would wait for a node for ever: there is nobody to bring one.

    Raises:
        UsageError: says how many nodes would do, if any number does.
    """
    for scenario in scenarios:
        target, kind = scenario.application.target, scenario.application.kind
        spec = spec_of(target)
        if scenario.experiment.is_there:
            continue
        own = scenario.application.manifests
        check_manifests(own, among=own, files=scenario.experiment.manifests)
        rollout = rollout_spec(kind, spec)
        surges = rollout.brings_first and row(scenario.experiment.asked[0]).rolls
        found = no_room(spec.get("template") or {}, settings.nodes, replicas=rollout.replicas, one_more=surges)
        if found is None:
            continue
        which = "the new pod of a rollout, which comes before an old one goes," if found.beside else "one of its pods"
        more = f"`cluster: {{sandbox: {{nodes: {found.nodes}}}}}` would do; or: " if found.nodes else ""
        raise UsageError(
            f"planning {workload_name(target)} for the sandbox",
            f"{which} would find no node: {found.said}",
            f"{more}{mend_for(found.said) if found.beside or _LESS in found.said else _OTHERWISE}",
        )


def _check_balancer(scenario: Scenario, path: PathSettings, balancer: BalancerSettings | None, *, secure: bool) -> None:
    application, (layer, profile) = scenario.application, _LAYERS[path.name]
    named = application.service if path.ingress is None else ingress_of(path.ingress, application)
    tried = f"planning the path {path.name} for the sandbox"
    if path.ingress is not None and _brings_class(application.manifests, class_of(named)):
        _check_front(path.ingress, application, balancer, tried, secure=secure)
        return
    _refuse_pending(balancer, named, layer, profile, tried)
    assert balancer is not None
    if path.ingress is not None and secure:
        seen = f"`request.tls` asks for HTTPS, and its load balancer {balancer.profile} listens for HTTP alone"
        raise UsageError(
            tried, seen, "Leave out `request.tls`, or let the manifests bring a controller (docs/paths.md)."
        )
    if path.ingress is not None and (why := why_not_served(balancer, named, services(application.manifests))):
        seen = f"{named['kind']} {named['metadata']['name']} {why}"
        raise UsageError(
            tried, seen, f"{_CHANGE}{'' if class_of(named) in _CLASSES else f'; {_BRING}'} (docs/paths.md)."
        )


def _check_front(
    path: IngressSettings | GatewaySettings,
    application: Application,
    balancer: BalancerSettings | None,
    tried: str,
    *,
    secure: bool,
) -> None:
    front = _controllers_service(path, application, tried)
    if secure and front_port(front, secure=True) is None:
        raise UsageError(tried, *no_https(front))
    if way_to(front) == "loadbalancer":
        _refuse_pending(balancer, front, _LAYERS["loadbalancer"][0], _ANNOUNCED, tried)


def _refuse_pending(balancer: BalancerSettings | None, named: Manifest, layer: int, profile: str, tried: str) -> None:
    called, advice = f"{named['kind']} {named['metadata']['name']}", f"`cluster: {{sandbox: {{balancer: {profile}}}}}`"
    if balancer is None:
        seen = f"it has no load balancer, so that {called} would stay pending"
        raise UsageError(tried, seen, f"Name one: {advice} (docs/paths.md).")
    if serves_ingresses(balancer) != (layer == _LAYERS["ingress"][0]):
        seen = f"its load balancer {balancer.profile} is not one of layer {layer}, so that {called} would stay pending"
        raise UsageError(tried, seen, f"Name another: {advice} (docs/paths.md).")


def _brings_class(manifests: Iterable[Manifest], name: str) -> bool:
    """Whether the manifests have an IngressClass of that name: what serves it is theirs to bring too."""
    return any(each["kind"] == "IngressClass" and each["metadata"]["name"] == name for each in manifests)


def _controllers_service(path: IngressSettings | GatewaySettings, application: Application, tried: str) -> Manifest:
    """The Service of what serves an Ingress or a Gateway, as far as the manifests tell.

    Raises:
        UsageError: none is called so, or, where none is named, none is of type LoadBalancer.
    """
    named = (path.controller or "").rpartition("/")[2]
    for each in services(application.manifests):
        if each["metadata"]["name"] == named if named else way_to(each) == "loadbalancer":
            return each
    if named:
        raise UsageError(tried, f"no Service of the manifests is called {named}", "Name the one of what serves it.")
    seen = "no Service of the manifests is of type LoadBalancer, so that it would stay without an address"
    advice = "Name the Service of what serves it, of whatever type, as `controller` of the path."
    raise UsageError(tried, seen, advice)


def absent_programs(scenario: Scenario) -> tuple[str, ...]:
    """The commands under `images:` that this machine has not, in sentences: each pod would fail with a StartError."""
    found: list[str] = []
    for manifest in scenario.application.manifests:
        pod = pod_spec(manifest) if makes_pods(manifest) else {}
        for container in (*(pod.get("initContainers") or ()), *(pod.get("containers") or ())):
            if program := absent_program(scenario.experiment.images, container):
                named = f"which `images:` names for {container['image']}"
                found.append(f"this machine has no program {shown(program)}, {named}")
    return tuple(found)


def _refuse_kinds(scenario: Scenario) -> None:
    if scenario.experiment.others == "run":
        _refuse_custom_kinds(scenario.application.manifests)
    for manifest in (scenario.application.target, scenario.application.service):
        if not serves(manifest):
            kind = f"{manifest['apiVersion']} {manifest['kind']}"
            raise UsageError(
                f"planning {scenario.experiment.target} for the sandbox",
                f"it has no {kind} ({manifest['metadata']['name']})",
                "Give its apiVersion of today (apps/v1, v1), or another --cluster.",
            )


def _refuse_custom_kinds(manifests: Iterable[Manifest]) -> None:
    """What a controller that is not there would make of them cannot be told, so only who asks for it goes without."""
    for manifest in manifests:
        if is_custom(manifest) and not serves(manifest):
            raise UsageError(
                f"planning {manifest['kind']} {manifest['metadata']['name']} for the sandbox",
                f"it has no {manifest['apiVersion']} {manifest['kind']}, which is no kind of Kubernetes' own",
                "Leave it out of the manifests, give `others: skip`, or another --cluster.",
            )


def _refuse_host(manifests: Iterable[Manifest]) -> None:
    manifests = tuple(manifests)
    for manifest in manifests:
        if manifest["kind"] not in _WORKLOADS:
            continue
        pods = {"spec": {"template": {"spec": (manifest.get("spec") or {})}}} if manifest["kind"] == "Pod" else manifest
        if not pod_spec(pods):
            continue
        named = f"{manifest['kind']} {manifest['metadata']['name']}"
        for hazard in hazards({"kind": "Deployment", "spec": pods["spec"]}, services(manifests)):
            if hazard.id in _IMPOSSIBLE:
                raise UsageError(
                    f"planning {named} for the sandbox",
                    f"its nodes lend their network to no pod, and {hazard.sentence}",
                    f"Give it {hazard.mend} ({hazard.path}), or another --cluster.",
                )
