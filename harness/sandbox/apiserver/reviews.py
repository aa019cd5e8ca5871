"""A question about rights or about a token -> the answer, from roles and bindings, and from what a test forbids.

Reviews are answered and never stored.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.sandbox.apiserver import api_errors, users
from harness.sandbox.apiserver.rbac import Action
from harness.sandbox.apiserver.resources import (
    ACCESS_REVIEWS,
    LOCAL_ACCESS_REVIEWS,
    SELF_ACCESS_REVIEWS,
    SELF_REVIEWS,
    SELF_RULES_REVIEWS,
    TOKEN_REVIEWS,
)
from harness.sandbox.apiserver.tokens import AUDIENCE

if TYPE_CHECKING:
    from harness.sandbox.apiserver.authentication import Authentication
    from harness.sandbox.apiserver.interception import Interception
    from harness.sandbox.apiserver.rbac import Rbac
    from harness.sandbox.apiserver.store import Object
    from harness.sandbox.apiserver.users import User

RESOURCES = (
    SELF_ACCESS_REVIEWS,
    SELF_RULES_REVIEWS,
    ACCESS_REVIEWS,
    LOCAL_ACCESS_REVIEWS,
    SELF_REVIEWS,
    TOKEN_REVIEWS,
)


class Reviews:
    """Answers reviews of all kinds."""

    def __init__(self, rbac: Rbac, authentication: Authentication, interception: Interception) -> None:
        self._rbac, self._authentication, self._interception = rbac, authentication, interception

    def reviewed(self, review: Object, user: User, namespace: str = "") -> Object:
        """The review with its status. Raises: StatusError (400)."""
        spec = review.get("spec")
        spec = spec if isinstance(spec, dict) else {}
        match review["kind"]:
            case SELF_RULES_REVIEWS.kind:
                status = self._rules(user, str(spec.get("namespace") or ""))
            case SELF_REVIEWS.kind:
                status = {"userInfo": user.info()}
            case TOKEN_REVIEWS.kind:
                status = self._token(spec)
            case SELF_ACCESS_REVIEWS.kind:
                status = self._access(user, _action(spec, ""))
            case _:
                groups = spec.get("groups")
                asked = tuple(map(str, groups)) if isinstance(groups, list) else ()
                if not spec.get("user") and not asked:
                    raise api_errors.bad_request("at least one of user or group must be specified")
                about = users.User(name=str(spec.get("user") or ""), groups=asked)
                status = self._access(about, _action(spec, namespace))
        return {**review, "status": status}

    def _access(self, user: User, action: Action) -> Object:
        plural = action.resource.partition("/")[0]
        asked = (action.verb, plural, action.namespace, action.name)
        taken = not action.path and self._interception.forbids(*asked)
        return {"allowed": not taken and self._rbac.allows(user, action)}

    def _rules(self, user: User, namespace: str) -> Object:
        rules = list(self._rbac.rules_of(user, namespace))
        if user.may_do_all and not rules:
            rules = [
                {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]},
                {"verbs": ["*"], "nonResourceURLs": ["*"]},
            ]
        return {
            "resourceRules": [rule for rule in rules if not rule.get("nonResourceURLs")],
            "nonResourceRules": [rule for rule in rules if rule.get("nonResourceURLs")],
            "incomplete": False,
        }

    def _token(self, spec: Object) -> Object:
        audiences = spec.get("audiences")
        wanted = tuple(map(str, audiences)) if isinstance(audiences, list) and audiences else (AUDIENCE,)
        user = self._authentication.holder_of(str(spec.get("token") or ""), wanted)
        if user is None:
            return {"user": {}, "error": "invalid bearer token"}
        return {"authenticated": True, "user": user.info(), "audiences": list(wanted)}


def _action(spec: Object, namespace: str) -> Action:
    """What the review asks about."""
    path, asked = spec.get("nonResourceAttributes"), spec.get("resourceAttributes")
    if isinstance(path, dict) and path:
        return Action(verb=str(path.get("verb") or ""), path=str(path.get("path") or ""))
    asked = asked if isinstance(asked, dict) else {}
    words = {
        key: str(asked.get(key) or "") for key in ("verb", "group", "resource", "subresource", "namespace", "name")
    }
    return Action(
        verb=words["verb"],
        group=words["group"],
        resource=f"{words['resource']}/{words['subresource']}" if words["subresource"] else words["resource"],
        namespace=words["namespace"] or namespace,
        name=words["name"],
    )
