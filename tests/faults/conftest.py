"""A sandbox that the rows of a test process share, and the page that a whole run of the table writes."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from harness.sandbox.preflight import missing

from .clusters import Target, reached
from .page import Line, written

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
    """Where tests run side by side the reports of all come here."""
    for name, value in report.user_properties:
        if name == "fault" and report.when == "call":
            _lines.append(Line(**json.loads(str(value))))


def pytest_sessionfinish(session: pytest.Session) -> None:
    page = os.environ.get(PAGE)
    if page and _lines and not hasattr(session.config, "workerinput"):
        Path(page).write_text(written(_lines))
