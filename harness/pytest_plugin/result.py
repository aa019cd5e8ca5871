"""What came of one call of `rollout(...)`, and how a test report tells it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.model.result import RolloutFindings


@dataclass(frozen=True, slots=True, kw_only=True)
class RolloutResult:
    """What came of the rollouts of one call.

    `causes`: failed requests by cause. `rollouts`: each one's own window, outages and causes. `sizing`: what was
    measured and what is recommended, as in result.json. `report`: the HTML report; `run`: the run directory.
    """

    verdict: str
    reason: str
    sentence: str
    requests: int
    failed: int
    causes: dict[str, int]
    rollouts: tuple[RolloutFindings, ...]
    sizing: dict[str, Any]
    within_budget: bool
    report: Path
    run: Path
    _patched: Callable[[], str] = field(repr=False, compare=False)

    @property
    def seamless(self) -> bool:
        """Whether no rollout dropped a call, and the run could have shown it: False when it is inconclusive, too."""
        return self.verdict == "seamless"

    def patch(self) -> str:
        """The manifests, as YAML, with the settings that would have held; unchanged where no setting cures."""
        return self._patched()

    def __repr__(self) -> str:
        """What an assert shows: the verdict for people."""
        return f"<{self.verdict}: {'; '.join(filter(None, (self.sentence, self.reason)))}>"
