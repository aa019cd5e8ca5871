"""The experiment file as records: what is deployed, loaded and rolled, how often, and what it should show.

pydantic guards this file only: it is what people write by hand. Unknown keys are refused, so that a misspelt one is not
taken for a default. Durations are strings with a unit and become seconds.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    WithJsonSchema,
    create_model,
    model_validator,
)

from harness.inputs.shown import shown
from harness.model.duration import duration, seconds
from harness.model.mitigations import MITIGATIONS, contradiction
from harness.model.providers import PROVIDERS
from harness.model.request import CONNECT_TIMEOUT_S
from harness.model.run import Confidence as ConfidenceRecord
from harness.model.run import Expect


def _duration(value: object) -> object:
    if isinstance(value, str):
        return seconds(value)
    if value is None:
        raise ValueError("it is null (empty); write a duration such as 500ms, 5s or 1m30s")
    raise ValueError(f"{shown(value)} has no unit; write a duration such as 500ms, 5s or 1m30s")


def _above_zero(value_s: float) -> float:
    if value_s <= 0:
        raise ValueError("it must be greater than 0, such as 500ms, 5s or 1m30s")
    return value_s


def _path(value: object) -> object:
    if isinstance(value, str) and not (value and value.isprintable()):
        raise ValueError(f"{shown(value)} is not a path: it is empty, or has a NUL or another control character")
    return value


Duration = Annotated[
    float,
    BeforeValidator(_duration),
    PlainSerializer(duration, when_used="json"),
    WithJsonSchema({"type": "string", "pattern": r"^(\d+(\.\d+)?(ms|s|m|h))+$", "examples": ["500ms", "5s", "1m30s"]}),
]
LongDuration = Annotated[Duration, AfterValidator(_above_zero)]
FilePath = Annotated[Path, BeforeValidator(_path), Field(strict=False)]
Rate = Annotated[float, Field(gt=0, le=100_000, description="requests per second")]
Name = Annotated[str, Field(pattern=r"^[a-z0-9]([-a-z0-9]{0,50}[a-z0-9])?$")]
Image = Annotated[str, Field(min_length=1, pattern=r"^\S+$")]


class Record(BaseModel):
    """Frozen, and strict about keys and types."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, populate_by_name=True)


class ServiceRef(Record):
    """The Service in front of the application, and its port, by number or name (not the container's)."""

    name: str = Field(min_length=1)
    port: Annotated[int, Field(ge=1, le=65535)] | Annotated[str, Field(min_length=1)]


class ProxySettings(Record):
    """kube-proxy in the sandbox. `instant` comes near to an eBPF data plane."""

    min_sync_period_s: Duration | Literal["instant"] = Field(1.0, alias="minSyncPeriod")

    @property
    def period_s(self) -> float:
        """Seconds; 0 for `instant`."""
        return 0.0 if self.min_sync_period_s == "instant" else self.min_sync_period_s


StandIn = Literal["finishes", "exits", "ignores", "refuses"]
"""What a stand-in does with its work at the stop signal."""


class SandboxImage(Record):
    """What the sandbox runs where a manifest names this image; a name without a tag is any tag, `*` and `?` match.

    Either `command` and `args`, a program of the user's as the image's ENTRYPOINT and CMD: a word that begins with `./`
    or `../` is a path relative to the experiment's file, `{python}` the Python that the harness runs on. A manifest's
    own `command` and `args` replace them as Kubernetes says, unless `arguments: image`. Or `stand_in`: a small server
    that listens on the ports, answers the probes and does this with its work at the stop signal.
    """

    command: tuple[Annotated[str, Field(min_length=1)], ...] = Field((), strict=False)
    args: tuple[Annotated[str, Field(min_length=1)], ...] = Field((), strict=False)
    arguments: Literal["manifest", "image"] = "manifest"
    stand_in: StandIn | None = None
    latency_s: Duration = Field(0.05, alias="latency", description="how long each answer of a stand-in takes")
    env: dict[str, str] = {}
    stop_signal: Literal["SIGTERM", "SIGQUIT", "SIGINT", "SIGHUP", "SIGUSR1", "SIGUSR2", "SIGWINCH", "SIGKILL"] = Field(
        "SIGTERM", alias="stopSignal"
    )

    @model_validator(mode="after")
    def _one_program(self) -> Self:
        if bool(self.command) == (self.stand_in is not None):
            raise ValueError("name either command or stand_in")
        wrong = {"args", "arguments"} if self.stand_in else {"latency_s"}
        if meaningless := sorted(wrong & self.model_fields_set):
            beside = "stand_in" if self.stand_in else "command"
            raise ValueError(f"{meaningless[0].removesuffix('_s')} means nothing beside {beside}")
        return self


