"""Run directories -> results and reports beside them: the same for a fresh run, `report` and the pytest plugin."""

from __future__ import annotations

import gc
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from harness.errors import DamagedRunError, UsageError
from harness.model.bounds import bounded, left_out_words
from harness.model.result import ExperimentResult, ScenarioResult
from harness.model.run import Run, RunInfo
from harness.redaction import door
from harness.store.output import not_in_progress, output_error, writable
from harness.store.planned import read_planned
from harness.store.reader import is_run, read_run, scenario_folders
from harness.store.results import write_experiment_result, write_scenario_result

_INCONCLUSIVE = 3
_UNNAMED = "(unnamed)"  # where no record says what the experiment was called


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What was found in the runs of one experiment; `infos` by scenario."""

    result: ExperimentResult
    infos: dict[str, RunInfo]
    reports: tuple[Path, ...] = ()


@contextmanager
def _uncollected() -> Iterator[None]:
    """No garbage collection: what is read of a run is a million objects without a cycle, and looking through all of
    them again and again takes a third of the time."""
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()


def recorded(folder: Path) -> Run:
    """The run in a scenario's folder, with manifests that can be judged.

    Raises:
        RunFormatError: it is none that this harness can read.
    """
    from harness.spec.observed_shape import observed_fault
    from harness.spec.shape import misshapen, named

    run = read_run(folder, fault_of=observed_fault)
    for manifest in run.info.manifests:
        if misfit := misshapen(manifest):
            raise DamagedRunError(f"reading {folder / 'run.json'}", f"manifests: {named(manifest)}: {misfit}")
    return run


@_uncollected()
def judged(folder: Path) -> tuple[RunInfo, ScenarioResult]:
    """Judge one run directory, and write nothing.

    Raises:
        RunFormatError: it is none that this harness can read.
    """
    from harness.analysis import judge

    run = recorded(folder)
    try:
        return run.info, judge(run)
    except Exception as error:
        error.add_note(f"while judging {folder}")
        raise


@_uncollected()
def judge_scenario(folder: Path, into: Path | None = None) -> tuple[RunInfo, ScenarioResult]:
    """Judge one run directory; writes result.json, failures.csv and report.md into it, or `into` another folder.

    Raises:
        RunFormatError: it is none that this harness can read.
    """
    from harness.reporters import write_scenario

    info, result = judged(folder)
    info = replace(info, manifests=tuple(map(door().object, info.manifests)))  # older ones hold what is secret
    place = into or folder
    with _writing(place):
        place.mkdir(parents=True, exist_ok=True)
        write_scenario_result(place, result)
        write_scenario(place, info, _listed(result))
    return info, result


def _listed(result: ScenarioResult) -> ScenarioResult:
    """The result as reports list it: within bounds, and it says so."""
    within = bounded(result)
    said = left_out_words(within)
    return replace(within, notes=(*within.notes, said)) if said else within


def judge_experiment_folder(folder: Path) -> Judged:
    """Judge every scenario of an experiment's folder, in the order in which they ran, and the experiment.

    Writes the results and reports of all.

    Raises:
        RunFormatError: there is no run in it that this harness can read.
    """
    return _together(map(judge_scenario, scenario_folders(folder)), folder, never_ran=never_ran([folder]))


def judge_again(runs: Sequence[Path], out: Path | None) -> Judged:
    """Judge run directories, each an experiment's folder or a scenario's; several runs of one variant are pooled.

    Without `out` every scenario gets its results and report anew, and those of the whole go into the folder of an
    experiment, if it is the only run that is given, and else nowhere. With it the runs are only read: all goes below
    `out`, where each scenario has a folder of its own.

    Raises:
        RunFormatError: one is none that this harness can read.
        UsageError: a run is in progress in one, or one or `out` cannot be written; nothing was changed.
    """
    # A run that is named twice is one run: its rollouts must not count twice.
    folders = list(dict.fromkeys(folder.resolve() for run in runs for folder in scenario_folders(run)))
    places = folders if out is None else _places(folders, out)
    whole = out
    if out is None and len(runs) == 1 and folders != [runs[0].resolve()]:
        whole = runs[0]
    with ExitStack() as held:
        for place in dict.fromkeys(place for folder in folders for place in (folder.parent, folder)):
            held.enter_context(not_in_progress(place))
        for place in dict.fromkeys((*((whole,) if whole else ()), *(places if out is None else ()))):
            held.enter_context(_writable(place, asked=out is not None))
        judged = _together(map(judge_scenario, folders, places), whole, never_ran=never_ran(runs))
    return judged if judged.reports else replace(judged, reports=tuple(place / "report.md" for place in places))


def _places(folders: Sequence[Path], out: Path) -> list[Path]:
    """A folder below `out` for each scenario, by its name; of several of one name the later ones are numbered."""
    names: list[str] = []
    for folder in folders:
        name, number = folder.name, 1
        while name in names:
            number += 1
            name = f"{folder.name}-{number}"
        names.append(name)
    return [out / name for name in names]


@contextmanager
def _writable(place: Path, *, asked: bool) -> Iterator[None]:
    """As `writable`; where nobody `asked` for that place, what to do is to name another."""
    with ExitStack() as held:
        try:
            held.enter_context(writable(place))
        except UsageError as error:
            if asked:
                raise
            raise UsageError(error.tried, error.seen, "Give --out FOLDER: then the runs are only read.") from None
        yield


def never_ran(runs: Sequence[Path]) -> tuple[str, ...]:
    """The scenarios that were planned in these experiments' folders and of which there is no record."""
    planned = [(run, name) for run in runs for name in read_planned(run)]
    return tuple(dict.fromkeys(name for run, name in planned if not is_run(run / name)))


