"""A label selector -> whether it selects pods with given labels, and the text by which the API is asked for them.

https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors
"""

from __future__ import annotations

from collections.abc import Mapping

from harness.spec.workload import Object

_OPERATORS = ("In", "NotIn", "Exists", "DoesNotExist")


def is_selector(selector: Object) -> bool:
    """Whether it asks for something, in a way that the API knows."""
    terms = expressions(selector)
    known = all(term.get("key") and term.get("operator") in _OPERATORS for term in terms)
    return known and bool(terms or selector.get("matchLabels"))


def matches(selector: Object, labels: Mapping[str, str]) -> bool:
    """Whether `matchLabels` and `matchExpressions` all hold; a label that is missing satisfies NotIn.

    >>> web = {"matchExpressions": [{"key": "app", "operator": "In", "values": ["web", "shop"]}]}
    >>> matches(web, {"app": "shop"}), matches(web, {})
    (True, False)
    """
    wanted = selector.get("matchLabels") or {}
    return wanted.items() <= labels.items() and all(_holds(term, labels) for term in expressions(selector))


def expressions(selector: Object) -> tuple[Object, ...]:
    """Its `matchExpressions`."""
    return tuple(selector.get("matchExpressions") or ())


def selector_text(selector: Object) -> str:
    """As the API's query wants it.

    >>> selector_text({"matchLabels": {"app": "web"}, "matchExpressions": [{"key": "canary", "operator": "Exists"}]})
    'app=web,canary'
    """
    labels = [f"{key}={value}" for key, value in (selector.get("matchLabels") or {}).items()]
    return ",".join([*labels, *map(_text, expressions(selector))])


def _holds(term: Object, labels: Mapping[str, str]) -> bool:
    value, values = labels.get(term["key"]), term.get("values") or ()
    match term["operator"]:
        case "In":
            return value in values
        case "NotIn":
            return value not in values
        case "Exists":
            return value is not None
    return value is None


def _text(term: Object) -> str:
    key, values = term["key"], ",".join(term.get("values") or ())
    match term["operator"]:
        case "In":
            return f"{key} in ({values})"
        case "NotIn":
            return f"{key} notin ({values})"
        case "Exists":
            return str(key)
    return f"!{key}"
