"""The runner's progress -> one live line on a terminal, or a line a phase where there is none."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from harness.cli.ending import tell
from harness.cli.loudness import Loudness, loudness
from harness.inputs.shown import COLUMNS, paragraph, printable
from harness.model.progress import Phase
from harness.model.progress import Progress as RunProgress
from harness.redaction import door

_PIPED_EVERY_S, _VERBOSE_EVERY_S = 10.0, 1.0
_AWAITED_S = 3.0


def _words(now: RunProgress) -> str:
    if now.rollout is None:
        return now.phase
    phase = now.words.under_way if now.phase is Phase.ROLLING else now.phase
    return f"{now.words.noun} {now.rollout + 1}/{now.rollouts}: {phase}"


class _Warnings:
    """What the API warned of, each once: the scenarios of an experiment have most of their manifests in common."""

    def __init__(self) -> None:
        self._told: set[str] = set()

    def news(self, now: RunProgress) -> list[str]:
        """The lines that have not been told yet."""
        new = [words for words in dict.fromkeys(now.warned) if words not in self._told]
        self._told.update(new)
        return [paragraph(f"mind: {printable(words)}") for words in new]


def _news(now: RunProgress, before: str) -> str:
    """What holds the rollout up, where that is news, or that nothing does any longer."""
    if now.held_up == before:
        return ""
    return f"held up: {door().text(now.held_up)}" if now.held_up else "no longer held up"


def _fitted(news: str, width: int = COLUMNS) -> str:
    """The news broken at spaces; what stands below it, lines of a container's log, as it is."""
    first, *below = news.split("\n")
    return "\n".join([paragraph(first, width), *below])


def _print(console: Console, line: str) -> None:
    """The line as it is, however long."""
    console.print(line, markup=False, highlight=False, soft_wrap=True)


def _counts(now: RunProgress) -> str:
    return f"{now.failed} of {now.requests} failed"


class LiveTerminal:
    """One line a scenario that is rewritten in place."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._tasks: dict[str, int] = {}
        self._held_up = ""
        self._warnings = _Warnings()

    def __call__(self, now: RunProgress) -> None:
        """Show where the run is."""
        if now.scenario not in self._tasks:
            self._tasks[now.scenario] = self._progress.add_task(now.scenario, total=now.rollouts, what="", counts="")
        for line in self._warnings.news(now):
            _print(self._progress.console, line)
        if news := _news(now, self._held_up):
            width = min(COLUMNS, self._progress.console.width)
            _print(self._progress.console, _fitted(f"{now.scenario}: {news}", width))
            self._held_up = now.held_up
        done = now.rollouts if now.phase in (Phase.DRAINING, Phase.CLEANING_UP) else now.rollout or 0
        self._progress.update(
            self._tasks[now.scenario],  # type: ignore[arg-type]
            completed=done,
            what=_words(now),
            counts=_counts(now),
        )


class PipedLines:
    """A line whenever the phase changes, and every ten seconds, or as often as is asked for: for CI logs."""

    def __init__(self, console: Console, *, every_s: float = _PIPED_EVERY_S) -> None:
        self._console, self._every_s = console, every_s
        self._start = time.monotonic()
        self._last: tuple[str, str] = ("", "")
        self._said = 0.0
        self._held_up = ""
        self._warnings = _Warnings()

    def __call__(self, now: RunProgress) -> None:
        """Say where the run is, if that is news."""
        state = (now.scenario, _words(now))
        elapsed = time.monotonic() - self._start
        place = f"{elapsed:6.1f} s  {now.scenario} ({now.number + 1}/{now.scenarios})"
        for line in self._warnings.news(now):
            _print(self._console, line)
        if news := _news(now, self._held_up):
            self._held_up = now.held_up
            _print(self._console, _fitted(f"{place}  {news}"))
        if state != self._last or elapsed - self._said >= self._every_s:
            self._last, self._said = state, elapsed
            _print(self._console, f"{place}  {_words(now)}  {_counts(now)}")


class WarningsAlone:
    """Nothing of where the run is."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._warnings = _Warnings()

    def __call__(self, now: RunProgress) -> None:
        """Say what is to be minded."""
        for line in self._warnings.news(now):
            _print(self._console, line)


@contextmanager
def shown(console: Console) -> Iterator[LiveTerminal | PipedLines | WarningsAlone]:
    """What takes the runner's progress and shows it for as long as the block lasts.

    A line that is rewritten is for who looks at a terminal and at nothing else: where standard output goes into a pipe
    or a file, the other stream may go there too.
    """
    if loudness() is Loudness.QUIET:
        yield WarningsAlone(console)
        return
    if loudness() is Loudness.VERBOSE or not console.is_terminal or console.is_dumb_terminal or _is_piped():
        yield PipedLines(console, every_s=_VERBOSE_EVERY_S if loudness() is Loudness.VERBOSE else _PIPED_EVERY_S)
        return
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=6),
        TextColumn("{task.fields[what]}", markup=False),
        TextColumn("{task.fields[counts]}", markup=False),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console) as progress:
        yield LiveTerminal(progress)


@contextmanager
def awaited(what: str) -> Iterator[None]:
    """Say now and then what is being waited for, while the block lasts and nothing else tells of it."""
    if loudness() is Loudness.QUIET:
        yield
        return
    start, over = time.monotonic(), threading.Event()

    def tell_on() -> None:
        wait_s = _AWAITED_S
        while not over.wait(wait_s):
            tell(f"{time.monotonic() - start:6.1f} s  waiting for {what}", error=True)
            wait_s = _PIPED_EVERY_S

    teller = threading.Thread(target=tell_on, daemon=True)
    teller.start()
    try:
        yield
    finally:
        over.set()
        teller.join()


def _is_piped() -> bool:
    return not sys.stdout.isatty()
