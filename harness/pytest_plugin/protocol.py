"""The type of what the `rollout` fixture gives, for the users' annotations."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias

if TYPE_CHECKING:
    from harness.pytest_plugin.result import RolloutResult

Document: TypeAlias = Mapping[str, Any]
ManifestPath: TypeAlias = "str | os.PathLike[str]"
Manifests: TypeAlias = "ManifestPath | Document | Sequence[ManifestPath] | Sequence[Document]"
"""A file, a directory, several of either, or parsed documents."""

Images: TypeAlias = "str | Mapping[str, str] | Sequence[str | Mapping[str, str]]"
"""What every rollout goes to, of the only container or by container; several: in turn."""

Load: TypeAlias = "float | Mapping[str, Any]"
Mitigations: TypeAlias = "str | Mapping[str, str] | Sequence[str | Mapping[str, str]]"


class Rollout(Protocol):
    """What the `rollout` fixture gives: rolls an application under load, once a call."""

    def __call__(
        self,
        manifest: Manifests | None = None,
        *,
        target: str | None = None,
        service: str | None = None,
        image: Images | None = None,
        disruption: str | Mapping[str, Any] | None = None,
        rollouts: int = 1,
        load: Load | None = None,
        path: str | Mapping[str, Any] = "clusterip",
        mitigations: Mitigations = (),
        budget: Mapping[str, Any] | None = None,
        expect: Literal["seamless", "dropping", "any"] = "seamless",
        images: Mapping[str, Any] | None = None,
        namespace: str | None = None,
    ) -> RolloutResult:
        """Deploy, load and roll an application, take it back, and judge what was recorded.

        manifest: a YAML file, a directory of such, several of either, or parsed documents; paths are looked for beside
            the test file, then in pytest's root directory. Default: an nginx of our own.
        target: "deployment/web"; service: "web" or "web:80" (a port's number or name). Both are found where the
            manifest leaves no choice.
        image: what each rollout goes to, and back, in turn: an image where the workload has one container besides
            sidecars, else {"nginx": "nginx:1.29.1"}, or a list of either. Without it the workload is restarted.
        disruption: "restart", "delete-pod", "evict", "drain", or what `disruption:` of an experiment holds, such as
            {"scale": {"to": 1}} or {"image": {"nginx": [...]}}.
        rollouts: how many; `--rollout-count` may raise it.
        load: new connections per second, or what `load:` of an experiment holds, such as {"new": {"rate": 100}}.
        path: how the application is reached: "clusterip", "nodeport", "loadbalancer", "ingress", "gateway", or a
            mapping as in an experiment.
        mitigations: "prestop", "min-ready" (5 s each), "prestop=10s" or {"prestop": "10s"}, or a list of such.
        budget: what the rollouts may cost, as in an experiment, such as {"failed": 0, "p99_during": "250ms"}.
        expect: what the report calls expected: "seamless", "dropping" or "any".
        images: what the sandbox runs for an image, as in an experiment: {"*": {"stand_in": "finishes"}}, or
            {"shop:*": {"command": ["./shop"]}}; paths are the test file's.
        namespace: where the target is there already, in place of a manifest: it is rolled as it is, and put back.

        A wrong argument, a manifest that cannot be used or a cluster that does not answer fails the test with one
        message. Synchronous, also inside a running event loop.
        """
        ...
