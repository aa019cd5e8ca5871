"""Turns results into plain text of 80 columns, for a terminal, a pipe or a CI log."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from textwrap import wrap
from typing import Final

from tabulate import tabulate

from harness.model.deed_words import DeedWords
from harness.model.quantity import things
from harness.model.result import ExperimentResult, RolloutFindings, ScenarioResult, Verdict, Window
from harness.model.run import RunInfo
from harness.reporters.advice import advice, held, remains
from harness.reporters.escaping import visible
from harness.reporters.examples import examples
from harness.reporters.figures import (
    after,
    called,
    count,
    deeds,
    dropping_of,
    expectation,
    failed_of,
    headline,
    latencies,
    listed,
    longest,
    p99_change,
    ranked,
    seconds,
    unexpected,
)
from harness.reporters.objects import lags
from harness.reporters.place import notes, where
from harness.reporters.spent import spent_words

_WIDTH: Final = 80
_GLUED: Final = re.compile(r"(?<=\d) (?=[a-z%])|(?<=p50|p99) (?=/)|(?<=/) (?=p99|max)")
_GAPS: Final = 10  # two spaces between columns
_LEAST_NAME: Final = 9
_MOST_PART: Final = 20  # a longer part of a name is broken, and drives no outcome out of the table
_ANY_WIDTH: Final = 999
_MOST_OUTAGES: Final = 3
_HEADERS: Final = (
    "variant\npath",
    "{deeds}\ndropping",
    "requests",
    "failed\nby outcome",
    "p99 in ms\ncontrol->max",
    "verdict",
)
_ALIGN: Final = ("left", "right", "right", "left", "right", "left")
_COLOURS: Final = {Verdict.SEAMLESS: "32", Verdict.DROPPING: "31", Verdict.INCONCLUSIVE: "33"}


def experiment_text(result: ExperimentResult, infos: Mapping[str, RunInfo], *, colour: bool = False) -> str:
    """The table of all scenarios, and for each the sentence, the reason and the notes. Raises KeyError: no info."""
    lines = [visible(f"{result.experiment}: {headline(result)}"), ""]
    for place in dict.fromkeys(where(infos[s.scenario]) for s in result.scenarios):
        lines += [*_paragraph(place), ""]
    lines += [*_table(result.scenarios, colour=colour), ""]
    within = _has_room(result.scenarios)
    for scenario in result.scenarios:
        lines += [*_conclusion(infos[scenario.scenario], scenario, within=within, colour=colour), ""]
    lines += [line for note in result.notes for line in _paragraph(f"note: {note}")]
    return "\n".join(lines).rstrip() + "\n"


def scenario_text(info: RunInfo, result: ScenarioResult, *, colour: bool = False) -> str:
    """One scenario in full: its conclusion, and all that it rests on."""
    lines = [*_conclusion(info, result, within=True, colour=colour), "", *_paragraph(where(info)), ""]
    return "\n".join(lines) + "\n" + details_text(result)


def details_text(result: ScenarioResult) -> str:
    """What a conclusion rests on: when what dropped after the update, with which outcomes and causes, by rollout."""
    lines: list[str] = []
    if result.control:
        lines += [*_paragraph(f"control window: {_window(result.control)}"), ""]
    for rollout in result.rollouts:
        lines += [*_rollout(rollout, result.words), ""]
    lines += [line for lag in lags(result.propagation) for line in _paragraph(lag)]
    for one in advice(result.sizing):
        numbers = f"has {one.has}; measured {one.measured}; recommended {one.recommended}"
        lines += _paragraph(f"{one.setting}: {numbers}: {one.why}")
    lines.append("")
    for cause, failure in examples(result):
        text = f"e.g. {cause}: request {failure.stream}/{failure.worker}/{failure.seq}: {failure.evidence}"
        lines += _paragraph(text)
    if result.failed:
        lines += ["", "Every failed request with its cause and evidence: failures.csv"]
    return "\n".join(lines).rstrip() + "\n"


def _table(scenarios: Sequence[ScenarioResult], *, colour: bool) -> list[str]:
    """One row a scenario. Names are wrapped into what the other columns leave of the width; outcomes never are."""
    headers, widths = _widths(scenarios)
    room = _WIDTH - _GAPS - sum(widths[1:])
    within = _has_room(scenarios)
    if not within:
        headers[3] = "failed"
        room += widths[3] - max(len(line) for line in ("failed", *(count(s.failed) for s in scenarios)))
    rows = [_row(s, min(widths[0], room), within=within, colour=colour) for s in scenarios]
    cells = [headers, *(["\n".join(cell) for cell in row] for row in rows)]
    rule, *lines = tabulate(cells, tablefmt="simple", colalign=_ALIGN, disable_numparse=True).splitlines()
    # tabulate would make every column two wider than its header: so the headers are a row, and the rule comes here
    return [line.rstrip() for line in (*lines[:2], rule, *lines[2:-1])]


def _has_room(scenarios: Sequence[ScenarioResult]) -> bool:
    """Whether every outcome stands in the table on one line; else they stand below it, with each scenario."""
    _, widths = _widths(scenarios)
    parts = (len(part) for s in scenarios for part in re.findall(r"[^\s-]*-?", f"{s.variant} {s.path}"))
    longest_part = max(parts, default=0)
    least = max(_LEAST_NAME, min(longest_part, _MOST_PART))
    return least + sum(widths[1:]) + _GAPS <= _WIDTH


def _widths(scenarios: Sequence[ScenarioResult]) -> tuple[list[str], list[int]]:
    """The headers of the table, and how wide its columns would like to be."""
    headers = [header.format(deeds=deeds(scenarios).plural) for header in _HEADERS]
    plain = [[h.split("\n") for h in headers], *(_row(s, _ANY_WIDTH, within=True, colour=False) for s in scenarios)]
    return headers, [max(len(line) for row in plain for line in row[i]) for i in range(len(headers))]


def _row(result: ScenarioResult, names: int, *, within: bool, colour: bool) -> list[list[str]]:
    """`within`: its outcomes stand in it."""
    most = len(count(result.failed))  # the numbers below it end where it does
    outcomes = ranked(result.by_outcome) if within else ()
    return [
        [*_cell(result.variant, names), *_cell(result.path, names)],
        [dropping_of(result)],
        [count(result.requests)],
        [count(result.failed), *(visible(f"{count(n):>{most}} {outcome}") for outcome, n in outcomes)],
        [p99_change(result).replace(" ", "")],
        [_verdict(result.verdict, colour=colour), *(["unexpected"] if unexpected(result) else [])],
    ]


def _cell(text: str, width: int) -> list[str]:
    """The lines of a cell; a word is broken, at its hyphens, only where it has no room by itself."""
    fits = max(map(len, visible(text).split()), default=0) <= width
    return wrap(visible(text), width, drop_whitespace=True, break_on_hyphens=not fits) or ["-"]


def _verdict(verdict: Verdict, *, colour: bool) -> str:
    return f"\x1b[1;{_COLOURS[verdict]}m{verdict.value}\x1b[0m" if colour else verdict.value


def verdict_line(result: ScenarioResult, *, colour: bool = False, reasoned: bool = False) -> str:
    """One scenario's verdict in one line; `reasoned`: with the reason of one that is inconclusive."""
    why = (
        f" ({visible(result.reason)})" if reasoned and result.verdict is Verdict.INCONCLUSIVE and result.reason else ""
    )
    return f"{visible(result.scenario)}: {_verdict(result.verdict, colour=colour)}{why}, {expectation(result)}"


