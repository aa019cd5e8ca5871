"""The rollouts on every path but the ClusterIP's of which the truth is recorded, and the verdict that is right of each.

Delays are shorter than a cloud's, so that a case takes a minute or two; `OUTLASTING` is what outlasts them.
"""

from __future__ import annotations

from .case import Case, traefik_logs, what_is_wrong, written
from .layer_4 import layer_4, nlb_to_pods
from .layer_7 import albs, negs, nodes_behind_an_alb
from .traefik import traefik_itself, traefiks

__all__ = ["Case", "cases", "traefik_logs", "what_is_wrong", "written"]


def cases() -> tuple[Case, ...]:
    """All of them."""
    return (
        *albs(),
        *nodes_behind_an_alb(),
        *negs(),
        *layer_4(),
        *nlb_to_pods(),
        *traefiks(),
        traefik_itself(),
    )
