"""`rollout-harness explain`: a run -> why one of its requests failed, in a screen of text."""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from harness.cli.ending import tell_paragraph
from harness.cli.faults import unjudged
from harness.cli.memory import check_memory
from harness.errors import DamagedRunError, HarnessError, UsageError
from harness.inputs.shown import near, paragraph, printable
from harness.redaction import door

if TYPE_CHECKING:
    from harness.analysis.explanation import Explainer

_REQUEST = re.compile(r"(?P<stream>[^/]+)/(?:(?P<worker>\d{1,9})/)?(?P<seq>\d{1,15})")


def explain(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A run directory: of an experiment or of a scenario.")],
    request: Annotated[
        str | None,
        typer.Option(help="One request, as reports and failures.csv name it: STREAM/N or STREAM/WORKER/N."),
    ] = None,
    cause: Annotated[
        str | None, typer.Option(help="Failures with this cause, such as termination-race, including possible ones.")
    ] = None,
    rollout: Annotated[int | None, typer.Option(min=1, help="Failures in this rollout, counting from 1.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")] = False,
) -> None:
    """Explain why a request failed: what pod, API and data plane did at that moment, and which rule decided.

    Without options: one failure of each cause, and what else you can ask. The run is only read.
    """
    if request is not None and (cause is not None or rollout is not None):
        raise UsageError(f"reading --request {request}", "it names one request", "Leave out --cause and --rollout.")
    asked = None if request is None else _named(request)
    if cause is not None:
        _check_cause(cause)
    check_memory()
    from harness.store.reader import scenario_folders

    told = _Told(run, as_json)
    try:
        folders = scenario_folders(run)
        for scenario in map(_opened, folders):
            if asked is not None:
                told.request(scenario, *asked)
            else:
                told.failures(scenario, cause, rollout, brief=len(folders) > 1)
    except (HarnessError, OSError, MemoryError):
        raise
    except Exception as error:  # nobody thinks of all that a record can be damaged by
        raise unjudged(error, [run]) from error
    told.end(request, cause, rollout)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One scenario's folder, and the run in it, ready to be asked."""

    folder: Path
    explainer: Explainer


def _opened(folder: Path) -> Scenario:
    from harness.analysis.explanation import Explainer
    from harness.judged_runs import recorded

    run = recorded(folder)
    if run.damage and run.requests.is_empty():
        raise DamagedRunError(f"reading {folder}", "; ".join(run.damage), "Without requests there is none to explain.")
    for words in run.damage:
        tell_paragraph(f"mind: {folder}: {words}", error=True)
    return Scenario(folder=folder, explainer=Explainer(run))


def _named(request: str) -> tuple[str, int, int | None]:
    found = _REQUEST.fullmatch(request)
    if found is None:
        raise UsageError(f"reading --request {request}", "that does not name a request", "Example: --request new/812.")
    return found["stream"], int(found["seq"]), None if found["worker"] is None else int(found["worker"])


def _check_cause(cause: str) -> None:
    from harness.model.result import Cause

    for part in cause.split(" or "):
        if part not in {known.value for known in Cause}:
            seen = f"there is no such cause{near(part, [known.value for known in Cause])}"
            raise UsageError(f"reading --cause {cause}", seen, "docs/causes.md lists all causes.")


