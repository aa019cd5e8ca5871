"""A run directory that was interrupted -> the scenarios that are left to run, each into a folder of its own.

What was measured stays as it is. A scenario that had not come to its end goes on with the rollouts that are left, in a
new folder with a clock, a control window and pods of its own; the two are pooled when they are judged. What made the
first part must make the second: an experiment, target or cluster that is another one is refused.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from harness.clusters.cluster import Cluster
from harness.disruptions.disruption import planned, planned_there
from harness.errors import UsageError
from harness.inputs.shown import shown
from harness.manifests.patch import in_namespace
from harness.model.quantity import things
from harness.model.run import GoneOn, RequestFacts, RunInfo
from harness.redaction import door, without_digests
from harness.runner.facts import run_info
from harness.runner.fingerprint import otherwise
from harness.runner.scenario import Scenario
from harness.store.parts import mark_gone_on, whole_part
from harness.store.planned import read_digests, read_planned
from harness.store.reader import is_run, read_info, read_run, scenario_folders
from harness.store.undo import is_pending

_INTERRUPTED = (None, "interrupted")
_ANEW = "Resume it with what it was begun with, or begin a new run."


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A folder of a scenario that was interrupted: of its rollouts so many were measured whole, `until` then."""

    folder: Path
    info: RunInfo
    rollouts: int
    until: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """A scenario with the rollouts that are left of it, the name of the folder they go to, and the parts before."""

    scenario: Scenario
    folder: str
    parts: tuple[Part, ...] = ()

    def check(self, cluster: Cluster) -> None:
        """Refuse to go on elsewhere, or with something else.

        Raises:
            UsageError: experiment, target or cluster is another than that of the parts before.
        """
        now = run_info(cluster, self.scenario, t0_wall_s=0.0)
        for part in self.parts:
            for what, before, after in _differences(part.info, now, self.scenario):
                raise UsageError(f"resuming {part.folder}", f"its {what} was {before}, and is {after} now", _ANEW)

    def begun(self) -> None:
        """Write into the part before that this goes on with it; once there is a record of it, and not earlier. Those
        that came before say so of theirs already."""
        for part in self.parts:
            if part.info.gone_on is None:
                mark_gone_on(part.folder, GoneOn(by=self.folder, rollouts=part.rollouts, until=part.until))

    @property
    def goes_on_from(self) -> str | None:
        """The folder of the last part before."""
        return self.parts[-1].folder.name if self.parts else None


def left_to_run(run: Path, scenarios: tuple[Scenario, ...]) -> tuple[Left, ...]:
    """What is left of the experiment in that folder, in the order of its `scenarios`, which are those of a new run.

    Raises:
        UsageError: it is not of this experiment, nothing is left of it, it did not end because it was interrupted, or
            what it changed was not put back.
    """
    tried = f"resuming {run}"
    names = read_planned(run)
    if not names:
        raise UsageError(tried, "it is not the folder of an experiment", "Give the folder of the whole run.")
    if set(names) != {scenario.name for scenario in scenarios}:
        now = ", ".join(scenario.name for scenario in scenarios)
        raise UsageError(tried, f"its scenarios are {', '.join(names)}, and those of the experiment {now}", _ANEW)
    if other := [*otherwise(scenarios[0].experiment, read_digests(run))]:
        raise UsageError(tried, f"the experiment says something else than it did: {', '.join(other)}", _ANEW)
    known = [(folder, read_info(folder, [])) for folder in scenario_folders(run)] if is_run(run) else []
    left = []
    for scenario in scenarios:
        mine = [(folder, info) for folder, info in known if info.scenario == scenario.name]
        if (rest := _left(run, scenario, sorted(mine, key=lambda pair: pair[1].t0_wall))) is not None:
            left.append(rest)
    if not left:
        raise UsageError(tried, "all of it has run to its end", f"Judge it: rollout-harness report {run}")
    return tuple(left)


def _left(run: Path, scenario: Scenario, known: list[tuple[Path, RunInfo]]) -> Left | None:
    if not known:
        return Left(scenario=scenario, folder=scenario.name)
    folder, last = known[-1]
    if last.finished:
        return None
    tried = f"resuming {folder}"
    if last.stopped not in _INTERRUPTED:
        again = f"Judge it: rollout-harness report {run}"
        raise UsageError(tried, f"it was not interrupted, but ended by itself: {last.stopped}", again)
    if scenario.planned_rollouts is None or scenario.experiment.asked[0] == "watch":
        raise UsageError(tried, "others made its rollouts: which of them are left cannot be told", "Begin a new run.")
    if is_pending(folder):
        back = f"rollout-harness restore {shlex.quote(str(folder))}"
        raise UsageError(tried, "what it had changed was not put back", f"Put it back first: {back}")
    total = _planned(known[0][1], scenario, tried)
    parts = tuple(_part(folder, info) for folder, info in known)
    rest = max(1, total - sum(part.rollouts for part in parts))
    experiment = scenario.experiment.model_copy(update={"rollouts": rest})
    application = scenario.application
    disruption = planned_there(application, experiment)[0] if experiment.is_there else planned(application, experiment)
    names = (f"{scenario.name}-part{number}" for number in range(len(known) + 1, 10_000))
    return Left(
        scenario=replace(scenario, experiment=experiment, disruption=disruption),
        folder=next(name for name in names if not (run / name).exists()),
        parts=parts,
    )


