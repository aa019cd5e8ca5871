"""The lines of a requests.csv, one by one -> those that are rows of it, and which are not and why."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from harness.model.request import Outcome

_TIME = rb"-?[0-9]{1,9}(?:\.[0-9]*)?(?:[eE][-+]?[0-9]{1,2})?"
_COUNT = rb"[0-9]{1,9}"
_PLAIN = rb"[^\",\x00-\x1f\x7f]"
_QUOTED = rb'"(?:[^"\x00-\x1f\x7f]|"")*"'
_TEXT = b"(?:" + _PLAIN + b"*|" + _QUOTED + b")"
_TIMES = ("started", "connected", "first_byte", "ended", "min_rtt", "seen_late", "handshake")
_CELLS: dict[str, bytes] = {
    "stream": b"(?:" + _PLAIN + b"+|" + _QUOTED + b")",
    "worker": _COUNT,
    "seq": _COUNT,
    "scheduled": _TIME,
    **dict.fromkeys(_TIMES, b"(?:" + _TIME + b")?"),
    **dict.fromkeys(("acked", "request_bytes"), b"(?:-?" + _COUNT + b")?"),
    "local_port": rb"(?:[0-9]{1,5})?",
    **dict.fromkeys(("reused", "resumed", "close_delimited"), b"[01]?"),
    "outcome": b"(?:" + b"|".join(re.escape(str(outcome)).encode() for outcome in Outcome) + b")",
    "status": b"(?:[1-9][0-9]{2})?",
    "bytes": b"(?:[0-9]{1,18})?",
    "retransmits": b"(?:[0-9]{1,4})?",
}
"""What may stand in a cell. A quote is text only where it is doubled, in a cell that is quoted as a whole."""

_LONGEST = 40


@dataclass(slots=True)
class Lines:
    """`text`: the first line and all that are rows; `numbers`: the lines of those rows, counted from 1; `bad`: those of
    the others; `why`: what is wrong with the first of them."""

    text: bytes = b""
    numbers: Sequence[int] = ()
    bad: list[int] = field(default_factory=list)
    why: str = ""


def good_lines(path: Path, names: Sequence[str]) -> Lines:
    """Sort the whole lines of a file; what follows its last line break is torn, and no line."""
    wanted = [re.compile(_CELLS.get(name, _TEXT)) for name in names]
    is_row = re.compile(b",".join(pattern.pattern for pattern in wanted) + b"\r?").fullmatch
    found = Lines()
    numbers: list[int] = []
    kept = [",".join(names).encode(errors="replace") + b"\n"]
    with path.open("rb") as file:
        file.readline()
        for number, line in enumerate(file, start=2):
            if not line.endswith(b"\n"):
                break
            if is_row(line, 0, len(line) - 1) and _is_utf8(line):
                kept.append(line)
                numbers.append(number)
                continue
            found.bad.append(number)
            found.why = found.why or fault(line.rstrip(b"\r\n"), names)
    found.text, found.numbers = b"".join(kept), numbers
    return found


def fault(line: bytes, names: Sequence[str]) -> str:
    """What is wrong with a line, in words: the first cell that cannot be what its column says."""
    cells = line.split(b",")
    if len(cells) != len(names):
        return f"{len(cells)} cells of {len(names)}"
    for name, cell in zip(names, cells, strict=True):
        if not re.fullmatch(_CELLS.get(name, _TEXT), cell):
            return f"{name} is {_shown(cell)}" if cell else f"it has no {name}"
    return "it is not UTF-8"


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True


def _shown(cell: bytes) -> str:
    text = cell[: _LONGEST + 1].decode(errors="replace")
    return ascii(text if len(text) <= _LONGEST else text[:_LONGEST] + "...")
