"""The undo.json of a run that could not put a workload back -> the workload as it was, or the reason why not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from harness.errors import ClusterError
from harness.kube.client import Kube
from harness.kube.errors import is_not_found
from harness.model.undo import Undo
from harness.runner.putting_back import ChangedByOthers, put_owners_back, put_values_back
from harness.store.undo import write_undo


async def restore(kube: Kube, folder: Path, undo: Undo) -> None:
    """Put the workload back as it was before the run, and have on disk that it is done.

    Raises:
        ChangedByOthers: somebody else has changed, deleted or replaced it; nothing was touched.
        ClusterError: the API refused it, or did not answer.
    """
    try:
        await put_values_back(kube, undo)
        await put_owners_back(kube, undo)
    except ClusterError as error:
        if not is_not_found(error):
            raise
        raise ChangedByOthers(f"putting {undo.workload} back", "it is gone", "Deploy it again.") from None
    write_undo(folder, replace(undo, done=True))
