"""A container that ends, is killed, or cannot be started at all -> what holds its pod up.

A program that ends may find what it lacks when it is started again: a database, a migration. One that the runtime
cannot even start is not there, or may not be run, whatever else comes up. Sources: pkg/kubelet/kuberuntime
(kuberuntime_container.go: RunContainerError; events), containerd's internal/cri/server/container_start.go (StartError,
exit code 128), and dockershim's ContainerCannotRun.
"""

from __future__ import annotations

import re

from harness.disruptions.container_status import Pod, Status, ended, is_running, log_of_end, state, uid, where
from harness.disruptions.events import Events, message, times
from harness.disruptions.failing_probes import kill_mend, killer, without_address
from harness.disruptions.obstacle import Obstacle, one_line

_UNSTARTED = frozenset({"StartError", "ContainerCannotRun", "RunContainerError", "CreateContainerError"})
_NO_PROGRAM = re.compile(
    r"executable file not found|no such file or directory|exec format error|\bexec: ", re.IGNORECASE
)
_IDS = re.compile(r"\b[0-9a-f]{12,}\b")
"""Each try has another container: the same refusal must not look like another."""

PASSES = re.compile(
    r"timed? ?out|deadline exceeded|connection (?:refused|reset)|temporarily|unavailable|is reserved for|too many open"
    r"|no space left|resource busy|cannot allocate memory|context canceled",
    re.IGNORECASE,
)
"""What a node says that is busy or short of something: it may be otherwise a little later."""

_MENDS_ENDED = "See its log for why it ends."
_AGAIN = 2
"""After so many restarts an end with exit code 0 is no single one: what is to serve has nothing to be done with."""


def unstarted(pod: Pod, status: Status, events: Events) -> Obstacle | None:
    """A program that the runtime cannot start; None where it could, or has not been tried."""
    if is_running(status):
        return None
    tried = state(status, "waiting")
    if str(tried.get("reason")) not in _UNSTARTED:
        tried = ended(status)
    reason, said = str(tried.get("reason") or ""), str(tried.get("message") or "")
    if reason not in _UNSTARTED:
        return None
    told = events.of(uid(pod), "Failed", container=str(status.get("name")))
    reports = sum(times(event) for event in told if said and _IDS.sub("", said) in _IDS.sub("", message(event)))
    return Obstacle(
        where=where(pod, status),
        what=f"{reason} ({one_line(said) or 'no reason is given'})",
        mend="Correct its command, or name an image that has it."
        if _NO_PROGRAM.search(said)
        else "See what its node says.",
        final=not PASSES.search(said),
        reports=max(1, reports, int(status.get("restartCount") or 0) + 1),
        kind=f"{status.get('name')} cannot be started: {_IDS.sub('', said)}",
    )


def crashing(pod: Pod, status: Status, events: Events) -> Obstacle:
    """A container that ends again and again, and must wait longer and longer before it is started again."""
    over, killed_for = ended(status), killer(pod, status, events)
    restarts = int(status.get("restartCount") or 0)
    what = f"CrashLoopBackOff, {_ending(over)}" + (f", restarted {restarts} times" if restarts > 1 else "")
    what += f", killed after: {one_line(killed_for)}" if killed_for else ""
    return Obstacle(
        where=where(pod, status),
        what=what,
        mend=kill_mend(pod, status, killed_for) if killed_for else _MENDS_ENDED,
        kind=f"{status.get('name')} crashes: {over.get('exitCode')} {over.get('reason')}",
        log=log_of_end(pod, status),
    )


def killed_or_ended(pod: Pod, status: Status, events: Events) -> Obstacle | None:
    """A container that was killed for a probe, failed, or ended again and again by itself; None where neither.

    An init container that has succeeded has done its work: it is not to be started again, and not asked for here.
    """
    over, killed_for = ended(status), killer(pod, status, events)
    if killed_for:
        return Obstacle(
            where=where(pod, status),
            what=f"killed after: {one_line(killed_for)}",
            mend=kill_mend(pod, status, killed_for),
            kind=f"{status.get('name')} is killed: {without_address(pod, killed_for)}",
            log=log_of_end(pod, status) if over else None,
        )
    if not over.get("exitCode") and (not over or int(status.get("restartCount") or 0) < _AGAIN):
        return None
    if events.of(uid(pod), "BackOff", container=str(status.get("name"))):
        return crashing(pod, status, events)  # it has just been started again
    return Obstacle(where=where(pod, status), what=_ending(over), mend=_MENDS_ENDED, log=log_of_end(pod, status))


def _ending(over: Status) -> str:
    """How a container ended: "its last end was exit code 137 (OOMKilled)"."""
    reason, said = over.get("reason"), str(over.get("message") or "")
    parts = [str(part) for part in (reason if reason not in ("Error", "Completed") else "", one_line(said)) if part]
    detail = f" ({': '.join(parts)})" if parts else ""
    return f"its last end was exit code {over.get('exitCode', '?')}{detail}"
