"""`--namespace` of `run` -> the experiment in that namespace, if its manifests do not say another, as for kubectl."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated

import typer

from harness.errors import UsageError
from harness.inputs.shown import shown

if TYPE_CHECKING:
    from harness.model.experiment import Experiment
    from harness.runner.scenario import Scenario

_NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_LONGEST_NAME = 63

Namespace = Annotated[
    str | None,
    typer.Option("--namespace", "-n", help="Namespace to run in; kept if it already exists. Default: a new one."),
]


def in_namespace(experiment: Experiment, namespace: str | None) -> Experiment:
    """The experiment, in this namespace where one is given.

    Raises:
        UsageError: it is no name that a namespace can have.
    """
    if namespace is None:
        return experiment
    if len(namespace) > _LONGEST_NAME or not _NAME.fullmatch(namespace):
        allowed = "Use up to 63 lower-case letters, digits and -, with a letter or digit at each end."
        raise UsageError(f"reading --namespace {shown(namespace)}", "that is not a valid namespace name", allowed)
    return experiment.model_copy(update={"namespace": namespace})


def check_agrees(namespace: str | None, scenarios: Iterable[Scenario]) -> None:
    """Refuse a namespace that is not the one that a manifest says, as `kubectl apply --namespace` does.

    Raises:
        UsageError: names the first such object and its file.
    """
    from harness.manifests.patch import namespace_said
    from harness.runner.deployment import place_of
    from harness.spec.shape import named

    for scenario in scenarios if namespace is not None else ():
        for manifest in scenario.application.manifests:
            if namespace_said(manifest) in (None, namespace):
                continue
            said = str(namespace_said(manifest))
            where = place_of(manifest, files=scenario.experiment.manifests)
            raise UsageError(
                f"reading --namespace {namespace}",
                f"{named(manifest)}{where} says another: metadata.namespace is {shown(said)}",
                f"Give --namespace {said}, or take metadata.namespace out of the manifest. Without --namespace it runs "
                "in a new namespace, whatever the manifest says.",
            )
