"""What one scenario was and how far it got: the content of run.json, and a whole run as the analysis gets it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from harness.model.paths import Hop, HopKind, Hops, Span, Targets, hops

if TYPE_CHECKING:  # polars costs half a second, and `--help` needs none of it
    import polars as pl

    from harness.model.observation import Observation

FORMAT = 1
"""The version of the run directory that this harness writes, and the newest that it reads."""


class Expect(StrEnum):
    """What a variant should show."""

    SEAMLESS = "seamless"
    DROPPING = "dropping"  # a negative control
    ANY = "any"


class FactSource(StrEnum):
    """How the harness came to know a fact about the cluster."""

    CONFIGURED = "configured"
    READ = "read"
    ASSUMED = "assumed"


KUBE_PROXY_MODES = ("iptables", "ipvs", "nftables", "userspace", "kernelspace")
"""Those that kube-proxy has or had, on Linux and Windows (pkg/proxy/apis/config/types.go)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProxyFacts:
    """How Services reach pods. What could not be read is None, never assumed."""

    mode: str | None = None
    min_sync_period_s: float | None = None
    source: FactSource | None = None

    @property
    def replaces_kube_proxy(self) -> bool:
        """Whether it is known to be something else than kube-proxy, which alone has these modes and such a period."""
        return self.mode is not None and self.mode not in KUBE_PROXY_MODES


@dataclass(frozen=True, slots=True, kw_only=True)
class BalancerFacts:
    """The load balancer that a cluster has for Services of type LoadBalancer, or for Ingresses, and how late it is.

    `kind`: of the hop that it is. `targets`: what it sends to. `removal`, `addition`, `retries`, `answers_as`,
    `draining_s`: as those of a hop (`harness.model.paths`), where rollouts change its list. `settings`: what it was set
    to, in words.
    """

    profile: str
    targets: Targets
    removal: Span | None = None
    addition: Span | None = None
    kind: HopKind = HopKind.PASSTHROUGH
    retries: bool = False
    answers_as: str = ""
    draining_s: float | None = None
    settings: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterFacts:
    """Where a run was made. `server`: what really answered behind the image's name, as far as it is known.

    `balancer`: what is known of its load balancer; None also where it has one of which nothing is.
    """

    kind: str
    kubernetes: str | None = None
    nodes: int | None = None
    proxy: ProxyFacts = ProxyFacts()
    server: str | None = None
    balancer: BalancerFacts | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadFacts:
    """How the load was made. `local_ports`: first and last source port, None where the kernel chose them.

    The time-outs are what runs had that did not say; those made now always do.
    """

    connect_timeout_s: float = 1.0
    read_timeout_s: float = 5.0
    local_ports: tuple[int, int] | None = None
    source_addresses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerClock:
    """How far a worker's clock is ahead of the run's, and how well that is known."""

    worker: int
    offset_s: float
    uncertainty_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadWorker:
    """One of the load workers: on which node it ran, and where it was lost while others went on, since when and why.

    Until `lost_at` its part of the record is whole, but for what was in flight then.
    """

    worker: int
    node: str | None = None
    lost_at: float | None = None
    why: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerEnd:
    """What a load worker states when it ends: of each stream, how many requests it made, the unsent included.

    Their sequence numbers are 0 to one less than that: each has its row in requests.csv, or its end is not known.
    """

    worker: int
    requests: dict[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredService:
    """The Service in front of the application to which the load goes, and its port (not the container's)."""

    name: str
    port: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestFacts:
    """One kind of request that was sent: `weight` of it beside the others', on one `stream`, or on all where None.

    `path`: without its query, in which secrets may be; `success`: status codes and ranges, as they are written;
    `contains`: a good answer had to have a text in its body.
    """

    method: str
    path: str
    weight: int = 1
    success: tuple[str, ...] = ()
    contains: bool = False
    stream: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RolloutMarks:
    """When a rollout was triggered, called complete by the API, and settled (the old pods gone); None: not reached.

    `by`: of one that others made, the field manager that wrote it.
    """

    rollout: int
    update: float
    complete: float | None = None
    settled: float | None = None
    by: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandRun:
    """One run of the user's deploy command, which made a rollout; its output is in `command-ROLLOUT.log`.

    `exit_code`: negative for a signal's, None where it was killed because its time was over.
    """

    rollout: int
    command: str
    exit_code: int | None
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class GoneOn:
    """How a run that was interrupted is gone on with, in the folder `by`: of this one the first `rollouts` count, and
    the requests that were due before `until`; what was under way then does not."""

    by: str
    rollouts: int
    until: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RunInfo:
    """The content of run.json, format 1. Times are seconds on the run's monotonic clock, 0 = start."""

    experiment: str
    scenario: str
    variant: str
    path: str = "clusterip"
    hops: tuple[Hop, ...] = ()  # from the client on; none where they were not recorded
    format: int = FORMAT
    harness: str | None = None
    manifests: tuple[dict[str, Any], ...] = ()
    target: str | None = None
    disruption: str | None = None  # the name of what is done to the target; None: a rolling update
    service: MeasuredService | None = None
    cluster: ClusterFacts = field(default_factory=lambda: ClusterFacts(kind="unknown"))
    streams: dict[str, float] = field(default_factory=dict)
    load: LoadFacts = LoadFacts()
    requests: tuple[RequestFacts, ...] = ()
    pod_header: str | None = None
    t0_wall: float = 0.0
    clocks: tuple[WorkerClock, ...] = ()
    workers: tuple[LoadWorker, ...] = ()  # empty where there was one, on no node of the cluster
    ends: tuple[WorkerEnd, ...] | None = None  # None: the run was made before workers' ends were kept
    control: tuple[float, float] | None = None
    rollouts: tuple[RolloutMarks, ...] = ()
    commands: tuple[CommandRun, ...] = ()
    planned_rollouts: int | None = None
    quiet_s: float | None = None
    expect: Expect = Expect.SEAMLESS
    strict_idle_close: bool = False
    confidence: Confidence | None = None
    budget: dict[str, float] = field(default_factory=dict)  # see harness.model.budget.LIMITS
    churn_s: float | None = None
    finished: bool = False
    provisos: tuple[str, ...] = ()  # what was run otherwise than the manifests say, in sentences
    applied: tuple[str, ...] = ()  # what of an earlier run's advice: "preStop 5 s"
    stopped: str | None = None  # why it ended before its time, in words
    gone_on: GoneOn | None = None  # it was interrupted, and another has the rest
    goes_on_from: str | None = None  # the folder of the one that was interrupted before this one

    @property
    def way(self) -> Hops:
        """What the hops of its path come to."""
        return hops(self.path, self.hops)

    def client_node(self, worker: int) -> str:
        """The cluster's node that a load worker sent from, whose data plane its requests met; empty for none, or where
        it is not known."""
        return next((one.node for one in self.workers if one.worker == worker and one.node), "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Confidence:
    """At most `max_dropping` of all rollouts drop calls, with probability `level`."""

    max_dropping: float
    level: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A run as it was read back: what the analysis judges.

    `requests`: a polars frame with the columns of `harness.model.request.COLUMNS` (Float64 times, Int64 counts,
    Categorical or String text, Boolean `reused`), in any order. `timeline`: sorted by `t`. `damage`: what the reader
    had to leave out, in words, for people.
    """

    info: RunInfo
    requests: pl.DataFrame
    timeline: tuple[Observation, ...]
    worker_seconds: tuple[dict[str, Any], ...] = ()
    damage: tuple[str, ...] = ()
