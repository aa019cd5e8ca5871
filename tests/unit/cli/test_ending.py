"""What a command says at its end: an error is one line in a pipe or a log, and fits a terminal that it is read in."""

from __future__ import annotations

import io
import sys

import pytest

from harness.cli.ending import tell_error, tell_paragraph
from harness.errors import HarnessError

ERROR = HarnessError(
    "deploying deployment/web", "its pods need Secret app-secrets, which is not there" * 3, "Make it: kubectl create."
)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("stream", "lines"), [(io.StringIO, 1), (Terminal, 3)], ids=["piped", "terminal"])
def test_an_error_is_broken_at_spaces_on_a_terminal_alone(
    stream: type[io.StringIO], lines: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = stream()
    monkeypatch.setattr(sys, "stderr", said)
    tell_error(ERROR)
    told = said.getvalue().splitlines()
    assert len(told) == lines
    assert lines == 1 or max(map(len, told)) <= 80
    assert " ".join(" ".join(told).split()) == " ".join(f"error: {ERROR}".split())
    assert all(line.startswith("  ") for line in told[1:])


def test_what_is_to_be_minded_fits_80_columns_and_no_path_is_broken(
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = "/a/very/long/path/" + "x" * 80
    tell_paragraph("mind: " + "a pod is Ready before it listens " * 4 + path)
    told = capsys.readouterr().out.splitlines()
    assert path in told[-1]
    assert max(map(len, told[:-1])) <= 80
