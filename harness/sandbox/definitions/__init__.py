"""A kind of a well-known project -> its CustomResourceDefinition, for objects that nothing here acts on."""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import Any

import yaml


def definition_of(api_version: str, kind: str) -> dict[str, Any] | None:
    """The definition of a kind in that version; None where none of the files beside this module has it."""
    group, _, version = api_version.rpartition("/")
    for definition in _definitions():
        spec = definition["spec"]
        served = any(each["name"] == version for each in spec["versions"])
        if served and (spec["group"], spec["names"]["kind"]) == (group, kind):
            return definition
    return None


def beside(definition: dict[str, Any]) -> tuple[dict[str, Any], ...]:
    """All definitions of its API group, itself among them: a project's kinds are installed together, and its
    controllers wait for those that they watch.
    """
    group = definition["spec"]["group"]
    return tuple(each for each in _definitions() if each["spec"]["group"] == group)


@cache
def _definitions() -> tuple[dict[str, Any], ...]:
    files = sorted((file for file in resources.files(__package__).iterdir() if file.name.endswith(".yaml")), key=str)
    return tuple(found for file in files for found in yaml.safe_load_all(file.read_text()) if found is not None)