def _together(
    scenarios: Iterable[tuple[RunInfo, ScenarioResult]], out: Path | None, *, never_ran: Sequence[str] = ()
) -> Judged:
    """Runs of one variant pooled, and all as one; of several experiments each variant carries its experiment's name."""
    from harness.analysis import judge_experiment, pool
    from harness.analysis.counted import counted_runs
    from harness.reporters import write_experiment

    scenarios = sorted(scenarios, key=lambda pair: pair[0].t0_wall)
    names = dict.fromkeys(info.experiment for info, _ in scenarios)
    infos: dict[str, RunInfo] = {}
    found: dict[tuple[str, str, str], list[tuple[RunInfo, ScenarioResult]]] = {}
    for info, result in scenarios:
        of = f"{info.experiment or _UNNAMED}/" if len(names) > 1 else ""
        named = replace(result, scenario=f"{of}{result.scenario}", variant=f"{of}{result.variant}")
        found.setdefault((info.experiment, info.variant, info.path), []).append((info, named))
    variants: dict[tuple[str, str, str], list[ScenarioResult]] = {}
    for key, parts in found.items():
        for info, result in counted_runs(parts):
            variants.setdefault(key, []).append(result)
            infos.setdefault(variants[key][0].scenario, info)
    pooled = [pool(results, confidence=infos[results[0].scenario].confidence) for results in variants.values()]
    notes = [f"Planned, and never ran: {', '.join(never_ran)}."] if never_ran else []
    whole = judge_experiment(pooled, experiment=", ".join(filter(None, names)) or _UNNAMED, notes=notes)
    if never_ran and whole.exit_code == 0:
        whole = replace(whole, exit_code=_INCONCLUSIVE)
    if out is None:
        return Judged(result=whole, infos=infos)
    with _writing(out):
        out.mkdir(parents=True, exist_ok=True)
        write_experiment_result(out, whole)
        listed = replace(whole, scenarios=tuple(map(_listed, whole.scenarios)))
        return Judged(result=whole, infos=infos, reports=write_experiment(out, listed, infos))


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    """The system's refusals to write there, in words."""
    try:
        yield
    except OSError as error:
        raise output_error(Path(error.filename) if error.filename else folder, error) from error