class _Told:
    """What has been told so far, as text or to be one JSON object at the end."""

    def __init__(self, run: Path, as_json: bool) -> None:
        self._run, self._as_json = run, as_json
        self._data: list[dict[str, Any]] = []
        self._known: list[str] = []
        self._printed = self._rollouts = 0

    def request(self, scenario: Scenario, stream: str, seq: int, worker: int | None) -> None:
        """Every request of that name: one for each worker."""
        asked = scenario.explainer
        rows = asked.of_request(stream, seq, worker).to_dicts()
        if not rows:
            self._known.append(f"{scenario.folder.name}: {_has(asked, stream, seq, worker)}")
        for row in rows:
            if row["failed"]:
                self._explained(scenario, asked.position(row))
            else:
                self._well(scenario, row)

    def failures(self, scenario: Scenario, cause: str | None, rollout: int | None, *, brief: bool) -> None:
        """One failure of each cause; where one cause is asked for, that one in full."""
        asked = scenario.explainer
        self._rollouts = max(self._rollouts, len(asked.seen.windows.rollouts))
        found = asked.where(cause, rollout)
        causes = asked.why.causes.label
        self._known.append(f"{scenario.folder.name}: {_causes(asked)}")
        if not found:
            return
        first: dict[str, int] = {}
        for at in found:
            first.setdefault(str(causes[at]), at)
        if not self._as_json:
            self._head(scenario, len(found), cause, rollout)
        for at in first.values():
            self._explained(scenario, at, brief=brief or len(first) > 1)

    def end(self, request: str | None, cause: str | None, rollout: int | None) -> None:
        """JSON as a whole; or what else can be asked; or why there was nothing.

        Raises:
            UsageError: what was asked for is nothing that the run has.
        """
        if rollout is not None and rollout > self._rollouts:
            raise UsageError(f"looking for rollout {rollout}", "; ".join(self._known), "Rollouts are counted from 1.")
        if self._as_json and (self._data or request is None):
            self._print(json.dumps({"explanations": self._data}, indent=1))
            return
        if request is not None and not self._printed:
            raise UsageError(f"looking for request {request}", "; ".join(self._known), "See failures.csv of the run.")
        if self._printed:
            if request is None:
                self._more()
            return
        asked = " and ".join(
            words
            for words in (
                f"cause {cause}" if cause is not None else "",
                f"rollout {rollout}" if rollout is not None else "",
            )
            if words
        )
        self._print(printable(f"no failed request{f' of {asked}' if asked else ''}: {'; '.join(self._known)}"))

    def _more(self) -> None:
        command = f"rollout-harness explain {shlex.quote(str(self._run))}"
        self._print("You can also ask for:")
        for option in ("--request STREAM/N", "--cause CAUSE", "--rollout NUMBER"):
            self._print(f"  {command} {option}")
        for known in self._known:
            self._print(f"  {printable(known)}")

    def _explained(self, scenario: Scenario, at: int, *, brief: bool = False) -> None:
        from harness.reporters import explanation as text

        explained = scenario.explainer.explanation(at)
        self._printed += 1
        if self._as_json:
            self._data.append({"run": str(scenario.folder), **asdict(explained)})
        else:
            self._print((text.brief if brief else text.explanation_text)(explained))
            if brief:
                self._print("")

    def _well(self, scenario: Scenario, row: dict[str, Any]) -> None:
        from harness.reporters.explanation import request_text

        request = scenario.explainer.request(row)
        self._printed += 1
        if self._as_json:
            self._data.append({"run": str(scenario.folder), "request": asdict(request), "cause": None})
        else:
            self._print(request_text(request))

    def _head(self, scenario: Scenario, number: int, cause: str | None, rollout: int | None) -> None:
        from harness.model.quantity import things

        of = f" of {cause}" if cause is not None else ""
        during = f" in rollout {rollout}" if rollout is not None else ""
        self._print(printable(f"{scenario.folder}: {things(number, 'failed request')}{of}{during}"))
        for note in scenario.explainer.run.damage:
            self._print(paragraph(printable(f"  the record is damaged: {note}")))
        self._print("")

    def _print(self, text: str) -> None:
        typer.echo(door().text(text))


def _has(asked: Explainer, stream: str, seq: int, worker: int | None) -> str:
    """Why a run has no request of that name."""
    import polars as pl

    frame = asked.frame
    of_stream = frame.filter(pl.col("stream").cast(pl.String) == stream)
    if not len(of_stream):
        return f"it has no stream {stream}; it has {', '.join(sorted(frame['stream'].cast(pl.String).unique()))}"
    workers = sorted(of_stream["worker"].fill_null(0).unique())
    if worker is not None and worker not in workers:
        return f"it has no worker {worker} of stream {stream}; it has {', '.join(map(str, workers))}"
    if worker is not None:
        of_stream = of_stream.filter(pl.col("worker").fill_null(0) == worker)
    low, high = of_stream["seq"].min(), of_stream["seq"].max()
    if low is not None and high is not None and low <= seq <= high:  # type: ignore[operator]
        return "it was sent or about to be sent, and its end was not recorded"
    return f"its requests of {stream} are {low!s} to {high!s}"


def _causes(asked: Explainer) -> str:
    """What there is to ask for."""
    from collections import Counter

    causes = Counter(map(str, asked.why.causes.label))
    rollouts = len(asked.seen.windows.rollouts)
    told = ", ".join(f"{cause} {number}" for cause, number in causes.most_common())
    return f"{told or 'no request failed'}, in {rollouts} rollout{'' if rollouts == 1 else 's'}"
