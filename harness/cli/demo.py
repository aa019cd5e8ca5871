"""`rollout-harness demo`: nginx rolled under load with and without the mitigations, in the embedded sandbox."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from harness.cli.ending import conclude
from harness.cli.kind_options import KeepCluster, NoImageLoad, with_kind_options
from harness.cli.loudness import Quiet, Verbose
from harness.cli.options import Cluster, WorkerImage
from harness.cli.run import execute
from harness.fixture_files import fixtures
from harness.store.output import LOCK


def demo(
    cluster: Cluster = None,
    worker_image: WorkerImage = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="Only `default` and `both`, one rollout each: a verdict within a minute.")
    ] = False,
    no_image_load: NoImageLoad = False,
    keep_cluster: KeepCluster = False,
    out: Annotated[Path, typer.Option(help="Folder for the run; an earlier run in it is replaced.")] = Path(
        "reports/demo"
    ),
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Roll nginx from 1.28.0 to 1.29.1 and back under load, with and without the mitigations (about 4 minutes)."""
    from harness.clusters.choice import chosen
    from harness.errors import UsageError
    from harness.runner.experiment_file import read_experiment
    from harness.runner.scenario import scenarios
    from harness.store.reader import is_run

    experiment = read_experiment(fixtures() / "experiments" / ("demo-quick.yaml" if quick else "demo.yaml"))
    planned = scenarios(experiment)
    if _is_something_else(out) and not is_run(out):
        raise UsageError(f"replacing {out}", "it holds something other than a run", "Give another --out.")
    settings = chosen(cluster, experiment.cluster)
    settings = with_kind_options(settings, no_image_load=no_image_load, keep_cluster=keep_cluster)
    conclude(execute(experiment, planned, settings, out, worker_image=worker_image, replace=True))


def _is_something_else(out: Path) -> bool:
    """Whether there is anything that a run of ours would replace."""
    try:
        return any(child.name != LOCK for child in out.iterdir())
    except OSError:  # what is wrong with it is said when it is written to
        return False
