"""A cancelled test, where a fixture outlives it -> the tests after it run as if it had failed in any other way."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

FIXTURES = """
import anyio

@pytest.fixture(scope="session")
def anyio_backend():
    return "asyncio"

@pytest.fixture(scope="session")
async def lasting(anyio_backend):
    yield "lasting"
"""
CANCELLED = """
import asyncio
import pytest

pytestmark = pytest.mark.anyio

async def test_before(lasting):
    assert lasting

async def test_cancelled(lasting):
    raise asyncio.CancelledError
"""
OTHERS = """
import pytest

pytestmark = pytest.mark.anyio

async def test_with_the_fixture(lasting):
    assert lasting

async def test_without():
    pass
"""


def test_what_follows_a_cancelled_test_runs(pytester: pytest.Pytester, repository: Path) -> None:
    pytester.makeconftest((repository / "tests/conftest.py").read_text() + FIXTURES)
    pytester.makepyfile(test_first=CANCELLED, test_second=OTHERS)
    done = pytester.runpytest_subprocess("-p", "no:cacheprovider", "-p", "no:xdist", "test_first.py", "test_second.py")
    done.assert_outcomes(passed=3, failed=1)
