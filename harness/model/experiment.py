"""The experiment file as records: what is deployed, loaded and rolled, how often, and what it should show.

pydantic guards this file only: it is what people write by hand. Unknown keys are refused, so that a misspelt one is not
taken for a default. Durations are strings with a unit and become seconds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import (
    Field,
    create_model,
    field_validator,
    model_validator,
)

from harness.inputs.shown import shown
from harness.model.abort_settings import AbortIf
from harness.model.budget_settings import Budget
from harness.model.cluster_settings import ClusterSettings, SandboxImage, SandboxSettings
from harness.model.disruption import Disruption, Update, Word, named
from harness.model.duration import duration
from harness.model.load_settings import LoadSettings
from harness.model.mitigations import MITIGATIONS, contradiction
from harness.model.patch_settings import ManifestPatch
from harness.model.path_settings import PathSettings, PathWord, written_path
from harness.model.providers import PROTECTED_CONTEXTS
from harness.model.record import Duration, FilePath, LongDuration, Name, Namespace, Record
from harness.model.request_settings import READING, Method, MixedRequest, RequestSettings
from harness.model.run import Confidence as ConfidenceRecord
from harness.model.run import Expect
from harness.model.target_kinds import not_a_target


class ServiceRef(Record):
    """The Service in front of the application, and its port, by number or name (not the container's)."""

    name: str = Field(min_length=1, description="the Service's")
    port: Annotated[int, Field(ge=1, le=65535)] | Annotated[str, Field(min_length=1)] = Field(
        description="its port, by number or name"
    )

    @field_validator("port")
    @classmethod
    def _no_number_in_quotes(cls, port: int | str) -> int | str:
        if isinstance(port, str) and port.isdecimal():  # a port's name has a letter in it (RFC 6335, 5.1)
            raise ValueError(f"{shown(port)} in quotes is a name, which no port has: write {port} without them")
        return port


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

    mitigations: tuple[Mitigation, ...] = Field(
        (), strict=False, description="what makes its rollouts safer; none of them weakens what the manifest has"
    )
    patches: tuple[ManifestPatch, ...] = Field(
        (), strict=False, description="what its manifests have otherwise, before the mitigations"
    )
    expect: Expect = Field(
        Expect.SEAMLESS,
        strict=False,
        description="the verdict that is no failure; `dropping`: a negative control, which has to drop calls",
    )

    @model_validator(mode="after")
    def _together(self) -> Self:
        if wrong := contradiction([(mitigation.name, mitigation.value_s) for mitigation in self.mitigations]):
            raise ValueError(wrong)
        return self


class Confidence(Record):
    """At most `max_dropping` of all rollouts drop calls, with probability `level`."""

    max_dropping: float = Field(gt=0, lt=1, description="the share of rollouts that may drop calls, such as 0.05")
    level: float = Field(0.95, gt=0.5, lt=1, description="how sure that has to be")

    @property
    def record(self) -> ConfidenceRecord:
        """As the run keeps it."""
        return ConfidenceRecord(max_dropping=self.max_dropping, level=self.level)


class Experiment(Record):
    """One experiment file. Paths are relative to it."""

    version: Literal[1] = Field(description="of the file's format")
    name: Name = Field(description="what reports and the run's folder call it")
    manifests: tuple[FilePath, ...] = Field(
        (),
        strict=False,
        description="what is deployed; without any, `target` is there in `namespace`, and stays",
    )
    target: str = Field(
        "deployment/web",
        pattern=r"^(deployment|statefulset)/[a-z0-9]([-a-z0-9.]*[a-z0-9])?$",
        description="the workload that is rolled",
    )
    namespace: Namespace | None = Field(
        None, description="deploy into this one, if it is there; without it one is made, and deleted again"
    )
    service_: ServiceRef | None = Field(
        None,
        alias="service",
        description="the Service in front; without it, the clear one before a target that is there",
    )
    path: PathWord | PathSettings = Field("clusterip", description="how the load reaches the application")
    cluster: ClusterSettings = Field(
        ClusterSettings(sandbox=SandboxSettings()), description="where it runs; `--cluster` wins"
    )
    images: dict[str, SandboxImage] = Field(
        default_factory=dict, description="what the sandbox runs in place of an image, by the image's name"
    )
    others: Literal["run", "skip"] = Field("run", description="workloads beside the target: run, or left out")
    update: Update | Literal["restart"] | None = Field(None, description="`disruption` where it is a rolling update")
    disruption: Disruption | Word | None = Field(
        None, description="what is done to the application, `rollouts` times; without it, it is restarted"
    )
    rollouts: int = Field(3, ge=1, le=1000, description="how many of each variant")
    control_s: LongDuration = Field(
        5.0, alias="control", description="load before the first rollout, in which nothing is done"
    )
    quiet_s: Duration | None = Field(
        None,
        alias="quiet",
        description="load after the old pods of a rollout are gone; without it 5 s or 1.5 periods of kube-proxy, 15 s "
        "where the period is not known, 60 s behind a balancer",
    )
    rollout_timeout_s: LongDuration = Field(
        120.0,
        alias="rollout_timeout",
        description="how long a rollout may take; what no waiting mends is given up within seconds",
    )
    request: RequestSettings = Field(RequestSettings(), description="what is sent, and which answers are a success")
    requests: tuple[MixedRequest, ...] = Field(
        (), min_length=1, strict=False, description="several kinds in turn, by their weights"
    )
    allow_methods: tuple[Method, ...] = Field(
        (), strict=False, description="what may be sent besides GET and HEAD to an application that is there"
    )
    load: LoadSettings = Field(description="how much is sent: at least one of the streams new, kept and slow")
    variants: dict[Name, Variant] = Field(
        {"default": Variant()},
        min_length=1,
        max_length=1000,
        description="the same application with other settings, each rolled as often",
    )
    confidence: Confidence | None = Field(
        None, description="as many rollouts as this takes, unless one drops calls; fewer are inconclusive"
    )
    budget: Budget | None = Field(
        None, description="what the rollouts may cost, beside the verdict; more is exit code 1, not measured 3"
    )
    abort_if: AbortIf | None = Field(None, description="end the run at once where so much fails for so long")
    abort: Literal["restore", "leave"] = Field(
        "restore", description="what becomes of the application then: as it was before the run, or left as it is"
    )
    churn_s: LongDuration | None = Field(
        None,
        alias="churn",
        description="change the endpoints of a Service of our own as often, so that the proxy is as busy as yours; at "
        "rest it applies the first change at once, which flatters a busy cluster",
    )
    strict_idle_close: bool = Field(
        False, description="a request that met a kept connection as its server closed it counts against the rollout"
    )

    protected_contexts: tuple[Annotated[str, Field(min_length=1)], ...] = Field(
        PROTECTED_CONTEXTS,
        strict=False,
        description="contexts that are refused, whatever their case; `*` and `?` match",
    )

    @field_validator("target", mode="before")
    @classmethod
    def _no_other_kind(cls, value: Any) -> Any:
        if isinstance(value, str) and (why := not_a_target(value)):
            raise ValueError(why)
        return value

    @field_validator("service_", mode="before")
    @classmethod
    def _written_service(cls, value: Any) -> Any:
        if value is None:  # left out is another thing: then it may be found
            raise ValueError("it is null (empty), where a value is needed: write {name: web, port: 80}")
        return value

    @model_validator(mode="after")
    def _one_disruption(self) -> Self:
        if self.update is not None and self.disruption is not None:
            raise ValueError("update and disruption: both say what is done to the application; name one of them")
        return self

    @model_validator(mode="after")
    def _deployed_or_there(self) -> Self:
        if self.manifests and self.service_ is None:
            raise ValueError("service is missing: name the one in front of the target, such as {name: web, port: 80}")
        if self.manifests:
            return self
        if "manifests" in self.model_fields_set:
            raise ValueError("manifests: it is empty; name files, or leave it out where the target is there already")
        if lacks := [name for name in ("target", "namespace") if name not in self.model_fields_set]:
            must = " and ".join(lacks)
            raise ValueError(f"without manifests the target is there already: {must} must say which")
        if any(variant.mitigations or variant.patches for variant in self.variants.values()):
            raise ValueError(
                "mitigations and patches are put into manifests; a target that is there is rolled as it is"
            )
        return self

    @model_validator(mode="after")
    def _one_kind_of_request_or_several(self) -> Self:
        if not self.requests:
            return self
        for key in ("method", "path", "success", "contains"):
            if key in self.request.model_fields_set:
                raise ValueError(f"request.{key}: each of `requests` says that itself")
        for name, stream in self.load.streams.items():
            if stream.path is not None:
                raise ValueError(f"load.{name}.path: the paths are those of `requests`")
        return self

    @model_validator(mode="after")
    def _reading_only(self) -> Self:
        """What is somebody's is read, and not written to, unless he says so."""
        methods = {each.method for each in self.requests} or {self.request.method}
        if self.is_there and (asked := sorted(methods - READING - {*self.allow_methods})):
            them = ", ".join(asked)
            raise ValueError(f"{them} may change what the application keeps: allow_methods: [{them}] allows it")
        return self

    @property
    def service(self) -> ServiceRef:
        """The Service in front of the application, which is known once what is there has been looked at."""
        assert self.service_ is not None, "runner.there comes first"
        return self.service_

    @property
    def way_in(self) -> PathSettings:
        """The path with its settings."""
        return written_path(self.path)

    @property
    def is_there(self) -> bool:
        """Whether the target is there already: it is rolled as it stands, and stays."""
        return not self.manifests

    @property
    def asked(self) -> tuple[str, Any]:
        """The name of the disruption, and its setting."""
        return named(self.disruption or self.update or "restart")
