"""What a run changes of an application that is not its own, and what gives it back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Undo:
    """What must be undone of one workload.

    `cluster`: as `--cluster` names it. `patch`: the strategic merge patch that gives the old values back. `written`:
    the values that the run has written in their place, or is about to, each as a patch. `rest`: the digest of the rest
    of the pod template. `managed_fields`: who owned what, without status and scale. `done`: it has been undone.
    """

    cluster: str
    namespace: str
    kind: str
    name: str
    uid: str
    patch: dict[str, Any]
    written: tuple[dict[str, Any], ...]
    rest: str
    managed_fields: tuple[dict[str, Any], ...]
    done: bool = False

    @property
    def workload(self) -> str:
        """As people name it: "deployment/shop in namespace staging"."""
        return f"{self.kind.lower()}/{self.name} in namespace {self.namespace}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cordon:
    """A node on which a run lets nothing be scheduled, or is about to. `cluster`: as `--cluster` names it."""

    cluster: str
    node: str
    uid: str
    done: bool = False
