"""Roles and bindings: who may do what."""

from __future__ import annotations

from typing import Any

import pytest

from harness.sandbox.apiserver import users
from harness.sandbox.apiserver.api_errors import StatusError
from harness.sandbox.apiserver.rbac import Action, Rbac, covers
from harness.sandbox.apiserver.resources import CLUSTER_ROLE_BINDINGS, CLUSTER_ROLES, ROLE_BINDINGS, ROLES, Resource
from harness.sandbox.apiserver.rights import Rights
from harness.sandbox.apiserver.store import Store

ROBOT = users.service_account("shop", "robot")


def rule(verbs: str, resources: str, *names: str, group: str = "") -> dict[str, Any]:
    return {"verbs": verbs.split(), "resources": resources.split(), "apiGroups": [group], "resourceNames": list(names)}


def put(store: Store, resource: Resource, name: str, namespace: str = "", **body: Any) -> None:
    metadata = {"name": name, "labels": body.pop("labels", {})} | ({"namespace": namespace} if namespace else {})
    store.put(resource, {"metadata": metadata, **body})


def bound(store: Store, kind: str, role: str, namespace: str = "", /, **subject: str) -> None:
    who = {"kind": "ServiceAccount", "name": "robot", "namespace": "shop"} | subject
    resource = ROLE_BINDINGS if namespace else CLUSTER_ROLE_BINDINGS
    put(store, resource, f"{role}-{namespace}", namespace, roleRef={"kind": kind, "name": role}, subjects=[who])


@pytest.mark.parametrize(
    ("verbs", "resources", "action", "covered"),
    [
        ("get list", "pods", Action(verb="get", resource="pods"), True),
        ("get", "pods", Action(verb="delete", resource="pods"), False),
        ("get", "pods", Action(verb="get", resource="pods/log"), False),
        ("get", "pods/log", Action(verb="get", resource="pods/log"), True),
        ("get", "*/log", Action(verb="get", resource="pods/log"), True),
        ("*", "*", Action(verb="create", resource="pods/exec"), True),
        ("*", "*", Action(verb="get", group="apps", resource="deployments"), False),
    ],
)
def test_a_rule_covers_what_it_names(verbs: str, resources: str, action: Action, covered: bool) -> None:
    assert covers(rule(verbs, resources), action) is covered


def test_a_rule_for_names_covers_those_alone() -> None:
    named = rule("get list", "secrets", "tls")
    assert covers(named, Action(verb="get", resource="secrets", name="tls"))
    assert not covers(named, Action(verb="get", resource="secrets", name="other"))
    assert not covers(named, Action(verb="list", resource="secrets"))


def test_a_role_holds_in_its_namespace_and_a_cluster_role_where_it_is_bound() -> None:
    store = Store()
    rbac = Rbac(store)
    put(store, ROLES, "reader", "shop", rules=[rule("list", "pods")])
    bound(store, "Role", "reader", "shop")
    put(store, CLUSTER_ROLES, "nodes", rules=[rule("list", "nodes")])
    bound(store, "ClusterRole", "nodes")
    put(store, CLUSTER_ROLES, "maps", rules=[rule("list", "configmaps")])
    bound(store, "ClusterRole", "maps", "bank")
    where = [
        (resource, namespace)
        for resource in ("pods", "nodes", "configmaps")
        for namespace in ("", "shop", "bank")
        if rbac.allows(ROBOT, Action(verb="list", resource=resource, namespace=namespace))
    ]
    assert where == [("pods", "shop"), ("nodes", ""), ("nodes", "shop"), ("nodes", "bank"), ("configmaps", "bank")]


def test_groups_and_users_are_bound_too() -> None:
    store = Store()
    rbac, jane = Rbac(store), users.impersonated("jane", ("team",), "")
    put(store, CLUSTER_ROLES, "a", rules=[rule("list", "pods")])
    put(store, CLUSTER_ROLES, "b", rules=[rule("list", "nodes")])
    bound(store, "ClusterRole", "a", kind="Group", name="team")
    bound(store, "ClusterRole", "b", kind="User", name="jane")
    assert rbac.allows(jane, Action(verb="list", resource="pods"))
    assert rbac.allows(jane, Action(verb="list", resource="nodes"))
    assert not rbac.allows(ROBOT, Action(verb="list", resource="pods"))


def test_a_cluster_role_gathers_the_rules_of_those_it_selects() -> None:
    store = Store()
    selector = {"matchLabels": {"into": "view"}}
    put(store, CLUSTER_ROLES, "view", aggregationRule={"clusterRoleSelectors": [selector]}, labels={"into": "view"})
    put(store, CLUSTER_ROLES, "shops", labels={"into": "view"}, rules=[rule("get", "shops", group="example.org")])
    bound(store, "ClusterRole", "view", "shop")
    assert Rbac(store).allows(ROBOT, Action(verb="get", group="example.org", resource="shops", namespace="shop"))


def test_nobody_gives_what_he_does_not_have() -> None:
    store = Store()
    rights = Rights(store)
    put(store, ROLES, "own", "shop", rules=[rule("get list", "pods")])
    bound(store, "Role", "own", "shop")
    held: dict[str, Any] = {"metadata": {"name": "new"}, "rules": [rule("get", "pods")]}
    more: dict[str, Any] = {"metadata": {"name": "new"}, "rules": [rule("get delete", "pods")]}
    rights.check_grant(ROBOT, ROLES, "shop", held)
    with pytest.raises(StatusError, match="is attempting to grant RBAC permissions not currently held") as refused:
        rights.check_grant(ROBOT, ROLES, "shop", more)
    assert refused.value.message.endswith('\n{APIGroups:[""], Resources:["pods"], Verbs:["delete"]}')
    put(store, CLUSTER_ROLES, "all", rules=[rule("*", "*")])
    binding = {"metadata": {"name": "new"}, "roleRef": {"kind": "ClusterRole", "name": "all"}}
    with pytest.raises(StatusError, match="not currently held"):
        rights.check_grant(ROBOT, ROLE_BINDINGS, "shop", binding)
    rights.check_grant(users.ADMINISTRATOR, ROLE_BINDINGS, "shop", binding)
