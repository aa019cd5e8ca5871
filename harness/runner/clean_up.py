"""What a run created -> gone, or named with the command that removes it; every object is tried."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import anyio

from harness.errors import ClusterError
from harness.kube.client import Kube
from harness.kube.errors import LeftBehind, is_not_found
from harness.kube.namespaces import kept_by

GONE_TIMEOUT_S = 90.0
"""For so long a namespace may take to go."""

_POLL_S = 0.1


async def delete_objects(kube: Kube, created: Iterable[Mapping[str, Any]], namespace: str) -> None:
    """Delete what was created, the newest first.

    Raises:
        LeftBehind: names what is left, why, and the commands that remove it.
    """
    refused: dict[str, ClusterError] = {}
    for made in reversed(tuple(created)):
        kind, name = made["kind"], made["metadata"]["name"]
        try:
            await kube.remove(made["apiVersion"], kind, name, namespace=namespace)
        except ClusterError as error:
            if not is_not_found(error):
                refused[f"{kind.lower()}/{name}"] = error
    if refused:
        what = " ".join(refused)
        seen = "; ".join(f"{name}: {error.seen or error.tried}" for name, error in refused.items())
        raise LeftBehind(
            f"deleting {what} in namespace {namespace}",
            seen,
            f"Remove by hand: {kube.kubectl} -n {namespace} delete {what}",
        )


async def delete_namespace(kube: Kube, name: str) -> None:
    """Delete a namespace and wait until it is gone.

    Raises:
        LeftBehind: it is not gone in time, or its deletion is refused; gives the command that removes it.
    """
    tried, by_hand = f"deleting namespace {name}", f"Delete it by hand: {kube.kubectl} delete namespace {name}"
    try:
        await kube.remove("v1", "Namespace", name)
    except ClusterError as error:
        if is_not_found(error):
            return  # which Kube has noted
        # Whoever may not delete the namespace may yet stop what runs in it.
        await _hurry_pods(kube, name)
        raise LeftBehind(tried, str(error), by_hand) from error
    await _hurry_pods(kube, name)
    why = ""
    try:
        with anyio.fail_after(GONE_TIMEOUT_S):
            while (found := await kube.find("v1", "Namespace", name)) is not None:
                why = kept_by(found)
                await anyio.sleep(_POLL_S)
        kube.standing.discard("Namespace", name)
    except TimeoutError:
        seen = f"it is still there after {GONE_TIMEOUT_S:g} s{f' ({why})' if why else ''}"
        raise LeftBehind(tried, seen, by_hand) from None
    except ClusterError as error:
        raise LeftBehind(tried, str(error), by_hand) from error


async def _hurry_pods(kube: Kube, namespace: str) -> None:
    """Nobody sends requests any more, so no pod needs its preStop hook. What is refused goes with the namespace."""
    try:
        pods = await kube.list("v1", "Pod", namespace)
    except ClusterError:
        return
    for pod in pods:
        try:
            await kube.delete(
                "v1", "Pod", pod["metadata"]["name"], namespace=namespace, grace_s=1, patience_s=kube.patience_s / 10
            )
        except ClusterError:
            continue
