"""Scenarios -> what is wrong with them before anything is changed, in the words of the table of hazards."""

from __future__ import annotations

from collections.abc import Iterable

from harness.clusters.api_fields import unknown_fields
from harness.clusters.worker_objects import STOCK_IMAGE, worker_pod
from harness.disruptions.held_up import held_up
from harness.disruptions.obstacles import in_words, mends
from harness.errors import UsageError
from harness.inputs.shown import shown
from harness.kube.client import Kube
from harness.manifests.repeated_keys import repeated_keys
from harness.model.disruption_table import row
from harness.model.run import MeasuredService
from harness.preflight.intent import Intent
from harness.preflight.quota import too_small_among
from harness.runner.deployment import place_of
from harness.runner.pod_logs import logs_in
from harness.runner.refused_manifests import check_manifests
from harness.runner.sandbox_limits import absent_programs
from harness.runner.scenario import Scenario
from harness.runner.undos import recorded, restores
from harness.spec.claims import claims_among
from harness.spec.hazards import Hazard, HazardId, hazards
from harness.spec.nodes import SECOND_NODE, undrainable
from harness.spec.references import absent_objects, absent_ports
from harness.spec.rolling import rollout_spec, wanted_replicas
from harness.spec.serving import Port, target_ports
from harness.spec.workload import Object, pod_spec, spec_of, workload_name

_WHAT_VARIANTS_ARE_ABOUT = frozenset({HazardId.NO_PRESTOP, HazardId.NO_MIN_READY})


def scenario_hazards(scenario: Scenario) -> tuple[Hazard, ...]:
    """What is wrong with the scenario's workload behind the Service through which it is measured."""
    application = scenario.application
    disruption, _ = scenario.experiment.asked
    return hazards(
        application.target,
        (application.service,),
        measured=_measured(scenario),
        disruption=disruption,
        claims=claims_among(application.manifests),
    )


def _measured(scenario: Scenario) -> MeasuredService:
    return MeasuredService(name=scenario.application.service_name, port=scenario.application.port)


def check_scenarios(scenarios: Iterable[Scenario]) -> None:
    """Refuse what could not show anything: no pod would be replaced, or no request reach one.

    Raises:
        UsageError: says what is in the way, and what to set; nothing was changed.
    """
    for scenario in scenarios:
        if not scenario.experiment.is_there:  # what runs was taken
            own = scenario.application.manifests
            check_manifests(own, among=own, files=scenario.experiment.manifests)
            _check_own_quotas(scenario)
        if wanted_replicas(spec_of(scenario.application.target)) == 0:
            raise UsageError(
                f"checking {scenario.experiment.target} before anything is changed",
                "there is no pod that could be replaced, or answer a request (replicas: 0)",
                "Needed: replicas of at least 1; a HorizontalPodAutoscaler does not scale up from 0 either.",
            )
        _check_time(scenario)
        blocking = [hazard for hazard in scenario_hazards(scenario) if hazard.blocks]
        if blocking:
            raise UsageError(
                f"checking {scenario.experiment.target} before anything is changed",
                "; ".join(hazard.sentence for hazard in blocking),
                f"Needed: {', '.join(hazard.mend for hazard in blocking)}.",
            )


def _check_time(scenario: Scenario) -> None:
    """minReadySeconds alone may take longer than a rollout is waited for; those of a StatefulSet's last pod are not."""
    experiment, target = scenario.experiment, scenario.application.target
    rollout = rollout_spec(str(target["kind"]), spec_of(target))
    number = rollout.steps - 1 if rollout.kind == "StatefulSet" else rollout.steps
    several = rollout.stateful_unavailable not in (None, 1)  # as many at once, where its cluster honours that
    if several or not row(experiment.asked[0]).rolls or rollout.min_ready_s * number <= experiment.rollout_timeout_s:
        return
    steps = f"{number} steps, each of at least" if number > 1 else "at least"
    raise UsageError(
        f"checking {experiment.target} before anything is changed",
        f"a rollout takes {steps} its minReadySeconds of {rollout.min_ready_s:g}, and rollout_timeout is "
        f"{experiment.rollout_timeout_s:g} s",
        "Raise rollout_timeout, or lower minReadySeconds.",
    )


def _check_own_quotas(scenario: Scenario) -> None:
    intent = Intent(application=scenario.application, disruption=scenario.experiment.asked[0])
    found = tuple(too_small_among(scenario.application.manifests, intent))
    if found:
        raise UsageError(
            f"checking {scenario.experiment.target} before anything is changed",
            "; ".join(each.words for each in found),
            " ".join(dict.fromkeys(each.mend for each in found)),
        )


def preflight(scenarios: Iterable[Scenario], *, sandbox: bool = False) -> tuple[str, ...]:
    """Refuse what can be known, without a cluster, not to work; gives what else is wrong, in words.

    `sandbox`: they are to run there, so that what runs under an image is on this machine, or is not.

    Raises:
        UsageError: nothing was changed.
    """
    scenarios = tuple(scenarios)
    check_scenarios(scenarios)
    absent = (words for scenario in scenarios for words in absent_programs(scenario)) if sandbox else ()
    return tuple(dict.fromkeys((*warnings(scenarios), *absent)))


