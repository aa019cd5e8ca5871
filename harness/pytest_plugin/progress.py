"""The runner's progress -> the terminal of a test run: live under -s, a line a phase with -v, else nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any, cast

import pytest

if TYPE_CHECKING:
    from rich.console import Console

    from harness.model.progress import Progress


@contextmanager
def progress(request: pytest.FixtureRequest) -> Iterator[Callable[[Progress], None]]:
    """What takes the progress of one call for as long as the block lasts."""
    reporter = request.config.pluginmanager.getplugin("terminalreporter")
    uncaptured = request.config.getoption("capture") == "no"
    if reporter is None or (not uncaptured and reporter.verbosity < 1):  # a worker of xdist has no terminal
        yield lambda _: None
        return
    from rich.console import Console

    from harness.cli.live import PipedLines, shown

    if uncaptured and (live := Console(stderr=True, highlight=False)).is_terminal:
        with shown(live) as show:
            yield show
        return
    if reporter.verbosity < 1:
        yield lambda _: None
        return
    yield _between_tests(request, PipedLines(_console(reporter)))


def _console(reporter: Any) -> Console:
    from rich.console import Console

    return Console(file=cast("IO[str]", _Lines(reporter)), highlight=False, no_color=True, width=1000)


def _between_tests(request: pytest.FixtureRequest, show: Callable[[Progress], None]) -> Callable[[Progress], None]:
    """Show it on the terminal itself, whatever is captured of the test."""
    capture = request.config.pluginmanager.getplugin("capturemanager")

    def through(now: Progress) -> None:
        if capture is None:
            show(now)
            return
        with capture.global_and_fixture_disabled():
            show(now)

    return through


class _Lines:
    """A file whose lines are the terminal reporter's."""

    def __init__(self, reporter: Any) -> None:
        self._reporter = reporter

    def write(self, text: str) -> int:
        for line in text.splitlines():
            self._reporter.ensure_newline()
            self._reporter.write_line(line)
        return len(text)

    def flush(self) -> None:
        """Each line is out as it is written."""
