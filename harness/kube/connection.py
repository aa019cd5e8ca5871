"""A kubeconfig, or a context of one -> a Kube that is connected."""

from __future__ import annotations

import os
import shlex
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from kubernetes.aio import client as kubernetes_client
from kubernetes.aio import config as kubernetes_config

from harness.errors import ClusterError
from harness.inputs.shown import near, printable, shown
from harness.kube.access import Access
from harness.kube.calls import Calls
from harness.kube.client import Kube
from harness.kube.credentials import Credentials
from harness.kube.in_cluster import IN_CLUSTER, TOKEN_PERIOD_S, is_in_cluster, kubeconfig_of_pod
from harness.kube.kubeconfig import check_kubeconfigs, kubeconfig_files
from harness.kube.proxies import proxy_of


@asynccontextmanager
async def from_kubeconfig(kubeconfig: Mapping[str, Any]) -> AsyncIterator[Kube]:
    """The cluster of a kubeconfig that is at hand as a mapping."""
    configuration = kubernetes_client.Configuration()
    await kubernetes_config.load_kube_config_from_dict(dict(kubeconfig), client_configuration=configuration)
    async with _connected(configuration, Access(at_hand=kubeconfig)) as kube:
        yield kube


@asynccontextmanager
async def from_kubeconfig_file(path: Path) -> AsyncIterator[Kube]:
    """The cluster of a kubeconfig file's current context."""
    async with from_context(None, file=path) as kube:
        yield kube


@asynccontextmanager
async def from_context(context: str | None, *, file: Path | None = None) -> AsyncIterator[Kube]:
    """The cluster of a context of the user's kubeconfig ($KUBECONFIG, ~/.kube/config), or of that file.

    IN_CLUSTER is the cluster in which this is a Pod, where no kubeconfig has a context of that name.

    Raises:
        ClusterError: there is no kubeconfig or no such context, or its credentials cannot be had.
    """
    files = kubeconfig_files() if file is None else [file]
    names = check_kubeconfigs(files)
    if context == IN_CLUSTER and IN_CLUSTER not in names:
        async with _from_pod() as kube:
            yield kube
        return
    tried = f"reading the kubeconfig for context {shown(context)}"
    there = f"Contexts there: {', '.join(map(printable, names)) or 'none'}."
    if not any(path.exists() for path in files):
        raise ClusterError(
            f"looking for context {context}",
            f"there is no kubeconfig at {' and '.join(map(str, files))}",
            f"This is a Pod: its own cluster is context:{IN_CLUSTER}."
            if is_in_cluster(os.environ)
            else "Set KUBECONFIG.",
        )
    if context is not None and context not in names:
        raise ClusterError(tried, f"it has no context {shown(context)}{near(context, names)}", there)
    credentials = Credentials(
        files=tuple(path for path in files if path.exists()), context=context, tried=tried, do=there
    )
    await credentials.load()
    access = Access(files=tuple(files), context=context)
    async with _connected(credentials.configuration, access, credentials) as kube:
        if context is not None:
            kube.kubectl = f"kubectl --context {shlex.quote(context)}"
        yield kube


@asynccontextmanager
async def _from_pod() -> AsyncIterator[Kube]:
    """The cluster in which this is a Pod, as its ServiceAccount."""
    kubeconfig = kubeconfig_of_pod(os.environ)
    credentials = Credentials(
        at_hand=kubeconfig,
        tried="reading the Pod's token",
        do="Is its ServiceAccount still there?",
        good_for_s=TOKEN_PERIOD_S,
    )
    await credentials.load()
    async with _connected(credentials.configuration, Access(at_hand=kubeconfig), credentials) as kube:
        yield kube


@asynccontextmanager
async def _connected(
    configuration: kubernetes_client.Configuration, access: Access, credentials: Credentials | None = None
) -> AsyncIterator[Kube]:
    # Repeated in one place, ours (`repetition`); False would mean attempts without end.
    configuration.retries = None
    server = urlsplit(configuration.host).netloc
    # As kubectl does it, and not as the client's library would by itself.
    configuration.client_session_kwargs = {"trust_env": False}
    configuration.proxy = configuration.proxy or proxy_of(configuration.host, os.environ)
    try:
        client = kubernetes_client.ApiClient(configuration)
    except (OSError, ValueError) as error:  # a certificate or key that is none
        seen = f"its certificates cannot be used ({error})"
        raise ClusterError(f"connecting to {server}", seen, "Look at the kubeconfig's cluster and user.") from error
    async with client as api:
        yield Kube(Calls(api, server=server, proxy=configuration.proxy, credentials=credentials), access=access)
