"""The pod of an Ingress controller that is Traefik, and an Ingress -> what that hop does to a rollout.

Source of what it does: https://doc.traefik.io/traefik/reference/install-configuration/configuration-options
(providersThrottleDuration), https://doc.traefik.io/traefik/reference/routing-configuration/http/middlewares/retry,
traefik/traefik: pkg/proxy/httputil/proxy.go (502 for what its target refused or closed, 504 for what was silent),
pkg/server/service/loadbalancer (503 without a server). Its own answers have no Server and no Via.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import zip_longest
from typing import Any

import yaml

from harness.model.duration import seconds
from harness.model.paths import UNSIGNED, Hop, HopKind, Span, Targets
from harness.spec.workload import Object, containers

_IMAGE = re.compile(r"(?:^|[/-])traefik(?:[:@]|$)")
_THROTTLE = "providers.providersthrottleduration"
_THROTTLE_S = 2.0
_ROUTER = "traefik.ingress.kubernetes.io/router.middlewares"
_ENTRY_POINT = re.compile(r"entrypoints\.[^.]+\.http\.middlewares")
_DOES = (
    "targets are pods: it has a list of its own, by its watch of EndpointSlices; after a change that it took up it "
    "takes up none for {throttle}; it ends the client's connection: a pod that refuses or closes is answered for with "
    "502, a silent one with 504, and where it has no pod with 503"
)
_KEPT = (
    "; a request without a body that a pod closed a kept connection on is sent once more, which no setting says and "
    "which shows as latency alone"
)
_RETRY = "; its retry middleware sends again what failed, which hides failures and shows as latency"
_UNTOLD = "; whether one of its middlewares ({names}) is a retry, which would hide failures, is not known"


def is_traefik(pod: Object) -> bool:
    """Whether one of a pod's containers runs Traefik, by its image's name."""
    return _container(pod) is not None


def traefik_hop(pod: Object, ingress: Object, defined: Mapping[str, Object] | None = None, instances: int = 1) -> Hop:
    """Traefik as a hop before the pods. `pod`: the spec of one of its own. `defined`: its middlewares, by the name that
    an Ingress has for them; those that are not among them are not known.
    """
    options = _options(_container(pod) or {})
    throttle_s = _throttle_s(options.get(_THROTTLE, ""))
    span = None if throttle_s is None else Span(least_s=0.0, most_s=throttle_s)
    names = _middlewares(ingress, options)
    retries = _retries(names, defined or {})
    said = {True: _RETRY, False: "", None: _UNTOLD.format(names=", ".join(names))}[retries]
    settings = {"providersThrottleDuration": options.get(_THROTTLE) or f"{_THROTTLE_S:g}s"}
    if names:
        settings["middlewares"] = ", ".join(names)
    return Hop(
        name="Traefik",
        kind=HopKind.REVERSE_PROXY,
        targets=Targets.PODS,
        retries=retries,
        removal=span,
        addition=span,
        instances=instances,
        implies=_DOES.format(throttle=settings["providersThrottleDuration"]) + said + _KEPT,
        answers_as=UNSIGNED,
        settings=settings,
    )


def middlewares_of(objects: Iterable[Object]) -> dict[str, Object]:
    """The middlewares that objects of the cluster define, by the names that Ingresses and entry points have for them:
    Middlewares of traefik.io, and what ConfigMaps hold for the file provider.
    """
    found: dict[str, Object] = {}
    for each in objects:
        metadata = each.get("metadata") or {}
        if each.get("kind") == "Middleware":
            found[f"{metadata.get('namespace')}-{metadata.get('name')}@kubernetescrd"] = each.get("spec") or {}
        elif each.get("kind") == "ConfigMap":
            for text in (each.get("data") or {}).values():
                found |= {f"{name}@file": spec for name, spec in _in_file(text).items()}
    return found


def _in_file(text: str) -> dict[str, Object]:
    if "middlewares" not in text:
        return {}
    try:
        read = yaml.safe_load(text)
    except yaml.YAMLError:
        return {}
    for key in ("http", "middlewares"):
        read = read.get(key) if isinstance(read, dict) else None
    return read if isinstance(read, dict) else {}


def _container(pod: Object) -> Object | None:
    return next((each for each in containers(pod) if _IMAGE.search(str(each.get("image") or ""))), None)


def _options(container: Object) -> dict[str, str]:
    """Its flags, whose names know no case.

    >>> _options({"args": ["--Ping", "--providers.providersThrottleDuration=5s", "--log.level", "DEBUG"]})
    {'ping': 'true', 'providers.providersthrottleduration': '5s', 'log.level': 'DEBUG'}
    """
    words = [str(word) for word in (*(container.get("command") or ()), *(container.get("args") or ()))]
    found: dict[str, str] = {}
    for word, following in zip_longest(words, words[1:], fillvalue="--"):
        if not word.startswith("--"):
            continue
        name, has_value, value = word[2:].partition("=")
        found[name.lower()] = value if has_value else ("true" if following.startswith("-") else following)
    return found


def _throttle_s(written: str) -> float | None:
    """In seconds; a number without a unit is seconds. None where it cannot be told."""
    if not written:
        return _THROTTLE_S
    try:
        return float(written) if written.replace(".", "", 1).isdigit() else seconds(written)
    except ValueError:
        return None


def _middlewares(ingress: Object, options: Mapping[str, str]) -> Sequence[str]:
    annotations: Mapping[str, Any] = (ingress.get("metadata") or {}).get("annotations") or {}
    listed = [value for name, value in options.items() if _ENTRY_POINT.fullmatch(name)]
    listed.append(str(annotations.get(_ROUTER) or ""))
    return list(dict.fromkeys(name.strip() for text in listed for name in text.split(",") if name.strip()))


def _retries(names: Sequence[str], defined: Mapping[str, Object]) -> bool | None:
    if any("retry" in (defined.get(name) or {}) for name in names):
        return True
    return None if any(name not in defined for name in names) else False
