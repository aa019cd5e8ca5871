"""Syncs of a node's kube-proxy -> the recorder's lines of the kind `sync`, which no kernel event tells."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from harness.sandbox.kubeproxy import ProxySync


@dataclass(frozen=True, slots=True)
class SyncRecorder:
    """Appends a line to the file `out` for every sync of the node."""

    node: str
    out: Path

    def __call__(self, sync: ProxySync) -> None:
        """Writes `kind`, `node`, `start_ns`, `end_ns` and `services`: the endpoints of each Service port."""
        local = {port: self.node if port.internal_local else "" for port in sync.ports}
        services = {
            f"{port.cluster_ip}:{port.port}": [f"{to.address}:{to.port}" for to in port.usable(local[port])]
            for port in sync.ports
        }
        times = {"start_ns": sync.start_ns, "end_ns": sync.end_ns}
        with self.out.open("a") as file:
            file.write(json.dumps({"kind": "sync", "node": self.node, **times, "services": services}) + "\n")
