"""Names with hashes and random ends -> names that are the same in every run.

A revision is a pod template: r1 is the first that the trace shows. `web-5d95cdf96d-cj5lf` becomes `web-r1-*`,
`web-5d95cdf96d` becomes `web-r1`, the EndpointSlice `web-4469r` becomes `web-*`; a StatefulSet's `web-0` stays.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial

from harness.traces.trace import Change, Object

_LABELS = ("pod-template-hash", "controller-revision-hash", "controller.kubernetes.io/hash")
_STATUS_REVISIONS = ("currentRevision", "updateRevision")


@dataclass(frozen=True, slots=True, kw_only=True)
class StableNames:
    """What the trace's names mean. `revisions`: hash -> number, 1 for the first."""

    revisions: dict[str, int]

    def revision(self, obj: Object) -> int | None:
        """The number of the pod template that an object belongs to; None where it has none."""
        return next((self.revisions[value] for value in _hashes(obj) if value in self.revisions), None)

    def of(self, obj: Object) -> str:
        """The name that is the same in every run."""
        metadata = obj["metadata"]
        name, generated = str(metadata["name"]), metadata.get("generateName")
        if not generated or name.removeprefix(generated).isdecimal():  # a StatefulSet's pods are numbered
            return self.within(name)
        return self.within(f"{generated}*")

    def within(self, text: str) -> str:
        """The text with every hash replaced by its revision, and the random end of a pod's name by a star."""
        for value, number in self.revisions.items():
            pattern = rf"-{re.escape(value)}(-[a-z0-9]{{5}})?(?![a-z0-9])"
            text = re.sub(pattern, partial(_numbered, number), text)
        return text


def _numbered(number: int, found: re.Match[str]) -> str:
    return f"-r{number}{'-*' if found[1] else ''}"


def stable_names(changes: Iterable[Change]) -> StableNames:
    """The revisions of a trace in the order in which they appeared."""
    seen = dict.fromkeys(value for change in changes for value in _appearing(change))
    return StableNames(revisions={value: number for number, value in enumerate(seen, start=1)})


def _appearing(change: Change) -> Iterator[str]:
    if change.kind in ("ReplicaSet", "Pod", "ControllerRevision"):
        yield from _hashes(change.object)
    if change.kind == "StatefulSet":
        yield from (_hash(change.status[field]) for field in _STATUS_REVISIONS if change.status.get(field))


def _hashes(obj: Object) -> Iterator[str]:
    labels = obj["metadata"].get("labels") or {}
    yield from (_hash(labels[label]) for label in _LABELS if labels.get(label))


def _hash(value: str) -> str:
    return value.rpartition("-")[2]
