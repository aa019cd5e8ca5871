"""Steps that roll a workload which is not ours -> their undoing: on disk before each is done, and done at the end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import reduce
from pathlib import Path
from typing import Any

from harness.errors import ClusterError
from harness.kube.client import Kube
from harness.kube.errors import LeftBehind
from harness.manifests.merge import patched, taken_back
from harness.model.undo import Undo
from harness.runner.putting_back import (
    ChangedByOthers,
    check_ours,
    fingerprint,
    give_owners_back,
    owners,
    put_owners_back,
    put_values_back,
    stands_as_before,
)
from harness.spec.template import same_template
from harness.spec.workload import Object
from harness.store.undo import write_undo


class Changes:
    """What a run changes of one workload, from its first step until it is put back.

    `original`: the workload as the API had it before. `folder`: the scenario's, where undo.json goes.
    """

    def __init__(self, kube: Kube, original: Object, *, cluster: str, folder: Path) -> None:
        self._kube, self._folder = kube, folder
        self._original, metadata = original, original["metadata"]
        self._template: Object = original["spec"]["template"]
        self._owned = owners(original)  # before the rollout that is under way
        self._passing = False  # something is to be undone at the end
        self._undo = Undo(
            cluster=cluster,
            namespace=metadata["namespace"],
            kind=original["kind"],
            name=metadata["name"],
            uid=metadata["uid"],
            patch={},
            written=(),
            rest=fingerprint(self._template),
            managed_fields=tuple(e for e in metadata.get("managedFields") or () if not e.get("subresource")),
            done=True,
        )

    async def check(self) -> None:
        """Look whether what stands is still what this run left; what it never wrote to is not its to look after.

        Raises:
            ChangedByOthers: somebody else has changed it: nothing may be written over that.
        """
        live = await self._live()
        if self._undo.written:
            check_ours(self._undo, live, f"rolling {self._undo.workload} once more", self._template)
        self._owned = owners(live)

    def about_to(self, patch: Mapping[str, Any], *, stays: bool) -> None:
        """Have on disk what a patch is going to change; `stays`: it is nobody's setting, and is left at the end.

        What stays is noted too, so that whoever puts an earlier run's changes back knows it for the harness's.

        Raises:
            OutputError: it cannot be written down, and so must not be done.
        """
        self._note(dict(patch))
        if not stays:
            self._passing, self._undo = True, replace(self._undo, done=False)
        write_undo(self._folder, self._undo)

    def leave(self) -> None:
        """Put nothing back at the end; `restore` can do it later."""
        self._passing = False

    async def have_begun(self, generation: int) -> None:
        """Take note of what stands after a step: an admission webhook may have made something else of it.

        Only where nobody can have written since: `generation` counts all writes of the spec.
        """
        live = await self._live()
        if live["metadata"]["generation"] != generation or not self._undo.written:
            return
        stands = taken_back(self._undo.written[-1], live)
        if stands != self._undo.written[-1]:
            self._undo = replace(self._undo, written=(*self._undo.written, stands))
            write_undo(self._folder, self._undo)

    def _note(self, patch: dict[str, Any]) -> None:
        written = (*self._undo.written, patch)
        everything: Any = reduce(patched, written, {})
        self._undo = replace(self._undo, written=written, patch=taken_back(everything, self._original))

    @property
    def back(self) -> dict[str, Any]:
        """The patch that gives the values back."""
        return self._undo.patch

    async def is_rolled_back(self) -> bool:
        """Whether the workload has its old values again, or keeps what it has."""
        return not self._passing or stands_as_before(self._undo, await self._live())

    async def put_back(self) -> int:
        """Give the workload its old values; the generation that it has then.

        Raises:
            ChangedByOthers: nothing was touched.
            ClusterError: the API refused it, or did not answer.
        """
        return int((await put_values_back(self._kube, self._undo, self._template))["metadata"]["generation"])

    async def owners_back(self, template: Object) -> None:
        """Give the fields of a former pod template, which was given back whole, to those who owned them with it.

        What is somebody else's template by now is left as it is.

        Raises:
            ClusterError: the API refused it, or did not answer.
        """
        of_the_run = same_template(template, self._template)
        owned = owners(self._original) if of_the_run else self._owned
        await give_owners_back(self._kube, self._undo, template, owned)

    async def end(self) -> None:
        """Put values and owners back, and have on disk that it is done.

        Raises:
            LeftBehind: it could not be done; says why, and how to do it later.
        """
        if not self._passing:
            return
        try:
            await put_values_back(self._kube, self._undo, self._template)
            await put_owners_back(self._kube, self._undo, self._template)
        except ClusterError as error:
            again = "" if isinstance(error, ChangedByOthers) else f"Later: rollout-harness restore {self._folder}"
            raise LeftBehind(error.tried, error.seen, f"{error.do} {again}".strip()) from error
        write_undo(self._folder, replace(self._undo, done=True))

    async def _live(self) -> Object:
        undo = self._undo
        return await self._kube.get("apps/v1", undo.kind, undo.name, undo.namespace)
