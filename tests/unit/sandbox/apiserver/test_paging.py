"""Pages of a list: what each holds, that all are of one moment, and what is refused."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from aiohttp.test_utils import make_mocked_request

from harness.sandbox.apiserver import requests
from harness.sandbox.apiserver.api_errors import StatusError
from harness.sandbox.apiserver.catalogue import Catalogue
from harness.sandbox.apiserver.paging import Page, page
from harness.sandbox.apiserver.resources import CONFIG_MAPS
from harness.sandbox.apiserver.store import Store

HERE = "/api/v1/namespaces/default/configmaps"


def put(store: Store, *names: str, namespace: str = "default") -> None:
    for name in names:
        store.put(CONFIG_MAPS, {"metadata": {"name": name, "namespace": namespace, "labels": {"name": name}}})


def asked(store: Store, query: str, path: str = HERE) -> Page:
    target = requests.target_of(path, Catalogue())
    assert target is not None
    request: Any = make_mocked_request("GET", f"{path}?{query}")
    return page(store, target, requests.selector_of(request, target), request)


def names(answer: Page) -> str:
    return "".join(stored.obj["metadata"]["name"] for stored in answer.items)


def refused(store: Store, query: str) -> StatusError:
    with pytest.raises(StatusError) as error:
        asked(store, query)
    return error.value


def test_pages_of_a_list_are_all_of_the_moment_of_the_first() -> None:
    store = Store()
    put(store, "a", "b", "c", "d", "e")
    first = asked(store, "limit=2")
    assert (names(first), first.metadata["remainingItemCount"]) == ("ab", 3)
    store.remove(CONFIG_MAPS, "default", "c")
    put(store, "bb", "d")
    second = asked(store, f"limit=2&continue={first.metadata['continue']}")
    assert (names(second), second.metadata["remainingItemCount"]) == ("cd", 1)
    assert second.metadata["resourceVersion"] == first.metadata["resourceVersion"]
    assert second.items[1].obj["metadata"]["resourceVersion"] < first.metadata["resourceVersion"]
    last = asked(store, f"limit=2&continue={second.metadata['continue']}")
    assert (names(last), last.metadata) == ("e", {"resourceVersion": first.metadata["resourceVersion"]})
    assert names(asked(store, "")) == "abbbde"


def test_a_list_across_namespaces_goes_on_where_it_stopped() -> None:
    store = Store()
    put(store, "x", namespace="a")
    put(store, "a", "y", namespace="b")
    first = asked(store, "limit=1", "/api/v1/configmaps")
    assert names(asked(store, f"continue={first.metadata['continue']}", "/api/v1/configmaps")) == "ay"


def test_what_remains_is_counted_only_without_a_selector() -> None:
    store = Store()
    put(store, "a", "b", "c")
    answer = asked(store, "limit=1&labelSelector=name+in+(b,c)")
    assert names(answer) == "b"
    assert "remainingItemCount" not in answer.metadata
    assert names(asked(store, f"labelSelector=name+in+(b,c)&continue={answer.metadata['continue']}")) == "c"


def test_version_0_is_answered_whole_whatever_the_limit() -> None:
    store = Store()
    put(store, "a", "b")
    assert names(asked(store, "limit=1&resourceVersion=0")) == "ab"


def test_an_exact_version_shows_what_was_there_then() -> None:
    store = Store()
    put(store, "a")
    then = store.version
    put(store, "b")
    assert names(asked(store, f"resourceVersion={then}&resourceVersionMatch=Exact")) == "a"
    assert names(asked(store, f"resourceVersion={then}")) == "ab"


def test_a_token_of_a_forgotten_moment_expires_with_one_that_goes_on_now() -> None:
    store = Store(history=2)
    put(store, "a", "b", "c")
    token = asked(store, "limit=1").metadata["continue"]
    put(store, "d", "e", "f")
    error = refused(store, f"limit=1&continue={token}")
    assert (error.code, error.reason) == (410, "Expired")
    assert error.message.startswith("The provided continue parameter is too old to display a consistent list result.")
    assert names(asked(store, f"continue={error.status()['metadata']['continue']}")) == "bcdef"


def encoded(**fields: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(fields).encode()).rstrip(b"=").decode()


@pytest.mark.parametrize(
    ("query", "code", "message"),
    [
        (
            "resourceVersion=garbage",
            400,
            'invalid resource version: resourceVersion: Invalid value: "garbage": strconv.ParseUint: parsing '
            '"garbage": invalid syntax',
        ),
        ("limit=abc", 400, 'strconv.ParseInt: parsing "abc": invalid syntax'),
        ("limit=9223372036854775808", 400, 'strconv.ParseInt: parsing "9223372036854775808": value out of range'),
        (
            "continue=garbage",
            400,
            "invalid continue token: continue key is not valid: invalid character '\\u0081' looking for beginning of "
            "value",
        ),
        ("continue=a!b", 400, "invalid continue token: continue key is not valid: illegal base64 data at input byte 1"),
        (
            f"continue={encoded(v='meta.k8s.io/v1', rv=0, start='a')}",
            400,
            "invalid continue token: continue key is not valid: incorrect encoded start resourceVersion (version "
            "meta.k8s.io/v1)",
        ),
        (
            f"continue={encoded(v='meta.k8s.io/v1', rv=3, start='../../secrets')}",
            400,
            "invalid continue token: continue key is not valid: ../../secrets",
        ),
        (
            f"continue={encoded(v='v9', rv=3, start='a')}",
            400,
            "invalid continue token: continue key is not valid: server does not recognize this encoded version v9",
        ),
        (
            f"resourceVersion=3&continue={encoded(v='meta.k8s.io/v1', rv=3, start='a')}",
            400,
            "specifying resource version is not allowed when using continue",
        ),
        (
            "resourceVersionMatch=Exact",
            422,
            'ListOptions.meta.k8s.io "" is invalid: resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden '
            "unless resourceVersion is provided",
        ),
        ("resourceVersion=99", 504, "Timeout: Too large resource version: 99, current: 3"),
    ],
)
def test_what_makes_no_sense_is_refused_in_the_real_words(query: str, code: int, message: str) -> None:
    store = Store()
    put(store, "a", "b")
    error = refused(store, query)
    assert (error.code, error.message) == (code, message)
