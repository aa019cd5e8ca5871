"""What was written of a workload, and what stands -> where they differ in what a rollout depends on."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from harness.spec.workload import Object, spec_of

_WORKLOAD = ("minReadySeconds", "strategy", "updateStrategy")
_POD = ("terminationGracePeriodSeconds", "readinessGates")
_CONTAINER = ("command", "args", "lifecycle", "ports", "readinessProbe", "startupProbe", "livenessProbe")
_DIGEST = re.compile(r"<redacted ([a-z0-9]+):")
_LISTS = ("containers", "initContainers")


def missing(written: Object, live: Object) -> tuple[str, ...]:
    """The paths in a workload's spec that were written and do not stand so; what was added is no difference.

    Images are left out, for a rollout changes them. What is empty, zero or null is as good as absent, as the API server
    leaves it out.

    >>> hook = {"name": "app", "lifecycle": {"preStop": {"sleep": {"seconds": 5}}}}
    >>> written = {"spec": {"template": {"spec": {"containers": [hook]}}}}
    >>> missing(written, {"spec": {"template": {"spec": {"containers": [{"name": "app"}]}}}})
    ('template.spec.containers[app].lifecycle',)
    """
    ours, theirs = _kept(spec_of(written)), spec_of(live)
    found = [name for name in _WORKLOAD if not contains(theirs.get(name), ours.get(name))]
    pods = ((spec.get("template") or {}).get("spec") or {} for spec in (ours, theirs))
    return (*found, *(f"template.spec.{path}" for path in missing_of_pod(*pods)))


def _kept(spec: Object) -> Object:
    """What was written, without a StatefulSet's maxUnavailable: a cluster may drop that in silence (a hazard)."""
    update = spec.get("updateStrategy") or {}
    if not (rolling := update.get("rollingUpdate")):
        return spec
    rest = {name: value for name, value in rolling.items() if name != "maxUnavailable"}
    return {**spec, "updateStrategy": {**update, "rollingUpdate": rest}}


def missing_of_pod(written: Object, live: Object) -> tuple[str, ...]:
    """The same of two specs of pods."""
    return tuple(_of_pod(written, live))


def _of_pod(written: Object, live: Object) -> Iterator[str]:
    yield from (name for name in _POD if not contains(live.get(name), written.get(name)))
    for kind in _LISTS:
        standing = {container.get("name"): container for container in live.get(kind) or ()}
        for container in written.get(kind) or ():
            name = container.get("name")
            if name not in standing:
                yield f"{kind}[{name}]"
                continue
            lacking = (part for part in _CONTAINER if not contains(standing[name].get(part), container.get(part)))
            yield from (f"{kind}[{name}].{part}" for part in lacking)


def contains(live: Any, written: Any) -> bool:
    """Whether everything that was written stands in `live`; named items of lists are found by their name."""
    if not written:
        return True
    if isinstance(written, dict):
        return isinstance(live, dict) and all(contains(live.get(key), value) for key, value in written.items())
    if isinstance(written, list | tuple):
        return isinstance(live, list | tuple) and _list_contains(list(live), list(written))
    return bool(live == written) or _digests(live) != _digests(written)


def _digests(value: Any) -> tuple[str, ...]:
    """The kinds of the digests that a record has in place of secrets; only where both sides have the same can be told
    apart what was not equal."""
    return tuple(_DIGEST.findall(value)) if isinstance(value, str) else ()


def _list_contains(live: list[Any], written: list[Any]) -> bool:
    if all(isinstance(item, dict) and isinstance(item.get("name"), str) for item in written):
        named = {str(item.get("name")): item for item in live if isinstance(item, dict)}
        return all(item["name"] in named and contains(named[item["name"]], item) for item in written)
    return len(live) == len(written) and all(contains(*pair) for pair in zip(live, written, strict=True))


def is_patched(template: Object | None, patch: Object) -> bool:
    """Whether what a patch of a workload says of the pod template stands in `template`."""
    return contains(template or {}, (spec_of(patch).get("template")) or {})
