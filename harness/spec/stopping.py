"""The containers of a pod that is judged by its manifest alone -> which of them do not stop as its rollout needs it."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from harness.spec.hooks import exec_words, first_deed, only_sleeps, pre_stop, serves_on_s, shell_line, surely_serves_s
from harness.spec.images import Server, has_no_shell, server
from harness.spec.stop_commands import stops_server
from harness.spec.subject import Subject
from harness.spec.workload import Object

_PROGRAMS = ("sleep", "busybox", "env")


def named(containers: Iterable[Object]) -> tuple[str, ...]:
    """Their names."""
    return tuple(str(container.get("name")) for container in containers)


def hooked_by_programs(it: Subject) -> tuple[Object, ...]:
    """The containers whose preStop hook runs a shell or a `sleep` of their image, where it may have none."""
    return tuple(each for each in it.everything if _runs_program(each) and not _lacks_shell(each))


def hooked_without_shell(it: Subject) -> tuple[Object, ...]:
    """Those whose image is known to have neither."""
    return tuple(each for each in it.everything if _runs_program(each) and _lacks_shell(each))


def hooked_by_sleep(it: Subject) -> tuple[Object, ...]:
    """Those whose hook is the handler `sleep`."""
    return tuple(each for each in it.everything if "sleep" in (pre_stop(each) or {}))


def hooked_to_stop(it: Subject) -> tuple[Object, ...]:
    """The containers that serve and whose hook begins by telling the server to stop."""
    return tuple(each for each in it.serving if stops_server(first_deed(each)))


def hooked_by_unknown(it: Subject) -> tuple[Object, ...]:
    """Those whose hook does something first of which it cannot be told from here how long it takes."""
    unknown = (each for each in it.serving if not only_sleeps(each) and not serves_on_s(it.pod, each))
    return tuple(each for each in unknown if not stops_server(first_deed(each)))


def stopping_first(it: Subject) -> tuple[Object, ...]:
    """The containers beside those that serve which are told to stop while these still serve, in their preStop.

    A native sidecar is told after them, in the end:
    https://kubernetes.io/docs/concepts/workloads/pods/sidecar-containers/#pod-termination-order
    """
    serving = named(it.serving)
    main = [each for each in it.pod.get("containers") or () if str(each.get("name")) not in serving]
    held_s = it.held_s
    return tuple(each for each in main if held_s > 0 and (surely_serves_s(each) or 0.0) < held_s)


def servers(it: Subject, which: Callable[[Server], bool]) -> tuple[tuple[Object, Server], ...]:
    """The containers that serve and whose image tells of such a server, with that."""
    known = ((each, server(str(each.get("image") or ""))) for each in it.serving)
    return tuple((each, found) for each, found in known if found is not None and which(found))


def stop_s(it: Subject) -> float | None:
    """How long the application takes to end after its stop signal: as it is said, or as its servers do; else None."""
    if it.around is None:
        return None
    if it.around.stop_s is not None:
        return it.around.stop_s
    return max((found.end_s for _, found in servers(it, lambda one: not one.deaf)), default=None)


def _runs_program(container: Object) -> bool:
    words = exec_words(pre_stop(container) or {})
    return shell_line(words) is not None or bool(words and words[0].rpartition("/")[2] in _PROGRAMS)


def _lacks_shell(container: Object) -> bool:
    return has_no_shell(str(container.get("image") or ""))
