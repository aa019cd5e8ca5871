"""A cluster and a scenario -> what run.json says from the start: where, what, and under which load."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import harness
from harness.clusters.cluster import Cluster
from harness.load import PORTS
from harness.model.experiment import Experiment
from harness.model.run import LoadFacts, MeasuredService, RequestFacts, RunInfo
from harness.redaction import door
from harness.runner.ports import source_addresses
from harness.runner.quiet import quiet_s
from harness.runner.scenario import Scenario


def run_info(cluster: Cluster, scenario: Scenario, *, t0_wall_s: float) -> RunInfo:
    """The run as it is planned; marks, manifests as applied and its end are added as they come."""
    experiment = scenario.experiment
    return RunInfo(
        harness=harness.__version__,
        experiment=experiment.name,
        scenario=scenario.name,
        variant=scenario.variant,
        path=experiment.way_in.name,
        target=experiment.target,
        service=MeasuredService(name=experiment.service.name, port=scenario.application.port),
        cluster=replace(cluster.facts, server=cluster.server(scenario.application_images)),
        streams={name: stream.rate for name, stream in experiment.load.streams.items()},
        load=LoadFacts(
            connect_timeout_s=experiment.load.connect_timeout_s,
            read_timeout_s=experiment.load.read_timeout_s,
            local_ports=(PORTS[0][0], PORTS[-1][1]),
            source_addresses=source_addresses(cluster.client, experiment.load),
        ),
        requests=tuple(requests_sent(experiment)),
        pod_header=experiment.load.pod_header,
        t0_wall=t0_wall_s,
        disruption=experiment.asked[0],
        planned_rollouts=scenario.planned_rollouts,
        quiet_s=quiet_s(experiment.quiet_s, cluster.facts, experiment.way_in.name),
        expect=scenario.expect,
        strict_idle_close=experiment.strict_idle_close,
        confidence=experiment.confidence.record if experiment.confidence else None,
        budget=experiment.budget.limits if experiment.budget else {},
        churn_s=experiment.churn_s,
        provisos=scenario.provisos,
        applied=scenario.applied.words,
        ends=(),
    )


def requests_sent(experiment: Experiment) -> Iterator[RequestFacts]:
    """What is sent: the mix, or the one kind of request, by stream where a stream has a path of its own."""
    for each in experiment.requests:
        yield RequestFacts(
            method=each.method,
            path=_bare(each.path),
            weight=each.weight,
            success=tuple(map(str, each.expect)),
            contains=each.contains is not None,
        )
    if experiment.requests:
        return
    request, paths = experiment.request, {name: one.path for name, one in experiment.load.streams.items()}
    one = RequestFacts(
        method=request.method,
        path=_bare(request.path),
        success=tuple(map(str, request.success)),
        contains=request.contains is not None,
    )
    if not all(paths.values()):
        yield one
    for stream, path in paths.items():
        if path:
            yield replace(one, path=_bare(path), stream=stream)


def _bare(path: str) -> str:
    """Without what is asked for in the query, where keys and tokens may be.

    >>> _bare("/orders?key=s3cret"), _bare("/")
    ('/orders?...', '/')
    """
    before, mark, _ = path.partition("?")
    return door().text(f"{before}?..." if mark else before)