def _planned(first: RunInfo, scenario: Scenario, tried: str) -> int:
    total = scenario.planned_rollouts
    if total is None or first.planned_rollouts != total:
        was, now = (things(count or 0, "rollout") for count in (first.planned_rollouts, total))
        raise UsageError(tried, f"it was to have {was}, and the experiment has {now}", _ANEW)
    return total


def _part(folder: Path, info: RunInfo) -> Part:
    if info.gone_on is not None:
        return Part(folder=folder, info=info, rollouts=info.gone_on.rollouts, until=info.gone_on.until)
    rollouts, until = whole_part(read_run(folder))
    return Part(folder=folder, info=info, rollouts=rollouts, until=until)


def _request(one: RequestFacts) -> str:
    """One kind of request in words, without the digests of what is hidden in its path."""
    on, success = f" on {one.stream}" if one.stream else "", ", ".join(one.success)
    path = without_digests(one.path)
    body = ", by their body too" if one.contains else ""
    return f"{one.method} {path}{on}, weight {one.weight}, success {success}{body}"


_SAME: dict[str, Callable[[RunInfo], Any]] = {
    "experiment": lambda info: info.experiment,
    "variant": lambda info: info.variant,
    "path": lambda info: info.path,
    "target": lambda info: info.target,
    "Service": lambda info: f"{info.service.name}:{info.service.port}" if info.service else None,
    "disruption": lambda info: info.disruption,
    "load": lambda info: ", ".join(f"{name} {rate:g}/s" for name, rate in info.streams.items()),
    "connect time-out": lambda info: info.load.connect_timeout_s,
    "read time-out": lambda info: info.load.read_timeout_s,
    "request": lambda info: ", ".join(map(_request, info.requests)),
    "expect": lambda info: str(info.expect),
    "strict_idle_close": lambda info: info.strict_idle_close,
    "confidence": lambda info: info.confidence and f"{info.confidence.max_dropping:g} at {info.confidence.level:g}",
    "budget": lambda info: ", ".join(f"{name} {limit:g}" for name, limit in sorted(info.budget.items())),
    "churn": lambda info: info.churn_s,
    "cluster": lambda info: info.cluster.kind,
    "Kubernetes": lambda info: info.cluster.kubernetes,
    "number of nodes": lambda info: info.cluster.nodes,
    "proxy's mode": lambda info: info.cluster.proxy.mode,
    "proxy's minSyncPeriod": lambda info: info.cluster.proxy.min_sync_period_s,
    "load balancer": lambda info: info.cluster.balancer.profile if info.cluster.balancer else None,
    "quiet time": lambda info: info.quiet_s,
}


def _differences(before: RunInfo, now: RunInfo, scenario: Scenario) -> Iterator[tuple[str, str, str]]:
    """What of the two is not the same: what it is, and how it was and is."""
    for what, value in _SAME.items():
        was, is_ = value(before), value(now)
        if was != is_:
            yield what, shown(was), shown(is_)
    # More of them are found out while it runs.
    was, is_ = (tuple(map(without_digests, info.provisos)) for info in (before, now))
    if was[: len(is_)] != is_:
        yield "provisos", shown(" ".join(was)), shown(" ".join(is_))
    if scenario.experiment.is_there or not before.manifests:
        return  # the cluster's own manifests change with every rollout
    home = scenario.application.home  # the run has a namespace of its own in its place, which may be on record
    namespace = next((str(m["metadata"]["namespace"]) for m in before.manifests if m["metadata"].get("namespace")), "")
    planned = scenario.application.manifests
    own = (in_namespace(manifest, namespace, planned) for manifest in planned if manifest is not home)
    then, after = _named(before.manifests), _named(map(door().object, own))
    then.pop(f"Namespace/{namespace}", None)
    for name, was in then.items():
        if name not in after:
            yield f"manifest of {name}", f"in run.json of {scenario.name}", "not among the manifests"
        elif _as_text(was) != _as_text(after[name]):
            yield f"manifest of {name}", f"as run.json of {scenario.name} has it", "another one"
    for name in after:
        if name not in then:
            yield f"manifest of {name}", f"not in run.json of {scenario.name}", "among the manifests"


def _named(manifests: Iterable[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """By kind and name, in their order."""
    return {f"{one.get('kind')}/{one['metadata'].get('name')}": one for one in manifests}


def _as_text(manifest: Any) -> str:
    return without_digests(json.dumps(manifest, sort_keys=True))
