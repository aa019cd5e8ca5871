"""The folders of runs on this machine -> what they changed of a workload, and the commands that put back what is left.

Looked for in reports/, and beside the run in question: a run does not know where another one wrote.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from harness.errors import RunFormatError
from harness.manifests.patch import restarted_at
from harness.model.undo import Undo
from harness.store.undo import UNDO, read_undo

_REPORTS = Path("reports")


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """What a run wrote down of its changes. `folder`: the scenario's."""

    folder: Path
    undo: Undo


def recorded(*runs: Path) -> tuple[Recorded, ...]:
    """Those of the runs with these folders, of those beside them, and of those in reports/; the latest first.

    What cannot be read is left out: nothing can be known by it.
    """
    places = dict.fromkeys((*(run.absolute().parent for run in runs), _REPORTS.absolute()))
    files = dict.fromkeys(file for place in places for file in place.glob(f"*/*/{UNDO}"))
    found: list[tuple[float, Recorded]] = []
    for file in files:
        try:
            changed, undo = file.stat().st_mtime, read_undo(file.parent)
        except (OSError, RunFormatError):
            continue
        if undo is not None:
            found.append((changed, Recorded(folder=file.parent, undo=undo)))
    return tuple(each for _, each in sorted(found, key=lambda one: one[0], reverse=True))


def restores(found: Iterable[Recorded], *, cluster: str, kind: str, name: str, namespace: str) -> tuple[str, ...]:
    """The commands that put a workload back, of those of the records that are about it and not done, in their order."""
    wanted = (cluster, kind, name, namespace)
    return tuple(
        command(each.folder)
        for each in found
        if not each.undo.done and wanted == (each.undo.cluster, each.undo.kind, each.undo.name, each.undo.namespace)
    )


def command(folder: Path) -> str:
    """What puts back what the run with that folder changed, as people paste it."""
    return f"rollout-harness restore {shlex.quote(str(folder))}"


def restarts(found: Iterable[Recorded], uid: str) -> frozenset[str]:
    """The times at which runs have restarted the workload with that uid, as they stand in its pod template."""
    patches = (patch for each in found if each.undo.uid == uid for patch in each.undo.written)
    return frozenset(filter(None, map(restarted_at, patches)))
