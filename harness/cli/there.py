"""An experiment on an application that is there -> what the cluster shows of it, read before anything is planned."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.errors import UsageError

if TYPE_CHECKING:
    from harness.manifests.read import Manifest
    from harness.model.cluster_settings import ClusterSettings
    from harness.model.experiment import Experiment


def application_there(experiment: Experiment, settings: ClusterSettings) -> tuple[Manifest, ...]:
    """The target and the Services beside it; empty where the experiment brings its own manifests.

    Raises:
        UsageError: nothing can be there, or the target is not.
        ClusterError: the cluster does not answer, or does not let them be read.
    """
    if not experiment.is_there:
        return ()
    if settings.context is None:
        raise UsageError(
            f"looking for {experiment.target}, which is to be there",
            f"a cluster of provider {settings.provider} is made for the run, with nothing in it",
            "Give --cluster context:NAME, or `manifests` to deploy.",
        )
    import anyio

    return anyio.run(_read, settings.context, str(experiment.namespace), experiment.target)


async def _read(context: str, namespace: str, target: str) -> tuple[Manifest, ...]:
    from harness.kube.connection import from_context
    from harness.runner.there import manifests_there

    async with from_context(context) as kube:
        await kube.version()
        return await manifests_there(kube, namespace, target)