def _conclusion(info: RunInfo, result: ScenarioResult, *, within: bool, colour: bool) -> Iterator[str]:
    """`within`: its outcomes stand elsewhere, as in the table."""
    yield verdict_line(result, colour=colour)
    yield from _paragraph(result.sentence, "  ")
    yield from _paragraph(f"reason: {result.reason}", "  ")
    if result.failed and not within:
        yield from _paragraph(f"outcomes: {listed(result.by_outcome)}", "  ")
    for one in result.budget:
        yield from _paragraph(f"budget: {spent_words(one)}", "  ")
    for words in remains(info, result):
        yield from _paragraph(words, "  ")
    for place, change in enumerate(held(result)):
        yield from _paragraph(f"{'and' if place else 'would have held'}: {change}", "  ")
    for note in notes(info, result):
        yield from _paragraph(f"note: {note}", "  ")


def _rollout(rollout: RolloutFindings, words: DeedWords) -> Iterator[str]:
    word = "dropping" if rollout.dropping else "no calls dropped"
    complete, settled = after(rollout.complete, rollout.update), after(rollout.settled, rollout.update)
    marks = f"update at {seconds(rollout.update)}, complete after {complete}, settled after {settled}"
    yield from _paragraph(f"{called(rollout, words)}: {word}; {marks}")
    yield from _paragraph(_window(rollout.window), "  ")
    if rollout.window.failed:
        yield from _failures(rollout)
    for outage in longest(rollout.outages, _MOST_OUTAGES):
        start, end = after(outage.start, rollout.update), after(outage.end, rollout.update)
        lost = things(outage.requests, "request")
        yield from _paragraph(f"outage on {outage.stream}: {start} to {end} after the update, {lost} failed", "  ")
    if len(rollout.outages) > _MOST_OUTAGES:
        yield f"  and {things(len(rollout.outages) - _MOST_OUTAGES, 'shorter outage')}: result.json"
    if rollout.takers:
        ended = ", ".join(f"{name} ({taker})" for name, taker in rollout.takers.items())
        yield from _paragraph(f"pods ended: {ended}", "  ")
    if rollout.note:
        yield from _paragraph(f"note: {rollout.note}", "  ")


def _failures(rollout: RolloutFindings) -> Iterator[str]:
    first, last = seconds(rollout.first_failure_s), seconds(rollout.last_failure_s)
    yield from _paragraph(f"first failure {first}, last {last} after the update", "  ")
    yield from _paragraph(f"outcomes: {listed(rollout.window.by_outcome)}", "  ")
    yield from _paragraph(f"causes: {listed(rollout.window.by_cause)}", "  ")


def _window(window: Window) -> str:
    return f"failed requests: {failed_of(window)}; p50 / p99 / max: {', '.join(latencies(window))}"


def _paragraph(text: str, indent: str = "") -> Iterable[str]:
    glued = _GLUED.sub("\u00a0", visible(text))  # a number and what it counts stay on one line
    lines = wrap(glued, _WIDTH, initial_indent=indent, subsequent_indent=f"{indent}  ", break_on_hyphens=False)
    return [line.replace("\u00a0", " ") for line in lines]
