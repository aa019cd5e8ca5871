"""A Pod's ServiceAccount, as the kubelet mounts it -> the kubeconfig that says the same.

https://kubernetes.io/docs/tasks/run-application/access-api-from-pod/: address and port stand in the environment, the
authority's certificate, the token and the namespace in files. The kubeconfig names the token's file and does not hold
the token, since the kubelet writes it anew before its time is over.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness import os_errors
from harness.errors import ClusterError

IN_CLUSTER = "in-cluster"
"""The context that stands for the cluster in which this process is a Pod, unless a kubeconfig has one of that name."""

TOKEN_PERIOD_S = 60.0
"""For so long a token that was read is good, as in client-go; it lasts ten minutes at least."""

_FOLDER = Path("/var/run/secrets/kubernetes.io/serviceaccount")
_HOST, _PORT = "KUBERNETES_SERVICE_HOST", "KUBERNETES_SERVICE_PORT"
_TRIED = f"looking for context {IN_CLUSTER}, the cluster in which this is a Pod"


def is_in_cluster(environment: Mapping[str, str], folder: Path = _FOLDER) -> bool:
    """Whether this process is a Pod's, with a ServiceAccount's token."""
    return bool(environment.get(_HOST)) and (folder / "token").is_file()


def kubeconfig_of_pod(environment: Mapping[str, str], folder: Path = _FOLDER) -> dict[str, Any]:
    """The way of this Pod into its cluster, whose only context is IN_CLUSTER.

    Raises:
        ClusterError: this is no Pod, or one without a token.
    """
    lacking = [name for name in (_HOST, _PORT) if not environment.get(name)]
    if lacking:
        seen = f"the environment has no {' and no '.join(lacking)}, so this is no Pod"
        raise ClusterError(_TRIED, seen, "Outside of the cluster, name a context of a kubeconfig.")
    said = {name: _said(folder / name) for name in ("token", "ca.crt", "namespace")}
    host = environment[_HOST]
    server = f"https://{f'[{host}]' if ':' in host else host}:{environment[_PORT]}"
    context = {"cluster": IN_CLUSTER, "user": IN_CLUSTER, "namespace": said["namespace"]}
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": IN_CLUSTER,
        "contexts": [{"name": IN_CLUSTER, "context": context}],
        "clusters": [
            {"name": IN_CLUSTER, "cluster": {"server": server, "certificate-authority": str(folder / "ca.crt")}}
        ],
        "users": [{"name": IN_CLUSTER, "user": {"tokenFile": str(folder / "token")}}],
    }


def _said(file: Path) -> str:
    do = "Is it automountServiceAccountToken: false, of the Pod or of its ServiceAccount?"
    try:
        text = file.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        raise ClusterError(_TRIED, f"there is no {file}", do) from None
    except OSError as error:
        raise ClusterError(_TRIED, f"{file}: {os_errors.seen(error)}", os_errors.what_to_do(error)) from None
    if not text:
        raise ClusterError(_TRIED, f"{file} is empty", do)
    return text
