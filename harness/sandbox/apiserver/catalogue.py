"""The table of resources and what CustomResourceDefinitions add -> the resource that a path or an object means."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from harness.sandbox.apiserver.resources import RESOURCES, resource_at, resource_of

if TYPE_CHECKING:
    from harness.sandbox.apiserver.resources import Resource


class Catalogue:
    """What one API server serves at the moment; `revision` rises with every change."""

    def __init__(self) -> None:
        self.revision = 0
        self._custom: dict[str, tuple[Resource, ...]] = {}
        self._by_path: dict[tuple[str, str, str], Resource] = {}
        self._by_kind: dict[tuple[str, str], Resource] = {}
        self.rows: tuple[Resource, ...] = RESOURCES
        self._changed: dict[str, int] = {}
        self._own_id = uuid.uuid4().hex

    def at(self, group: str, version: str, plural: str) -> Resource | None:
        """The resource under /apis/GROUP/VERSION/PLURAL."""
        return resource_at(group, version, plural) or self._by_path.get((group, version, plural))

    def of(self, api_version: str, kind: str) -> Resource | None:
        """The resource of an object's apiVersion and kind."""
        return resource_of(api_version, kind) or self._by_kind.get((api_version, kind))

    def defined_by(self, definition: str) -> tuple[Resource, ...]:
        """The resources that the definition of this name adds."""
        return self._custom.get(definition, ())

    def state_of(self, root: str) -> str:
        """A text that is another whenever what is served under this root has changed, and in every server."""
        return f"{self._own_id} {root} {self._changed.get(root, 0)}"

    def define(self, definition: str, rows: tuple[Resource, ...]) -> None:
        """From now on the definition of this name adds `rows`; without any it adds nothing."""
        before = self._custom.pop(definition, ())
        if rows:
            self._custom[definition] = rows
        added = [row for each in self._custom.values() for row in each]
        self.rows = (*RESOURCES, *added)
        self._by_path = {(row.group, row.version, row.plural): row for row in added}
        self._by_kind = {(row.api_version, row.kind): row for row in added}
        self.revision += 1
        self._changed |= {row.root.lstrip("/"): self.revision for row in (*before, *rows)}
