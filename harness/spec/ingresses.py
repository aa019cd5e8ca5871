"""Ingresses, and a Service -> which of them lead to it, and for which hosts they answer."""

from __future__ import annotations

from collections.abc import Iterable

from harness.spec.workload import Object, spec_of

_CLASS = "kubernetes.io/ingress.class"


def class_of(ingress: Object) -> str:
    """The class that it names, by its spec or by the annotation of old; empty where it names none."""
    annotations = (ingress.get("metadata") or {}).get("annotations") or {}
    return str(spec_of(ingress).get("ingressClassName") or annotations.get(_CLASS) or "")


def sends_to(ingress: Object) -> frozenset[str]:
    """The names of the Services that an Ingress sends to."""
    spec = spec_of(ingress)
    rules = [rule for rule in spec.get("rules") or () if isinstance(rule, dict)]
    paths = [path for rule in rules for path in (rule.get("http") or {}).get("paths") or ()]
    backends = [spec.get("defaultBackend"), *(path.get("backend") for path in paths if isinstance(path, dict))]
    services = [(backend or {}).get("service") or {} for backend in backends]
    return frozenset(str(service["name"]) for service in services if service.get("name"))


def leading_to(ingresses: Iterable[Object], service: str, name: str | None = None) -> tuple[Object, ...]:
    """Those that send to the Service; of `name` alone, where that is given."""
    found = (each for each in ingresses if name in (None, each["metadata"]["name"]))
    return tuple(each for each in found if service in sends_to(each))


def hosts(ingress: Object, service: str) -> frozenset[str] | None:
    """The hosts under which it leads to the Service; None where it does for any."""
    spec = spec_of(ingress)
    if _name(spec.get("defaultBackend")) == service:
        return None
    found: set[str] = set()
    for rule in spec.get("rules") or ():
        if any(_name(path.get("backend")) == service for path in (rule.get("http") or {}).get("paths") or ()):
            if not rule.get("host"):
                return None
            found.add(str(rule["host"]))
    return frozenset(found)


def is_for(host: str, rule: str) -> bool:
    """Whether a request for `host` is one for the host of a rule, where `*.` stands for one more label.

    >>> is_for("shop.example:8080", "shop.example"), is_for("a.example", "*.example")
    (True, True)
    >>> is_for("a.b.example", "*.example")
    False
    """
    asked = host.partition(":")[0].lower()
    first, _, others = asked.partition(".")
    return asked == rule.lower() or bool(rule.startswith("*.") and first and others == rule[2:].lower())


def _name(backend: Object | None) -> str | None:
    return ((backend or {}).get("service") or {}).get("name")
