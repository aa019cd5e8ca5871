"""Comments in a text -> which rules are ignored in which of its objects, and why; and which say too little for that.

`# rollout-harness: ignore RULE reason`, anywhere in the object, or before the first of a document for all in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from harness.check.oddities import ODDITIES
from harness.inputs.shown import near, shown
from harness.manifests.located import Located
from harness.spec.hazard import HazardId

BAD_IGNORE = "bad-ignore"
"""The name under which a comment that ignores nothing is told."""

NEEDED = "# rollout-harness: ignore RULE REASON"

_COMMENT = re.compile(r"(?:^|\s)#\s*rollout-harness:\s*ignore\b[ \t]*([\w-]*)[ \t:,]*(.*)$")
_NOTHING = re.compile(r"\s*(?:#.*)?$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ignore:
    """One comment. `at`: the line that it is about; `line`: its own. `wrong`: why it ignores nothing, in words."""

    line: int
    at: int
    rule: str
    reason: str
    wrong: str = ""


def ignores(text: str) -> tuple[Ignore, ...]:
    """The comments of the text."""
    return tuple(_ignores(text)) if "rollout-harness:" in text else ()


def _ignores(text: str) -> Iterator[Ignore]:
    lines = text.splitlines()
    for number, line in enumerate(lines, start=1):
        if (found := _COMMENT.search(line)) is not None:
            rule, reason = found[1], found[2].strip()
            yield Ignore(line=number, at=_about(lines, number), rule=rule, reason=reason, wrong=_wrong(rule, reason))


def _about(lines: Sequence[str], number: int) -> int:
    """The line of a comment that stands behind something, else the next line on which something stands."""
    following = enumerate(lines[number - 1 :], start=number)
    return next((at for at, line in following if not _NOTHING.match(line)), number)


def _wrong(rule: str, reason: str) -> str:
    known = [*(each.value for each in HazardId), *ODDITIES]
    if not rule:
        return "it names no rule"
    if rule not in known:
        return f"there is no rule {shown(rule)}{near(rule, known)}"
    return "" if reason else f"it gives no reason to ignore {rule}"


def reason_for(rule: str, located: Located, others: Sequence[Located], found: Sequence[Ignore]) -> str:
    """Why the rule is ignored in that object of a text; empty where it is not. `others`: all objects of the text."""
    return next(
        (one.reason for one in found if one.rule == rule and not one.wrong and _is_of(one, located, others)), ""
    )


def _is_of(ignore: Ignore, located: Located, others: Sequence[Located]) -> bool:
    """Whether the comment stands in the object, or before all of the document that it is in."""
    before = [each for each in others if each.line <= ignore.at]
    if before and before[-1].document >= _document(ignore, others):
        return before[-1] is located
    after = next((each for each in others if each.line > ignore.at), None)
    return after is not None and after.document == located.document


def _document(ignore: Ignore, others: Sequence[Located]) -> int:
    """The line on which the document begins in which the comment stands, as far as it holds an object."""
    return max((each.document for each in others if each.document <= ignore.at), default=0)
