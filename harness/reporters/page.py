"""Turns results into what the templates are given, in one environment for Markdown and one for HTML."""

from collections.abc import Callable
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined

from harness.model.quantity import things
from harness.reporters import advice, code_blocks, conclusions, figures, objects, place
from harness.reporters.escaping import lines, markdown, unbroken, visible
from harness.reporters.examples import examples
from harness.reporters.spent import spent_words

_CONCLUSIONS: Final = (
    "again",
    "basis",
    "conclusion",
    "cost",
    "lag_table",
    "listed_outages",
    "listed_rollouts",
    "load_in_words",
    "per_rollout",
    "share",
    "unlisted",
)

_SHARED: Final[dict[str, Callable[..., Any]]] = {
    "advice": advice.advice,
    "after": figures.after,
    "called": figures.called,
    "comparison": figures.comparison,
    "count": figures.count,
    "deeds": figures.deeds,
    "dropping_of": figures.dropping_of,
    "examples": examples,
    "expectation": figures.expectation,
    "failed_of": figures.failed_of,
    "held": advice.held,
    "headline": figures.headline,
    "spent_words": spent_words,
    "latencies": figures.latencies,
    "lines": lines,
    "longest": figures.longest,
    "listed": figures.listed,
    "notes": place.notes,
    "p99_change": figures.p99_change,
    "particulars": place.particulars,
    "ranked": figures.ranked,
    "lags": objects.lags,
    "patches": code_blocks.patches,
    "race_pictures": code_blocks.race_pictures,
    "remains": advice.remains,
    "seconds": figures.seconds,
    "started": place.started,
    "things": things,
    **{name: getattr(conclusions, name) for name in _CONCLUSIONS},
    "unbroken": unbroken,
    "unexpected": figures.unexpected,
    "where": place.where,
}


def markdown_environment() -> Environment:
    """Whatever a template puts into the text is escaped for GitHub's Markdown, unless it is `Markup`."""
    return _environment(autoescape=False, finalize=markdown)


def html_environment() -> Environment:
    """Whatever a template puts into the text is escaped for HTML, unless it is `Markup`; no control characters."""
    return _environment(autoescape=True, finalize=_shown)


def _environment(**options: Any) -> Environment:
    loader = PackageLoader("harness.reporters", "templates")
    environment = Environment(
        loader=loader,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        **options,
    )
    environment.filters.update(_SHARED)
    return environment


def _shown(value: Any) -> Any:
    return value if hasattr(value, "__html__") or callable(value) else visible(value)
