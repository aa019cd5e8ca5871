"""One of a thing is not several, anywhere."""

from __future__ import annotations

import re
from pathlib import Path

from harness.model.quantity import things

COUNTED = re.compile(
    r"\{len\([^{}]*\)\} (?:clean )?(?:requests|rollouts|scenarios|rows|lines|pods|changes|failures|nodes)\b"
)


def test_one_is_singular_and_many_are_grouped() -> None:
    assert [things(number, "pod") for number in (0, 1, 2, 4437)] == ["0 pods", "1 pod", "2 pods", "4,437 pods"]


def test_nothing_that_is_counted_has_its_plural_written_out(repository: Path) -> None:
    rooms = [repository / "harness" / room for room in ("analysis", "reporters", "cli", "store")]
    found = {
        f"{path.relative_to(repository)}: {hit}"
        for room in rooms
        for path in room.rglob("*.py")
        for hit in COUNTED.findall(path.read_text())
    }
    assert found == {
        "harness/store/requests_csv.py: {len(numbers)} lines",  # of one it says "line 7"
        "harness/analysis/causes/evidence.py: {len(who)} pods",  # "one of 3 pods"; of one it says which
    }