def intents(scenarios: Iterable[Scenario], *, worker_image: str | None, cluster: str = "") -> tuple[Intent, ...]:
    """What they will do to a cluster, in which their load comes from a Pod of that image.

    `cluster`: as `--cluster` names it, so that what earlier runs on it left to be put back is known.
    """
    scenarios = tuple(scenarios)
    beside = recorded() if any(scenario.experiment.is_there for scenario in scenarios) else ()
    return tuple(
        Intent(
            application=scenario.application,
            namespace=scenario.experiment.namespace,
            there=scenario.experiment.is_there,
            disruption=scenario.experiment.asked[0],
            node=_drained(scenario),
            churn=scenario.experiment.churn_s is not None,
            worker_pods=_worker_pods(scenario, worker_image),
            restores=restores(
                beside,
                cluster=cluster,
                kind=scenario.application.kind,
                name=scenario.application.name,
                namespace=str(scenario.experiment.namespace),
            ),
        )
        for scenario in scenarios
    )


def _worker_pods(scenario: Scenario, image: str | None) -> tuple[Object, ...]:
    return tuple(
        worker_pod(f"rollout-harness-load-{number}", image or STOCK_IMAGE, {}, None)
        for number in range(scenario.experiment.load.workers)
    )


async def trouble(kube: Kube, workload: Object) -> tuple[str, str]:
    """What holds up a workload that stands there, and what to do about it; empty where nothing is known to."""
    found = await held_up(kube, workload, logs_in(kube, workload["metadata"]["namespace"]))
    said = (f"the last line of its log is {shown(each.words[-1])}" for each in found if each.words)
    words = "; ".join(filter(None, (in_words(found), next(said, ""))))
    return words, mends(found)


def _drained(scenario: Scenario) -> str | None:
    name, setting = scenario.experiment.asked
    return setting.node if name == "drain" else None


async def check_nodes(kube: Kube, scenarios: Iterable[Scenario]) -> None:
    """Refuse a drain whose pods could not come back elsewhere.

    Raises:
        UsageError: says which node, and what is needed; nothing was changed.
        ClusterError: the API does not answer.
    """
    for scenario in scenarios:
        if scenario.experiment.asked[0] != "drain":
            continue
        if words := undrainable(await kube.list("v1", "Node"), _drained(scenario)):
            raise UsageError(f"checking {kube.server} before anything is changed", words, SECOND_NODE)


def warnings(scenarios: Iterable[Scenario]) -> tuple[str, ...]:
    """What else will go wrong, or may, each once; not what the variants of an experiment are there to compare."""
    scenarios = tuple(scenarios)
    read = [file for each in scenarios if not each.experiment.is_there for file in each.experiment.manifests]
    told = dict.fromkeys(repeated_keys(read))
    for scenario in scenarios:
        application = scenario.application
        for hazard in scenario_hazards(scenario):
            if hazard.id not in _WHAT_VARIANTS_ARE_ABOUT and not hazard.blocks:
                told[hazard.sentence] = None
        told |= dict.fromkeys(beside(scenario))
        told |= dict.fromkeys(_scaled_away(scenario))
        if not scenario.experiment.is_there:  # what runs has what it needs
            for name in absent_objects(pod_spec(application.target), application.manifests):
                told[f"its pods need {name}, which is not among the manifests"] = None
        told |= dict.fromkeys(undeclared_ports(scenario))
        told |= dict.fromkeys(unknown(scenario))
    return tuple(told)


def _scaled_away(scenario: Scenario) -> tuple[str, ...]:
    name, setting = scenario.experiment.asked
    if name != "scale" or 0 not in setting.numbers:
        return ()
    target = workload_name(scenario.application.target)
    return (f"{target} scaled to 0 has no pod: every request fails until one is Ready again",)


def beside(scenario: Scenario) -> tuple[str, ...]:
    """The other workloads to whose pods the Service sends, in sentences."""
    application = scenario.application
    service, target = application.service_name, workload_name(application.target)
    return tuple(
        f"Service {service} sends to {other} too: where a pod of it goes in a rollout, what fails by that cannot be "
        f"told from what {target} loses"
        for other in application.beside
    )


def unknown(scenario: Scenario) -> tuple[str, ...]:
    """The fields that Kubernetes does not know, in sentences: a cluster leaves them out, and takes the rest."""
    files = scenario.experiment.manifests
    return tuple(
        f"{manifest['kind']} {manifest['metadata']['name']}{place_of(manifest, files=files)}: {words}"
        for manifest in scenario.application.manifests
        for words in unknown_fields(manifest)
    )


def undeclared_ports(scenario: Scenario) -> tuple[str, ...]:
    """What asks the scenario's pods for a port that they do not declare, in sentences."""
    return absent_ports(pod_spec(scenario.application.target), measured_ports(scenario))


def measured_ports(scenario: Scenario) -> tuple[Port, ...]:
    """The targetPorts of the Service's port that is measured."""
    return target_ports((scenario.application.service,), _measured(scenario))
