"""What a mitigation gives: the workload, and in words what it left as it was."""

from __future__ import annotations

from dataclasses import dataclass

from harness.manifests.read import Manifest


@dataclass(frozen=True, slots=True, kw_only=True)
class Mitigated:
    """`left_alone`: in sentences, what is stronger already or could not be made so; nothing is ever weakened."""

    workload: Manifest
    left_alone: tuple[str, ...] = ()
