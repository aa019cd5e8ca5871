"""Run directories of a server, and what it did at its stop signal -> findings, as JSON: the judge beside the truth."""

from __future__ import annotations

import csv
import json
from collections import Counter
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from harness.analysis import judge
from harness.model.result import Cause, Verdict
from harness.store.reader import read_run
from scripts.servers.rollouts import LOGS
from scripts.servers.truth import RequestLog, Told, by_cause, dropped, told

if TYPE_CHECKING:
    from pathlib import Path

    from harness.model.result import ScenarioResult

FILE = "findings.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A variant. `lost`: calls that the rollout cost, by the truth, in all and by stream, and `perhaps_lost`: those of
    which nobody can tell; `truth` and `causes`: failed requests by true cause and by the judge's. `compared`: how many
    failures have (true cause, judged cause)."""

    variant: str
    requests: int
    failed: int
    lost: int
    perhaps_lost: int
    lost_by_stream: dict[str, int]
    truth: dict[str, int]
    causes: dict[str, int]
    compared: list[tuple[str, str, str, int]]
    verdict: str
    reason: str
    dropped: bool

    @property
    def verdict_right(self) -> bool | None:
        """Whether it said `dropping` where calls were lost, and only there; None where nobody can tell if some were."""
        if self.perhaps_lost and not self.dropped and self.verdict != Verdict.INCONCLUSIVE:
            return None
        return (self.verdict == Verdict.DROPPING) == self.dropped and self.verdict != Verdict.INCONCLUSIVE


def finding(run: Path) -> Finding:
    """The judge's word on one run directory, beside the truth's."""
    return compared(
        judge(read_run(run)), told(run, RequestLog.read(run.parent / LOGS / "requests.log")), _requests(run)
    )


def compared(result: ScenarioResult, truth: tuple[Told, ...], requests: int) -> Finding:
    """A judgement beside the truth of the same requests."""
    judged = {(found.stream, str(found.worker), str(found.seq)): str(found.cause) for found in result.failures}
    lost = [failure for failure in truth if failure.lost]
    pairs = Counter((failure.key[0], failure.cause, judged.get(failure.key, "")) for failure in truth)
    return Finding(
        variant=result.variant,
        requests=requests,
        failed=len(truth),
        lost=len(lost),
        perhaps_lost=sum(failure.perhaps_lost for failure in truth),
        lost_by_stream=dict(Counter(failure.key[0] for failure in lost)),
        truth=dict(by_cause(truth)),
        causes={str(cause): count for cause, count in result.causes.items()},
        compared=[(*pair, count) for pair, count in sorted(pairs.items())],
        verdict=str(result.verdict),
        reason=result.reason,
        dropped=dropped(truth),
    )


def right_wrong_unknown(found: Finding) -> tuple[int, int, int]:
    """Failures whose cause is the true one, another, or not named; those that the truth cannot tell are left out."""
    known = [(true, said, count) for _, true, said, count in found.compared if true != Cause.UNKNOWN]
    right = sum(count for true, said, count in known if said == true)
    unknown = sum(count for _, said, count in known if said == Cause.UNKNOWN)
    return right, sum(count for *_, count in known) - right - unknown, unknown


def write_findings(folder: Path, name: str, version: str, stop: dict[str, Any], runs: list[Path]) -> None:
    """Everything about a server into its folder."""
    document = {"server": name, "version": version, "stop": stop, "variants": [asdict(finding(run)) for run in runs]}
    (folder / FILE).write_text(json.dumps(document, indent=1) + "\n")


def _requests(run: Path) -> int:
    with (run / "requests.csv").open(newline="") as rows:
        return sum(1 for _ in csv.reader(rows)) - 1
