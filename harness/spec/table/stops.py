"""The rows of the table of hazards about how a pod stops, as far as only a manifest has to tell it.

A run shows what comes of these; where nothing runs, the name of an image or the words of a hook have to tell.
"""

from __future__ import annotations

from harness.model.mitigations import PURPOSES
from harness.model.result import Cause
from harness.spec.hazard import HazardId, Row, Severity
from harness.spec.hooks import first_deed, pre_stop
from harness.spec.stopping import (
    hooked_by_programs,
    hooked_by_sleep,
    hooked_by_unknown,
    hooked_to_stop,
    hooked_without_shell,
    named,
    servers,
    stop_s,
    stopping_first,
)
from harness.spec.subject import Subject
from harness.spec.termination import grace_period_s, longest_hook_s
from harness.spec.workload import Object

_CONTAINER = "spec.template.spec.containers[]"
_POD = "spec.template.spec"
_SLEEP_SINCE = (1, 30)
_INSIDE_S = float(PURPOSES["internal"]["prestop"])


def _short_of_stop(it: Subject) -> bool:
    """Whether hook and stop do not fit into the grace period, of which the hook alone leaves something."""
    stop, hook_s, grace_s = stop_s(it), longest_hook_s(it.pod), grace_period_s(it.pod)
    return stop is not None and hook_s < grace_s < hook_s + stop


def _stop_words(it: Subject) -> str:
    stop = stop_s(it) or 0.0
    said = it.around is not None and it.around.stop_s is not None
    known = "" if said else f" (as {servers(it, lambda one: not one.deaf)[0][1].title} does with answers of up to 5 s)"
    return f"hook {it.hook_s:g} s, stop {stop:g} s{known}, terminationGracePeriodSeconds {it.grace_s:g}"


def _too_early(it: Subject) -> bool:
    version = it.around.kubernetes if it.around is not None else None
    return version is not None and version < _SLEEP_SINCE and bool(hooked_by_sleep(it))


def _version_words(it: Subject) -> str:
    assert it.around is not None
    major, minor = it.around.kubernetes or (0, 0)
    return f"preStop.sleep in {', '.join(named(hooked_by_sleep(it)))}, Kubernetes {major}.{minor}"


def _known(it: Subject, *, deaf: bool) -> str:
    found = servers(it, lambda one: one.deaf if deaf else one.cuts)
    return ", ".join(f"{one.title} {one.version} in {container.get('name')}" for container, one in found)


def _is_short(it: Subject) -> bool:
    """Whether it is shorter than is advised where neither a balancer nor a slower proxy is known to be in the way."""
    if it.around is None or it.around.balancer is not None or (it.around.proxy_period_s or 0.0) > it.held_s:
        return False
    return 0 < it.held_s < _INSIDE_S


def _what_runs(container: Object) -> str:
    """The hook in words: no more of a program than its name, for what follows may be a secret."""
    words = first_deed(container)
    return f"exec {words[0]}" if words else ", ".join(pre_stop(container) or {})


