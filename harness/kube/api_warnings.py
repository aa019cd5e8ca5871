"""The Warning headers of an answer of the API -> what it warns of, in its words.

RFC 7234, section 5.5, as the API writes them: `299 - "unknown field \\"spec.replica\\""`; several may stand in one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_WARNING = re.compile(r'\b\d{3} \S+ "(?P<text>(?:[^"\\]|\\.)*)"')
_ESCAPED = re.compile(r"\\(.)")


def api_warnings(headers: Iterable[str]) -> tuple[str, ...]:
    r"""The texts, in order.

    >>> api_warnings(['299 - "unknown field \\"spec.replica\\"", 299 - "deprecated"'])
    ('unknown field "spec.replica"', 'deprecated')
    """
    found = (match["text"] for header in headers for match in _WARNING.finditer(header))
    return tuple(_ESCAPED.sub(r"\1", text) for text in found)
