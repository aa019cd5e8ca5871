"""Run directories -> results and reports beside them: the same for a fresh run, `report` and the pytest plugin."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from harness.errors import DamagedRunError
from harness.model.result import ExperimentResult, ScenarioResult
from harness.model.run import RunInfo
from harness.store.output import not_in_progress, output_error, writable
from harness.store.planned import read_planned
from harness.store.reader import is_run, read_run, scenario_folders
from harness.store.results import write_experiment_result, write_scenario_result

_INCONCLUSIVE = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What was found in the runs of one experiment; `infos` by scenario."""

    result: ExperimentResult
    infos: dict[str, RunInfo]
    reports: tuple[Path, ...] = ()


def judge_scenario(folder: Path) -> tuple[RunInfo, ScenarioResult]:
    """Judge one run directory; writes result.json, failures.csv and report.md into it.

    Raises:
        RunFormatError: it is none that this harness can read.
    """
    from harness.analysis import judge
    from harness.reporters import write_scenario
    from harness.spec.observed_shape import observed_fault
    from harness.spec.shape import misshapen, named

    run = read_run(folder, fault_of=observed_fault)
    for manifest in run.info.manifests:
        if misfit := misshapen(manifest):
            raise DamagedRunError(f"reading {folder / 'run.json'}", f"manifests: {named(manifest)}: {misfit}")
    try:
        result = judge(run)
    except Exception as error:
        error.add_note(f"while judging {folder}")
        raise
    with _writing(folder):
        write_scenario_result(folder, result)
        write_scenario(folder, run.info, result)
    return run.info, result


def judge_experiment_folder(folder: Path) -> Judged:
    """Judge every scenario of an experiment's folder, in the order in which they ran, and the experiment.

    Writes the results and reports of all.

    Raises:
        RunFormatError: there is no run in it that this harness can read.
    """
    return _together(map(judge_scenario, scenario_folders(folder)), folder, never_ran=_never_ran([folder]))


def judge_again(runs: Sequence[Path], out: Path | None) -> Judged:
    """Judge run directories, each an experiment's folder or a scenario's; several runs of one variant are pooled.

    Every scenario gets its results and report anew. Those of the whole go to `out`; without it into the folder of an
    experiment, if it is the only run that is given, and else nowhere.

    Raises:
        RunFormatError: one is none that this harness can read.
        UsageError: a run is in progress in one, or one or `out` cannot be written; nothing was changed.
    """
    # A run that is named twice is one run: its rollouts must not count twice.
    folders = list(dict.fromkeys(folder.resolve() for run in runs for folder in scenario_folders(run)))
    if out is None and len(runs) == 1 and folders != [runs[0].resolve()]:
        out = runs[0]
    with ExitStack() as held:
        for place in dict.fromkeys(place for folder in folders for place in (folder.parent, folder)):
            held.enter_context(not_in_progress(place))
        for place in dict.fromkeys((*folders, *([out] if out else ()))):
            held.enter_context(writable(place))
        judged = _together(map(judge_scenario, folders), out, never_ran=_never_ran(runs))
    return judged if judged.reports else replace(judged, reports=tuple(folder / "report.md" for folder in folders))


def _never_ran(runs: Sequence[Path]) -> tuple[str, ...]:
    """The scenarios that were planned in these experiments' folders and of which there is no record."""
    planned = [(run, name) for run in runs for name in read_planned(run)]
    return tuple(dict.fromkeys(name for run, name in planned if not is_run(run / name)))


def _together(
    scenarios: Iterable[tuple[RunInfo, ScenarioResult]], out: Path | None, *, never_ran: Sequence[str] = ()
) -> Judged:
    from harness.analysis import judge_experiment, pool
    from harness.reporters import write_experiment

    scenarios = sorted(scenarios, key=lambda pair: pair[0].t0_wall)
    infos: dict[str, RunInfo] = {}
    variants: dict[tuple[str, str, str], list[ScenarioResult]] = {}
    for info, result in scenarios:
        variants.setdefault((info.experiment, info.variant, info.path), []).append(result)
        infos.setdefault(variants[info.experiment, info.variant, info.path][0].scenario, info)
    names = dict.fromkeys(experiment for experiment, _, _ in variants)
    pooled = [pool(results, confidence=infos[results[0].scenario].confidence) for results in variants.values()]
    notes = [f"Planned, and never ran: {', '.join(never_ran)}."] if never_ran else []
    whole = judge_experiment(pooled, experiment=", ".join(filter(None, names)), notes=notes)
    if never_ran and whole.exit_code == 0:
        whole = replace(whole, exit_code=_INCONCLUSIVE)
    if out is None:
        return Judged(result=whole, infos=infos)
    with _writing(out):
        out.mkdir(parents=True, exist_ok=True)
        write_experiment_result(out, whole)
        return Judged(result=whole, infos=infos, reports=write_experiment(out, whole, infos))


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    """The system's refusals to write there, in words."""
    try:
        yield
    except OSError as error:
        raise output_error(Path(error.filename) if error.filename else folder, error) from error
