"""Where a scenario stands -> its progress, told at every step and a few times a second between them."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import anyio

from harness.disruptions.last_words import told
from harness.disruptions.obstacle import Obstacle
from harness.model.progress import Phase, Progress
from harness.runner.load_session import LoadSession
from harness.runner.scenario import Scenario

_PROGRESS_S = 0.25


class Telling:
    """Of one scenario. `place`: which of how many it is. `warned`: what it warns of; `load`: once it is sent."""

    def __init__(
        self,
        scenario: Scenario,
        place: tuple[int, int],
        on_progress: Callable[[Progress], None],
        warned: Iterable[str],
    ) -> None:
        self._scenario, self._place, self._on_progress = scenario, place, on_progress
        self._phase: tuple[Phase, int | None] = (Phase.DEPLOYING, None)
        self._held_up = ""
        self.warned = list(warned)
        self.load: LoadSession | None = None

    def enter(self, phase: Phase, rollout: int | None = None) -> None:
        """The next phase has begun."""
        self._phase = (phase, rollout)
        self._tell()

    def hear(self, standing: tuple[Obstacle, ...]) -> None:
        """What holds a rollout up now."""
        self._held_up = told(standing)
        self._tell()

    async def keep_on(self) -> None:
        """Tell for ever."""
        while True:
            self._tell()
            await anyio.sleep(_PROGRESS_S)

    def _tell(self) -> None:
        phase, rollout = self._phase
        self._on_progress(
            Progress(
                scenario=self._scenario.name,
                number=self._place[0],
                scenarios=self._place[1],
                phase=phase,
                rollout=rollout,
                rollouts=self._scenario.rollouts,
                requests=self.load.requests if self.load else 0,
                failed=self.load.failed if self.load else 0,
                held_up=self._held_up,
                warned=tuple(self.warned),
                words=self._scenario.words,
            )
        )
