"""Tokens of ServiceAccounts: whose they are, and when they end."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from harness.sandbox.apiserver.resources import PODS, SERVICE_ACCOUNTS
from harness.sandbox.apiserver.store import Store
from harness.sandbox.apiserver.tokens import AUDIENCE, Bound, Tokens

START_S = 1_800_000_000.0


class Clock:
    now_s = START_S

    def __call__(self) -> float:
        return self.now_s


def put(store: Store, resource: Any, uid: str = "u1") -> dict[str, Any]:
    obj = {"metadata": {"name": "robot", "namespace": "shop", "uid": uid}, "spec": {"nodeName": "node1"}}
    return store.put(resource, obj).obj


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def tokens(store: Store, clock: Clock) -> Tokens:
    return Tokens(store, clock)


def test_a_token_says_whose_it_is(store: Store, tokens: Tokens) -> None:
    token, ends_s = tokens.made(put(store, SERVICE_ACCOUNTS), [], 600, None)
    user = tokens.user_of(token)
    assert user is not None
    assert (user.name, user.uid) == ("system:serviceaccount:shop:robot", "u1")
    assert user.groups == ("system:serviceaccounts", "system:serviceaccounts:shop", "system:authenticated")
    assert ends_s == START_S + 600
    claims = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
    assert (claims["aud"], claims["exp"] - claims["iat"]) == ([AUDIENCE], 600)


def test_it_ends_with_its_time(store: Store, clock: Clock, tokens: Tokens) -> None:
    token, _ = tokens.made(put(store, SERVICE_ACCOUNTS), [], 600, None)
    clock.now_s += 599
    assert tokens.user_of(token) is not None
    clock.now_s += 1
    assert tokens.user_of(token) is None


def test_it_ends_with_its_account_and_with_the_pod_it_is_bound_to(store: Store, tokens: Tokens) -> None:
    account = put(store, SERVICE_ACCOUNTS)
    put(store, PODS, "p1")
    bound, _ = tokens.made(account, [], 3607, Bound("Pod", "robot", "p1"))
    free, _ = tokens.made(account, [], 3607, None)
    user = tokens.user_of(bound)
    assert user is not None
    assert ("authentication.kubernetes.io/node-name", "node1") in user.extra
    store.remove(PODS, "shop", "robot")
    put(store, PODS, "p2")
    assert tokens.user_of(bound) is None
    assert tokens.user_of(free) is not None
    store.remove(SERVICE_ACCOUNTS, "shop", "robot")
    put(store, SERVICE_ACCOUNTS, "u2")
    assert tokens.user_of(free) is None


def test_another_audience_is_another_token(store: Store, tokens: Tokens) -> None:
    token, _ = tokens.made(put(store, SERVICE_ACCOUNTS), ["vault"], 600, None)
    assert tokens.user_of(token) is None
    assert tokens.user_of(token, ("vault",)) is not None


def test_only_this_servers_own_signature_counts(store: Store, clock: Clock, tokens: Tokens) -> None:
    account = put(store, SERVICE_ACCOUNTS)
    token, _ = tokens.made(account, [], 600, None)
    head, claims, signature = token.split(".")
    other = json.loads(base64.urlsafe_b64decode(claims + "=="))
    other["exp"] += 10**6
    longer = base64.urlsafe_b64encode(json.dumps(other).encode()).rstrip(b"=").decode()
    unsigned = base64.urlsafe_b64encode(b'{"alg":"none"}').rstrip(b"=").decode()
    elsewhere, _ = Tokens(store, clock).made(account, [], 600, None)
    forged = (
        f"{head}.{longer}.{signature}",
        f"{unsigned}.{claims}.",
        f"{head}.{claims}",
        elsewhere,
        "",
        "a.b.c",
        "ä.ä.ä",
    )
    assert [tokens.user_of(each) for each in forged] == [None] * len(forged)
    assert tokens.user_of(token) is not None
