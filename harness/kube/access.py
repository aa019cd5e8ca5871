"""How a cluster was reached -> an environment in which kubectl, helm and the like reach the same one.

Other programs find their cluster by KUBECONFIG. Its first file is one of ours and wins where several say the same, so
that the user's own files, with their credentials and the plugins that renew these, stay as they are and where they are:
https://kubernetes.io/docs/concepts/configuration/organize-cluster-access-kubeconfig/#merging-kubeconfig-files
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.errors import ClusterError
from harness.inputs.files import file_text
from harness.inputs.yaml_core import document

_CONTEXT = "rollout-harness"


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """A context (None: the current one) of kubeconfig files, or a kubeconfig that is at hand."""

    files: tuple[Path, ...] = ()
    context: str | None = None
    at_hand: Mapping[str, Any] | None = None


@contextmanager
def environment_for(access: Access, namespace: str) -> Iterator[dict[str, str]]:
    """KUBECONFIG for other programs, in which the current context is the cluster's, and the namespace this one.

    Raises:
        ClusterError: the context that the cluster was reached by is not in its files any more.
    """
    with tempfile.TemporaryDirectory(prefix="rollout-harness-") as folder:
        file = Path(folder) / "kubeconfig"
        file.touch(mode=0o600)
        file.write_text(json.dumps(_own_file(access, namespace)), encoding="utf-8")  # JSON is YAML
        rest = [str(each.absolute()) for each in access.files]
        yield {"KUBECONFIG": os.pathsep.join([str(file), *rest])}


def _own_file(access: Access, namespace: str) -> dict[str, Any]:
    known = dict(access.at_hand) if access.at_hand is not None else _merged(access.files)
    name = access.context or known.get("current-context")
    meant = next((each["context"] for each in known.get("contexts") or () if each.get("name") == name), None)
    if meant is None:
        raise ClusterError(f"looking for context {name} again", "it is not in the kubeconfig any more")
    own = {"name": _CONTEXT, "context": {**meant, "namespace": namespace}}
    rest = {} if access.at_hand is None else {key: known.get(key) or [] for key in ("clusters", "users")}
    return {"apiVersion": "v1", "kind": "Config", "current-context": _CONTEXT, "contexts": [own], **rest}


def _merged(files: tuple[Path, ...]) -> dict[str, Any]:
    """The contexts of all files, and the first current one."""
    contexts: list[Any] = []
    current: str | None = None
    for file in files:
        if file.exists():
            said = document(file_text(file, error=ClusterError)).value or {}
            contexts += said.get("contexts") or ()
            current = current or said.get("current-context") or None
    return {"contexts": contexts, "current-context": current}
