"""`load:` of an experiment -> how much is sent, on which streams, and how long each answer is waited for."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from harness.model.record import LongDuration, Rate, Record
from harness.model.request import CONNECT_TIMEOUT_S
from harness.model.request_settings import UrlPath

MAX_RATE = 1000.0
"""What a staging environment bears, and a slip of the keyboard does not harm; more is asked for on purpose."""


class NewStream(Record):
    """A connection per request."""

    rate: Rate
    path: UrlPath | None = Field(None, description="what it asks for, in place of the path of `request`")
    read_timeout_s: LongDuration | None = Field(
        None, alias="read_timeout", description="in place of that of all streams"
    )


class KeptStream(NewStream):
    """Kept-alive connections."""

    connections: int = Field(10, ge=1, le=10_000, description="how many are kept open and shared by the requests")


class LoadSettings(Record):
    """The streams, side by side, and what every request has in common."""

    new: NewStream | None = Field(None, description="a connection per request")
    kept: KeptStream | None = Field(None, description="kept-alive connections")
    slow: NewStream | None = Field(None, description="requests whose answers take seconds, a connection each")
    connect_timeout_s: LongDuration = Field(
        CONNECT_TIMEOUT_S,
        alias="connect_timeout",
        description="long enough for one lost SYN, which the kernel sends again after 1 s",
    )
    read_timeout_s: LongDuration = Field(
        5.0, alias="read_timeout", description="how long an answer may take, from the request's being sent"
    )
    max_rate: Rate = Field(
        MAX_RATE, description="requests per second of all streams that somebody else's cluster may get at most"
    )
    workers: int = Field(1, ge=1, le=200, description="load workers that share the rates, each a Pod or a process")
    pod_header: str | None = Field(
        "X-Pod", pattern=r"^[A-Za-z0-9-]+$", description="the response header that names the pod; null: none does"
    )
    engine: Literal["asyncio", "httpx"] = Field(
        "asyncio", description="httpx: what a Python client sees, by HTTP/1.1 too, at a few hundred requests per second"
    )

    @model_validator(mode="after")
    def _some_stream(self) -> Self:
        if not self.streams:
            raise ValueError("name at least one stream: new, kept or slow")
        if self.kept is not None and self.kept.connections < self.workers:
            raise ValueError(
                f"{self.workers} workers share {self.kept.connections} kept connections: each needs one at least"
            )
        return self

    @property
    def streams(self) -> dict[str, NewStream]:
        """The streams that are asked for, by name."""
        named = {"new": self.new, "kept": self.kept, "slow": self.slow}
        return {name: stream for name, stream in named.items() if stream is not None}
