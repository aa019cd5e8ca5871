"""A request and who makes it -> let through, or refused in the words of Kubernetes' authorization.

Whoever is in the group system:masters may do all, as everywhere; other users what roles and bindings give them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.sandbox.apiserver import api_errors, requests
from harness.sandbox.apiserver.rbac import Action, Rbac, missing
from harness.sandbox.apiserver.resources import (
    CLUSTER_ROLE_BINDINGS,
    CLUSTER_ROLES,
    NAMESPACES,
    ROLE_BINDINGS,
    ROLES,
)
from harness.sandbox.apiserver.users import account_of

if TYPE_CHECKING:
    from aiohttp import web

    from harness.sandbox.apiserver.requests import Target
    from harness.sandbox.apiserver.resources import Resource
    from harness.sandbox.apiserver.store import Object, Store
    from harness.sandbox.apiserver.users import User

_VERBS = {"GET": "get", "HEAD": "get", "POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
_ROLES, _BINDINGS = (ROLES, CLUSTER_ROLES), (ROLE_BINDINGS, CLUSTER_ROLE_BINDINGS)


class Rights:
    """Asks the roles for every request."""

    def __init__(self, store: Store) -> None:
        self.rbac = Rbac(store)

    def check(self, user: User, request: web.BaseRequest, target: Target | None) -> None:
        """Raises: StatusError (403)."""
        if user.may_do_all:
            return
        if target is None:
            action = Action(verb=_VERBS.get(request.method, request.method.lower()), path=request.path)
            if not self.rbac.allows(user, action):
                raise api_errors.no_right_to_path(user.name, action.verb, action.path)
            return
        action = action_of(request, target)
        if not self.rbac.allows(user, action):
            raise api_errors.no_right(
                target.resource, action.verb, action.namespace, action.name, user.name, target.subresource
            )

    def check_impersonation(self, user: User, name: str, groups: tuple[str, ...]) -> None:
        """Raises: StatusError (403) where the user may not be taken for another."""
        account = account_of(name)
        wanted = [Action(verb="impersonate", resource="users", name=name)]
        if account is not None:
            wanted = [Action(verb="impersonate", resource="serviceaccounts", namespace=account[0], name=account[1])]
        wanted += [Action(verb="impersonate", resource="groups", name=group) for group in groups]
        for action in wanted:
            if not self.rbac.allows(user, action):
                where = f'in the namespace "{action.namespace}"' if action.namespace else "at the cluster scope"
                subject = f'{action.resource} "{action.name}"'
                why = f'User "{user.name}" cannot impersonate resource "{action.resource}" in API group "" {where}'
                raise api_errors.StatusError(403, "Forbidden", f"{subject} is forbidden: {why}")

    def check_grant(self, user: User, resource: Resource, namespace: str, obj: Object) -> None:
        """Nobody gives rights that he does not have himself. Raises: StatusError (403)."""
        if user.may_do_all or resource not in (*_ROLES, *_BINDINGS):
            return
        metadata = obj.get("metadata") or {}
        if resource in _ROLES:
            rules, needed = (
                self.rbac.rules_in({**obj, "metadata": {"name": metadata.get("name", "")}}),
                Action(verb="escalate", group=resource.group, resource=resource.plural, namespace=namespace),
            )
        else:
            reference = obj.get("roleRef") or {}
            rules = self.rbac.rules_behind(reference, namespace)
            plural = ROLES.plural if reference.get("kind") == "Role" else CLUSTER_ROLES.plural
            needed = Action(
                verb="bind",
                group=resource.group,
                resource=plural,
                namespace=namespace,
                name=str(reference.get("name", "")),
            )
        lacking = missing(rules, self.rbac.rules_of(user, namespace))
        if lacking and not self.rbac.allows(user, needed):
            groups = ", ".join(f'"{group}"' for group in user.groups)
            listed = "\n".join(dict.fromkeys(_shown(action) for action in lacking))
            why = (
                f'user "{user.name}" (groups=[{groups}]) is attempting to grant RBAC permissions not currently held:\n'
                f"{listed}"
            )
            raise api_errors.forbidden(resource, str(metadata.get("name", "")), why)


def action_of(request: web.BaseRequest, target: Target) -> Action:
    """What a request for a resource wants to do, as `RequestInfo` has it."""
    verb, name = _VERBS.get(request.method, request.method.lower()), target.name
    if request.method in ("GET", "HEAD") and requests.is_true(request, "watch"):
        verb = "watch"
    elif not name and verb in ("get", "delete"):
        verb = "list" if verb == "get" else "deletecollection"
    resource = target.resource
    return Action(
        verb=verb,
        group=resource.group,
        resource=f"{resource.plural}/{target.subresource}" if target.subresource else resource.plural,
        namespace=name if resource is NAMESPACES else target.namespace,
        name=name,
    )


def _shown(action: Action) -> str:
    if action.path:
        return f'{{NonResourceURLs:["{action.path}"], Verbs:["{action.verb}"]}}'
    names = f', ResourceNames:["{action.name}"]' if action.name else ""
    return f'{{APIGroups:["{action.group}"], Resources:["{action.resource}"]{names}, Verbs:["{action.verb}"]}}'
