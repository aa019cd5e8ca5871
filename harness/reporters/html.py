"""Turns results into report.html: one file that needs no network, and JavaScript for one picture alone."""

from collections.abc import Mapping, Sequence
from importlib.resources import files
from json import dumps
from typing import Any, Final

from markupsafe import Markup

from harness.model.quantity import things
from harness.model.result import ExperimentResult, ScenarioResult
from harness.model.run import RunInfo
from harness.reporters.conclusions import lag_rows, side_by_side
from harness.reporters.escaping import visible
from harness.reporters.figures import count, deeds, ranked
from harness.reporters.page import html_environment
from harness.reporters.palette import outcome_colour, outcome_rank, revision_colours
from harness.reporters.pod_panel import in_order
from harness.reporters.race_picture import race_picture
from harness.reporters.race_rows import EMPTY
from harness.reporters.race_section import race_section
from harness.reporters.side_pictures import lags_picture, variants_picture
from harness.reporters.svg import picture
from harness.reporters.timeline import MOST_ROLLOUTS, timeline
from harness.reporters.vega import drawing, packed, source


def scenario_html(info: RunInfo, result: ScenarioResult) -> str:
    """One scenario's report.html."""
    return _page(f"{result.words.plural.capitalize()}: {result.scenario}", None, [(info, result)])


def experiment_html(result: ExperimentResult, infos: Mapping[str, RunInfo]) -> str:
    """An experiment's report.html. Raises KeyError: no info of a scenario."""
    return _page(
        f"{deeds(result.scenarios).plural.capitalize()}: {result.experiment}",
        result,
        [(infos[s.scenario], s) for s in result.scenarios],
    )


_BYTES: Final = 840_000
"""What all pictures of races may take of a page of 2 MB, of which the script that draws them takes 0.9."""


def _page(title: str, experiment: ExperimentResult | None, pairs: Sequence[tuple[RunInfo, ScenarioResult]]) -> str:
    style = _template("report.css")
    sections = [
        {
            "id": f"scenario-{index}",
            "info": info,
            "s": result,
            "lags": _figure("lags", lag_rows(result.propagation)),
            "race": _race(result, _BYTES // len(pairs)),
            "picture": _timeline(f"timeline-{index}", info, result),
            "legend": _legend(result),
            "manifests": [dumps(manifest, indent=2, ensure_ascii=False) for manifest in info.manifests],
        }
        for index, (info, result) in enumerate(pairs)
    ]
    rows = side_by_side([result for _, result in pairs])
    variants = _figure("variants", rows) if len(rows) > 1 else None
    live = _live() if variants or any(section["race"] or section["lags"] for section in sections) else None
    page = html_environment().get_template("report.html.j2")
    return page.render(
        title=title, experiment=experiment, sections=sections, style=Markup(style), live=live, variants=variants
    )


def _race(result: ScenarioResult, room: int) -> dict[str, Any] | None:
    """What is drawn of the scenario's rollouts, packed for the script that draws it: as many as there is room for."""
    found = race_section(result, room)
    return None if found is None else {**found, "packed": Markup(packed({"races": found["races"]}))}


def _figure(name: str, rows: list[dict[str, Any]]) -> Markup | None:
    """The rows of a small picture, packed."""
    return Markup(packed({name: rows})) if rows else None


def _live() -> dict[str, Any]:
    """The scripts of the page, and by what its policy knows them: no other may run in it."""
    pictures = {"race": race_picture(EMPTY, (0.0, 1.0)), "variants": variants_picture(), "lags": lags_picture()}
    script, documents = drawing(pictures)
    scripts = [script, _template("race.js")]
    return {
        "scripts": [Markup(text) for text in scripts],
        "sources": Markup(" ".join(map(source, scripts))),
        "picture": Markup(packed(documents)),
    }


def _template(name: str) -> str:
    return files("harness.reporters").joinpath("templates", name).read_text(encoding="utf-8")


def _timeline(name: str, info: RunInfo, result: ScenarioResult) -> Markup:
    """The picture; or why there is none, for the numbers are worth more than it."""
    colours = revision_colours(p.revision for p in in_order(result.chart))
    title = (
        f"Timeline of scenario {result.scenario}: {count(result.failed)} of {things(result.requests, 'request')} "
        f"failed, over the lives of {things(len(result.chart.pods), 'pod')} and "
        f"{things(len(result.rollouts), result.words.noun)}"
    )
    rest = len(result.rollouts) - MOST_ROLLOUTS
    after = f'<p class="note">The overview shows the first {MOST_ROLLOUTS} of them.</p>' if rest > 0 else ""
    try:
        return Markup(picture(timeline(info, result), name=name, title=title, hatches=tuple(colours.values())) + after)
    except ValueError as error:
        return Markup('<p class="note">The timeline could not be drawn: {}</p>').format(visible(error))


def _legend(result: ScenarioResult) -> dict[str, Any]:
    """What the colours mean: outcomes as they are stacked, revisions as they came."""
    outcomes = sorted(ranked(result.by_outcome), key=lambda pair: outcome_rank(pair[0]))
    return {
        "outcomes": [(name, failed, outcome_colour(name)) for name, failed in outcomes],
        "revisions": list(revision_colours(p.revision for p in in_order(result.chart)).items()),
    }
