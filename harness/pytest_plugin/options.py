"""Command line, ini file and marker -> what holds for one test."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import pytest

from harness.model.providers import PROTECTED_CONTEXTS, choices_by_default

INCONCLUSIVE = ("fail", "skip", "xfail")
MARKER = (
    "rollout(cluster=, out=, count=, keep=, inconclusive=, worker_image=, no_image_load=, protected_contexts=): for "
    "this test what the options of the same names say for all"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What holds for one test. `count`: the least number of rollouts of each call; `keep`: the namespace stays.

    `protected_contexts`: patterns of the contexts that are refused.
    """

    cluster: str = "sandbox"
    out: Path | None = None
    count: int = 1
    keep: bool = False
    inconclusive: str = "fail"
    worker_image: str | None = None
    no_image_load: bool = False
    protected_contexts: tuple[str, ...] = PROTECTED_CONTEXTS


_HELP = {
    "cluster": f"where the rollouts happen: {choices_by_default('sandbox')}",
    "out": "folder of the runs (default: pytest's temporary one)",
    "count": "every call of rollout() makes at least so many rollouts (default: 1)",
    "keep": "leave the namespace of each run on the cluster, for a look, and a kind cluster that was made for it",
    "inconclusive": "what an inconclusive run does to its test: fail (default; the test decides), skip or xfail",
    "worker_image": "image of the load worker's Pod, where the cluster is not ours",
    "no_image_load": "kind: leave images to the nodes, which have or pull them",
    "protected_contexts": "contexts that are refused, with commas between; * and ? match; empty for none "
    f"(default: {','.join(PROTECTED_CONTEXTS)})",
}


def add_options(parser: pytest.Parser) -> None:
    """`--rollout-NAME` and the ini key `rollout_NAME` for each setting."""
    group = parser.getgroup("rollout-harness", "rollouts of Kubernetes workloads under load")
    given: dict[str, dict[str, Any]] = {
        "cluster": {"metavar": "CLUSTER"},
        "out": {"type": Path, "metavar": "DIR"},
        "count": {"type": _count, "metavar": "N"},
        "keep": {"action": "store_true", "default": None},
        "inconclusive": {"choices": INCONCLUSIVE},
        "worker_image": {"metavar": "IMAGE"},
        "no_image_load": {"action": "store_true", "default": None},
        "protected_contexts": {"type": _patterns, "metavar": "PATTERN,..."},
    }
    for name, how in given.items():
        group.addoption(f"--rollout-{name.replace('_', '-')}", dest=f"rollout_{name}", help=_HELP[name], **how)
        kind = "bool" if how.get("action") == "store_true" else "string"
        parser.addini(f"rollout_{name}", help=_HELP[name], type=kind, default=None)  # type: ignore[arg-type]


def settings_of(config: pytest.Config, marker: Mapping[str, Any] | None = None) -> Settings:
    """The marker's word before the command line's, and that before the ini file's.

    Raises:
        UsageError: an ini key or the marker holds what is none.
    """
    found = Settings()
    for setting in fields(Settings):
        written = config.getoption(f"rollout_{setting.name}")
        if written is None:
            written = _of_ini(config, setting.name)
        if written is not None:
            found = replace(found, **{setting.name: written})
    return _checked(replace(found, **_of_marker(marker or {})))


def _of_ini(config: pytest.Config, name: str) -> Any:
    written = config.getini(f"rollout_{name}")
    if name == "protected_contexts" and isinstance(written, str):  # where it is there and empty, none is
        return _patterns(written)
    if written in (None, "", False):
        return None
    if name == "out":
        return config.rootpath / written
    if name == "count":
        try:
            return _count(written)
        except argparse.ArgumentTypeError as error:
            raise pytest.UsageError(f"rollout_count: {error}") from None
    return written


def _of_marker(given: Mapping[str, Any]) -> dict[str, Any]:
    names = [setting.name for setting in fields(Settings)]
    if unknown := [name for name in given if name not in names]:
        raise pytest.UsageError(f"pytest.mark.rollout: there is no {unknown[0]}=; there is {', '.join(names)}")
    return {name: _OF_MARKER[name](value) if name in _OF_MARKER else value for name, value in given.items()}


def _checked(found: Settings) -> Settings:
    if found.inconclusive not in INCONCLUSIVE:
        raise pytest.UsageError(f"rollout_inconclusive: {found.inconclusive!r} is none of {', '.join(INCONCLUSIVE)}")
    if isinstance(found.count, bool) or not isinstance(found.count, int) or found.count < 1:
        raise pytest.UsageError(f"rollout count: {found.count!r} is no number of rollouts, such as 3")
    return found


def _patterns(given: str | Iterable[str]) -> tuple[str, ...]:
    parts = given.split(",") if isinstance(given, str) else given
    return tuple(filter(None, (part.strip() for part in parts)))


_OF_MARKER: Mapping[str, Callable[[Any], Any]] = {"out": Path, "protected_contexts": _patterns}


def _count(text: str) -> int:
    if not (text.isdecimal() and int(text)):
        raise argparse.ArgumentTypeError(f"{text!r} is no number of rollouts, such as 3")
    return int(text)