ROWS: tuple[Row, ...] = (
    Row(
        id=HazardId.PRESTOP_STOPS_SERVER,
        severity=Severity.ERROR,
        holds=lambda it: it.around is not None and bool(hooked_to_stop(it)),
        wrong="its preStop hook tells the server to stop while requests are still sent to it",
        found=lambda it: ", ".join(f"{c.get('name')}: {' '.join(first_deed(c)[:3])}" for c in hooked_to_stop(it)),
        cause=Cause.TERMINATION_RACE,
        mend="a sleep before it, until the network has learnt of the pod's end",
        path=f"{_CONTAINER}.lifecycle.preStop",
        containers=lambda it: named(hooked_to_stop(it)),
        why="A hook that stops the server does what the stop signal would have done, and no later: the listener closes "
        "while kube-proxy, an ingress or a balancer goes on sending. What sleeps after that keeps the container, and "
        "not the listener.",
    ),
    Row(
        id=HazardId.PRESTOP_TOO_SHORT,
        severity=Severity.WARNING,
        holds=_is_short,
        wrong="its preStop hook is shorter than the network may take to forget a pod",
        found="preStop {it.held_s:g} s",
        cause=Cause.TERMINATION_RACE,
        mend=f"preStop: sleep {_INSIDE_S:g}, unless a run shows that less will do",
        path=f"{_CONTAINER}.lifecycle.preStop",
        why="On each node kube-proxy waits for its minSyncPeriod (1 s by default) between two programmings, which take "
        "the longer the more Services there are: a second or two is usual, and a busy cluster takes more.",
        source="https://kubernetes.io/docs/reference/networking/virtual-ips/#optimizing-iptables-mode-performance",
    ),
    Row(
        id=HazardId.PRESTOP_UNREADABLE,
        severity=Severity.NOTE,
        holds=lambda it: it.around is not None and bool(hooked_by_unknown(it)),
        wrong="for how long its preStop hook keeps it serving cannot be told from its manifest",
        found=lambda it: ", ".join(f"{c.get('name')}: {_what_runs(c)}" for c in hooked_by_unknown(it)),
        cause=Cause.TERMINATION_RACE,
        mend="a sleep as the first thing that it does, unless it is known to wait for that long itself",
        path=f"{_CONTAINER}.lifecycle.preStop",
        containers=lambda it: named(hooked_by_unknown(it)),
        why="A program may drain, and keep the listener open for as long as that takes, or close it at once. Only a "
        "run shows which.",
        source="https://kubernetes.io/docs/concepts/containers/container-lifecycle-hooks/",
    ),
    Row(
        id=HazardId.GRACE_BELOW_STOP_TIME,
        severity=Severity.ERROR,
        holds=_short_of_stop,
        wrong="its preStop hook and its stop together take longer than its grace period",
        found=_stop_words,
        cause=Cause.IN_FLIGHT_KILL,
        mend="terminationGracePeriodSeconds above the sum of both",
        path=f"{_POD}.terminationGracePeriodSeconds",
        why="The countdown starts before the hook does. What the application still has in hand when it is over is cut "
        "by SIGKILL. How long it takes to stop is what `--stop-time` says, or what docs/servers.md measured of the "
        "server that its image is named after.",
    ),
    Row(
        id=HazardId.PRESTOP_NEEDS_SHELL,
        severity=Severity.ERROR,
        holds=lambda it: it.around is not None and bool(hooked_without_shell(it)),
        wrong="its preStop hook runs a program that its image does not have",
        found=lambda it: ", ".join(f"{c.get('name')}: {c.get('image')}" for c in hooked_without_shell(it)),
        cause=Cause.TERMINATION_RACE,
        mend="preStop: sleep, which needs no program (Kubernetes >= 1.30)",
        path=f"{_CONTAINER}.lifecycle.preStop.exec",
        containers=lambda it: named(hooked_without_shell(it)),
        why="A hook that cannot be run fails at once (event FailedPreStopHook), and the stop signal follows: as if "
        "there were none, and nobody is told.",
        source="https://kubernetes.io/docs/concepts/containers/container-lifecycle-hooks/",
    ),
    Row(
        id=HazardId.PRESTOP_EXEC,
        severity=Severity.NOTE,
        holds=lambda it: it.around is not None and bool(hooked_by_programs(it)),
        wrong="its preStop hook needs a program that its image may come to lack",
        found=lambda it: f"exec in {', '.join(named(hooked_by_programs(it)))}",
        cause=Cause.TERMINATION_RACE,
        mend="preStop: sleep, which needs no program (Kubernetes >= 1.30), where it only sleeps",
        path=f"{_CONTAINER}.lifecycle.preStop.exec",
        containers=lambda it: named(hooked_by_programs(it)),
        why="An image that is made smaller one day loses its shell or its `sleep`, and the hook then fails in silence.",
        source="https://kubernetes.io/docs/concepts/containers/container-lifecycle-hooks/",
    ),
    Row(
        id=HazardId.PRESTOP_SLEEP_TOO_NEW,
        severity=Severity.ERROR,
        holds=_too_early,
        wrong="its preStop hook is of a kind that its cluster does not know yet",
        found=_version_words,
        cause=Cause.TERMINATION_RACE,
        mend="preStop: exec of a sleep",
        path=f"{_CONTAINER}.lifecycle.preStop.sleep",
        containers=lambda it: named(hooked_by_sleep(it)),
        why="The handler came with 1.29, behind a feature gate (PodLifecycleSleepAction) that is off there and on "
        "since 1.30. A server that does not know a field drops it, and refuses a hook without any handler.",
        source="https://www.kubernetes.dev/resources/keps/3960/",
    ),
    Row(
        id=HazardId.SIDECAR_STOPS_FIRST,
        severity=Severity.WARNING,
        holds=lambda it: it.around is not None and bool(stopping_first(it)),
        wrong="a container beside the one that serves is told to stop while that one still serves",
        found=lambda it: f"{', '.join(named(stopping_first(it)))} stops before {it.held_s:g} s are over",
        cause=Cause.TERMINATION_RACE,
        mend="the same preStop hook in each container, or the one that stops first as a native sidecar "
        "(initContainers, restartPolicy: Always), which stops after the others",
        path=f"{_CONTAINER}.lifecycle.preStop",
        containers=lambda it: named(stopping_first(it)),
        why="All containers get their stop signal at once, each after its own hook. If calls pass through the one "
        "without a hook, or need it (a mesh's proxy, a tunnel to a database), they fail although the other serves on.",
        source="https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-termination",
    ),
    Row(
        id=HazardId.DIES_AT_STOP_SIGNAL,
        severity=Severity.WARNING,
        holds=lambda it: it.around is not None and bool(_known(it, deaf=False)),
        wrong="its server cuts at the stop signal what it has in hand",
        found=lambda it: _known(it, deaf=False),
        cause=Cause.IN_FLIGHT_KILL,
        mend="a server, or a setting of it, that finishes what it has accepted; a preStop longer than the longest "
        "answer leaves less in hand",
        path=f"{_CONTAINER}.image",
        containers=lambda it: named(each for each, _ in servers(it, lambda one: one.cuts)),
        why="Measured as most people configure it: no preStop, minReadySeconds or grace period saved "
        "all of its answers.",
        source="docs/servers.md",
    ),
    Row(
        id=HazardId.DEAF_TO_STOP_SIGNAL,
        severity=Severity.WARNING,
        holds=lambda it: it.around is not None and bool(_known(it, deaf=True)),
        wrong="its server does not end at the stop signal, unless the application sees to it",
        found=lambda it: _known(it, deaf=True),
        cause=Cause.IN_FLIGHT_KILL,
        mend="a handler for SIGTERM that closes the server, or an init (tini) as the first process",
        path=f"{_CONTAINER}.image",
        containers=lambda it: named(each for each, _ in servers(it, lambda one: one.deaf)),
        why="The first process of a container ignores signals for which it has no handler. It serves on until it is "
        "killed at the end of the grace period, with what it has in hand then.",
        source="docs/servers.md",
    ),
)
