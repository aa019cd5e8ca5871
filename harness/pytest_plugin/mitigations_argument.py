"""The argument `mitigations` of `rollout(...)` -> mitigations as an experiment holds them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from harness.inputs.shown import near
from harness.model.mitigations import MITIGATIONS
from harness.pytest_plugin.wrong_argument import in_python, wrong

_SEEDED = {"prestop": "5s", "min-ready": "5s"}
"""What a mitigation that is only named is set to: the seed's value inside the cluster."""


def named_mitigations(given: Any) -> list[dict[str, str]]:
    """As an experiment holds them, from "prestop", "prestop=5s", {"prestop": "5s"}, or a list of such."""
    several = [given] if isinstance(given, str | Mapping) else given
    if not isinstance(several, Sequence):
        raise wrong("mitigations", f"{in_python(given)} is none")
    found: list[dict[str, str]] = []
    for each in several:
        if isinstance(each, Mapping):
            found += [{str(name): value} for name, value in each.items()]
        elif isinstance(each, str):
            found.append(_mitigation(each))
        else:
            raise wrong("mitigations", f"{in_python(each)} is none")
    for one in found:
        if (name := next(iter(one))) not in MITIGATIONS:
            raise wrong("mitigations", f"there is no {in_python(name)}{near(name, MITIGATIONS)}")
    return found


def _mitigation(text: str) -> dict[str, str]:
    name, has_value, value = (part.strip() for part in text.partition("="))
    if not has_value and name in MITIGATIONS:
        if name not in _SEEDED:
            raise wrong("mitigations", f'{name} has no value by default; write "{name}=30s"')
        value = _SEEDED[name]
    return {name: value}
