"""run.json <-> RunInfo: the names and units of format 1, and a clear word for what cannot be read."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from harness.errors import DamagedRunError, RunFormatError
from harness.inputs.shape import (
    ANY,
    COUNT,
    FLAG,
    NUMBER,
    TEXT,
    Kind,
    Shape,
    is_number,
    map_of,
    misfits,
    unquoted,
)
from harness.inputs.shown import shown
from harness.model.budget import LIMITS
from harness.model.duration import duration
from harness.model.run import (
    FORMAT,
    CommandRun,
    Confidence,
    Expect,
    GoneOn,
    LoadFacts,
    LoadWorker,
    MeasuredService,
    RequestFacts,
    RolloutMarks,
    RunInfo,
    WorkerClock,
    WorkerEnd,
)
from harness.store.cluster_json import CLUSTER_SHAPE, HOP_SHAPE, SPAN, cluster, hop

_MOMENT = Kind("seconds on the run's clock", lambda value: is_number(value) and abs(value) < 1e9)
_WALL = Kind("seconds since 1970", lambda value: is_number(value) and 0 <= value < 1e11)
_NAME = Kind("text of 300 characters at most", lambda value: isinstance(value, str) and len(value) <= 300, how=unquoted)
_STATUS = Kind("an exit status", lambda value: isinstance(value, int) and abs(value) < 1 << 32)
_SHAPE: Shape = {
    "hops": [HOP_SHAPE],
    **dict.fromkeys(("experiment", "scenario", "variant", "path"), _NAME),
    **dict.fromkeys(("target", "disruption"), TEXT),
    **dict.fromkeys(("pod_header", "expect", "stopped", "goes_on_from"), TEXT),
    "gone_on": {"by!": TEXT, "rollouts!": COUNT, "until!": _MOMENT},
    "commands": [{"rollout!": COUNT, "command!": TEXT, "exit_code": _STATUS, "seconds!": SPAN}],
    "manifests": [map_of(ANY)],
    "service": {"name!": TEXT, "port!": COUNT},
    "cluster": CLUSTER_SHAPE,
    "streams": map_of(SPAN),
    "load": {
        "connect_timeout_s": SPAN, "read_timeout_s": SPAN, "local_ports": [COUNT], "source_addresses": [TEXT],
    },
    "requests": [
        {"method!": TEXT, "path!": TEXT, "weight": COUNT, "success": [TEXT], "stream": TEXT},
    ],
    "t0_wall": _WALL,
    "clocks": [{"worker!": COUNT, "offset_s!": _MOMENT, "uncertainty_s!": SPAN}],
    "workers": [{"worker!": COUNT, "node": TEXT, "lost_at": _MOMENT, "why": TEXT}],
    "ends": [{"worker!": COUNT, "requests!": map_of(COUNT)}],
    "control": [_MOMENT],
    "rollouts": [{"rollout!": COUNT, "update!": _MOMENT, "complete": _MOMENT, "settled": _MOMENT, "by": TEXT}],
    "planned_rollouts": COUNT,
    "quiet_s": SPAN,
    "confidence": {"max_dropping!": NUMBER, "level!": NUMBER},
    "budget": map_of(SPAN),
    "churn_s": SPAN,
    "provisos": [TEXT],
    "finished": FLAG,
    "strict_idle_close": FLAG,
}  # fmt: skip


def to_json(info: RunInfo) -> dict[str, Any]:
    """The JSON object of run.json; `from_json` of it gives an equal RunInfo."""
    data = asdict(info)
    proxy = info.cluster.proxy
    period = proxy.min_sync_period_s
    data["cluster"]["proxy"] = {
        "mode": proxy.mode,
        "minSyncPeriod": None if period is None else duration(period),
        "source": proxy.source,
    }
    for marks in data["rollouts"]:
        if marks["by"] is None:  # said only of what others made
            del marks["by"]
    for name in ("gone_on", "goes_on_from"):  # said only of runs that were interrupted and gone on with
        if data[name] is None:
            del data[name]
    if not data["workers"]:
        del data["workers"]
    return data


def from_json(data: object, *, source: str = "run.json") -> RunInfo:
    """RunInfo from a run.json of this format, also one written by an older or foreign recorder.

    Unknown keys are ignored and missing ones take their defaults; what is there must have the right type.

    Raises:
        RunFormatError: not a JSON object, a newer format, or a value of the wrong type.
    """
    if not isinstance(data, dict):
        raise RunFormatError(f"reading {source}", "it does not hold a JSON object", "Is it a run directory's run.json?")
    version = data.get("format", FORMAT)
    if isinstance(version, bool) or not isinstance(version, int) or not 1 <= version <= FORMAT:
        newer = isinstance(version, int) and version > FORMAT
        known = f"up to {FORMAT}" if newer else f"1 to {FORMAT}"
        raise RunFormatError(
            f"reading {source}",
            f"it has format {shown(version)}, and this harness reads {known}",
            "Update the harness." if newer else "Was it changed by hand?",
        )
    if misfit := next(misfits(data, _SHAPE), None):
        raise DamagedRunError(f"reading {source}", f"a value is not what format {FORMAT} says: {misfit}")
    try:
        return _run_info(data)
    except ValueError as error:
        raise DamagedRunError(f"reading {source}", f"a value is not what format {FORMAT} says ({error})") from error
    except (TypeError, LookupError, AttributeError, OverflowError) as error:  # whose words are Python's
        raise DamagedRunError(f"reading {source}", f"a value is missing or is not what format {FORMAT} says") from error


def _run_info(data: dict[str, Any]) -> RunInfo:
    control = data.get("control")
    confidence = data.get("confidence")
    return RunInfo(
        format=int(data.get("format", FORMAT)),
        harness=data.get("harness"),
        experiment=str(data.get("experiment", "")),
        scenario=str(data.get("scenario", "")),
        variant=str(data.get("variant", "")),
        path=str(data.get("path", "clusterip")),
        hops=tuple(map(hop, data.get("hops") or ())),
        manifests=tuple(data.get("manifests") or ()),
        target=data.get("target"),
        service=_service(data.get("service")),
        cluster=cluster(data.get("cluster") or {}),
        streams={str(name): float(rate) for name, rate in (data.get("streams") or {}).items()},
        load=_load(data.get("load") or {}),
        requests=_requests(data.get("requests")),
        pod_header=data.get("pod_header"),
        t0_wall=float(data.get("t0_wall") or 0.0),
        clocks=tuple(WorkerClock(**clock) for clock in data.get("clocks") or ()),
        workers=_workers(data.get("workers")),
        ends=_ends(data.get("ends")),
        control=None if not control else (float(control[0]), float(control[1])),
        rollouts=tuple(_marks(marks) for marks in data.get("rollouts") or ()),
        disruption=data.get("disruption"),
        commands=_commands(data.get("commands")),
        planned_rollouts=data.get("planned_rollouts"),
        quiet_s=data.get("quiet_s"),
        expect=Expect(data.get("expect") or Expect.SEAMLESS),
        strict_idle_close=bool(data.get("strict_idle_close", False)),
        confidence=None if not confidence else Confidence(**confidence),
        budget={name: limit for name, limit in (data.get("budget") or {}).items() if name in LIMITS},
        churn_s=data.get("churn_s"),
        provisos=tuple(map(str, data.get("provisos") or ())),
        applied=tuple(map(str, data.get("applied") or ())),
        finished=bool(data.get("finished", False)),
        stopped=data.get("stopped"),
        gone_on=_gone_on(data.get("gone_on")),
        goes_on_from=data.get("goes_on_from"),
    )


def _gone_on(data: dict[str, Any] | None) -> GoneOn | None:
    return GoneOn(by=data["by"], rollouts=data["rollouts"], until=float(data["until"])) if data else None


def _service(data: dict[str, Any] | None) -> MeasuredService | None:
    return MeasuredService(**data) if data else None


def _workers(data: list[dict[str, Any]] | None) -> tuple[LoadWorker, ...]:
    return tuple(
        LoadWorker(worker=one["worker"], node=one.get("node"), lost_at=one.get("lost_at"), why=one.get("why"))
        for one in data or ()
    )


def _ends(data: list[dict[str, Any]] | None) -> tuple[WorkerEnd, ...] | None:
    if data is None:
        return None
    return tuple(
        WorkerEnd(
            worker=int(end["worker"]),
            requests={str(stream): int(count) for stream, count in end["requests"].items()},
        )
        for end in data
    )


def _commands(data: list[dict[str, Any]] | None) -> tuple[CommandRun, ...]:
    return tuple(
        CommandRun(
            rollout=int(run["rollout"]),
            command=str(run["command"]),
            exit_code=run.get("exit_code"),
            seconds=float(run["seconds"]),
        )
        for run in data or ()
    )


def _requests(data: list[dict[str, Any]] | None) -> tuple[RequestFacts, ...]:
    return tuple(
        RequestFacts(
            method=str(one["method"]),
            path=str(one["path"]),
            weight=int(one.get("weight") or 1),
            success=tuple(map(str, one.get("success") or ())),
            stream=one.get("stream"),
        )
        for one in data or ()
    )


def _marks(marks: dict[str, Any]) -> RolloutMarks:
    def moment(name: str) -> float | None:
        return None if marks.get(name) is None else float(marks[name])

    return RolloutMarks(
        rollout=int(marks["rollout"]),
        update=float(marks["update"]),
        complete=moment("complete"),
        settled=moment("settled"),
        by=marks.get("by"),
    )


def _load(data: dict[str, Any]) -> LoadFacts:
    ports = data.get("local_ports")
    return LoadFacts(
        connect_timeout_s=float(data.get("connect_timeout_s", 1.0)),
        read_timeout_s=float(data.get("read_timeout_s", 5.0)),
        local_ports=None if not ports else (int(ports[0]), int(ports[1])),
        source_addresses=tuple(data.get("source_addresses") or ()),
    )
