"""What the kubelet says of a probe that fails -> what holds the pod up, and what to do about it.

A probe may succeed later, however it fails now, so it is waited for; the words say where that is unlikely. Messages:
pkg/probe/http, pkg/probe/tcp and pkg/kubelet/prober.
"""

from __future__ import annotations

import re
from typing import Any

from harness.disruptions.container_status import Pod, Status, container_of, log_of_run, uid, where
from harness.disruptions.events import Events, message, times
from harness.disruptions.obstacle import Obstacle, one_line

_PROBE = re.compile(r"^(Liveness|Readiness|Startup) probe (failed|errored)")
_REFUSED = re.compile(r"dial tcp (?P<host>\S*):(?P<port>\d+): connect: connection refused")
_OF_THE_NODE = ("127.0.0.1", "localhost", "[::1]")
_NOTHING_THERE = re.compile(r"statuscode: 404\b")
_TOO_LATE = re.compile(r"timed? ?out|Timeout exceeded|deadline exceeded")
_NO_PROGRAM = re.compile(
    r"executable file not found|exec: \"[^\"]*\": stat |\benv: .*: No such file or directory"
    r"|\b(?:ba|da|a|z)?sh: (?!.*can(?:not|'t) open)(?:.*: )?(?:command )?not found\b"
    r"|\b(?:ba|da|a|z)?sh: (?!.*can(?:not|'t) open).*: No such file or directory"
)
"""What a container runtime, `env` or a shell says of a program that the image has not: no time mends that. A program
that is there says the like of a file which it looks for, and which the server may make later."""

_NEVER = re.compile(r"executable file not found|strconv\.Atoi: parsing \"(?P<name>[^\"]+)\": invalid syntax")
"""What fails whatever the server does: the runtime finds no program, or the kubelet no port of that name."""

_ANOTHER_PROGRAM = (
    "The image has not what the probe{} runs: put it in, or let it ask by httpGet, tcpSocket or grpc, which need no "
    "program."
)
_FAILURES_OF_A_START = 3
"""What a readiness probe may fail while its container starts (Kubernetes' own failureThreshold)."""


def failing_probe(pod: Pod, status: Status, events: Events) -> Obstacle | None:
    """The probe of a container that runs, and fails; None where none does."""
    told = events.of(uid(pod), "Unhealthy", container=str(status.get("name")))
    failing = [event for event in told if _PROBE.match(message(event))]
    if not failing:
        return None
    said = message(failing[-1])
    return Obstacle(
        where=where(pod, status),
        what=one_line(said),
        mend=_mend(said, _declared(container_of(pod, str(status.get("name"))))),
        final=bool(_NEVER.search(said)) and not said.startswith("Liveness"),
        reports=sum(map(times, failing)),
        tell_from=_FAILURES_OF_A_START,
        kind=f"{status.get('name')}: {without_address(pod, said)}",
        log=log_of_run(pod, status),
    )


def killer(pod: Pod, status: Status, events: Events) -> str:
    """What the liveness or startup probe said for which a container was killed; empty where it was not."""
    killed = events.of(uid(pod), "Killing", container=str(status.get("name")))
    if not any("probe" in message(event) for event in killed):
        return ""
    told = events.of(uid(pod), "Unhealthy", container=str(status.get("name")))
    said = [message(event) for event in reversed(told) if _PROBE.match(message(event))]
    return next((each for each in said if not each.startswith("Readiness")), message(killed[-1]))


def kill_mend(pod: Pod, status: Status, said: str) -> str:
    """What to do where a container is killed for what its probe `said`, as of `killer`."""
    name = str(status.get("name"))
    if _NO_PROGRAM.search(said):
        return _ANOTHER_PROGRAM.format(f" of {name}")
    if re.search(r"startup probe", said, re.IGNORECASE):
        return (
            f"Give the startupProbe of {name} more time (failureThreshold x periodSeconds), or correct what it asks: "
            "it kills the container before it serves."
        )
    if container_of(pod, name).get("startupProbe"):
        return f"Give the livenessProbe of {name} more time, or correct what it asks: it kills what is not Ready yet."
    return "Give it a startupProbe, or its probe more time: it is killed before it serves."


def without_address(pod: Pod, said: str) -> str:
    """A message without the pod's own address, so that it is the same of all pods."""
    address = (pod.get("status") or {}).get("podIP")
    return said.replace(str(address), "it") if address else said


def _mend(said: str, declared: list[int]) -> str:
    refused = _REFUSED.search(said)
    if refused and refused["host"] in _OF_THE_NODE:
        return f"A probe's host {refused['host']} is the node, not the pod: leave `host` out."
    if refused:
        port = int(refused["port"])
        has = f"its container declares {', '.join(map(str, declared))}" if declared else "its container declares none"
        undeclared = "" if port in declared else f" ({has})"
        return f"Nothing listens on port {port}{undeclared}: see its log for why, or correct the probe's port."
    if (never := _NEVER.search(said)) and never["name"]:
        return f"No port of its container has the name {never['name']}: give it to one, or let the probe name a number."
    if _NOTHING_THERE.search(said):
        return "It listens, and has nothing at that path: correct the probe's httpGet.path."
    if _NO_PROGRAM.search(said):
        return _ANOTHER_PROGRAM.format("")
    if _TOO_LATE.search(said):
        return "See why it answers so late, or raise the probe's timeoutSeconds."
    return "See why its probe fails, or give it more time."


def _declared(container: dict[str, Any]) -> list[int]:
    """The ports that a container declares."""
    return [int(port["containerPort"]) for port in container.get("ports") or () if port.get("containerPort")]
