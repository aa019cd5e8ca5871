"""`--cluster` and the experiment's `cluster:` -> the provider that is meant."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

from harness.clusters.cluster import Cluster
from harness.errors import UsageError
from harness.model.experiment import ClusterSettings, SandboxImage, SandboxSettings


def chosen(text: str | None, default: ClusterSettings) -> ClusterSettings:
    """The settings that `--cluster TEXT` asks for; without it those of the experiment.

    Raises:
        UsageError: TEXT names no provider.
    """
    if text is None:
        return default
    if text == "sandbox":
        return ClusterSettings(sandbox=default.sandbox or SandboxSettings())
    if text == "kind":
        return ClusterSettings(kind=default.kind or {})
    if text == "k3s":
        return ClusterSettings(k3s=default.k3s or {})
    if text.startswith("context:") and text != "context:":
        return ClusterSettings(context=text.removeprefix("context:"))
    raise UsageError(f"reading --cluster {text}", "it names no provider", "Use sandbox, kind, k3s or context:NAME.")


def check_unstarted(
    settings: ClusterSettings,
    images: Mapping[str, SandboxImage],
    manifests: Iterable[Mapping[str, Any]],
    *,
    place: Callable[[Mapping[str, Any]], str],
) -> None:
    """Refuse what the cluster is known not to run without its being up: of a sandbox all is known, of others nothing.

    `place`: where an object comes from (" of shop.yaml"), to be told with it.

    Raises:
        UsageError: names the images or kinds.
    """
    if settings.sandbox is not None:
        from harness.clusters.sandbox import check_manifests, wanted_settings

        check_manifests(wanted_settings(settings.sandbox, images), manifests, place=place)


def cluster(
    settings: ClusterSettings,
    images: Mapping[str, SandboxImage],
    *,
    worker_image: str | None = None,
    truth: Path | None = None,
) -> AbstractAsyncContextManager[Cluster]:
    """The cluster that the settings mean, up for as long as the block lasts.

    `images`: what a sandbox knows besides its own. `truth`: where a sandbox writes what really happened, for tests of
    the analysis alone.
    """
    if settings.sandbox is not None:
        from harness.clusters.sandbox import sandbox_cluster

        return sandbox_cluster(settings.sandbox, images, truth=truth)
    if settings.kind is not None:
        from harness.clusters.kind import kind_cluster

        return kind_cluster(settings.kind, worker_image=worker_image)
    if settings.k3s is not None:
        from harness.clusters.k3s import IMAGE, k3s_cluster

        return k3s_cluster(image=str(settings.k3s.get("image", IMAGE)), worker_image=worker_image)
    from harness.clusters.kubeconfig import context_cluster

    return context_cluster(settings.context, worker_image=worker_image)
