"""A sandbox that the rows of a test process share, and the page that a whole run of the table writes."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from needs import missing

from .clusters import Target, reached
from .page import Line, key_of, written
from .table import ROWS

PAGE = "RELIABILITY_PAGE"
_lines: list[Line] = []


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    lacking = missing()
    for item in items:
        if "tests/faults" in str(item.path) and "target" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.sandbox)
            if lacking:
                item.add_marker(pytest.mark.skip(reason=" ".join(lacking)))


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
async def target(anyio_backend: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Target]:
    """A sandbox as others run one; rows that harm it have one of their own."""
    async with reached(tmp_path_factory.mktemp("cluster")) as started:
        yield started


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Where tests run side by side the reports of all come here; the page is as far as the rows are."""
    told = [str(value) for name, value in report.user_properties if name == "fault" and report.when == "call"]
    page = os.environ.get(PAGE)
    if told and page and "PYTEST_XDIST_WORKER" not in os.environ:
        _lines.extend(Line(**json.loads(each)) for each in told)
        before = Path(page).read_text() if Path(page).exists() else ""
        Path(page).write_text(written(_lines, before, {key_of(fault) for fault in ROWS}))
