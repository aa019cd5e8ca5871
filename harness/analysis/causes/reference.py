"""The table of rules -> the reference page of causes, in Markdown: `python -m harness.analysis.causes.reference`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import StrEnum

from harness.analysis.causes.row import CAUSE_WORDS, FLAG_WORDS, MOMENT_WORDS, WAY_WORDS, Flag, Named, Row, Way
from harness.analysis.causes.table import TABLE
from harness.model.request import Outcome

_HEAD = """\
# Causes of lost requests

Printed by `python -m harness.analysis.causes.reference` from the table of rules, `harness/analysis/causes/table/`: edit
the table, not this page. Every failed request gets the cause of the first rule below that has its outcome and holds."""


def reference(table: Sequence[Row] = TABLE) -> str:
    """The page: the causes, the rules in the order in which they are asked, and the words in which they are written."""
    parts = [_HEAD, "## Causes", _causes(table), "## Rules", *(_rule(row) for row in table)]
    words = [
        "## Words",
        "Ways to fail: each holds for a pod in some intervals, which `harness/analysis/causes/time_windows.py` finds.",
        _vocabulary("way", WAY_WORDS),
        "Flags: each is true or false of a failed request by itself; `harness/analysis/causes/failures.py` finds them. "
        f"Only `{Flag.WHILE_HANGING}` hangs on what an earlier rule has named: `harness/analysis/causes/naming.py`.",
        _vocabulary("flag", FLAG_WORDS),
    ]
    return "\n\n".join([*parts, *words]) + "\n"


def conditions(row: Row) -> str:
    """What a rule asks, in a sentence: "as it was sent: a pod ...; and not: ..."."""
    parts = [f"{MOMENT_WORDS[row.moment]}: " + "; ".join(map(_meaning, row.holds))] if row.holds else []
    parts += ["one of: " + "; ".join(map(_meaning, row.any_of))] if row.any_of else []
    parts += ["and none of: " + "; ".join(map(_meaning, row.excludes))] if row.excludes else []
    return ". ".join(part[0].upper() + part[1:] for part in parts) or "No other rule names it"


def _meaning(condition: Way | Flag) -> str:
    return WAY_WORDS[condition] if isinstance(condition, Way) else FLAG_WORDS[condition]


def _causes(table: Sequence[Row]) -> str:
    causes = dict.fromkeys([*CAUSE_WORDS, *(row.cause for row in table)])
    rows = []
    for cause in causes:
        named_by = [row for row in table if row.cause == cause]
        faults = dict.fromkeys(str(row.fault) for row in named_by)
        rules = ", ".join(f"[{row.rule}](#{row.rule})" for row in named_by)
        rows.append((f"`{cause}`", CAUSE_WORDS.get(cause, ""), "; ".join(faults), rules))
    return _grid(("cause", "a request that was lost", "whose fault", "rules"), rows)


def _rule(row: Row) -> str:
    facts = [f"- **{name}**: {words}" for name, words in _facts(row) if words]
    return "\n".join([f"### {row.rule}", "", *facts])


def _facts(row: Row) -> Iterator[tuple[str, str]]:
    yield "outcomes", _outcomes(row.outcomes)
    yield "moment", MOMENT_WORDS[row.moment]
    yield "must hold", _list(row.holds)
    yield "one of", _list(row.any_of)
    yield "must not hold", _list(row.excludes)
    yield "cause", f"`{row.cause}`" + (f": {_list(row.between, ' or ')}" if row.between else "")
    yield "whose fault", str(row.fault)
    yield "the rollout answers for it, unless somebody else did it", "; ".join(row.charged)
    yield (
        "beyond the control window's rate",
        "they are the rollout's, as losses without a cause" if row.unexplained else "",
    )
    yield "pod", ", else ".join(_pod(name) for name in row.names)
    yield "evidence", row.evidence


def _outcomes(outcomes: tuple[Outcome, ...]) -> str:
    every = {outcome for outcome in Outcome if outcome.failed}
    return "any" if set(outcomes) == every else _list(outcomes)


def _pod(name: Way | Named) -> str:
    return "the one at the other end" if name == Named.OWN else f"the one of `{name}`"


def _list(names: Iterable[StrEnum], between: str = ", ") -> str:
    return between.join(f"`{name}`" for name in names)


def _vocabulary(kind: str, words: Mapping[Way, str] | Mapping[Flag, str]) -> str:
    return _grid((kind, "holds where"), [(f"`{name}`", meaning) for name, meaning in words.items()])


def _grid(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


if __name__ == "__main__":
    print(reference(), end="")
