"""Manifests -> objects in a namespace, and the namespace as it was when the run is over."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Any

import anyio

from harness.clusters.api_fields import unknown_fields
from harness.errors import ClusterError, ManifestError
from harness.inputs.files import file_text
from harness.kube.client import Kube
from harness.kube.errors import ApiRefusal, LeftBehind, is_not_found
from harness.kube.ownership import Ownership
from harness.manifests.application import Application
from harness.manifests.located import Located, located_objects
from harness.manifests.patch import in_namespace
from harness.manifests.read import Manifest, read_manifests
from harness.runner.clean_up import delete_namespace, delete_objects

_LABEL = {"app.kubernetes.io/managed-by": "rollout-harness"}


@asynccontextmanager
async def namespace_for_run(
    kube: Kube,
    wanted: str | None,
    scenario: str,
    ownership: Ownership,
    *,
    like: Manifest | None = None,
    there: bool = False,
    keep: bool = False,
) -> AsyncIterator[str]:
    """A namespace for one scenario: the one that is wanted, if it exists, else one that is made and deleted again.

    `like`: the Namespace among the manifests, whose labels and annotations the one that is made has too: they decide
    what becomes of its pods. `there`: it is known to exist, for what is rolled stands in it; who may not read
    namespaces is not asked to. `keep`: it is not deleted.

    Raises:
        ClusterError: it cannot be made.
        LeftBehind: at the end it is not gone in time; says how to delete it by hand.
    """
    if wanted is not None and (there or await _is_there(kube, wanted)):
        yield wanted
        return
    name = wanted or f"rollout-{scenario[:40].rstrip('-')}-{ownership.run}"
    await kube.create({"apiVersion": "v1", "kind": "Namespace", "metadata": _metadata(name, like, ownership)})
    if keep:
        yield name
        return
    try:
        yield name
    except BaseException as error:
        with anyio.CancelScope(shield=True):
            try:
                await delete_namespace(kube, name)
            except LeftBehind as left:  # what went wrong first must be said first
                error.add_note(str(left))
                raise error from None
        if (rest := _but_left_behind(error)) is None:
            return
        raise rest from None
    with anyio.CancelScope(shield=True):
        await delete_namespace(kube, name)


def _metadata(name: str, like: Manifest | None, ownership: Ownership) -> dict[str, Any]:
    given = {} if like is None else like["metadata"]
    made: dict[str, Any] = {"name": name, "labels": {**(given.get("labels") or {}), **_LABEL, **ownership.labels}}
    if annotations := given.get("annotations"):
        made["annotations"] = dict(annotations)
    return made


async def _is_there(kube: Kube, namespace: str) -> bool:
    """Whether it exists; who may work in a namespace need not be allowed to read it, and then it does."""
    try:
        return await kube.find("v1", "Namespace", namespace) is not None
    except ApiRefusal as refused:
        if refused.status != HTTPStatus.FORBIDDEN:
            raise
        return True


def _but_left_behind(error: BaseException) -> BaseException | None:
    """What else went wrong in a namespace: objects that could not be deleted one by one have gone with it."""
    if isinstance(error, BaseExceptionGroup):
        return error.split(LeftBehind)[1]
    return None if isinstance(error, LeftBehind) else error


@asynccontextmanager
async def deployed(
    kube: Kube,
    application: Application,
    namespace: str,
    ownership: Ownership,
    *,
    files: Iterable[Path] = (),
    warn: Callable[[str], None] = lambda _: None,
    keep: bool = False,
) -> AsyncIterator[dict[str, Any]]:
    """The application's objects in the namespace, the workload last; gives the workload as the API created it.

    They carry the run's labels, but not their pods, whose template stays as it was written. What was created is deleted
    when the block is left, unless `keep`; what could not be created leaves nothing behind. `warn` hears what the API
    warns of, but for the unknown fields that can be told without it.

    Raises:
        ClusterError: the API refuses an object, or one of that name is there already; names it, and which of `files`
            has it.
    """
    own = (application.target, application.home)  # of the namespace the run's stands in the place
    ordered = [m for m in application.manifests if not any(m is each for each in own)] + [application.target]
    created: list[dict[str, Any]] = []
    try:
        for manifest in ordered:
            moved = in_namespace(manifest, namespace, ordered)
            made = await _created(kube, moved, namespace, ownership, files, warn)
            created.append(made)  # one by one: what is made before a failure must be deleted again
        yield created[-1]
    except BaseException as error:
        if keep:
            raise
        with anyio.CancelScope(shield=True):
            try:
                await delete_objects(kube, created, namespace)
            except LeftBehind as left:
                error.add_note(str(left))
        raise
    if keep:
        return
    with anyio.CancelScope(shield=True):
        await delete_objects(kube, created, namespace)


async def _created(
    kube: Kube,
    manifest: Manifest,
    namespace: str,
    ownership: Ownership,
    files: Iterable[Path],
    warn: Callable[[str], None],
) -> dict[str, Any]:
    named = f"{manifest['kind']} {manifest['metadata']['name']}"
    warned: list[str] = []
    try:
        made = await kube.create(_owned(manifest, ownership), namespace, warn=warned.append)
    except ClusterError as error:
        where = place_of(manifest, files=files)
        do = error.do
        if not isinstance(error, ApiRefusal) or is_not_found(error):
            kind = f"{manifest['apiVersion']} {manifest['kind']}"
            do = f"Does the cluster have {kind}? Install what defines it, or leave it out."
        raise ClusterError(f"creating {named}{where}", f"{error.tried}: {error.seen}", do) from error
    known = unknown_fields(manifest) if warned else ()
    for text in warned:
        if not any(str(each).startswith(text) for each in known):
            warn(f"{named}{place_of(manifest, files=files)}: {text}")
    return made


def _owned(manifest: Mapping[str, Any], ownership: Ownership) -> dict[str, Any]:
    metadata = manifest["metadata"]
    return {**manifest, "metadata": {**metadata, "labels": {**(metadata.get("labels") or {}), **ownership.labels}}}


def place_of(manifest: Mapping[str, Any], *, files: Iterable[Path], field: str | None = None) -> str:
    """Which of the files holds an object of that kind and name: " of shop.yaml"; empty where none does.

    `field`: a path in it, of which the line is told too: " of shop.yaml:12".
    """
    kind, name = manifest["kind"], manifest["metadata"]["name"]
    for file in files:
        if any((each["kind"], each["metadata"]["name"]) == (kind, name) for each in read_manifests([file])):
            return f" of {file}{'' if field is None else _line(file, kind, name, field)}"
    return ""


def _line(file: Path, kind: str, name: str, field: str) -> str:
    """ ":12", the line of a field of the last such object in the file, of which a name may have been made."""
    lines = [
        each.line_of(field)
        for each in located_objects(file_text(file, error=ManifestError))
        if isinstance(each, Located) and each.manifest["kind"] == kind
        if _is_named(each.manifest["metadata"], name)
    ]
    return f":{lines[-1]}" if lines else ""


def _is_named(metadata: Mapping[str, Any], name: str) -> bool:
    said = metadata.get("name")
    return said == name if said else name.startswith(metadata["generateName"])
