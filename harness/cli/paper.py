"""The options that take an experiment file's place -> what is wrong with them, before any cluster is asked.

What only the cluster makes clear, such as the Service, has a stand-in on this paper.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from harness.cli.budget import within_budget
from harness.errors import UsageError
from harness.inputs.shown import shown
from harness.model.providers import CONTEXT

if TYPE_CHECKING:
    from harness.model.experiment import Experiment

OPTIONS = {
    "for": "--for",
    "until_rollouts": "--until-rollouts",
    "rate": "--rate",
    "image": "--image",
    "namespace": "--namespace",
    "target": "--target",
    "path": "--request-path",
}
"""What an option is called in an experiment, and on the command line."""

_CALLED: Mapping[str, Any] = MappingProxyType({"service": {"name": "paper", "port": 80}})
_LOAD = {"new": {"rate": 1}}
_SERVICE = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?(:([a-z0-9]([-a-z0-9]{0,13}[a-z0-9])?|\d{1,5}))?")


def check_options(
    described: Mapping[str, Any],
    *,
    service: str | None,
    worker_image: str | None,
    budget: Sequence[str],
    out: Path | None,
) -> None:
    """Refuse what no cluster can mend. `described`: the keys that the options say of the experiment.

    Raises:
        UsageError: says which option, and what is wrong with it.
    """
    from harness.runner.ports import check_rate

    experiment = experiment_of({"version": 1, "name": "paper", "load": _LOAD, **_CALLED, **described})
    within_budget(experiment, budget)
    check_rate(CONTEXT, experiment.load)
    if service is not None and not _SERVICE.fullmatch(service):
        raise UsageError(
            f"reading --service {shown(service)}", "it is no Service's name", "Give NAME or NAME:PORT, such as web:80."
        )
    check_worker_image(worker_image)
    check_out(out)


def experiment_of(described: Mapping[str, Any]) -> Experiment:
    """The experiment, or what of the options is none.

    Raises:
        UsageError: says which.
    """
    from pydantic import ValidationError

    from harness.model.experiment import Experiment
    from harness.runner.experiment_problems import best_fitting

    try:
        return Experiment.model_validate(described)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        option = next((name for part, name in OPTIONS.items() if part in first["loc"]), "")
        _, said = best_fitting(error, described)
        raise UsageError(f"reading {option or 'the options'}", said) from None


def check_worker_image(image: str | None) -> None:
    """Refuse what no registry has under that name.

    Raises:
        UsageError: it holds white space, or nothing else.
    """
    if image is not None and not re.fullmatch(r"\S+", image):
        raise UsageError(f"reading --worker-image {shown(image)}", "an image's name holds no spaces")


def check_out(folder: Path | None) -> None:
    """Refuse a folder that a run could not take, and leave it as it was.

    Raises:
        UsageError: it is no folder, cannot be written, is in use by another run, or is not empty.
    """
    from harness.store.output import output_folder

    if folder is not None:
        with output_folder(folder):
            pass
