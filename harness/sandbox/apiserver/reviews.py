"""A question about rights -> the answer: whoever has the token may do everything."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.sandbox.apiserver.resources import SELF_ACCESS_REVIEWS, SELF_RULES_REVIEWS

if TYPE_CHECKING:
    from harness.sandbox.apiserver.store import Object

RESOURCES = (SELF_ACCESS_REVIEWS, SELF_RULES_REVIEWS)
_EVERYTHING = {
    "resourceRules": [{"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}],
    "nonResourceRules": [{"verbs": ["*"], "nonResourceURLs": ["*"]}],
    "incomplete": False,
}


def reviewed(review: Object) -> Object:
    """The review with its status. It is never stored."""
    rules = review["kind"] == SELF_RULES_REVIEWS.kind
    return {**review, "status": _EVERYTHING if rules else {"allowed": True}}
