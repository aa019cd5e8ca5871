"""To which targets new connections go -> the rules of this network namespace: the data plane of layer 4."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import anyio

from harness.sandbox.balancer.network import rules
from harness.sandbox.kubeproxy import RulesRefused

if TYPE_CHECKING:
    from harness.sandbox.balancer.targets import Place, Sending


class Kernel:
    """The kernel's NAT, programmed by one `nft -f` transaction a change."""

    def __init__(self) -> None:
        self._rules = ""

    async def apply(self, sending: dict[Place, Sending], routes: object, now: float) -> bool:
        """Make it so; whether anything changed. It knows no `routes`."""
        text = rules({place: each.serving for place, each in sending.items()})
        if text == self._rules:
            return False
        done = await anyio.run_process(["nft", "-f", "-"], input=text.encode(), check=False)
        if done.returncode != 0:
            raise RulesRefused(done.stderr.decode(errors="replace").strip())
        self._rules = text
        return True

    def next_due(self, now: float) -> float:
        """Never: nothing changes here by itself."""
        return math.inf
