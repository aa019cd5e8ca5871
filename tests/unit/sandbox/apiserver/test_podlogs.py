"""What may be asked of a pod's log, and in which words the rest is refused."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from harness.sandbox.apiserver.api_errors import StatusError
from harness.sandbox.apiserver.podlogs import log_options, valid_container


def asked(**query: str) -> dict[str, str]:
    return log_options("web", cast(Any, SimpleNamespace(query=query)))


def test_what_the_node_needs_is_passed_on() -> None:
    assert asked(container="a", follow="true", timestamps="false", tailLines="0", limitBytes="5") == {
        "follow": "true",
        "tailLines": "0",
        "limitBytes": "5",
    }
    assert asked(sinceTime="2026-01-01T00:00:00Z") == {"sinceTime": "2026-01-01T00:00:00+00:00"}
    assert asked(tailLines="") == {}


@pytest.mark.parametrize(
    ("query", "code", "says"),
    [
        ({"tailLines": "abc"}, 400, 'strconv.ParseInt: parsing "abc": invalid syntax'),
        ({"tailLines": "9" * 30}, 400, "value out of range"),
        ({"sinceTime": "now"}, 400, 'parsing time "now" as "2006-01-02T15:04:05Z07:00"'),
        ({"sinceTime": "2026-13-01T00:00:00Z"}, 400, "parsing time"),
        ({"tailLines": "-1"}, 422, "tailLines: Invalid value: -1: must be greater than or equal to 0"),
        ({"limitBytes": "0"}, 422, "limitBytes: Invalid value: 0: must be greater than 0"),
        ({"sinceSeconds": "0"}, 422, "sinceSeconds: Invalid value: 0: must be greater than 0"),
        ({"sinceSeconds": "5", "sinceTime": "2026-01-01T00:00:00Z"}, 422, "at most one of `sinceTime` or"),
    ],
)
def test_what_is_wrong_is_refused_in_the_real_words(query: dict[str, str], code: int, says: str) -> None:
    with pytest.raises(StatusError) as refused:
        asked(**query)
    assert refused.value.code == code
    assert says in refused.value.message


def pod(**kinds: list[str]) -> Any:
    spec = {kind: [{"name": name} for name in names] for kind, names in kinds.items()}
    return SimpleNamespace(obj={"metadata": {"name": "web"}, "spec": spec})


def test_the_only_container_is_meant_beside_init_containers() -> None:
    assert valid_container(pod(initContainers=["init"], containers=["a"]), "") == "a"
    assert valid_container(pod(initContainers=["init"], containers=["a"]), "init") == "init"


def test_of_several_one_must_be_named_that_exists() -> None:
    with pytest.raises(StatusError, match=r"pod web, choose one of: \[init a b\]"):
        valid_container(pod(initContainers=["init"], containers=["a", "b"]), "")
    with pytest.raises(StatusError, match="container c is not valid for pod web"):
        valid_container(pod(containers=["a", "b"]), "c")
