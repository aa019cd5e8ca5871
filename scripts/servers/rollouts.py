"""A server of fixtures/servers -> run directories of one rollout a variant, with the truth of kernel and log."""

from __future__ import annotations

import copy
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.clusters.choice import cluster
from harness.fixture_files import fixtures
from harness.model.experiment import Experiment
from harness.model.load_settings import KeptStream, LoadSettings, NewStream
from harness.runner.experiment import run_experiment
from harness.runner.experiment_file import read_experiment
from harness.runner.scenario import Scenario, scenarios
from harness.sandbox.instruments.truth.join import write_truth
from scripts.servers.truth import RECORD

if TYPE_CHECKING:
    from collections.abc import Mapping

LOGS = "logs"  # below a server's folder: what its pods have written into /var/log/app

# All servers get the same: what the one with the fewest slots (27 synchronous workers in three pods) can bear. Answers
# of 5 s take 6 of them, of 250 ms 4.
_STREAMS: dict[str, NewStream] = {
    "new-5ms": NewStream(rate=30, path="/5ms"),
    "kept-5ms": KeptStream(rate=30, path="/5ms", connections=6),
    "new-250ms": NewStream(rate=8, path="/250ms"),
    "kept-250ms": KeptStream(rate=8, path="/250ms", connections=8),
    "new-5s": NewStream.model_validate({"rate": 0.6, "path": "/5s", "read_timeout": "15s"}),
    "kept-5s": KeptStream.model_validate({"rate": 0.6, "path": "/5s", "read_timeout": "15s", "connections": 8}),
}


class AllStreams(LoadSettings):
    """Every length of answer on new and on kept connections, side by side."""

    @property
    def streams(self) -> dict[str, NewStream]:
        """By name: connection and answer."""
        return _STREAMS


def server_names() -> list[str]:
    """The servers that there are."""
    return sorted(file.parent.name for file in (fixtures() / "servers").glob("*/experiment.yaml"))


def server_experiment(name: str) -> Experiment:
    """The experiment of a server, with all streams."""
    experiment = read_experiment(fixtures() / "servers" / name / "experiment.yaml")
    load = AllStreams.model_construct(**{key: getattr(experiment.load, key) for key in LoadSettings.model_fields})
    return experiment.model_copy(update={"load": load})


def with_logs(scenario: Scenario, logs: Path) -> Scenario:
    """The scenario with a folder of this machine in the place of each emptyDir `logs`."""
    application = scenario.application
    kept = {id(manifest): _kept(manifest, logs) for manifest in application.manifests}
    return replace(
        scenario,
        application=replace(
            application,
            target=kept[id(application.target)],
            service=kept[id(application.service)],
            manifests=tuple(kept[id(manifest)] for manifest in application.manifests),
        ),
    )


def _kept(manifest: Mapping[str, Any], logs: Path) -> dict[str, Any]:
    changed: dict[str, Any] = copy.deepcopy(dict(manifest))
    spec = changed.get("spec", {}).get("template", {}).get("spec", {})
    for volume in spec.get("volumes", ()):
        if volume["name"] == "logs":
            del volume["emptyDir"]
            volume["hostPath"] = {"path": str(logs)}
    return changed


async def recorded(name: str, out: Path, variants: tuple[str, ...] = (), *, margin_s: float = 5.0) -> list[Path]:
    """Roll the server in each variant on one sandbox, into OUT/NAME/VARIANT; gives those folders.

    `margin_s`: how long it is loaded before the rollout, and after it.

    Raises:
        HarnessError: a scenario did not come to its end.
    """
    folder = (out / name).resolve()
    experiment = server_experiment(name).model_copy(update={"control_s": margin_s, "quiet_s": margin_s})
    logs = folder / LOGS
    logs.mkdir(parents=True, exist_ok=True)
    logs.chmod(0o777)  # servers write as users of their own
    record = folder / RECORD
    planned = tuple(
        with_logs(scenario, logs)
        for scenario in scenarios(experiment)
        if scenario.variant in (variants or (scenario.variant,))
    )
    async with cluster(experiment.cluster, experiment.images, truth=record) as ours:
        runs = await run_experiment(ours, planned, folder)
    for run in runs:
        if run.error is not None:
            raise run.error
        write_truth(run.folder, record)
    return [run.folder for run in runs]
