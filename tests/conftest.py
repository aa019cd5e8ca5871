"""What all tests share: CI forbids the skips of what it installs, and generated examples may take their time."""

from __future__ import annotations

import asyncio
import gc
import signal
from collections.abc import Generator, Iterator
from pathlib import Path

import anyio.pytest_plugin
import pytest
from hypothesis import HealthCheck, settings

import harness.redaction

# How fast examples are made and tried says something of the machine, and nothing of what they look at.
settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")

# Under nohup, or in the background of a shell, these are ignored, and by all that tests start as well; what is tested
# is what a program does with them that was started as programs are.
for ignored, usual in ((signal.SIGHUP, signal.SIG_DFL), (signal.SIGINT, signal.default_int_handler)):
    if signal.getsignal(ignored) == signal.SIG_IGN:
        signal.signal(ignored, usual)

# What CI cannot install is named here by the beginning of the reason.
_ALLOWED = ("needs Docker", "recordings are not here")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--no-skips", action="store_true", help="a skip is a failure, unless its reason is allowed")
    parser.addoption("--update-golden", action="store_true", help="write golden files and snapshots anew")


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """What is made here lasts to the end: no garbage is looked for among it, neither now nor in each test."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc.collect()
        gc.freeze()


@pytest.hookimpl(wrapper=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> Iterator[None]:
    """For `--dist loadgroup`: tests that share a fixture of their module run in one process, others anywhere.

    A cluster that all rows of a process share is made in three processes at most.
    """
    rows = 0
    for item in items:
        fixtures = getattr(item, "_fixtureinfo").name2fixturedefs  # noqa: B009 - no public way tells their scopes
        scopes = {each[-1].scope for name, each in fixtures.items() if each and not name.startswith("anyio_")}
        if "target" in fixtures:
            item.add_marker(pytest.mark.xdist_group(f"target {rows % 3}"))
            rows += 1
        elif scopes & {"class", "module", "package"}:
            item.add_marker(pytest.mark.xdist_group(str(item.path)))
    yield
    for item in items if getattr(config.option, "loadgroup", False) else ():
        _show_group(item)


def _show_group(item: pytest.Item) -> None:
    """Have the group at the end of the test's id, where the scheduler of pytest-xdist looks for it.

    xdist 3.8 writes it to `_nodeid`, which pytest 9.2 does not read any more: without a word, each process then makes
    the cluster of each module.
    """
    told = getattr(item, "_nodeid", item.nodeid)
    if told != item.nodeid:
        setattr(item, "_id", type(getattr(item, "_id")).parse(told))  # noqa: B009, B010 - there is no public way
    marked = item.get_closest_marker("xdist_group")
    assert marked is None or item.nodeid.endswith(f"@{marked.args[0]}"), f"{item.nodeid} is in no group"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]):
    report = yield
    if report.skipped and item.config.getoption("--no-skips") and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        if not reason.removeprefix("Skipped: ").startswith(_ALLOWED):
            report.outcome = "failed"
            report.longrepr = f"CI must not skip this: {reason}"
    _have_a_task_for_the_next()
    return report


def _have_a_task_for_the_next() -> None:
    """A test that is cancelled takes no other with it.

    anyio runs all that is async in a process in one task. Where a CancelledError has ended that and the fixture of a
    module or a session is still there, anyio 4.16 sends it everything that follows, which then fails with a
    ClosedResourceError, the other files' tests too.
    """
    runner = getattr(anyio.pytest_plugin, "_current_runner")  # noqa: B009 - there is no public way
    task: asyncio.Task[None] | None = getattr(runner, "_runner_task", None)
    if task is not None and task.done():
        setattr(runner, "_runner_task", None)  # noqa: B010


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def repository() -> Path:
    return Path(__file__).parents[1]


@pytest.fixture(autouse=True)
def _door_of_this_test(monkeypatch: pytest.MonkeyPatch) -> None:
    """What one test shows the door must not hide words in the output of another."""
    monkeypatch.setattr(harness.redaction, "_of_this_process", harness.redaction.Redaction())
