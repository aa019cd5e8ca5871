"""An object as it is written -> what in it means nothing, or something else than it seems, with its line."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from harness.inputs.shown import shown
from harness.manifests.as_applied import as_applied
from harness.manifests.located import Located
from harness.manifests.repeated_keys import repeated_in
from harness.model.refusal import ApiRules

ODDITIES = {
    "unknown-field": (
        "Kubernetes knows no such field: a cluster leaves it out, and kubectl apply has it refused",
        "the name of the field that is meant, or none",
    ),
    "repeated-key": (
        "a key stands twice in one mapping: the last one counts, as for kubectl apply -f (kubectl apply -k refuses it)",
        "one of the two",
    ),
}
"""Rule -> what is wrong, and what is needed: of the text alone, other than the hazards of a rollout."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Oddity:
    """One of them. `rule`: its name in `ODDITIES`; `found`: what, in words; `line`: from 1."""

    rule: str
    found: str
    line: int


def oddities(located: Located, unknown: ApiRules) -> Iterator[Oddity]:
    """All in the order of their kinds. `unknown`: finds the fields that its kind has not."""
    for each in unknown(as_applied(located.manifest)):
        yield Oddity(rule="unknown-field", found=str(each), line=located.line_of(each.field))
    for key, first, again in repeated_in([] if located.node is None else [located.node]):
        found = f"{shown(key)} stands in line {first + located.offset} already"
        yield Oddity(rule="repeated-key", found=found, line=again + located.offset)
