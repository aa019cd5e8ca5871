"""Merge patches and JSON patches."""

from __future__ import annotations

from typing import Any

import pytest

from harness.sandbox.apiserver.api_errors import StatusError
from harness.sandbox.apiserver.patches import json_patch, merge


@pytest.mark.parametrize(
    ("target", "patch", "expected"),
    [  # the cases of RFC 7396, appendix A
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ],
)
def test_merge_patches_follow_the_rfc(target: Any, patch: Any, expected: Any) -> None:
    assert merge(target, patch) == expected


@pytest.mark.parametrize(
    ("operations", "expected"),
    [
        ([{"op": "add", "path": "/c", "value": 1}], {"a": {"b": [1, 2]}, "c": 1}),
        ([{"op": "add", "path": "/a/b/-", "value": 3}], {"a": {"b": [1, 2, 3]}}),
        ([{"op": "add", "path": "/a/b/0", "value": 0}], {"a": {"b": [0, 1, 2]}}),
        ([{"op": "remove", "path": "/a/b/0"}], {"a": {"b": [2]}}),
        ([{"op": "replace", "path": "/a/b/1", "value": 9}], {"a": {"b": [1, 9]}}),
        ([{"op": "move", "from": "/a/b", "path": "/c"}], {"a": {}, "c": [1, 2]}),
        ([{"op": "copy", "from": "/a/b/0", "path": "/c"}], {"a": {"b": [1, 2]}, "c": 1}),
        ([{"op": "test", "path": "/a/b/0", "value": 1}], {"a": {"b": [1, 2]}}),
        ([{"op": "add", "path": "/x~1y~0z", "value": 1}], {"a": {"b": [1, 2]}, "x/y~z": 1}),
    ],
)
def test_json_patches_follow_the_rfc(operations: Any, expected: Any) -> None:
    target = {"a": {"b": [1, 2]}}
    assert json_patch(target, operations) == expected
    assert target == {"a": {"b": [1, 2]}}, "the target itself stays as it was"


DOUBLING = [{"op": "copy", "from": "/a", "path": "/a/b/-"}] * 40
NESTING = [{"op": "add", "path": "/x" * (n + 1), "value": {}} for n in range(1200)]


@pytest.mark.parametrize(
    ("operations", "code"),
    [
        ({"op": "add"}, 400),
        (["add"], 400),
        ([{"op": "move", "path": "/a"}], 400),
        ([{"op": "copy", "path": "/a", "from": 1}], 400),
        ([{"op": "copy", "from": "/a/b/-", "path": "/c"}], 422),
        ([{"op": "move", "from": "/a", "path": "/a/b/0"}], 422),
        ([{"op": "remove", "path": ""}], 422),
        ([{"op": "test", "path": "/nosuch", "value": 1}], 422),
        ([{"op": "test", "path": "/a/b/0", "value": True}], 422),
        ([{"op": "test", "path": "/a/b/0", "value": 1}] * 10_001, 413),
        (DOUBLING, 422),
        (NESTING, 422),
        ([{"op": "jump", "path": "/a"}], 400),
        ([{"op": "add", "path": "a", "value": 1}], 400),
        ([{"op": "add", "path": "/a"}], 400),
        ([{"op": "remove", "path": "/nosuch"}], 422),
        ([{"op": "replace", "path": "/a/b/7", "value": 1}], 422),
        ([{"op": "test", "path": "/a/b/0", "value": 2}], 422),
    ],
)
def test_json_patches_that_do_not_fit_are_refused(operations: Any, code: int) -> None:
    target = {"a": {"b": [1, 2]}}
    with pytest.raises(StatusError) as refused:
        json_patch(target, operations)
    assert refused.value.code == code
    assert target == {"a": {"b": [1, 2]}}, "the target itself stays as it was"


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "remove", "path": "/no"},
        {"op": "copy", "from": "/no", "path": "/a"},
        {"op": "test", "path": "/a/b", "value": []},
    ],
)
def test_a_json_patch_that_does_not_apply_is_invalid_and_no_more_is_said(operation: Any) -> None:
    with pytest.raises(StatusError) as refused:
        json_patch({"a": {"b": [1, 2]}}, [operation])
    message = "the server rejected our request due to an error in our request"
    assert (refused.value.code, refused.value.reason, refused.value.message) == (422, "Invalid", message)


@pytest.mark.parametrize("operation", [{}, 5, {"op": "add"}, {"op": "copy", "path": "/a"}, {"op": "no", "path": "/a"}])
def test_what_is_no_operation_is_refused_without_a_word_of_python(operation: Any) -> None:
    with pytest.raises(StatusError) as refused:
        json_patch({"a": 1}, [operation])
    assert refused.value.code == 400
    assert not any(mark in refused.value.message for mark in ("'", "Error", "None"))


def test_the_longest_json_patch_that_is_taken_is_applied() -> None:
    operations = [{"op": "replace", "path": "/n", "value": n} for n in range(10_000)]
    assert json_patch({"n": None}, operations) == {"n": 9999}
