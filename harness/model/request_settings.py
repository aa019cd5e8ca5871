"""The keys `request` and `requests` of the experiment file: what is sent, how, and which answers are a success."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, ClassVar, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from harness.inputs.shown import shown
from harness.model.record import FilePath, Record

Method = Literal["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"]
UrlPath = Annotated[str, Field(pattern=r"^/[^\s#\x00-\x1f\x7f]*$")]
Statuses = Annotated[tuple[str | int, ...], Field(min_length=1, strict=False)]
Contained = Annotated[str | None, Field(min_length=1)]
_CONTAINS = 'text that the body of a good answer has, such as `"ok":true`; without it only statuses count'

READING = frozenset({"GET", "HEAD"})
"""The methods that change nothing (RFC 9110, 9.2.1), and that every application is made for."""


class HeaderSource(Record):
    """A header value from elsewhere, so that it stands in no file of ours: an environment variable or a file."""

    env: str | None = Field(None, description="the environment variable")
    file: FilePath | None = Field(None, description="the file; white space around its text is no part of the value")

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if (self.env is None) == (self.file is None):
            raise ValueError("name either env or file")
        return self

    def in_folder(self, folder: Path) -> Self:
        """The same with its path, which is relative to `folder`, made relative to the working directory."""
        return self if self.file is None else self.model_copy(update={"file": folder / self.file})


_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HTTP_ALONE = "the load speaks HTTP alone, and no WebSockets: ask for a path that answers a plain request"
_UNSENDABLE = re.compile(r"[\r\n\0]")
_NO_HOST = re.compile(r"[\s\0-\x1f\x7f/?#@]")


def sendable(value: str) -> bool:
    """Whether a header can have that value."""
    return not _UNSENDABLE.search(value)


def _sendable(headers: dict[str, str | HeaderSource]) -> dict[str, str | HeaderSource]:
    """The headers, if HTTP can carry them (RFC 9110, 5.1 and 5.5): what is kept elsewhere is seen when it is read."""
    for name, value in headers.items():
        if not _TOKEN.fullmatch(name):
            raise ValueError(f"a header's name has letters, digits and !#$%&'*+-.^_`|~ only, not {shown(name)}")
        if name.lower() == "upgrade":
            raise ValueError(f"{name}: {_HTTP_ALONE}")
        if isinstance(value, str) and not sendable(value):
            raise ValueError(f"the value of {name} has a line break or a NUL in it, which no header has")
    return headers


def _sendable_host(host: str | None) -> str | None:
    if host is not None and (_NO_HOST.search(host) or not host):
        raise ValueError(f"it must be a host name, with its port where it has one, not {shown(host)}")
    return host


Headers = Annotated[dict[str, str | HeaderSource], AfterValidator(_sendable)]


def _in_folder(headers: Headers, folder: Path) -> Headers:
    return {name: value if isinstance(value, str) else value.in_folder(folder) for name, value in headers.items()}


class TlsSettings(Record):
    """HTTPS: what the client trusts, and the certificate that it shows. All are PEM files."""

    ca: FilePath | None = Field(None, description="the authorities that are trusted; without it, this machine's")
    certificate: FilePath | None = Field(None, description="the client's, with what leads to its authority")
    key: FilePath | None = Field(None, description="the client's, not encrypted; without it, in the certificate's file")
    insecure: bool = Field(False, description="whoever answers is believed")
    server_name: str | None = Field(
        None,
        pattern=r"^[A-Za-z0-9]([-A-Za-z0-9.]*[A-Za-z0-9])?$",
        description="what is asked for (SNI), and held against the certificate; without it, the Host, else the address",
    )
    session_reuse: bool = Field(False, description="a connection takes up the session of an earlier one")

    @model_validator(mode="after")
    def _key_of_a_certificate(self) -> Self:
        if self.key is not None and self.certificate is None:
            raise ValueError("key: it is given without a certificate")
        return self

    def in_folder(self, folder: Path) -> Self:
        """The same with its paths, which are relative to `folder`, made relative to the working directory."""
        files = {"ca": self.ca, "certificate": self.certificate, "key": self.key}
        return self.model_copy(update={name: folder / file for name, file in files.items() if file is not None})


class _Answered(Record):
    """A request whose answers are a success by their status codes, which the field `_STATUSES` has, and their body."""

    _STATUSES: ClassVar[str]

    @model_validator(mode="after")
    def _with_a_body(self) -> Self:
        if getattr(self, "contains", None) is not None and getattr(self, "method", None) == "HEAD":
            raise ValueError("contains: an answer to HEAD has no body to look at")
        return self

    @model_validator(mode="after")
    def _statuses(self) -> Self:
        _ = self.success_ranges
        return self

    @property
    def success_ranges(self) -> tuple[tuple[int, int], ...]:
        """Inclusive ranges of status codes."""
        return tuple(_status_range(self._STATUSES, str(entry)) for entry in getattr(self, self._STATUSES))


class RequestSettings(_Answered):
    """The request that is sent, and which answers are a success."""

    _STATUSES = "success"

    method: Method = Field("GET", description="of every request")
    path: UrlPath = Field("/", description="what is asked for")
    host: Annotated[str | None, AfterValidator(_sendable_host)] = Field(None, description="the Host header")
    headers: Headers = Field(default_factory=dict, description="by name: a value, or where it is to be had")
    success: Statuses = Field(("200-299",), description="status codes, or ranges of them, that are a success")
    contains: Contained = Field(None, description=_CONTAINS)
    tls: TlsSettings | None = Field(None, description="send by HTTPS; `{}` for what this machine trusts")

    def in_folder(self, folder: Path) -> Self:
        """The same with its paths, which are relative to `folder`, made relative to the working directory."""
        tls = None if self.tls is None else self.tls.in_folder(folder)
        return self.model_copy(update={"headers": _in_folder(self.headers, folder), "tls": tls})


LONGEST_BODY_BYTES = 128 * 1024
"""Bodies go with the load's plan into a Secret, and an API server takes none beyond 1 MiB."""


class MixedRequest(_Answered):
    """One kind of request of a mix, sent in turn with the others."""

    _STATUSES = "expect"

    method: Method = Field("GET", description="of this kind")
    path: UrlPath = Field("/", description="what is asked for")
    headers: Headers = Field(default_factory=dict, description="beside those of `request`, or in their place")
    body_file: FilePath | None = Field(
        None, description=f"what is sent as the body: {LONGEST_BODY_BYTES:,} bytes at most"
    )
    weight: int = Field(1, ge=1, le=1000, description="how many of them, beside the others'")
    expect: Statuses = Field(("200-299",), description="status codes, or ranges of them, that are a success")
    contains: Contained = Field(None, description=_CONTAINS)

    def in_folder(self, folder: Path) -> Self:
        """The same with its paths, which are relative to `folder`, made relative to the working directory."""
        body = None if self.body_file is None else folder / self.body_file
        return self.model_copy(update={"headers": _in_folder(self.headers, folder), "body_file": body})


def _status_range(key: str, text: str) -> tuple[int, int]:
    first, _, last = text.partition("-")
    if not (first.isdigit() and (last.isdigit() or not last)):
        raise ValueError(f"{key}: {shown(text)} is not a status code such as 204 or a range such as 200-299")
    low, high = int(first), int(last or first)
    if not 100 <= low <= high <= 599:
        raise ValueError(f"{key}: {shown(text)} is not a range inside 100-599")
    if high < 200:
        raise ValueError(f"{key}: {shown(text)} is no last answer; {_HTTP_ALONE}")
    return low, high
