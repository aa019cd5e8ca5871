"""`rollout-harness compare`: runs -> how they differ, rollout by rollout, and whether one is worse than another."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli.ending import conclude
from harness.cli.faults import unjudged
from harness.cli.memory import check_memory
from harness.errors import HarnessError, UsageError
from harness.model.comparison import Measure
from harness.redaction import door

if TYPE_CHECKING:
    from harness.model.comparison import Comparison, PowerTable, Side
    from harness.model.result import ScenarioResult
    from harness.model.run import RunInfo

    Found = dict[tuple[str, str], list[tuple[RunInfo, ScenarioResult]]]

_GATES = (Measure.FAILURES, Measure.DROPPING)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sides:
    """The pairs that are compared; in sentences what should have been and cannot, and what only the later run has.

    `alone`: the one side of a run that has nothing to be compared with, and yet a spread.
    """

    pairs: Sequence[tuple[Side, Side]] = ()
    alone: Sequence[Side] = ()
    untested: Sequence[str] = ()
    unmatched: Sequence[str] = ()


def compare(
    runs: Annotated[
        list[Path] | None, typer.Argument(metavar="[RUN]...", help="Run directories: of experiments or of scenarios.")
    ] = None,
    baseline: Annotated[
        list[Path] | None,
        typer.Option(
            help="The run that the others must not be worse than; repeat it to pool several. Exit code 0, 1 or 3."
        ),
    ] = None,
    on: Annotated[
        list[Measure] | None,
        typer.Option(
            help="With --baseline: the measure that must not get worse; repeatable. Default: failures, dropping."
        ),
    ] = None,
    power: Annotated[
        bool,
        typer.Option(
            "--power", help="Print how many rollouts each difference takes; with runs, based on their spread."
        ),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")] = False,
) -> None:
    """Compare variants, versions of an application, or clusters by what their rollouts cost, with intervals.

    One RUN: its variants, each against the first. Several: each against the first, variant by variant. With --baseline
    the exit code is 1 if a run is significantly worse, and 3 if there were too few rollouts to show that.
    """
    runs, before = runs or [], baseline or []
    _check_options(runs, before, on or [], power)
    check_memory()
    try:
        sides = _sides(before, runs, alone=power)
        table = _table(sides) if power or before else None
        comparison = None if sides.alone or not runs else _compared(sides, (on or _GATES) if before else [])
    except (HarnessError, OSError, MemoryError):
        raise
    except Exception as error:  # nobody thinks of all that a record can be damaged by
        raise unjudged(error, [*before, *runs]) from error
    _print(comparison, table, as_json, in_full=power)
    if comparison is not None and before:
        conclude(comparison.exit_code)


def _check_options(runs: Sequence[Path], baseline: Sequence[Path], on: Sequence[Measure], power: bool) -> None:
    if on and not baseline:
        raise UsageError(
            f"reading --on {on[0]}", "it only goes with --baseline", "Add --baseline RUN, or leave --on out."
        )
    if not runs and baseline:
        raise UsageError("reading what to compare", "only a baseline is given", "Name the runs to compare with it.")
    if not runs and not power:
        raise UsageError("reading what to compare", "no run is given", "Name one or more runs, or give --power alone.")


def _print(comparison: Comparison | None, table: PowerTable | None, as_json: bool, *, in_full: bool) -> None:
    """`in_full`: the whole table of power, else the sentence that matters of it."""
    from harness.reporters.comparison import comparison_text, power_sentence, power_text

    if as_json:
        told = {"comparison": comparison and asdict(comparison), "power": table and asdict(table)}
        typer.echo(door().text(json.dumps(told, indent=1, allow_nan=False)))
        return
    if comparison is not None:
        typer.echo(door().text(comparison_text(comparison)))
    if table is not None:
        typer.echo(power_text(table) if in_full else power_sentence(table))


def _table(sides: _Sides) -> PowerTable:
    from harness.analysis.comparison import power_table

    return power_table([*sides.alone, *(side for pair in sides.pairs for side in pair)])


def _compared(sides: _Sides, gates: Sequence[Measure]) -> Comparison:
    from harness.analysis.comparison import compare as compared

    return compared(sides.pairs, gates, untested=sides.untested, unmatched=sides.unmatched)


def _sides(baseline: Sequence[Path], runs: Sequence[Path], *, alone: bool) -> _Sides:
    """The pairs that are compared, and what is not. `alone`: a run may have a single variant, and no pair."""
    from harness.analysis.comparison import side
    from harness.judged_runs import never_ran

    if not runs:
        return _Sides()
    every = (*baseline, *runs)
    untested = [f"{_name(run, every)}: planned, and never ran: {name}" for run in every for name in never_ran([run])]
    found = [(_name(run, runs), _found([run])) for run in runs]
    if not baseline and len(found) == 1:
        name, variants = found[0]
        each = [side(f"{name} {' '.join(key)}", results) for key, results in variants.items()]
        if len(each) < 2 and alone:
            return _Sides(alone=each)
        if len(each) < 2:
            raise UsageError(
                f"comparing {runs[0]}",
                "it has only one variant on one path",
                "Name another run as well, or a run with several variants.",
            )
        return _Sides(pairs=[(each[0], other) for other in each[1:]], untested=untested)
    first = (_name(baseline[0], [*baseline, *runs]), _found(baseline)) if baseline else found.pop(0)
    pairs: list[tuple[Side, Side]] = []
    unmatched: list[str] = []
    for name, variants in found:
        untested += _lacking(first, (name, variants))
        unmatched += _lacking((name, variants), first)
        for key, (before, after) in _matched(first[1], variants, name).items():
            of = f" {' '.join(key)}" if len(variants) > 1 else ""
            pairs.append((side(f"{first[0]}{of}", before), side(f"{name}{of}", after)))
    return _Sides(pairs=pairs, untested=untested, unmatched=unmatched)


def _lacking(first: tuple[str, Found], second: tuple[str, Found]) -> Iterator[str]:
    """What the first has and the second has not; of two with one each nothing, as these are compared."""
    (name, has), (other, have) = first, second
    if len(has) == len(have) == 1:
        return
    for key in has:
        if key not in have:
            yield f"{' '.join(key)} of {name} is compared with nothing: {other} has none"


def _matched(
    first: Found, second: Found, name: str
) -> dict[tuple[str, str], tuple[list[tuple[RunInfo, ScenarioResult]], list[tuple[RunInfo, ScenarioResult]]]]:
    """What the two have of the same variant and path; or their only ones, whatever these are called."""
    shared = {key: (first[key], second[key]) for key in second if key in first}
    if shared:
        return shared
    if len(first) == len(second) == 1:
        return {key: (next(iter(first.values())), results) for key, results in second.items()}
    have, has = (", ".join(" ".join(key) for key in found) for found in (first, second))
    raise UsageError(
        f"comparing {name}", f"it has {has}, and what it is held against has {have}", "Name folders of two scenarios."
    )


def _found(runs: Sequence[Path]) -> Found:
    """The results of all scenarios in these folders, by variant and path."""
    from harness.analysis.counted import counted_runs
    from harness.judged_runs import judged
    from harness.store.reader import scenario_folders

    found: Found = {}
    for folder in dict.fromkeys(folder.resolve() for run in runs for folder in scenario_folders(run)):
        info, result = judged(folder)
        found.setdefault((info.variant, info.path), []).append((info, result))
    return {key: counted_runs(sorted(results, key=lambda one: one[0].t0_wall)) for key, results in found.items()}


def _name(run: Path, others: Sequence[Path]) -> str:
    """The folder's own name; with its parent's where that says it better, as for two scenarios of two runs."""
    resolved = run.resolve()
    same = [other for other in others if other.resolve().name == resolved.name]
    return resolved.name if len(same) < 2 else f"{resolved.parent.name}/{resolved.name}"
