"""A page of all rows, and one of which some were injected again by themselves."""

from __future__ import annotations

from dataclasses import asdict

from .page import Line, key_of, written

_FIRST = Line(
    name="outage", group="the API and the way to it", phase="rollout", what="away | for 5 s", app="drops calls",
    must="dropping", verdict="dropping", reason="", code=1, requests=10, failed=3, ended_s=4.2, left=[], wrong=[],
)  # fmt: skip


def _like(**other: object) -> Line:
    return Line(**{**asdict(_FIRST), **other})  # type: ignore[arg-type]


def test_a_row_that_is_injected_again_takes_its_own_place() -> None:
    lines = [_FIRST, _like(phase="clean-up", wrong=["it hangs"]), _like(name="disk-full", group="the disk")]
    known = {key_of(line) for line in lines}
    page = written(lines)
    assert "2 kinds of fault, 3 rows: 2 hold." in page
    again = written([_like(phase="clean-up", failed=4)], page, known)
    assert "2 kinds of fault, 3 rows: 3 hold." in again
    assert "it hangs" not in again
    assert written(lines, again, known) == page


def test_a_row_that_is_none_any_more_goes() -> None:
    page = written([_FIRST, _like(phase="clean-up")])
    assert "1 rows: 1 hold" in written([_FIRST], page, {key_of(_FIRST)})
