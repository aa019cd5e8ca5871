"""An object as it was written, and as the API made it -> what somebody changed of what a verdict rests on, in words.

An admission webhook, a mutating policy, a default or a feature gate that is off: the API answers with what stands.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from harness.spec.agreement import contains, missing
from harness.spec.workload import WORKLOAD_KINDS, Object, pod_spec, spec_of

_SERVICE = (
    "selector", "ports", "type", "sessionAffinity", "internalTrafficPolicy", "externalTrafficPolicy",
    "publishNotReadyAddresses", "trafficDistribution",
)  # fmt: skip
_LISTS = ("initContainers", "containers")
_LONGEST = 60


def changed(written: Object, stands: Object) -> tuple[str, ...]:
    """The differences, a clause each; empty for kinds on which no verdict rests.

    >>> written = {"kind": "Service", "spec": {"selector": {"app": "web"}}}
    >>> changed(written, {"kind": "Service", "spec": {"selector": {"app": "web", "track": "a"}}})
    ('spec.selector is {"app": "web", "track": "a"}, and was written as {"app": "web"}',)
    """
    if written.get("kind") in WORKLOAD_KINDS:
        return tuple(_of_workload(written, stands))
    if written.get("kind") == "Service":
        return tuple(_of_service(spec_of(written), spec_of(stands)))
    return ()


def _of_workload(written: Object, stands: Object) -> Iterator[str]:
    ours, theirs = spec_of(written), spec_of(stands)
    if ours.get("replicas") is not None and ours["replicas"] != theirs.get("replicas"):
        yield _was("spec.replicas", theirs.get("replicas"), ours["replicas"])
    for path in missing(written, stands):
        yield f"spec.{path} does not stand as it was written"
    if ours.get("minReadySeconds") in (None, 0) and theirs.get("minReadySeconds"):
        yield f"spec.minReadySeconds is {theirs['minReadySeconds']}, and was not written"
    yield from pod_changed(pod_spec(written), pod_spec(stands))


def pod_changed(written: Object, stands: Object) -> Iterator[str]:
    """What a pod's spec has that nobody wrote: other images, more containers, hooks."""
    for kind in _LISTS:
        ours = {container.get("name"): container for container in written.get(kind) or ()}
        for container in stands.get(kind) or ():
            name = container.get("name")
            if name not in ours:
                word = "init container" if kind == "initContainers" else "container"
                yield f"{word} {name} was added ({_shown(container.get('image'))})"
                continue
            if ours[name].get("image") != container.get("image"):
                yield _was(f"the image of {name}", container.get("image"), ours[name].get("image"))
            for field in ("lifecycle", "readinessProbe"):
                if not ours[name].get(field) and container.get(field):
                    yield f"{field} of {name} is {_shown(container[field])}, and was not written"


def _of_service(ours: Object, theirs: Object) -> Iterator[str]:
    for field in _SERVICE:
        wished = ours.get(field)
        if wished and (not contains(theirs.get(field), wished) or (field == "selector" and theirs[field] != wished)):
            yield _was(f"spec.{field}", theirs.get(field), wished)


def _was(what: str, stands: Any, written: Any) -> str:
    return f"{what} is {_shown(stands)}, and was written as {_shown(written)}"


def _shown(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."
