"""`--cluster` and the experiment's `cluster:` -> the provider that is meant."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from importlib import import_module
from pathlib import Path
from typing import cast

from harness.clusters.cluster import Cluster, Given, Provider, heard_by_nobody
from harness.errors import UsageError
from harness.model.cluster_settings import ClusterSettings, SandboxImage
from harness.model.providers import CONTEXT, PROVIDERS, choices


def chosen(text: str | None, default: ClusterSettings) -> ClusterSettings:
    """The settings that `--cluster TEXT` asks for; without it those of the experiment.

    Raises:
        UsageError: TEXT names no provider.
    """
    if text is None:
        return default
    if text in PROVIDERS and text != CONTEXT:
        return default if default.provider == text else ClusterSettings.model_validate({text: {}})
    if text.startswith(f"{CONTEXT}:") and text != f"{CONTEXT}:":
        return ClusterSettings(context=text.removeprefix(f"{CONTEXT}:"))
    raise UsageError(f"reading --cluster {text}", "it names no provider", f"Use {choices()}.")


def cluster(
    settings: ClusterSettings,
    images: Mapping[str, SandboxImage],
    *,
    worker_image: str | None = None,
    truth: Path | None = None,
    tell: Callable[[str], None] = heard_by_nobody,
    making: Callable[[str], None] = heard_by_nobody,
) -> AbstractAsyncContextManager[Cluster]:
    """The cluster that the settings mean, up for as long as the block lasts.

    `images`: what a sandbox knows besides its own. `truth`: where a sandbox writes what really happened, for tests of
    the analysis alone. `tell`: takes what people should know at once. `making`: takes the command that removes what is
    about to be made.
    """
    given = Given(images=images, worker_image=worker_image, truth=truth, tell=tell, making=making)
    return _provider(settings.provider)(getattr(settings, settings.provider), given)


def _provider(name: str) -> Provider:
    """`provided` of the file that is named after the provider; a context is one of a kubeconfig."""
    module = import_module(f"harness.clusters.{'kubeconfig' if name == CONTEXT else name}")
    return cast("Provider", module.provided)
