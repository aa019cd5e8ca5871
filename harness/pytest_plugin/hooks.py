"""What pytest asks of the plugin: options, the marker, the sections of test reports and the summary of all rollouts."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest

from harness.pytest_plugin.options import MARKER, add_options, settings_of
from harness.pytest_plugin.telling import TOLD

_SUMMARY = pytest.StashKey[list[tuple[str, bool, dict[str, Any]]]]()
"""On the configuration: test, whether it failed, and what each of its calls came to."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Where rollouts happen, and how."""
    add_options(parser)


def pytest_configure(config: pytest.Config) -> None:
    """The marker; what stands in the ini file is read at once, so that a mistake ends the test run before it began."""
    config.addinivalue_line("markers", MARKER)
    settings_of(config)
    config.stash[_SUMMARY] = []
    config.pluginmanager.register(_Collected(config), "rollout-harness-summary")


class _Collected:
    """Hears of test reports where the terminal is, from workers of xdist too."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep what the calls of a test came to."""
        for call in getattr(report, "rollouts", ()):
            self._config.stash[_SUMMARY].append((report.nodeid, report.failed, call))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A failed test is explained by what its rollouts came to."""
    report = yield
    if call.when == "call" and (found := item.stash.get(TOLD, [])):
        report.rollouts = [each.plain() for each in found]  # type: ignore[attr-defined]
        if report.failed:
            report.sections += [(each.name, "\n".join(each.lines)) for each in found]
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """A line for every call of `rollout(...)`, and the reports of the tests that failed."""
    heard = config.stash[_SUMMARY]
    calls = sorted(heard, key=lambda call: call[0])
    if not calls:
        return
    from tabulate import tabulate

    terminalreporter.section("rollouts")
    rows = [
        (
            test if call["name"] == "rollout" else f"{test} ({call['name']})",
            call["verdict"],
            call["rollouts"],
            f"{call['failed']} of {call['requests']}",
        )
        for test, _, call in calls
    ]
    headers = ["test", "verdict", "rollouts", "failed"]
    for line in tabulate(rows, headers, tablefmt="plain", colalign=("left", "left", "right", "right")).splitlines():
        terminalreporter.write_line(line)
    for test, failed, call in calls:
        if failed:
            terminalreporter.write_line(f"{test}: {call['report']}")
