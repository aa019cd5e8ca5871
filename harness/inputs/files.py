"""A path, or standard input -> text: of a regular file, of 10 MB at most, in UTF-8; or one line that says why not."""

from __future__ import annotations

import codecs
import os
import re
import stat
import sys
from pathlib import Path
from typing import TextIO

from harness import os_errors
from harness.errors import HarnessError

MOST_BYTES = 10_000_000
STANDARD_INPUT = "-"
_URL = re.compile(r"https?:/", re.IGNORECASE)  # a path has one slash where two stood

_KINDS = (
    (stat.S_ISDIR, "it is a directory (folder), not a file"),
    (stat.S_ISFIFO, "it is a pipe (FIFO), from which another program would have to write"),
    (stat.S_ISSOCK, "it is a socket"),
    (stat.S_ISCHR, "it is a device"),
    (stat.S_ISBLK, "it is a device"),
)


def file_text(path: Path, *, error: type[HarnessError], hint: str = "") -> str:
    """The text of a regular file, without a byte order mark.

    A pipe or a device could give text without end, or none, so only `-` takes one. `hint`: what to do where there is no
    such file.

    Raises:
        HarnessError: as `error`, where it is missing, is none, cannot be read, is too large or is no text.
    """
    data = file_bytes(path, error=error, hint=hint)
    return _text(data, f"reading {path}", error)


def file_bytes(path: Path, *, error: type[HarnessError], hint: str = "", most: int = MOST_BYTES) -> bytes:
    """The same as bytes, whatever they are, `most` of them."""
    tried = f"reading {path}"
    try:
        return _bytes(path, tried, error, most)
    except ValueError:  # what no system call takes
        raise error(tried, "a NUL character is in the path, which no path may have") from None
    except FileNotFoundError as missing:
        if _URL.match(str(path)):
            raise error(tried, "it is a URL, and files are read", "Download it, and name the file.") from None
        raise error(tried, os_errors.seen(missing), hint or os_errors.what_to_do(missing)) from None
    except OSError as refused:
        raise error(tried, os_errors.seen(refused), os_errors.what_to_do(refused)) from None


def _bytes(path: Path, tried: str, error: type[HarnessError], most: int) -> bytes:
    _regular(path.stat().st_mode, tried, error)  # a socket cannot even be opened
    # Without O_NONBLOCK to open a FIFO would wait for a writer.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    with open(descriptor, "rb") as file:  # noqa: PTH123 - of the descriptor that is checked
        _regular(os.fstat(descriptor).st_mode, tried, error)
        return _at_most(file.read(most + 1), tried, error, most)


def _regular(mode: int, tried: str, error: type[HarnessError]) -> None:
    if not stat.S_ISREG(mode):
        kind = next((words for is_kind, words in _KINDS if is_kind(mode)), "it is no regular file")
        raise error(tried, kind, "Give a regular file, or `-` and pipe the text in.")


def standard_input_text(*, what: str, error: type[HarnessError], hint: str) -> str:
    """What comes on standard input, as text.

    Raises:
        HarnessError: as `error`, where that is a terminal, closed, empty, too large or no text.
    """
    tried = f"reading {what} from standard input"
    if sys.stdin is None or sys.stdin.closed:
        raise error(tried, "it is closed", hint)
    if sys.stdin.isatty():
        raise error(tried, "it is a terminal", hint)
    try:
        data = sys.stdin.buffer.read(MOST_BYTES + 1)
    except OSError as refused:
        raise error(tried, os_errors.seen(refused), hint) from None
    text = _text(_at_most(data, tried, error), tried, error)
    if not text.strip():
        if _is_nowhere(sys.stdin):
            raise error(tried, "it is closed, or /dev/null", hint)
        raise error(tried, "nothing came", "Did the command before it fail?")
    return text


def _is_nowhere(stream: TextIO) -> bool:
    """Whether it is the null device, which stands in the place of a standard stream that is closed."""
    try:
        return os.fstat(stream.fileno()).st_rdev == Path(os.devnull).stat().st_rdev
    except OSError:  # it is none of the system's
        return False


def _at_most(data: bytes, tried: str, error: type[HarnessError], most: int = MOST_BYTES) -> bytes:
    if len(data) > most:
        raise error(tried, f"it is larger than {most // 1_000_000} MB", "Give a smaller file.")
    return data


def _text(data: bytes, tried: str, error: type[HarnessError]) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as wrong:
        if data.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):  # before UTF-16: the one begins as the other
            raise error(tried, "it is not text in UTF-8: it begins as UTF-32 does", "Save it as UTF-8.") from None
        if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            seen = "it is not text in UTF-8: it begins as UTF-16 does, which > of Windows PowerShell writes"
            raise error(tried, seen, "Save it as UTF-8, or write it by: ... | Out-File -Encoding utf8 FILE.") from None
        line = data.count(b"\n", 0, wrong.start) + 1
        seen = f"line {line}: it is not text in UTF-8 (byte {wrong.start})"
        raise error(tried, seen, "Give a text file in UTF-8.") from None
