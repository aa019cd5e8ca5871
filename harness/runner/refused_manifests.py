"""Manifests that an API server would refuse -> the error that says so, before anything is changed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from harness.clusters.api_rules import kind_refusals, refusals
from harness.errors import UsageError
from harness.manifests.objects import REFUSED
from harness.manifests.patch import in_namespace, namespace_said
from harness.manifests.read import Manifest, read_manifests
from harness.model.refusal import ApiRules, refused_words
from harness.runner.deployment import place_of
from harness.spec.shape import named

_SOME_NAMESPACE = "rollout"  # which one it will be is not known yet, and no rule asks


def manifests_of_kinds(files: Sequence[Path]) -> tuple[Manifest, ...]:
    """The manifests in the files, each of a kind that there may be: they are looked for by it.

    Raises:
        ManifestError: a file cannot be read, or holds none.
        UsageError: there is no such kind; says which is meant.
    """
    found = read_manifests(files)
    _check(found, found, files, kind_refusals)
    return found


def check_manifests(manifests: Iterable[Manifest], *, among: Sequence[Manifest], files: Sequence[Path]) -> None:
    """Refuse what of them an API server would not take, or not even decode.

    Raises:
        UsageError: names the object, its file, and the line of what is wrong.
    """
    _check(manifests, among, files, refusals)


def _check(manifests: Iterable[Manifest], among: Sequence[Manifest], files: Sequence[Path], rules: ApiRules) -> None:
    for manifest in manifests:
        namespace = namespace_said(manifest) or _SOME_NAMESPACE
        if wrong := rules(in_namespace(manifest, namespace, among)):
            where = place_of(manifest, files=files, field=wrong[0].field)
            tried = f"checking {named(manifest)}{where} before anything is changed"
            raise UsageError(tried, refused_words(wrong), REFUSED)
