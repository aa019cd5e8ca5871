"""An argument of `rollout(...)` that will not do -> the error that names it, and what would."""

from __future__ import annotations

from harness.errors import UsageError
from harness.inputs.shown import cut, printable, shown
from harness.model.mitigations import MITIGATIONS

TRIED = "reading the arguments of rollout()"

WOULD_DO = {
    "manifest": "Give a YAML file, a directory, a list of them, or parsed documents.",
    "image": 'Give image="nginx:1.29.1", image={"nginx": "nginx:1.29.1"}, or a list of either.',
    "disruption": 'Give disruption="restart", "delete-pod", "evict" or "drain", or what `disruption:` of an experiment '
    'holds, such as {"scale": {"to": 1}}.',
    "rollouts": "Give a whole number from 1 to 1000.",
    "load": 'Give new connections per second, such as load=100, or load={"new": {"rate": 100}}.',
    "path": 'Give path="clusterip", "nodeport", "loadbalancer", "ingress" or "gateway", or what `path:` of an '
    'experiment holds, such as {"url": "https://shop.example.com"}.',
    "mitigations": f'Give a list of {", ".join(MITIGATIONS)}, as "prestop", "prestop=10s" or {{"prestop": "10s"}}.',
    "budget": 'Give a mapping such as budget={"failed": 0, "p99_during": "250ms"}.',
    "expect": 'Give expect="seamless", "dropping" or "any".',
    "images": 'Give images={"*": {"stand_in": "finishes"}}, or what `images:` of an experiment holds.',
    "target": 'Give target="deployment/NAME" or "statefulset/NAME".',
    "namespace": 'Give namespace="staging" and target="deployment/NAME", and no manifest.',
    "service": 'Give service="NAME" or "NAME:PORT".',
}


def wrong(argument: str, seen: str) -> UsageError:
    """The error that names an argument, and what would do."""
    return UsageError(TRIED, f"{argument}: {seen}", WOULD_DO[argument.partition(".")[0]])


def in_python(value: object) -> str:
    """The value as Python says it, cut at 80 characters; what cannot be printed stands as an escape."""
    return shown(value) if isinstance(value, str | float) or type(value) is int else cut(printable(repr(value)), 80)
