"""A cluster that is not ours alone -> what was found there, told; and the answer whether to go on."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import typer

from harness.cli.ending import tell_paragraph
from harness.errors import ClusterError, UsageError
from harness.inputs.shown import printable
from harness.model.providers import CONTEXT

if TYPE_CHECKING:
    from harness.model.cluster_settings import ClusterSettings
    from harness.model.experiment import Experiment
    from harness.model.run import ClusterFacts
    from harness.preflight.preflight import Preflight
    from harness.runner.scenario import Scenario


def look_and_ask(
    experiment: Experiment,
    planned: tuple[Scenario, ...],
    settings: ClusterSettings,
    *,
    worker_image: str | None,
    yes: bool,
) -> None:
    """Tell what would be done to a context and what was found there, and ask; a cluster made for the run needs neither.

    Raises:
        UsageError: the context is protected, something stands in the way, or nobody said yes; nothing was changed.
    """
    if settings.context is None:
        return
    import anyio

    from harness.cli.plan import plan_text, plan_title
    from harness.reporters.place import proxy
    from harness.runner.preflight import preflight
    from harness.runner.protected import check_context

    check_context(settings.context, experiment.protected_contexts)
    wrong = [f"mind: {words}" for words in preflight(planned)]
    question = _question(experiment, settings.context)
    nobody = UsageError(
        f"asking: {question}",
        "standard input is not a terminal",
        "Nothing was changed. Give --yes to run without asking.",
    )
    unasked = not yes and not sys.stdin.isatty()
    try:
        found, facts = anyio.run(_found, settings.context, planned, worker_image)
    except ClusterError:
        if unasked:
            tell_paragraph(f"mind: {nobody}", error=True)
        raise
    text = plan_title if yes else plan_text  # whoever is not asked need not read all of it
    plan = text(experiment, planned, settings, facts).splitlines()
    for line in [*plan, f"the cluster: {found.cluster}; {proxy(facts.proxy)}", *found.changes, *wrong, *found.told]:
        tell_paragraph(line, error=True)
    found.check()
    if yes:
        return
    if unasked:
        raise nobody
    if not typer.confirm(printable(question), err=True):
        raise UsageError("asking before the cluster is changed", "the answer was no; nothing was changed")


def tell_plan(
    experiment: Experiment, planned: tuple[Scenario, ...], settings: ClusterSettings, *, worker_image: str | None
) -> None:
    """Tell what would be done; of an application that is there also what was found around it, which is only read.

    Raises:
        UsageError: something stands in the way.
        ClusterError: the cluster does not answer.
    """
    import anyio

    from harness.cli.plan import plan_text
    from harness.runner.preflight import preflight

    wrong = [f"mind: {words}" for words in preflight(planned, sandbox=settings.sandbox is not None)]
    for line in [*plan_text(experiment, planned, settings).splitlines(), *wrong]:
        tell_paragraph(line)
    if experiment.is_there and settings.context is not None:
        found, _ = anyio.run(_found, settings.context, planned, worker_image)
        for line in found.told:
            tell_paragraph(line)
        found.check()


def _question(experiment: Experiment, context: str) -> str:
    if experiment.is_there and experiment.asked[0] == "watch":
        return f"Load {experiment.target} in namespace {experiment.namespace} of context {context}, and change nothing?"
    if experiment.is_there:
        return f"Load and roll {experiment.target} in namespace {experiment.namespace} of context {context}?"
    where = "a new namespace" if experiment.namespace is None else f"namespace {experiment.namespace}"
    return f"Deploy into {where} of context {context}, load it and roll it?"


async def _found(
    context: str, planned: tuple[Scenario, ...], worker_image: str | None
) -> tuple[Preflight, ClusterFacts]:
    """What was found, and what is known of how Services reach pods there."""
    from harness.clusters.data_plane import proxy_facts
    from harness.kube.connection import from_context
    from harness.model.run import ClusterFacts
    from harness.preflight.preflight import preflight
    from harness.runner.preflight import intents, trouble

    async with from_context(context) as kube:
        found = await preflight(
            kube, intents(planned, worker_image=worker_image, cluster=f"{CONTEXT}:{context}"), trouble
        )
        return found, ClusterFacts(kind=f"{CONTEXT}:{context}", proxy=await proxy_facts(kube))
