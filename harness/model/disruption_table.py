"""A disruption's name -> what it is called and what it does to a workload: the one table of them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """`noun`: what one time of it is called. `rolls`: the pod template changes; else it stays as it is.

    `patches`: the harness changes the workload itself, or takes back what a failed command has changed; a scaling goes
    by its subresource. `evicts`: PodDisruptionBudgets are asked.
    """

    noun: str = "rollout"
    rolls: bool = True
    patches: bool = False
    evicts: bool = False


TABLE = {
    "image": Row(patches=True),
    "restart": Row(patches=True),
    "command": Row(noun="deploy", patches=True),
    "watch": Row(),
    "scale": Row(noun="scaling", rolls=False),
    "delete-pod": Row(noun="pod deletion", rolls=False),
    "evict": Row(noun="eviction", rolls=False, evicts=True),
    "drain": Row(noun="drain", rolls=False, evicts=True),
}

_ROLLOUT = Row()


def row(disruption: str | None) -> Row:
    """That of a disruption, by its name in run.json; what is not known there, or has no name, is a rolling update.

    >>> row("drain").evicts, row("restart").rolls, row(None).noun
    (True, True, 'rollout')
    """
    return TABLE.get(disruption or "", _ROLLOUT)
