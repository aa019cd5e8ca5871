"""An experiment -> its scenarios: one application, mitigated, with everything that its run needs to know."""

from __future__ import annotations

import base64
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from harness.disruptions.disruption import Disruption, planned, planned_there
from harness.errors import ExperimentError
from harness.inputs.files import file_bytes
from harness.load import Engine, Message, Plan, Stream
from harness.manifests.application import Application, find_application
from harness.manifests.mends import mended
from harness.manifests.mitigations import mitigated
from harness.manifests.read import Manifest
from harness.manifests.variants import with_patches
from harness.model.advice import Applied
from harness.model.deed_words import DeedWords, deed_words
from harness.model.experiment import Experiment
from harness.model.load_settings import KeptStream
from harness.model.request_settings import LONGEST_BODY_BYTES, MixedRequest
from harness.model.run import Expect, MeasuredService
from harness.redaction import door
from harness.runner import certificates
from harness.runner.destination import check_path
from harness.runner.gates import check_gates
from harness.runner.header_values import header_values
from harness.runner.ingress_address import host_in
from harness.runner.left_out import without_hooks, without_others
from harness.runner.outside_address import Destination
from harness.runner.refused_manifests import manifests_of_kinds


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One run directory to be: a variant of the application, and how it is loaded and rolled."""

    name: str
    variant: str
    expect: Expect
    application: Application
    experiment: Experiment
    disruption: Disruption
    provisos: tuple[str, ...] = ()  # what is run otherwise than the manifests say, in sentences
    applied: Applied = field(default_factory=Applied)

    @property
    def rollouts(self) -> int:
        """How many are planned; of those that others make, how many are reckoned with; one more than asked for where
        that takes the application back to what was there before."""
        name, setting = self.experiment.asked
        if name == "watch":
            return setting.until_rollouts or 1
        return max(self.experiment.rollouts, len(self.disruption.images))

    @property
    def planned_rollouts(self) -> int | None:
        """How many there must be; None where as many are judged as others make."""
        name, setting = self.experiment.asked
        return self.rollouts if name != "watch" else setting.until_rollouts

    @property
    def words(self) -> DeedWords:
        """Those for what is done to the application."""
        return deed_words(self.experiment.asked[0])

    @property
    def application_images(self) -> tuple[str, ...]:
        """The images of the application's containers, before and after the rollouts."""
        later = (image for images in self.disruption.images for image in images.values())
        return tuple(dict.fromkeys((*self.application.images, *later)))

    @property
    def all_images(self) -> tuple[str, ...]:
        """The images of all that is deployed, init containers' too, and of what the rollouts go to."""
        found = (image for manifest in self.application.manifests for image in _images(manifest))
        return tuple(dict.fromkeys((*self.application_images, *found)))

    @property
    def all_manifests(self) -> tuple[dict[str, Any], ...]:
        """What a cluster must be able to run: the manifests, and later rollouts' images as if each stood in a Pod."""
        images = self.application_images
        pods = ({"kind": "Pod", "spec": {"containers": [{"image": image}]}} for image in images)
        return (*self.application.manifests, *pods)


def _images(node: Any) -> Iterator[str]:
    """Of the containers in a manifest of whatever kind."""
    if isinstance(node, Mapping):
        for name, inner in node.items():
            if name in ("containers", "initContainers") and isinstance(inner, Sequence):
                yield from (str(each["image"]) for each in inner if isinstance(each, Mapping) and each.get("image"))
            else:
                yield from _images(inner)
    elif isinstance(node, list | tuple):
        for inner in node:
            yield from _images(inner)


def scenarios(
    experiment: Experiment,
    applied: Mapping[str, Applied] = MappingProxyType({}),
    *,
    there: Sequence[Manifest] = (),
) -> tuple[Scenario, ...]:
    """One scenario a variant, in the order of the file; everything that can be wrong with them is found here.

    `applied`: by variant, what of an earlier run's advice it is to prove. `there`: in the manifests' place where the
    experiment has none (`runner.there`).

    Raises:
        ManifestError: the manifests do not hold the application, or the update cannot roll it.
        ExperimentError, PlanError: the requests cannot be sent as described, such as a header from an unset variable.
    """
    manifests = there if experiment.is_there else manifests_of_kinds(experiment.manifests)
    _teach(experiment, manifests)
    application = _application(experiment, manifests)
    paper_plan(experiment)  # to find what is wrong with it
    application, provisos = _to_deploy(experiment, application)
    if experiment.is_there:
        disruption, more = planned_there(application, experiment)
        provisos += more
    else:
        disruption = planned(application, experiment)
    found = []
    for name, variant in experiment.variants.items():
        advised = applied.get(name, Applied())
        own = application
        if variant.patches:
            own = _application(experiment, with_patches(manifests, variant.patches))
            own = _to_deploy(experiment, own)[0]
        check_path(experiment.way_in, own, host_in(experiment.request))
        check_gates(own, experiment.way_in.name, variant.expect)
        measured = MeasuredService(name=own.service_name, port=own.port)
        sound = mended(own.target, own.service, measured, advised.mends)
        changed = mitigated(sound, variant.mitigations)
        found.append(
            Scenario(
                name=name,
                variant=name,
                expect=variant.expect,
                application=own.with_target(changed.workload),
                experiment=experiment,
                disruption=disruption,
                provisos=(*provisos, *(f"{name}: {words}." for words in changed.left_alone)),
                applied=advised,
            )
        )
    return tuple(found)


