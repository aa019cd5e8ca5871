"""`--no-image-load` and `--keep-cluster` -> the settings of a kind cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from harness.errors import UsageError

if TYPE_CHECKING:
    from harness.model.cluster_settings import ClusterSettings

NoImageLoad = Annotated[
    bool, typer.Option("--no-image-load", help="kind: leave images to the nodes, which have or pull them.")
]
KeepCluster = Annotated[
    bool, typer.Option("--keep-cluster", help="kind: leave the cluster, if it was made for this run.")
]


def with_kind_options(settings: ClusterSettings, *, no_image_load: bool, keep_cluster: bool) -> ClusterSettings:
    """The settings, as these options change them.

    Raises:
        UsageError: one is given, and the cluster is none of kind's.
    """
    given = {"load_images": False} if no_image_load else {}
    given |= {"keep": True} if keep_cluster else {}
    if not given:
        return settings
    if settings.kind is None:
        option = "--no-image-load" if no_image_load else "--keep-cluster"
        raise UsageError(f"reading {option}", f"the cluster is {settings.provider}, not kind", "Give --cluster kind.")
    return settings.model_copy(update={"kind": settings.kind.model_copy(update=given)})
