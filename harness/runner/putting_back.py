"""A workload that is not ours, and what a run changed of it -> the workload as it was, or who else has changed it.

Undone only while everything in its pod template but what the run changed is as it was, and what the run changed is as
the run wrote it. The values come first and the owners in a patch of their own: a write of values makes its author their
owner, whatever it says of owners itself, and an owner of ours left behind would stop the next server-side apply.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from functools import partial
from http import HTTPStatus
from typing import Any

import anyio

from harness.errors import ClusterError
from harness.exit_codes import ExitCode
from harness.inputs.shown import shown
from harness.kube.client import MERGE, STRATEGIC_MERGE, Kube
from harness.kube.errors import ApiRefusal
from harness.kube.field_owners import MANAGER, as_before, others_since, owned_alike
from harness.manifests.merge import patched, taken_back
from harness.manifests.patch import RESTARTED_AT, restarted_at
from harness.model.undo import Undo
from harness.spec.agreement import contains
from harness.spec.template import same_template
from harness.spec.workload import Object, spec_of

_TEMPLATE = ("f:spec", "f:template")
_RESTARTED = (*_TEMPLATE, "f:metadata", "f:annotations", f"f:{RESTARTED_AT}")
_ATTEMPT_S = 20.0
_PAUSE_S = 0.05

_MAYBE_SECRET = frozenset({"args", "command", "httpHeaders", "value", "annotations"})
"""What of a pod template is left out of its digest, which stands in a file that people pass on."""


class ChangedByOthers(ClusterError):
    """Somebody else has changed the workload meanwhile: it is left as it is."""

    exit_code = ExitCode.INCONCLUSIVE


def fingerprint(template: Object) -> str:
    """A digest of a pod template without what may be secret; who owns that shows whether it was changed.

    >>> one, other = ({"spec": {"containers": [{"env": [{"name": "PIN", "value": pin}]}]}} for pin in ("1", "2"))
    >>> fingerprint(one) == fingerprint(other) != fingerprint({})
    True
    """
    return hashlib.sha256(json.dumps(_public(template), sort_keys=True).encode()).hexdigest()


def _public(node: Any) -> Any:
    if isinstance(node, dict):
        return {key: _public(value) for key, value in node.items() if key not in _MAYBE_SECRET and value is not None}
    return list(map(_public, node)) if isinstance(node, list | tuple) else node


def foreign(undo: Undo, live: Object, template: Object | None = None, restarts: Container[str] = frozenset()) -> str:
    """What shows that somebody else has changed the workload, and who it was; empty where nobody has.

    `template`: as it was before, where it is known whole; without it, one that was written again is taken for changed.
    `restarts`: the times at which runs of the harness have restarted it: no such restart is somebody else's.
    """
    restart = _RESTARTED if restarted_at(live) in restarts else ()
    who = others_since(undo.managed_fields, owners(live), under=_TEMPLATE, restart=restart)
    standing = spec_of(live)
    if not any(contains(standing, spec_of(patch)) for patch in (undo.patch, *undo.written)):
        stands = ", ".join(map(str, _leaves(taken_back(undo.patch, live))))
        seen = f"it has {shown(stands)}, which this run did not write"
    else:
        rest = spec_of(patched(live, undo.patch)).get("template") or {}
        same = same_template(rest, template) if template is not None else fingerprint(rest) == undo.rest
        seen = "" if same else "its pod template has changed besides"
        if same and template is None and who:
            seen = "its pod template was written again"
    return f"{seen}, by {', '.join(who) or 'somebody who is not recorded'}" if seen else ""


def _leaves(patch: Any) -> Iterator[Any]:
    """The values of a patch, without the names by which it finds their places."""
    if isinstance(patch, Mapping):
        for key, value in patch.items():
            yield from () if key == "name" else _leaves(value)
    elif isinstance(patch, list | tuple):
        for item in patch:
            yield from _leaves(item)
    else:
        yield patch


def check_ours(
    undo: Undo,
    live: Object,
    tried: str,
    template: Object | None = None,
    restarts: Container[str] = frozenset(),
) -> None:
    """Refuse what somebody else has changed, or what has been made anew; `template`, `restarts` as for `foreign`.

    Raises:
        ChangedByOthers: says who, as far as the workload tells.
    """
    as_it_is = "It was left as it is now: put it back by hand, or deploy it again."
    if live["metadata"].get("uid") != undo.uid:
        raise ChangedByOthers(tried, "it is another one: the one that was rolled has been deleted", as_it_is)
    if said := foreign(undo, live, template, restarts):
        raise ChangedByOthers(tried, f"somebody else has changed it meanwhile: {said}", as_it_is)


def stands_as_before(undo: Undo, live: Object) -> bool:
    """Whether the old values stand there; what the patch takes away with null is not there."""
    return bool(_told(patched(live, undo.patch)["spec"]) == _told(live["spec"]))


def _told(node: Any) -> Any:
    """Without what is empty, which says nothing."""
    if isinstance(node, dict):
        return {key: told for key, value in node.items() if (told := _told(value)) != {}}
    return node


async def put_values_back(
    kube: Kube, undo: Undo, template: Object | None = None, restarts: Container[str] = frozenset()
) -> Object:
    """Give the workload its old values; the workload as it is then. Nothing is sent where it has them.

    `template`, `restarts`: as for `foreign`.

    Raises:
        ChangedByOthers: nothing was touched.
        ClusterError: the API refused it, or did not answer.
    """
    is_ours = partial(check_ours, template=template, restarts=restarts)
    return await _while_ours(kube, undo, is_ours, stands_as_before, lambda _: undo.patch, STRATEGIC_MERGE)


async def put_owners_back(
    kube: Kube, undo: Undo, template: Object | None = None, restarts: Container[str] = frozenset()
) -> Object:
    """Give the fields of the workload, which has its old values, their old owners.

    `template`, `restarts`: as for `foreign`.

    Raises:
        ChangedByOthers: nothing was touched.
        ClusterError: the API refused it, or did not answer.
    """

    def as_they_were(undo: Undo, live: Object) -> bool:
        return owned_alike(owners(live), as_before(undo.managed_fields, owners(live)))

    def old_owners(live: Object) -> Object:
        return {"metadata": {"managedFields": as_before(undo.managed_fields, owners(live))}}

    is_ours = partial(check_ours, template=template, restarts=restarts)
    return await _while_ours(kube, undo, is_ours, as_they_were, old_owners, MERGE)


async def give_owners_back(kube: Kube, undo: Undo, template: Object, before: Sequence[dict[str, Any]]) -> None:
    """Give the fields of the workload their owners of `before`, while it has that pod template.

    Raises:
        ClusterError: the API refused it, or did not answer.
    """
    end = anyio.current_time() + _ATTEMPT_S
    while True:
        live = await kube.get("apps/v1", undo.kind, undo.name, undo.namespace)
        wanted = as_before(before, owners(live))
        if not same_template(spec_of(live)["template"], template) or owned_alike(owners(live), wanted):
            return
        try:
            await _sent(kube, undo, live, {"metadata": {"managedFields": wanted}}, MERGE)
            return
        except ApiRefusal as refused:
            if refused.status != HTTPStatus.CONFLICT or anyio.current_time() > end:
                raise
            await anyio.sleep(_PAUSE_S)


def owners(live: Object) -> list[dict[str, Any]]:
    """Who owns which of its fields: its managedFields."""
    return list(live["metadata"].get("managedFields") or ())


async def _while_ours(
    kube: Kube,
    undo: Undo,
    is_ours: Callable[[Undo, Object, str], None],
    is_so: Callable[[Undo, Object], bool],
    change: Callable[[Object], Object],
    content_type: str,
) -> Object:
    """The workload once `is_so` holds of it, by a patch that the API takes only while nobody else has written.

    `is_ours` raises where somebody else has.

    Controllers write its status all the time, so that it may take more than one attempt.
    """
    tried = f"putting {undo.workload} back"
    end = anyio.current_time() + _ATTEMPT_S
    while True:
        live = await kube.get("apps/v1", undo.kind, undo.name, undo.namespace)
        is_ours(undo, live, tried)
        if is_so(undo, live):
            return live
        try:
            await _sent(kube, undo, live, change(live), content_type)
        except ApiRefusal as refused:
            if refused.status != HTTPStatus.CONFLICT or anyio.current_time() > end:
                raise
            await anyio.sleep(_PAUSE_S)


async def _sent(kube: Kube, undo: Undo, live: Object, patch: Object, content_type: str) -> None:
    """Send a patch that holds for the very version that was looked at."""
    held = {
        **patch,
        "metadata": {**patch.get("metadata", {}), "resourceVersion": str(live["metadata"]["resourceVersion"])},
    }
    await kube.patch(
        "apps/v1",
        undo.kind,
        undo.name,
        held,
        namespace=undo.namespace,
        content_type=content_type,
        field_manager=MANAGER,
    )
