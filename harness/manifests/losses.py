"""A text of manifests before and after a change -> what it lost besides what was changed, in words."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from harness.inputs.shown import shown
from harness.manifests.rewrite import ANEW
from harness.model.quantity import things

_COMMENT = re.compile(r"(?:^|\s)(#.*)$", re.MULTILINE)


def losses(before: str, after: str) -> Iterator[str]:
    """That a document was written anew, that comments are gone, that lines stand elsewhere in their line.

    >>> list(losses("a: [1]  # one\\n", "a: [1, 2]\\n"))
    ["1 comment is lost, for the change could not be made beside it: '# one'"]
    """
    if after.count(ANEW) > before.count(ANEW):
        yield "it is written anew, without its comments and aliases: in them the change could not be made"
        return
    gone = Counter(_COMMENT.findall(before)) - Counter(_COMMENT.findall(after))
    if number := gone.total():
        it, first = ("it", "") if number == 1 else ("them", "first ")
        lost = f"{things(number, 'comment')} {'is' if number == 1 else 'are'} lost"
        yield f"{lost}, for the change could not be made beside {it}: {first}{shown(next(iter(gone)))}"
    if number := _moved(before.splitlines(), after.splitlines()):
        yield f"indented anew, and not changed: {things(number, 'line')}"


def _moved(before: list[str], after: list[str]) -> int:
    old, new = Counter(before), Counter(after)
    gone, came = Counter(map(str.strip, (old - new).elements())), Counter(map(str.strip, (new - old).elements()))
    return (gone & came).total()
