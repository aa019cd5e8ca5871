"""A text -> where secrets stand in it by their form: in URLs, arguments, assignments and headers."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from harness.redaction.forms import HEADER, NAME

_BARE = r"[^\s\"'`,;&|<>(){}\[\]\\]+"
_VALUE = rf"(?:\"([^\"]*)\"|'([^']*)'|({_BARE}))"
_CRYPT = r"(?:apr1|[1256]|2[abxy])"  # crypt(5)
_TO_THE_END = r"([^\"'\r\n]+)"
_DETAIL = "an?|must|may|cannot|can|needs?|requires?|should|is|not|name|field|value|empty|error|supported"
_NO_DETAIL = rf"(?:(?<! value: )|(?![\"'][^\"']{{1,300}}[\"']:\s(?:{_DETAIL})\s))"
"""What an API server says of a value (`Invalid value: "web_token": a lowercase ...`) is no JSON, and `a` no secret."""

_PATTERNS = tuple(
    re.compile(pattern, re.IGNORECASE | re.MULTILINE)
    for pattern in (
        r"\b[a-z][a-z0-9+.-]{0,20}://([^\s/@\"'<>]{1,500})@",
        rf"(?<!\w){NAME}\\?[\"']?\s?=\s?{_VALUE}",
        rf"{_NO_DETAIL}[\"']{NAME}\\?[\"']\s{{0,9}}:\s{{0,9}}\\?{_VALUE}",
        rf"^[ \t]{{0,40}}{NAME}[ \t]?:[ \t]{{1,9}}{_VALUE}[ \t\r]{{0,9}}$",
        rf"(?<!\S)[\"']?--?{NAME}[\"']?,?\s{{1,9}}(?!-){_VALUE}",
        r"(?<!\S)[\"']?(?:-u|--(?:proxy-)?user)[\"']?[\s=]{1,9}[\"']?([^\s\"':]+:[^\s\"']+)",
        rf"\b{HEADER}[\"']?\s{{0,9}}[:=]\s{{0,9}}[\"']?{_TO_THE_END}",
        rf"_header\s{{1,9}}[\"']?(?:{HEADER}|{NAME})[\"']?\s{{1,9}}[\"']?([^\"';\r\n]+)",
        rf"\b[\w.@-]{{1,100}}:(\${_CRYPT}\$[\w./$]{{8,200}}|\{{SHA\}}[\w+/]{{8,40}}=*)",
        r"\b(?:bearer|basic)\s{1,9}((?=[a-z._~+/-]*[0-9=])[\w.~+/-]{8,}=*)",
        r"\b(?:env|httpHeaders)\[\d{1,9}\]\.value is (.{1,200}?)(?:, a number without quotes)?, where",
        r"\b(eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*)",
    )
)
"""URL with a user, assignment, JSON, YAML, flag and word, curl's user, a header, a header that nginx sets, a line of
htpasswd, a token by its scheme, our own words on a misshapen manifest, a JWT (RFC 7519). The group that took part holds
the secret."""

_HINTS = re.compile(r"://|=|:|--|\.value is |\s-u\s|^-|_header\s|(?i:bearer|basic)\s|eyJ").search
_REFERENCE = re.compile(rf"\$(?!{_CRYPT}\$).*|%\w+%|\*+")


def spans(text: str) -> Iterator[tuple[int, int]]:
    """Where secrets stand, from left to right, none overlapping; what names a secret elsewhere (`$TOKEN`) is none."""
    if not _HINTS(text):
        return
    found = [
        match.span(match.lastindex)
        for pattern in _PATTERNS
        for match in pattern.finditer(text)
        if match.lastindex and match[match.lastindex]
    ]
    end = 0
    for first, last in sorted(found, key=lambda span: (span[0], -span[1])):
        value = text[first:last]
        if first >= end and not _REFERENCE.fullmatch(value.strip()) and "<redacted " not in value:
            yield first, last
            end = last


def replaced(text: str, replacement: Callable[[str], str]) -> str:
    """The text with each of them replaced.

    >>> replaced("curl -u shop:hunter2 -H 'Cookie: i=1' 'https://a:b@c/?token=d' --password e $PASSWORD", lambda _: "*")
    "curl -u * -H 'Cookie: *' 'https://*@c/?token=*' --password * $PASSWORD"
    >>> replaced("Readiness probe failed: status 401: token expired", lambda _: "*")
    'Readiness probe failed: status 401: token expired'
    """
    pieces, end = [], 0
    for first, last in spans(text):
        pieces += [text[end:first], replacement(text[first:last])]
        end = last
    return "".join([*pieces, text[end:]]) if pieces else text
