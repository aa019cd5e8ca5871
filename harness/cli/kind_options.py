"""`--no-image-load` and `--keep-cluster` -> the settings of a cluster that is made on this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from harness.errors import UsageError

if TYPE_CHECKING:
    from harness.model.cluster_settings import ClusterSettings
    from harness.model.kind_settings import LocalCluster

NoImageLoad = Annotated[
    bool, typer.Option("--no-image-load", help="kind, k3s: do not load local images; the nodes have them or pull them.")
]
KeepCluster = Annotated[
    bool, typer.Option("--keep-cluster", help="kind, k3s: keep the cluster that was created for this run.")
]


def with_kind_options(settings: ClusterSettings, *, no_image_load: bool, keep_cluster: bool) -> ClusterSettings:
    """The settings, as these options change them.

    Raises:
        UsageError: one is given, and the cluster is neither kind's nor k3s'.
    """
    given = {"load_images": False} if no_image_load else {}
    given |= {"keep": True} if keep_cluster else {}
    if not given:
        return settings
    made: LocalCluster | None = settings.kind or settings.k3s
    if made is None:
        option = "--no-image-load" if no_image_load else "--keep-cluster"
        seen = f"the cluster is {settings.provider}, neither kind nor k3s"
        raise UsageError(f"reading {option}", seen, "Give --cluster kind or --cluster k3s.")
    return settings.model_copy(update={settings.provider: made.model_copy(update=given)})
