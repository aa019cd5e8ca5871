"""What a k3s cluster is made of, as records of the experiment file."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from harness.model.kind_settings import LocalCluster, LocalImage, SyncPeriod
from harness.model.record import Record

K3S_IMAGE = "rancher/k3s:v1.36.2-k3s1@sha256:6a47cea22c4b834d4ba72c89d291696b79ebe406251f90b446e4dff03513dd87"
"""The Kubernetes whose behaviour the harness' own recordings have. It was never run by those who made the harness: no
image can be pulled where they work."""


class K3sProxy(Record):
    """kube-proxy, as `--kube-proxy-arg` sets it; what is left out is k3s' own: iptables, 1s."""

    mode: Literal["iptables", "ipvs", "nftables"] = Field("iptables", description="kube-proxy's")
    min_sync_period_s: SyncPeriod = Field(
        1.0, alias="minSyncPeriod", description="kube-proxy's cool-down between two syncs"
    )

    @model_validator(mode="after")
    def _period_that_an_argument_can_set(self) -> Self:
        if self.mode == "nftables" and "min_sync_period_s" in self.model_fields_set:
            raise ValueError(
                "minSyncPeriod: kube-proxy has no argument for it in mode nftables, and k3s gives it no file"
            )
        return self


class K3sSettings(LocalCluster):
    """k3s in a container, made for the run, and removed at its end."""

    image: LocalImage = Field(K3S_IMAGE, description="rancher/k3s:...; name it with its digest")
    proxy: K3sProxy = Field(K3sProxy(), description="its kube-proxy")
    disable: tuple[Literal["coredns", "local-storage", "metrics-server", "servicelb", "traefik"], ...] = Field(
        ("traefik",), strict=False, description="what comes with k3s and is not to be started"
    )
