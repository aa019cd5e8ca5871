"""A run -> what was observed in it: no judgement yet, and nothing that rests on the cause of a failure."""

from __future__ import annotations

from dataclasses import dataclass, field

from harness.analysis.observed.answering_names import with_pods_names
from harness.analysis.observed.answers import Answers, answers
from harness.analysis.observed.completeness import missing
from harness.analysis.observed.controllers import controllers
from harness.analysis.observed.courses import courses
from harness.analysis.observed.deeds import drained_nodes
from harness.analysis.observed.deploys import charged_to_deploys
from harness.analysis.observed.endpoints import Endpoints, endpoints
from harness.analysis.observed.foreign_changes import ForeignChange, foreign_changes
from harness.analysis.observed.gates import GatedPod, gated_pods
from harness.analysis.observed.load_health import LoadHealth, load_health
from harness.analysis.observed.moved_names import moved_names
from harness.analysis.observed.ownership import ownership
from harness.analysis.observed.pod_endings import ours, takers
from harness.analysis.observed.pods import Life, lives
from harness.analysis.observed.requests import Requests, clean
from harness.analysis.observed.watch_stalls import WatchStalls, watch_stalls
from harness.analysis.observed.windows import Windows, windows
from harness.model.deed_words import ROLLOUT, DeedWords, deed_words
from harness.model.result import Taker
from harness.model.run import Run
from harness.spec.workload import judged_workload, pod_selector


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """What was observed: requests, windows, pods in the order in which they were first seen, who took those that ended
    (by uid) and which of them went because of what we did, what else somebody changed, the Service's endpoints, who
    answered, how the load generator did, when the watch stood still, and what the record lacks, in words.
    `words`: those for what was done to the application; `nodes`: per rollout, which node was drained; `gated`: the pods
    that had readiness gates."""

    run: Run
    requests: Requests
    windows: Windows
    pods: tuple[Life, ...]
    takers: dict[str, Taker]
    ours: frozenset[str]
    foreign: tuple[ForeignChange, ...]
    endpoints: Endpoints
    answers: Answers
    load: LoadHealth
    stalls: WatchStalls
    missing: tuple[str, ...] = ()
    words: DeedWords = ROLLOUT
    nodes: dict[int, str] = field(default_factory=dict)
    gated: tuple[GatedPod, ...] = ()


def observe(run: Run) -> Observed:
    """Look at everything once, in the order in which one fact needs another."""
    requests = clean(run.requests)
    spans = windows(run.info, run.timeline, requests.first, requests.last)
    workload = judged_workload(run.info.manifests, run.info.target)
    owned = ownership(workload, pod_selector(workload), run.timeline)
    stalls = watch_stalls(run.info.t0_wall, run.timeline)
    pods = lives(run.info, run.timeline, owned, stalls)
    requests = with_pods_names(requests, run.timeline, pods)
    made = courses(requests.frame)
    told = controllers(run.timeline, owned, spans.updates, by_others=run.info.disruption == "watch")
    taken = takers(pods, told)
    nodes = drained_nodes(run.timeline)
    listed = endpoints(run.info, run.timeline, pods)
    changed = foreign_changes(run.info, run.timeline, owned, told, spans.rollouts)
    changed = charged_to_deploys(changed, told, listed, spans)
    moved = moved_names(run.worker_seconds, requests.failures["started"].to_numpy())
    return Observed(
        run=run,
        requests=requests,
        windows=spans,
        pods=pods,
        takers=taken,
        ours=ours(pods, taken, told),
        foreign=tuple(sorted((*changed, *moved), key=lambda change: change.start)),
        endpoints=listed,
        answers=answers(requests, pods),
        load=load_health(run.info, requests, spans, made, run.worker_seconds),
        stalls=stalls,
        missing=missing(run.info, requests.frame, made, spans, run.worker_seconds),
        words=deed_words(run.info.disruption, nodes.values()),
        nodes=nodes,
        gated=gated_pods(run.timeline),
    )
