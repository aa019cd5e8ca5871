"""One call of `rollout(...)` -> its run, its result, and what the test's report says of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pytest

from harness.model.advice import as_object
from harness.pytest_plugin.arguments import VARIANT, experiment_of, manifest_files, paths_in_turn, target_there
from harness.pytest_plugin.progress import progress
from harness.pytest_plugin.result import RolloutResult
from harness.pytest_plugin.telling import TOLD, explanation, refused, told
from harness.pytest_plugin.turns import one_at_a_time

if TYPE_CHECKING:
    from anyio.from_thread import BlockingPortal

    from harness.clusters.cluster import Cluster
    from harness.judged_runs import Judged
    from harness.manifests.read import Manifest
    from harness.model.experiment import Experiment
    from harness.pytest_plugin.fixtures import Clusters
    from harness.pytest_plugin.options import Settings
    from harness.pytest_plugin.protocol import Images, Load, Manifests, Mitigations
    from harness.runner.run import ScenarioRun


class Calls:
    """What the `rollout` fixture gives: see `harness.pytest_plugin.protocol.Rollout`."""

    def __init__(
        self,
        request: pytest.FixtureRequest,
        clusters: Clusters,
        portal: BlockingPortal,
        settings: Settings,
        folder: Path,
        documents: Path,
    ) -> None:
        self._request, self._clusters, self._portal, self._settings = request, clusters, portal, settings
        self._folder, self._documents = folder, documents
        self._calls = 0

    def __call__(
        self,
        manifest: Manifests | None = None,
        *,
        target: str | None = None,
        service: str | None = None,
        image: Images | None = None,
        disruption: str | Mapping[str, Any] | None = None,
        rollouts: int = 1,
        load: Load | None = None,
        path: str | Mapping[str, Any] = "clusterip",
        mitigations: Mitigations = (),
        budget: Mapping[str, Any] | None = None,
        expect: Literal["seamless", "dropping", "any"] = "seamless",
        images: Mapping[str, Any] | None = None,
        namespace: str | None = None,
    ) -> RolloutResult:
        """As `Rollout` says."""
        __tracebackhide__ = True
        self._calls += 1
        with refused():
            places = paths_in_turn(self._request.path, self._request.config.rootpath)
            there = self._there(namespace, target, manifest)
            experiment = experiment_of(
                () if there else manifest_files(manifest, places, self._documents),
                default=manifest is None and not there,
                namespace=namespace,
                there=there,
                target=target,
                service=service,
                image=image,
                disruption=disruption,
                rollouts=rollouts,
                load=load,
                path=path,
                mitigations=mitigations,
                budget=budget,
                expect=expect,
                images=images,
                folder=self._request.path.parent,
            )
            least = max(experiment.rollouts, self._settings.count)
            settled = {"rollouts": least, "protected_contexts": self._settings.protected_contexts}
            result = self._rolled(experiment.model_copy(update=settled), there)
        if result.verdict == "inconclusive":
            self._give_up(result)
        return result

    def _there(self, namespace: str | None, target: str | None, manifest: Manifests | None) -> tuple[Manifest, ...]:
        """What stands in the namespace; empty where none is named."""
        from harness.runner.there import manifests_there

        if namespace is None:
            return ()
        named = target_there(namespace, target, manifest)
        kube = self._clusters(self._settings).kube
        return self._portal.call(manifests_there, kube, namespace, named)

    def _give_up(self, result: RolloutResult) -> None:
        __tracebackhide__ = True
        why = f"inconclusive: {result.sentence}; report: {result.report}"
        if self._settings.inconclusive == "skip":
            pytest.skip(why)
        if self._settings.inconclusive == "xfail":
            pytest.xfail(why)

    def _rolled(self, experiment: Experiment, there: tuple[Manifest, ...]) -> RolloutResult:
        from harness.judged_runs import judge_experiment_folder
        from harness.runner.cluster_logs import keep_logs

        folder = self._folder / str(self._calls)
        cluster = self._clusters(self._settings, experiment.images)
        with one_at_a_time(self._settings.cluster), progress(self._request) as seen:
            run = self._portal.call(partial(self._run, cluster, experiment, there, folder, seen))
        if run.error is not None and not run.updates:
            raise run.error
        judged = judge_experiment_folder(folder)
        if run.error is not None or judged.result.scenarios[0].verdict == "inconclusive":
            self._portal.call(keep_logs, cluster, folder, lambda _: None)
        result = _result(experiment, there, judged, folder)
        self._tell(result, judged)
        return result

    async def _run(
        self,
        cluster: Cluster,
        experiment: Experiment,
        there: tuple[Manifest, ...],
        folder: Path,
        seen: Callable[[Any], None],
    ) -> ScenarioRun:
        from harness.runner.experiment import run_experiment
        from harness.runner.scenario import scenarios

        planned = scenarios(experiment, there=there)
        (run,) = await run_experiment(cluster, planned, folder, on_progress=seen, keep=self._settings.keep)
        return run

    def _tell(self, result: RolloutResult, judged: Judged) -> None:
        """Into the test's own report, the summary of all, and JUnit's properties."""
        name = "rollout" if self._calls == 1 else f"rollout {self._calls}"
        (scenario,) = judged.result.scenarios
        self._request.node.stash.setdefault(TOLD, []).append(told(name, result, explanation(scenario, result)))
        prefix = name.replace(" ", "-")
        for key, value in (
            ("verdict", result.verdict),
            ("requests", result.requests),
            ("failed", result.failed),
            ("causes", ", ".join(f"{cause} {number}" for cause, number in result.causes.items())),
            ("report", str(result.report)),
        ):
            self._request.node.user_properties.append((f"{prefix}.{key}", value))


def _result(experiment: Experiment, there: tuple[Manifest, ...], judged: Judged, folder: Path) -> RolloutResult:
    (found,) = judged.result.scenarios
    return RolloutResult(
        verdict=found.verdict.value,
        reason=found.reason,
        sentence=found.sentence,
        requests=found.requests,
        failed=found.failed,
        causes=dict(found.causes),
        rollouts=found.rollouts,
        sizing=as_object(found.sizing),
        within_budget=found.within_budget,
        report=folder / "report.html",
        run=folder / VARIANT,
        _patched=partial(_patched, experiment, there, judged),
    )


def _patched(experiment: Experiment, there: tuple[Manifest, ...], judged: Judged) -> str:
    """The manifests as YAML, their workload with the settings that would have held."""
    import yaml

    from harness.cli.sized import proof
    from harness.runner.scenario import scenarios

    proving = proof(experiment, judged.result.scenarios)
    if proving is None:
        (scenario, *_) = scenarios(experiment, there=there)
    else:
        (scenario, *_) = scenarios(proving.experiment, proving.applied, there=there)
    return yaml.safe_dump_all(list(scenario.application.manifests), sort_keys=False)
