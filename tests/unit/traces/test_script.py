"""What the marks of a recording say is to be done, and marks that do not say it."""

from __future__ import annotations

from typing import Any

import pytest

from harness.errors import UsageError
from harness.traces.replay import script
from harness.traces.trace import Mark, Trace
from tests.unit.traces.literal import trace

SPEC = {"selector": {"matchLabels": {"app": "web"}}, "template": {"spec": {"containers": []}}}
MANIFEST: dict[str, Any] = {"kind": "Deployment", "metadata": {"name": "web"}, "spec": SPEC}


def marked(*marks: tuple[float, str, dict[str, Any] | None], text: str = "0 deployment replicas=1") -> Trace:
    told = trace(text, "told")
    return Trace(
        name="told", changes=told.changes, marks=tuple(Mark(t=t, type=type_, object=obj) for t, type_, obj in marks)
    )


def test_the_manifest_comes_with_the_first_mark() -> None:
    assert script(marked((0, "create", MANIFEST), (3, "delete", None))).manifest == MANIFEST


@pytest.mark.parametrize(("slices", "goes"), [("1 slice\n2 slice gone", True), ("1 slice\n2 slice", False)])
def test_the_service_goes_where_the_recording_shows_that_its_slice_went(slices: str, goes: bool) -> None:
    assert script(marked((0, "create", MANIFEST), text=slices)).with_service is goes


@pytest.mark.parametrize(
    ("marks", "said"),
    [
        ([], "its first mark is not `create` with a manifest"),
        ([(0, "update", {"spec": {}})], "its first mark is not `create` with a manifest"),
        ([(0, "create", None)], "its first mark is not `create` with a manifest"),
        ([(0, "create", {"kind": "Job"})], "it creates a Job"),
        ([(0, "create", {**MANIFEST, "spec": {}})], "its manifest lacks a name"),
        ([(0, "create", {**MANIFEST, "metadata": None})], "its manifest lacks a name"),
        ([(0, "create", MANIFEST), (1, "scale", None)], "it has a mark 'scale'"),
        ([(0, "create", MANIFEST), (1, "update", None)], "the mark 'update' at 1 s says nothing that can be done"),
        ([(0, "create", MANIFEST), (1, "create", MANIFEST)], "the mark 'create' at 1 s says nothing that can be done"),
    ],
)
def test_marks_that_do_not_say_what_to_do_are_refused(marks: list[Any], said: str) -> None:
    with pytest.raises(UsageError) as refused:
        script(marked(*marks))
    assert said in str(refused.value)
