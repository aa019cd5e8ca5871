"""Each disruption alone, on one sandbox of two nodes: the verdict that it should have, and the cause of what it loses.

Half of them lose calls, as most applications are deployed; half lose none, with a preStop. The proxy is kept busy, so
that what it has not learnt yet is never hidden by its being at rest.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from anyio.from_thread import start_blocking_portal
from of_fixtures import judged_on_sandbox
from stalled import unless_stalled

from harness.analysis import judge
from harness.clusters.choice import cluster
from harness.errors import HarnessError
from harness.kube.client import Kube
from harness.model.cluster_settings import ClusterSettings, SandboxSettings
from harness.model.experiment import Experiment
from harness.model.result import ScenarioResult
from harness.runner.experiment import run_experiment
from harness.runner.scenario import scenarios
from harness.store.reader import read_run

pytestmark = judged_on_sandbox(300)

TIMES = 2
"""A proxy may sync in the very moment in which a pod stops, and lose nothing by it; hardly twice."""

PRESTOP = {"mitigations": [{"prestop": "3s"}]}
Disrupted = Callable[..., tuple[ScenarioResult, HarnessError | None]]


def budget(least: int) -> dict[str, Any]:
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": "web"},
        "spec": {"minAvailable": least, "selector": {"matchLabels": {"app": "web"}}},
    }


@pytest.fixture(scope="module")
def disrupted(tmp_path_factory: pytest.TempPathFactory, repository: Path) -> Iterator[Disrupted]:
    """Does a disruption to nginx under load, and judges what came of it."""
    folder = tmp_path_factory.mktemp("disruptions")
    settings = ClusterSettings(sandbox=SandboxSettings(nodes=2))
    runs = iter(range(100))

    with start_blocking_portal() as portal, portal.wrap_async_context_manager(cluster(settings, {})) as up:

        def run(disruption: Any, *beside: Any, variant: Any = None, **more: Any) -> Any:
            out = folder / str(next(runs))
            out.mkdir()
            manifests = [repository / "fixtures" / "manifests" / "nginx.yaml"]
            for each in beside:
                manifests.append(out / f"{each['kind']}.json")
                manifests[-1].write_text(json.dumps(each))
            experiment = Experiment.model_validate(
                {
                    "version": 1,
                    "name": "disruptions",
                    "manifests": list(map(str, manifests)),
                    "service": {"name": "web", "port": 80},
                    "disruption": disruption,
                    "rollouts": 1,
                    "control": "1s",
                    "quiet": "2s",
                    "churn": "200ms",
                    "load": {"new": {"rate": 100}, "pod_header": "X-Pod"},
                    "variants": {"web": variant or {}},
                    **more,
                }
            )
            (done,) = portal.call(partial(run_experiment, up, scenarios(experiment), out / "run"))
            assert not cordoned(portal, up.kube)
            result = judge(read_run(done.folder))
            unless_stalled(result.reason)
            return result, done.error

        yield run


def cordoned(portal: Any, kube: Kube) -> list[str]:
    nodes = portal.call(kube.list, "v1", "Node")
    return [node["metadata"]["name"] for node in nodes if node["spec"].get("unschedulable")]


@pytest.mark.parametrize(
    ("disruption", "takers"),
    [
        ({"scale": {"to": 1}}, {"scaling"}),
        ({"delete-pod": {"pods": 1}}, {"deletion"}),
    ],
    ids=["scale", "delete-pod"],
)
def test_without_a_pre_stop_what_it_takes_loses_calls_by_a_termination_race(
    disrupted: Disrupted, disruption: Any, takers: set[str]
) -> None:
    result, error = disrupted(disruption, rollouts=TIMES)
    assert error is None
    assert (result.verdict, set(result.causes)) == ("dropping", {"termination-race"}), result
    assert [set(rollout.takers.values()) for rollout in result.rollouts] == [takers] * TIMES


@pytest.mark.parametrize(
    ("disruption", "beside", "takers"),
    [
        ({"scale": {"to": [4, 1]}}, (), {"scaling"}),
        ({"evict": {"pods": 2}}, (budget(1),), {"eviction"}),
        ("drain", (budget(1),), {"eviction"}),
    ],
    ids=["scale up and down", "evict one after the other as its budget allows", "drain"],
)
def test_with_a_pre_stop_it_loses_none(disrupted: Disrupted, disruption: Any, beside: Any, takers: set[str]) -> None:
    result, error = disrupted(disruption, *beside, variant=PRESTOP)
    assert error is None
    assert (result.verdict, result.failed) == ("seamless", 0), result
    both = isinstance(disruption, dict) and "evict" in disruption
    assert any("before it could be evicted: its eviction is refused" in note for note in result.notes) is both
    (rollout,) = result.rollouts
    assert set(rollout.takers.values()) == takers


def test_what_is_killed_at_once_loses_calls_whatever_its_pre_stop(disrupted: Disrupted) -> None:
    result, error = disrupted({"delete-pod": {"grace": "0s"}}, variant=PRESTOP, rollouts=TIMES)
    assert error is None
    assert result.verdict == "dropping"
    assert set(result.causes) <= {"termination-race", "in-flight-kill"}
    assert result.sizing is not None
    assert result.sizing.cure == ("the grace period that its spec gives it",)
    assert not result.sizing.prestop_s.must_rise


def test_a_drain_that_a_budget_never_allows_is_inconclusive_in_the_budgets_words(disrupted: Disrupted) -> None:
    result, error = disrupted("drain", budget(2), rollout_timeout="3s")
    assert result.verdict == "inconclusive"
    assert "The disruption budget web needs 2 healthy pods and has 2 currently" in result.sentence
    assert error is not None
    assert "Let its PodDisruptionBudget allow one" in str(error)
    assert result.failed == 0
