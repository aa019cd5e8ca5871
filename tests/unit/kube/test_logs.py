"""The end of a container's log is short, harmless to a terminal, and never a reason for an error."""

from __future__ import annotations

from typing import Any

import pytest
from paper_api import SILENCE, paper_kube

from harness.kube import logs
from harness.kube.logs import last_lines

pytestmark = pytest.mark.anyio
LOG = "GET /api/v1/namespaces/shop/pods/a/log"


async def lines(*answers: Any, previous: bool = True) -> tuple[tuple[str, ...], dict[str, str]]:
    async with paper_kube({LOG: [*answers]}) as (kube, api):
        found = await last_lines(kube, "shop", "a", "web", previous=previous)
    return found, api.asked(LOG)[0].query


async def test_the_last_five_lines_of_the_run_before_are_asked_for() -> None:
    found, query = await lines([f"line {number}" for number in range(9)], [])
    assert found == ("line 4", "line 5", "line 6", "line 7", "line 8")
    assert query == {"container": "web", "tailLines": "20", "previous": "true"}
    _, query = await lines([], [], previous=False)
    assert "previous" not in query


async def test_they_are_printable_cut_and_never_empty() -> None:
    found, _ = await lines(["", "  \x1b[31mred\x1b[0m\r", "a\x1b[2Jb\u202e", "x" * 999, ""], [])
    assert found[:2] == ("  red", "a\\x1b[2Jb\\u202e")
    assert (len(found), len(found[2])) == (3, 199)


@pytest.mark.parametrize("answer", [400, 404, SILENCE], ids=["not started", "gone", "silent"])
async def test_where_there_is_none_nothing_is_said(answer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "_PATIENCE_S", 0.3)
    found, _ = await lines(answer)
    assert found == ()
