"""Where an experiment runs, and what a sandbox is made of, as records of the experiment file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import Field, create_model, model_validator

from harness.model.balancer_settings import BalancerProfile, BalancerSettings
from harness.model.k3s_settings import K3sSettings
from harness.model.kind_settings import KindSettings
from harness.model.providers import PROVIDERS
from harness.model.record import Choice, Duration, Record


class ProxySettings(Record):
    """kube-proxy in the sandbox. `instant` comes near to an eBPF data plane."""

    min_sync_period_s: Duration | Literal["instant"] = Field(
        1.0, alias="minSyncPeriod", description="its cool-down between two syncs"
    )

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

    command: tuple[Annotated[str, Field(min_length=1)], ...] = Field(
        (), strict=False, description="a program of yours, as the image's ENTRYPOINT"
    )
    args: tuple[Annotated[str, Field(min_length=1)], ...] = Field((), strict=False, description="as the image's CMD")
    arguments: Literal["manifest", "image"] = Field(
        "manifest", description="whose command and args hold: the manifest's where it has some, or the image's"
    )
    stand_in: StandIn | None = Field(
        None, description="a small server in place of a program, and what it does with its work at the stop signal"
    )
    latency_s: Duration = Field(0.05, alias="latency", description="how long each answer of a stand-in takes")
    env: dict[str, str] = Field(default_factory=dict, description="as the image's ENV")
    stop_signal: Literal["SIGTERM", "SIGQUIT", "SIGINT", "SIGHUP", "SIGUSR1", "SIGUSR2", "SIGWINCH", "SIGKILL"] = Field(
        "SIGTERM", alias="stopSignal", description="as the image's STOPSIGNAL"
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


MOST_NODES = 9
"""Of a sandbox."""


class SandboxSettings(Record):
    """The embedded cluster."""

    proxy: ProxySettings = Field(ProxySettings(), description="its kube-proxy")
    nodes: int = Field(1, ge=1, le=MOST_NODES, description="each with a kubelet and a kube-proxy of its own")
    balancer: BalancerProfile | BalancerSettings | None = Field(
        None, description="what Services of type LoadBalancer get; without it they stay pending"
    )

    @property
    def balancing(self) -> BalancerSettings | None:
        """The balancer's settings, also where only its profile is named."""
        if isinstance(self.balancer, str):
            return BalancerSettings(profile=self.balancer)
        return self.balancer


ContextName = Annotated[str, Field(min_length=1)]


class NamedProvider(Choice):
    """Where it runs, unless `--cluster` says otherwise: exactly one of these."""

    @property
    def provider(self) -> str:
        """The name of the one that is meant."""
        return self.name


if TYPE_CHECKING:

    class ClusterSettings(NamedProvider):
        """One of `PROVIDERS`."""

        sandbox: SandboxSettings | None = None
        kind: KindSettings | None = None
        k3s: K3sSettings | None = None
        context: ContextName | None = None

else:
    _OF_A_TYPE = {"sandbox": SandboxSettings, "kind": KindSettings, "k3s": K3sSettings, "context": ContextName}
    _WORDS = {"context": "the name of a context of your kubeconfig"}
    ClusterSettings = create_model(
        "ClusterSettings",
        __base__=NamedProvider,
        __doc__=NamedProvider.__doc__,
        **{
            name: (_OF_A_TYPE.get(name, dict[str, Any]) | None, Field(None, description=_WORDS.get(name)))
            for name in PROVIDERS
        },
    )