class SandboxSettings(Record):
    """The embedded cluster."""

    proxy: ProxySettings = ProxySettings()
    nodes: int = Field(1, ge=1, le=2)


class NamedProvider(Record):
    """Where it runs, unless `--cluster` says otherwise: exactly one of these."""

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if len(self._named) != 1:
            *names, last = type(self).model_fields
            raise ValueError(f"name exactly one of {', '.join(names)} or {last}, not {len(self._named)}")
        return self

    @property
    def _named(self) -> tuple[str, ...]:
        return tuple(name for name in type(self).model_fields if getattr(self, name) is not None)

    @property
    def provider(self) -> str:
        """The name of the one that is meant."""
        return self._named[0]


if TYPE_CHECKING:

    class ClusterSettings(NamedProvider):
        """One of `PROVIDERS`."""

        sandbox: SandboxSettings | None = None
        context: str | None = None

else:
    _OF_A_TYPE = {"sandbox": SandboxSettings, "context": str}
    ClusterSettings = create_model(
        "ClusterSettings",
        __base__=NamedProvider,
        __doc__=NamedProvider.__doc__,
        **{name: (_OF_A_TYPE.get(name, dict[str, Any]) | None, None) for name in PROVIDERS},
    )


class Update(Record):
    """What every rollout does to the application: exactly one of these."""

    # A new disruption is a line here and a file in `harness/disruptions/`, named after it, with `planned` in it.
    image: dict[str, Annotated[tuple[Image, ...], Field(min_length=1, strict=False)]] | None = Field(
        None,
        min_length=1,
        description="Per container the images that the rollouts go to in turn; the manifest has the one before.",
    )

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if len(self.model_fields_set) != 1 or self.setting is None:
            raise ValueError(f"name exactly one of {', '.join(type(self).model_fields)}")
        return self

    @property
    def name(self) -> str:
        """The disruption that is meant."""
        (field,) = self.model_fields_set
        return field

    @property
    def setting(self) -> Any:
        """What is said of it."""
        return getattr(self, self.name)


class RequestSettings(Record):
    """The request that is sent, and which answers are a success."""

    method: Literal["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"] = "GET"
    path: str = Field("/", pattern=r"^/[^\s]*$")
    host: str | None = None
    headers: dict[str, str | HeaderSource] = {}
    success: tuple[str | int, ...] = Field(("200-299",), min_length=1, strict=False)

    @model_validator(mode="after")
    def _statuses(self) -> Self:
        _ = self.success_ranges
        return self

    @property
    def success_ranges(self) -> tuple[tuple[int, int], ...]:
        """Inclusive ranges of status codes."""
        return tuple(_status_range(str(entry)) for entry in self.success)


class HeaderSource(Record):
    """A header value from elsewhere, so that it stands in no file of ours: an environment variable or a file."""

    env: str | None = None
    file: FilePath | None = None

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if (self.env is None) == (self.file is None):
            raise ValueError("name either env or file")
        return self


def _status_range(text: str) -> tuple[int, int]:
    first, _, last = text.partition("-")
    if not (first.isdigit() and (last.isdigit() or not last)):
        raise ValueError(f"success: {shown(text)} is not a status code such as 204 or a range such as 200-299")
    low, high = int(first), int(last or first)
    if not 100 <= low <= high <= 599:
        raise ValueError(f"success: {shown(text)} is not a range inside 100-599")
    return low, high


class NewStream(Record):
    """A connection per request."""

    rate: Rate
    path: str | None = Field(None, pattern=r"^/[^\s]*$")
    read_timeout_s: LongDuration | None = Field(None, alias="read_timeout")


class KeptStream(NewStream):
    """Kept-alive connections."""

    connections: int = Field(10, ge=1, le=10_000)


class LoadSettings(Record):
    """The streams, side by side, and what every request has in common."""

    new: NewStream | None = None
    kept: KeptStream | None = None
    slow: NewStream | None = None
    connect_timeout_s: LongDuration = Field(CONNECT_TIMEOUT_S, alias="connect_timeout")
    read_timeout_s: LongDuration = Field(5.0, alias="read_timeout")
    pod_header: str | None = Field(None, pattern=r"^[A-Za-z0-9-]+$")
    engine: Literal["asyncio", "httpx"] = "asyncio"

    @model_validator(mode="after")
    def _some_stream(self) -> Self:
        if not self.streams:
            raise ValueError("name at least one stream: new, kept or slow")
        return self

    @property
    def streams(self) -> dict[str, NewStream]:
        """The streams that are asked for, by name."""
        named = {"new": self.new, "kept": self.kept, "slow": self.slow}
        return {name: stream for name, stream in named.items() if stream is not None}


