"""Kubeconfig files, as somebody's KUBECONFIG names them -> checked to be ones, before the client reads them."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from harness import os_errors
from harness.errors import ClusterError
from harness.inputs.files import file_text
from harness.inputs.shape import ANY, TEXT, Shape, map_of, misfits
from harness.inputs.yaml_core import document
from harness.inputs.yaml_nodes import YamlError

_DO = "Look at it, or set KUBECONFIG to another."
_CREDENTIALS = (
    "client-certificate", "client-certificate-data", "client-key", "client-key-data", "password", "token", "tokenFile",
    "username",
)  # fmt: skip
_SHAPE: Shape = {
    "current-context": TEXT,
    "contexts": [{"name!": TEXT, "context!": {"cluster!": TEXT, "user": TEXT, "namespace": TEXT}}],
    "clusters": [
        {
            "name!": TEXT,
            "cluster!": {"server!": TEXT, "certificate-authority": TEXT, "certificate-authority-data": TEXT},
        }
    ],
    "users": [
        {
            "name!": TEXT,
            "user": {
                **dict.fromkeys(
                    ("client-certificate", "client-certificate-data", "client-key", "client-key-data"), TEXT
                ),
                **dict.fromkeys(("token", "tokenFile", "username", "password"), TEXT),
                "exec": map_of(ANY),
            },
        }
    ],
}


def kubeconfig_files() -> list[Path]:
    """Where a kubeconfig is looked for: $KUBECONFIG, several with a colon between them, or ~/.kube/config.

    Raises:
        ClusterError: there is neither that variable nor a home.
    """
    named = os.environ.get("KUBECONFIG") or "~/.kube/config"
    try:
        return [Path(name).expanduser() for name in named.split(os.pathsep) if name]
    except RuntimeError:  # no HOME, and nobody of this user's number
        raise ClusterError("looking for a kubeconfig", "there is no home folder (HOME)", "Set KUBECONFIG.") from None


def check_kubeconfigs(files: Iterable[Path]) -> tuple[str, ...]:
    """The names of the contexts in those of the files that are there.

    Raises:
        ClusterError: one cannot be read, or is no kubeconfig; says where in it.
    """
    return tuple(dict.fromkeys(name for file in files if _is_there(file) for name in _contexts(file)))


def _is_there(file: Path) -> bool:
    try:
        file.stat()
    except FileNotFoundError:
        return False
    except OSError as error:
        raise ClusterError(f"reading kubeconfig {file}", os_errors.seen(error), os_errors.what_to_do(error)) from None
    return True


def _contexts(file: Path) -> list[str]:
    tried = f"reading kubeconfig {file}"
    try:
        found = document(file_text(file, error=ClusterError)).value or {}
    except YamlError as error:
        raise ClusterError(tried, str(error), _DO) from None
    except ClusterError as error:
        raise ClusterError(tried, error.seen, _DO) from None
    if misfit := next(misfits(found, _SHAPE), None):
        # Its values may be secrets: what is wrong with one is said without it.
        raise ClusterError(tried, f"it is no kubeconfig: {misfit.path} is not {misfit.wanted}", _DO)
    return [context["name"] for context in found.get("contexts") or ()]
