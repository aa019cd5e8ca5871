"""Judged recordings and their truth -> for each cause how many of its failures were found, and how many named so are.

Recall: of the failed requests that a cause truly has, those that were named so. Precision: of those that were named so,
those that truly are. Beside them what would be got by always saying `termination-race`. A failure of which even the
kernel does not know the cause is in neither.
"""

from __future__ import annotations

import csv
import tarfile
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from harness.analysis import judge
from harness.model.result import Cause, ScenarioResult
from harness.store.reader import read_run

SERVERS = Path(__file__).resolve().parent.parent / "tests" / "servers" / "recordings"
ENOUGH = 30
PROMISED = 0.95

Pairs = Counter[tuple[str, str]]
"""How often each true cause was judged to be which."""


def pairs(result: ScenarioResult, truth: Path) -> Pairs:
    """What a judgement says of the failures whose cause is on record in a file (`stream, worker, seq, cause`)."""
    with truth.open(newline="") as rows:
        known = {(row["stream"], row["worker"], row["seq"]): row["cause"] for row in csv.DictReader(rows)}
    told = ((known.get((one.stream, str(one.worker), str(one.seq)), ""), str(one.cause)) for one in result.failures)
    return Counter(pair for pair in told if pair[0] not in ("", Cause.UNKNOWN))


def of_servers() -> Iterator[Pairs]:
    """Of the recorded rollouts of real servers, whose truth is the kernel's and their own request logs'."""
    for packed in sorted(SERVERS.glob("*.tar.xz")):
        with tempfile.TemporaryDirectory() as folder, tarfile.open(packed) as archive:
            archive.extractall(folder, filter="data")
            yield pairs(judge(read_run(Path(folder))), Path(folder) / "told.csv")


def table(every: Iterable[Pairs]) -> tuple[str, bool]:
    """The Markdown table, and whether each cause with enough failures of its own has the recall and the precision that
    are promised."""
    total: Pairs = Counter()
    for one in every:
        total.update(one)
    lines = [
        "| cause | failed requests | recall | precision | always `termination-race`: recall, precision |",
        "|---|---|---|---|---|",
    ]
    good, whole = True, sum(total.values())
    for cause in Cause:
        true = sum(n for (known, _), n in total.items() if known == cause)
        named = sum(n for (_, judged), n in total.items() if judged == cause)
        right = total[str(cause), str(cause)]
        if cause == Cause.UNKNOWN or not (true or named):
            continue
        if true >= ENOUGH:
            good &= right >= PROMISED * true and right >= PROMISED * named
        guess = f"100.0 %, {100 * true / whole:.1f} %" if cause == Cause.TERMINATION_RACE else "0.0 %, -"
        few = "" if true >= ENOUGH else " (few)"
        lines.append(f"| `{cause}` | {true}{few} | {_share(right, true)} | {_share(right, named)} | {guess} |")
    return "\n".join(lines), good


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %" if whole else "-"
