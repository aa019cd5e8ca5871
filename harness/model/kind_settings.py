"""What a kind cluster is made of, as records of the experiment file: the one description of it.

`scripts/kind-up.sh` knows the same settings under the same names, and makes the same configuration of them.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from harness.model.record import Duration, Image, Record

LONGEST_PERIOD_S = 30.0
"""kube-proxy's syncPeriod by default; it does not start with a minSyncPeriod that is longer
(pkg/proxy/apis/config/validation/validation.go of Kubernetes)."""


def _period(value_s: float) -> float:
    if not 0 < value_s <= LONGEST_PERIOD_S:
        raise ValueError(f"it must be greater than 0 and at most {LONGEST_PERIOD_S:g}s, kube-proxy's own syncPeriod")
    return value_s


SyncPeriod = Annotated[Duration, AfterValidator(_period)]
"""A minSyncPeriod that kube-proxy takes."""


class KindProxy(Record):
    """What carries Services to pods: kube-proxy in this mode, or with `none` what is installed in its place."""

    mode: Literal["iptables", "ipvs", "nftables", "none"] = Field("iptables", description="kube-proxy's, or none of it")
    min_sync_period_s: SyncPeriod = Field(
        1.0, alias="minSyncPeriod", description="kube-proxy's cool-down between two syncs"
    )

    @model_validator(mode="after")
    def _period_of_something(self) -> Self:
        if self.mode == "none" and "min_sync_period_s" in self.model_fields_set:
            raise ValueError("minSyncPeriod means nothing without kube-proxy (mode: none)")
        return self


LocalImage = Annotated[Image, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._/:@-]*$")]


class LocalCluster(Record):
    """What holds of every cluster that is made on this machine."""

    images: tuple[LocalImage, ...] = Field(
        (), strict=False, description="of this machine, besides those of the experiment"
    )
    load_images: bool = Field(True, alias="loadImages", description="put images of this machine on the nodes")
    keep: bool = Field(False, description="leave a cluster that was made for the run")


class KindSettings(LocalCluster):
    """A kind cluster: one that is there under this name is used as it is, else it is made, and removed at the end."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9.-]{0,48}[a-z0-9])?$")] = Field(
        "rollout-harness", description="the cluster's, by which it is found"
    )
    nodes: int = Field(1, ge=1, le=10, description="the first is the control plane, which runs pods where it is alone")
    node_image: LocalImage | None = Field(None, alias="nodeImage", description="kindest/node:...; default: kind's own")
    proxy: KindProxy = Field(KindProxy(), description="what carries Services to pods")