class NamedMitigation(Record):
    """One mitigation and its value, written `{prestop: 5s}`; exactly one key."""

    @model_validator(mode="after")
    def _exactly_one_whole_number(self) -> Self:
        if len(self.model_fields_set) != 1:
            raise ValueError("write one mitigation an entry, such as {prestop: 5s}")
        if self.value_s is None:
            raise ValueError(f"{self.name} is null (empty): write a duration, such as {{{self.name}: 5s}}")
        if self.value_s != int(self.value_s):
            raise ValueError(f"{self.name}: Kubernetes counts whole seconds, not {duration(self.value_s)}")
        return self

    @property
    def name(self) -> str:
        """As it is written in the file."""
        (field,) = self.model_fields_set
        return field.replace("_", "-")

    @property
    def value_s(self) -> float:
        """Seconds."""
        (field,) = self.model_fields_set
        value: float = getattr(self, field)  # None only until the validator has seen it
        return value


def _field(name: str, words: str) -> Any:
    return (Duration | None, Field(None, alias=name if "-" in name else None, description=words))


if TYPE_CHECKING:

    class Mitigation(NamedMitigation):
        """One of `MITIGATIONS`."""

else:
    Mitigation = create_model(
        "Mitigation",
        __base__=NamedMitigation,
        __doc__=NamedMitigation.__doc__,
        **{name.replace("-", "_"): _field(name, words) for name, words in MITIGATIONS.items()},
    )


class Variant(Record):
    """The application with these mitigations, and what it should show."""

    mitigations: tuple[Mitigation, ...] = Field((), strict=False)
    expect: Expect = Field(Expect.SEAMLESS, strict=False)

    @model_validator(mode="after")
    def _together(self) -> Self:
        if wrong := contradiction([(mitigation.name, mitigation.value_s) for mitigation in self.mitigations]):
            raise ValueError(wrong)
        return self


class Confidence(Record):
    """At most `max_dropping` of all rollouts drop calls, with probability `level`."""

    max_dropping: float = Field(gt=0, lt=1)
    level: float = Field(0.95, gt=0.5, lt=1)

    @property
    def record(self) -> ConfidenceRecord:
        """As the run keeps it."""
        return ConfidenceRecord(max_dropping=self.max_dropping, level=self.level)


class Experiment(Record):
    """One experiment file. Paths are relative to it."""

    version: Literal[1]
    name: Name
    manifests: tuple[FilePath, ...] = Field(min_length=1, strict=False)
    target: str = Field("deployment/web", pattern=r"^(deployment|statefulset)/[a-z0-9]([-a-z0-9.]*[a-z0-9])?$")
    namespace: Name | None = None
    service: ServiceRef
    path: Literal["clusterip"] = "clusterip"
    cluster: ClusterSettings = ClusterSettings(sandbox=SandboxSettings())
    images: dict[str, SandboxImage] = {}
    others: Literal["run", "skip"] = Field("run", description="workloads beside the target: run, or left out")
    update: Update | Literal["restart"] = "restart"
    rollouts: int = Field(3, ge=1, le=1000)
    control_s: LongDuration = Field(5.0, alias="control")
    quiet_s: Duration | None = Field(None, alias="quiet")
    rollout_timeout_s: LongDuration = Field(120.0, alias="rollout_timeout")
    request: RequestSettings = RequestSettings()
    load: LoadSettings
    variants: dict[Name, Variant] = Field({"default": Variant()}, min_length=1)
    confidence: Confidence | None = None
    churn_s: LongDuration | None = Field(
        None,
        alias="churn",
        description="change the endpoints of a Service of our own as often: a proxy as busy as yours",
    )
    strict_idle_close: bool = Field(
        False, description="a request that met a kept connection as its server closed it counts against the rollout"
    )

    @property
    def disruption(self) -> tuple[str, Any]:
        """The name of the disruption that makes the rollouts, and its setting; `restart` has none."""
        return (self.update, None) if isinstance(self.update, str) else (self.update.name, self.update.setting)
