"""Roles and bindings -> what a user may do.

Source: kubernetes `plugin/pkg/auth/authorizer/rbac`, `pkg/registry/rbac/validation`. ClusterRoles with an
`aggregationRule` have the rules of those that it selects, read when they are asked for: nothing writes them down.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.sandbox.apiserver import selectors, users
from harness.sandbox.apiserver.resources import CLUSTER_ROLE_BINDINGS, CLUSTER_ROLES, ROLE_BINDINGS, ROLES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from harness.sandbox.apiserver.store import Object, Store
    from harness.sandbox.apiserver.users import User


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """What somebody wants to do: to a resource (`pods/log` with its subresource), or, with `path`, to a path."""

    verb: str
    group: str = ""
    resource: str = ""
    namespace: str = ""
    name: str = ""
    path: str = ""


class Rbac:
    """Answers by the roles and bindings that are stored now."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def allows(self, user: User, action: Action) -> bool:
        """Whether one of the user's rules covers the action."""
        return user.may_do_all or any(covers(rule, action) for rule in self.rules_of(user, action.namespace))

    def rules_of(self, user: User, namespace: str) -> Iterator[Object]:
        """All rules that hold for the user in a namespace, or, without one, across all."""
        for stored in self._store.items(CLUSTER_ROLE_BINDINGS):
            if _binds(stored.obj, user):
                yield from self.rules_behind(stored.obj.get("roleRef") or {}, "")
        if namespace:
            for stored in self._store.items(ROLE_BINDINGS, namespace):
                if _binds(stored.obj, user):
                    rules = self.rules_behind(stored.obj.get("roleRef") or {}, namespace)
                    yield from (rule for rule in rules if not rule.get("nonResourceURLs"))

    def rules_behind(self, reference: Object, namespace: str) -> list[Object]:
        """The rules of the role that a binding names; none where there is no such role."""
        resource, home = (ROLES, namespace) if reference.get("kind") == "Role" else (CLUSTER_ROLES, "")
        stored = self._store.get(resource, home, str(reference.get("name", "")))
        return [] if stored is None else self.rules_in(stored.obj)

    def rules_in(self, role: Object, seen: frozenset[str] = frozenset()) -> list[Object]:
        """A role's own rules, and those of the ClusterRoles that it gathers."""
        rules = list(role.get("rules") or ())
        name = role["metadata"]["name"]
        for selector in (role.get("aggregationRule") or {}).get("clusterRoleSelectors") or ():
            terms = selectors.of_object(selector)
            for stored in self._store.items(CLUSTER_ROLES):
                labels, other = stored.obj["metadata"].get("labels") or {}, stored.obj["metadata"]["name"]
                if other not in seen | {name} and terms and all(term.matches(labels) for term in terms):
                    rules += self.rules_in(stored.obj, seen | {name})
        return rules


def covers(rule: Object, action: Action) -> bool:
    """Whether a rule allows an action."""
    if not _has(rule.get("verbs"), action.verb):
        return False
    if action.path:
        return any(_path_matches(pattern, action.path) for pattern in rule.get("nonResourceURLs") or ())
    if not _has(rule.get("apiGroups"), action.group):
        return False
    names = rule.get("resourceNames") or ()
    if names and action.name not in names:
        return False
    wanted = {"*", action.resource}
    if "/" in action.resource:
        wanted.add(f"*/{action.resource.partition('/')[2]}")
    return not wanted.isdisjoint(rule.get("resources") or ())


def single(rule: Object) -> Iterator[Action]:
    """Every single right that a rule gives, to be held against other rules."""
    for verb in rule.get("verbs") or ():
        for path in rule.get("nonResourceURLs") or ():
            yield Action(verb=verb, path=path)
        for group in rule.get("apiGroups") or ():
            for resource in rule.get("resources") or ():
                for name in rule.get("resourceNames") or ("",):
                    yield Action(verb=verb, group=group, resource=resource, name=name)


def missing(wanted: Iterable[Object], held: Iterable[Object]) -> list[Action]:
    """The rights in `wanted` that none of the rules in `held` gives."""
    rules = list(held)
    return [action for rule in wanted for action in single(rule) if not any(covers(have, action) for have in rules)]


def _has(words: Iterable[str] | None, word: str) -> bool:
    return any(item in ("*", word) for item in words or ())


def _path_matches(pattern: str, path: str) -> bool:
    return pattern in ("*", path) or (pattern.endswith("*") and path.startswith(pattern.rstrip("*")))


def _binds(binding: Object, user: User) -> bool:
    namespace = binding["metadata"].get("namespace", "")
    return any(_is(subject, user, namespace) for subject in binding.get("subjects") or ())


def _is(subject: Object, user: User, namespace: str) -> bool:
    name = subject.get("name", "")
    match subject.get("kind"):
        case "User":
            return bool(user.name == name)
        case "Group":
            return name in user.groups
        case "ServiceAccount":
            return user.name == f"{users.ACCOUNT_PREFIX}{subject.get('namespace') or namespace}:{name}"
    return False
