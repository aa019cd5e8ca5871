"""A case, the file that it is written to, and what is wrong with a verdict on it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from yaml import safe_dump, safe_dump_all

from harness.model.result import Verdict

Object = dict[str, Any]

LOGS = "{logs}"
"""Stands in a case's manifests for the folder of `traefik_logs`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A variant of an experiment. `described`: that without its variants; `objects`: manifests beside its own.

    `verdict`: the one that is right; empty where that is a matter of luck, and its truth alone tells. `by_traefik`: a
    Traefik stands on the way, and writes down what became of each request (`traefik_logs`).
    """

    name: str
    described: Object
    verdict: str
    variant: Object = field(default_factory=dict)
    objects: tuple[Object, ...] = ()
    by_traefik: bool = False


def traefik_logs(case: Case, out: Path) -> Path:
    """The folder in which the Traefik of a case writes."""
    return out.absolute() / f"{case.name}.traefik"


def written(case: Case, out: Path) -> Path:
    """The experiment file of a case, and the manifests that are its own, in `out`."""
    described = {**case.described, "variants": {"one": {**case.variant, "expect": "any"}}}
    if case.objects:
        objects = out / f"{case.name}-objects.yaml"
        logs = traefik_logs(case, out)
        objects.write_text(safe_dump_all(case.objects).replace(LOGS, str(logs)))
        if case.by_traefik:
            logs.mkdir(exist_ok=True)
        described["manifests"] = [*described["manifests"], str(objects.absolute())]
    file = out / f"{case.name}.yaml"
    file.write_text(safe_dump(described))
    return file


def what_is_wrong(case: Case, verdict: Verdict, lost: bool, *, whole: bool = True) -> str:
    """What is wrong with a verdict, in words; empty where nothing is. `lost`: a rollout lost calls, by the truth.

    On a machine without time a case may not come about: then it is for its truth that a verdict is right or wrong.
    `whole`: the truth of every failure is known; else that no rollout lost calls is not shown.
    """
    truth = Verdict.DROPPING if lost else Verdict.SEAMLESS
    wanted = case.verdict or truth
    if not lost and not whole:
        truth = wanted
    if verdict == truth == wanted:
        return ""
    if verdict not in (truth, Verdict.INCONCLUSIVE):
        return f"FALSE: its truth is {truth}"
    if truth != wanted:
        return f"not {wanted}, and neither is its truth, {truth}: run it again"
    return f"not {wanted}, which its truth is"
