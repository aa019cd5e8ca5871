"""A manifest -> the names, keys and words in it that no API server takes, in its words.

https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#syntax-and-character-set and, upstream,
apimachinery's pkg/util/validation and pkg/apis/core/validation.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from harness.inputs.shown import cut, shown
from harness.spec.workload import WORKLOAD_KINDS, Object, pod_spec, spec_of

_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_WORD = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")
_PULLS = ("Always", "IfNotPresent", "Never")

_ABOUT_LABEL = "a lowercase RFC 1123 label has lower-case letters, digits and -, 63 at most, no - at its ends"
_ABOUT_SUBDOMAIN = "a lowercase RFC 1123 subdomain has lower-case letters, digits, - and ., no - or . at its ends"
_ABOUT_VALUE = "a valid label is empty or has letters, digits, -, _ and ., 63 at most, a letter or digit at its ends"
_ABOUT_KEY = "a key has letters, digits, -, _ and ., 63 at most, letters or digits at its ends, and may follow DOMAIN/"


def refused_names(manifest: Object) -> Iterator[str]:
    """Where and why an API server would refuse a name, a key or a word; nothing where all are as they may be.

    >>> next(refused_names({"kind": "Service", "metadata": {"name": "web", "labels": {"a": "b c"}}}))
    "metadata.labels: Invalid value: 'b c': a valid label is empty or has letters, digits, -, _ and ., 63 at most, a \
letter or digit at its ends"
    """
    kind = manifest.get("kind")
    metadata = manifest.get("metadata") or {}
    yield from _of_metadata(metadata, "metadata")
    if kind not in WORKLOAD_KINDS:
        return
    if (name := metadata.get("name")) and not _SUBDOMAIN.fullmatch(str(name)):
        yield _invalid("metadata.name", name, _ABOUT_SUBDOMAIN)
    spec = spec_of(manifest)
    yield from _labels((spec.get("selector") or {}).get("matchLabels"), "spec.selector.matchLabels")
    yield from _of_metadata((spec.get("template") or {}).get("metadata") or {}, "spec.template.metadata")
    claims = [(each.get("metadata") or {}).get("name") for each in spec.get("volumeClaimTemplates") or ()]
    yield from _of_pod(pod_spec(manifest), "spec.template.spec", claims)


def _of_metadata(metadata: Object, at: str) -> Iterator[str]:
    namespace = metadata.get("namespace")
    if namespace and not _LABEL.fullmatch(str(namespace)):
        yield _invalid(f"{at}.namespace", namespace, _ABOUT_LABEL)
    yield from _labels(metadata.get("labels"), f"{at}.labels")
    for key in metadata.get("annotations") or ():
        if not _is_key(str(key).lower()):  # as upstream
            yield _invalid(f"{at}.annotations", key, _ABOUT_KEY)


def _labels(labels: Mapping[str, Any] | None, at: str) -> Iterator[str]:
    for key, value in (labels or {}).items():
        if not _is_key(str(key)):
            yield _invalid(at, key, _ABOUT_KEY)
        if isinstance(value, str) and value and not _WORD.fullmatch(value):
            yield _invalid(at, value, _ABOUT_VALUE)


def _is_key(text: str) -> bool:
    prefix, slash, name = text.rpartition("/")
    return bool(_WORD.fullmatch(name)) and (not slash or (len(prefix) < 254 and bool(_SUBDOMAIN.fullmatch(prefix))))


def _of_pod(pod: Object, at: str, claims: list[Any]) -> Iterator[str]:
    if (policy := pod.get("restartPolicy")) not in (None, "Always"):
        yield f"{at}.restartPolicy: Unsupported value: {shown(policy)}: supported values: 'Always'"
    volumes = {*claims, *(volume.get("name") for volume in pod.get("volumes") or ())}
    seen: set[str] = set()
    for key in ("initContainers", "containers"):
        for number, container in enumerate(pod.get(key) or ()):
            place = f"{at}.{key}[{number}]"
            name = str(container.get("name") or "")
            if name in seen:
                yield f"{place}.name: Duplicate value: {shown(name)}"
            seen.add(name)
            yield from _of_container(container, place, volumes)


def _of_container(container: Object, at: str, volumes: set[Any]) -> Iterator[str]:
    name = container.get("name")
    if name and not _LABEL.fullmatch(str(name)):
        yield _invalid(f"{at}.name", name, _ABOUT_LABEL)
    if (pulls := container.get("imagePullPolicy")) is not None and pulls not in _PULLS:
        words = ", ".join(map(repr, _PULLS))
        yield f"{at}.imagePullPolicy: Unsupported value: {shown(pulls)}: supported values: {words}"
    for number, mount in enumerate(container.get("volumeMounts") or ()):
        if mount.get("name") not in volumes:
            yield f"{at}.volumeMounts[{number}].name: Not found: {shown(mount.get('name'))}"


def _invalid(at: str, value: Any, about: str) -> str:
    return f"{at}: Invalid value: {cut(shown(value), 80)}: {about}"
