"""A question about rights -> the answer: whoever has the token may do everything that no test forbids."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.sandbox.apiserver.resources import SELF_ACCESS_REVIEWS, SELF_RULES_REVIEWS

if TYPE_CHECKING:
    from harness.sandbox.apiserver.interception import Interception
    from harness.sandbox.apiserver.store import Object

RESOURCES = (SELF_ACCESS_REVIEWS, SELF_RULES_REVIEWS)
_EVERYTHING = {
    "resourceRules": [{"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}],
    "nonResourceRules": [{"verbs": ["*"], "nonResourceURLs": ["*"]}],
    "incomplete": False,
}


def reviewed(review: Object, interception: Interception) -> Object:
    """The review with its status. It is never stored."""
    if review["kind"] == SELF_RULES_REVIEWS.kind:
        return {**review, "status": _EVERYTHING}
    spec = review.get("spec")
    asked = (spec if isinstance(spec, dict) else {}).get("resourceAttributes")
    asked = asked if isinstance(asked, dict) else {}
    words = (str(asked.get(key, "")) for key in ("verb", "resource", "namespace"))
    return {**review, "status": {"allowed": not interception.forbids(*words)}}
