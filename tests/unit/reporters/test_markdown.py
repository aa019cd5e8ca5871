"""Results as Markdown, read back by a parser of it."""

from collections.abc import Callable, Iterator
from functools import cache

import pytest
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from harness.model.result import ExperimentResult
from harness.reporters.escaping import visible
from harness.reporters.markdown import experiment_markdown, scenario_markdown

from .examples import BOTH, BOTH_INFO, DEFAULT, DEFAULT_INFO, EXPERIMENT, HOSTILE, INFOS, filled_with

PARSER = MarkdownIt("commonmark").enable(["table", "strikethrough"])


def tokens(text: str) -> Iterator[Token]:
    for token in PARSER.parse(text):
        yield token
        yield from token.children or ()


def shape(text: str) -> list[str]:
    """The kinds of all elements but text, and but the comments that keep names from being mentioned."""
    return [t.type for t in tokens(text) if t.type != "text" and t.content != "<!-- -->"]


def words(text: str) -> str:
    blocks = (t.children or () for t in PARSER.parse(text) if t.type == "inline")
    return "\n".join("".join(c.content for c in block if c.type == "text") for block in blocks)


def test_experiment_is_as_it_was(golden: Callable[[str, str], None]) -> None:
    golden("experiment.md", experiment_markdown(EXPERIMENT, INFOS))


def test_scenario_is_as_it_was(golden: Callable[[str, str], None]) -> None:
    golden("both.md", scenario_markdown(BOTH_INFO, BOTH))


def test_sentence_with_its_bound_stands_beside_every_verdict() -> None:
    lines = [line for line in experiment_markdown(EXPERIMENT, INFOS).splitlines() if "**dropping**" in line]
    assert len(lines) == 2
    assert all(DEFAULT.sentence in line for line in lines)


def test_says_where_it_ran() -> None:
    text = scenario_markdown(DEFAULT_INFO, DEFAULT)
    assert "Ran on the sandbox" in text
    assert "minSyncPeriod 1 s (configured)" in text
    assert "nginx/1.22.1" in text


def test_every_row_of_every_table_has_the_cells_of_its_header() -> None:
    text = experiment_markdown(EXPERIMENT, INFOS)
    for block in text.split("\n\n"):
        rows = [line for line in block.splitlines() if line.startswith("|")]
        assert len({row.count("|") for row in rows}) <= 1, block


def written(text: str) -> tuple[str, str]:
    """The page of a scenario and of an experiment, full of that text."""
    info, result = filled_with(text)
    experiment = ExperimentResult(experiment=text, scenarios=(result,), exit_code=0, notes=(text,))
    return scenario_markdown(info, result), experiment_markdown(experiment, {text: info})


@cache
def calm_shapes() -> tuple[list[str], list[str]]:
    """What both look like for a text in which nothing is wrong: once, as it is always the same."""
    scenario, whole = written("calm")
    return shape(scenario), shape(whole)


def assert_harmless(text: str) -> None:
    scenario, whole = written(text)
    assert (shape(scenario), shape(whole)) == calm_shapes()
    assert visible(text).strip() in words(whole)


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_stays_text(text: str) -> None:
    assert_harmless(text)


@settings(max_examples=examples(20), deadline=None)
@given(text=st.text(alphabet=st.characters() | st.sampled_from("|*_`<>[]()#-+=~\\!&@$.1 \n"), min_size=1))
def test_any_text_stays_text(text: str) -> None:
    if visible(text).strip():
        assert_harmless(text)