def _application(experiment: Experiment, manifests: Sequence[Manifest]) -> Application:
    return find_application(
        manifests,
        target=experiment.target,
        service=experiment.service.name,
        port=experiment.service.port,
    )


def _to_deploy(experiment: Experiment, application: Application) -> tuple[Application, tuple[str, ...]]:
    """The application without what is not to run beside it, and the sentences that say so."""
    kept, hooks = without_hooks(application)
    if experiment.others != "skip":
        return kept, hooks
    alone, others = without_others(kept)
    return alone, (*hooks, *others)


def _teach(experiment: Experiment, manifests: Sequence[Manifest]) -> None:
    """Let the door know, before anything is said or written, what is secret and which names are not."""
    redaction, load = door(), experiment.load
    redaction.know_names((experiment.name, experiment.service.name, *load.streams, *experiment.variants))
    redaction.know_names(experiment.images)
    redaction.learn_manifests(manifests)
    for image in experiment.images.values():
        variables = [{"name": name, "value": value} for name, value in image.env.items()]
        redaction.learn_manifests([{"env": variables, "command": image.command, "args": image.args}])
    paths = (*(each.path for each in experiment.requests), *(stream.path for stream in load.streams.values()))
    for path in (experiment.request.path, *paths):
        redaction.text(path or "")  # a query may hold a token


def paper_plan(experiment: Experiment) -> Plan:
    """The plan as the load worker will get it, but for the address, which is not known yet."""
    return load_plan(
        experiment,
        to=Destination(addresses=("192.0.2.1:80",), origin=experiment.way_in.url),
        source_addresses=(),
        ports=(),
        t0_monotonic_ns=0,
        own_clock=False,
        start_s=0.0,
    )


def load_plan(
    experiment: Experiment,
    *,
    to: Destination,
    source_addresses: tuple[str, ...],
    ports: tuple[tuple[int, int], ...],
    t0_monotonic_ns: int | None,
    own_clock: bool,
    start_s: float,
    environment: Mapping[str, str] = os.environ,
) -> Plan:
    """What the load worker of a scenario does, sent `to` where the application is reached.

    Raises:
        ExperimentError: a header's value cannot be had from where it is kept, or a certificate is not usable.
        PlanError: the request is not one that can be sent.
    """
    load, request, tls = experiment.load, experiment.request, experiment.request.tls
    origin = to.origin or f"{'http' if tls is None else 'https'}://{to.addresses[0]}"
    streams = tuple(
        Stream(
            name=name,
            rate_per_s=stream.rate,
            connections=stream.connections if isinstance(stream, KeptStream) else 0,
            path=stream.path,
            read_timeout_s=stream.read_timeout_s,
        )
        for name, stream in load.streams.items()
    )
    return Plan(
        url=f"{origin}{request.path}",
        addresses=to.addresses if len(to.addresses) > 1 else (),
        streams=streams,
        t0_monotonic_ns=t0_monotonic_ns,
        own_clock=own_clock,
        start_s=start_s,
        source_addresses=source_addresses,
        ports=ports,
        connect_timeout_s=load.connect_timeout_s,
        read_timeout_s=load.read_timeout_s,
        method=request.method,
        host=request.host,
        headers=header_values(request.headers, environment),
        success=request.success_ranges,
        contains=request.contains or "",
        messages=tuple(_message(each, environment) for each in experiment.requests),
        **({} if tls is None else certificates.of_plan(tls)),
        pod_header=load.pod_header or "",
        engine=Engine(load.engine),
    )


def _message(asked: MixedRequest, environment: Mapping[str, str]) -> Message:
    body = file_bytes(asked.body_file, error=ExperimentError) if asked.body_file is not None else b""
    if len(body) > LONGEST_BODY_BYTES:
        seen = f"it has {len(body):,} bytes, and goes with the plan into a Secret, which holds little"
        raise ExperimentError(f"reading {asked.body_file}", seen, f"Give {LONGEST_BODY_BYTES:,} bytes at most.")
    return Message(
        method=asked.method,
        path=asked.path,
        headers=header_values(asked.headers, environment),
        body=base64.b64encode(body).decode(),
        weight=asked.weight,
        success=asked.success_ranges,
        contains=asked.contains or "",
    )
