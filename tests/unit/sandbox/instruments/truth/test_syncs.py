"""What is written of a kube-proxy's sync."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from harness.sandbox.instruments.truth.syncs import SyncRecorder
from harness.sandbox.kubeproxy import ProxySync
from harness.sandbox.proxyrules import service_ports

if TYPE_CHECKING:
    from pathlib import Path

SERVICE = {
    "metadata": {"namespace": "default", "name": "web"},
    "spec": {"clusterIP": "10.96.7.7", "internalTrafficPolicy": "Local", "ports": [{"port": 80, "protocol": "TCP"}]},
}


def slice_of(*endpoints: tuple[str, str]) -> dict[str, object]:
    labels = {"kubernetes.io/service-name": "web"}
    ready = {"ready": True, "serving": True, "terminating": False}
    listed = [{"addresses": [address], "nodeName": node, "conditions": ready} for address, node in endpoints]
    metadata = {"namespace": "default", "name": "web-1", "labels": labels}
    return {"metadata": metadata, "ports": [{"port": 8080, "protocol": "TCP"}], "endpoints": listed}


def test_a_sync_is_written_with_the_endpoints_that_the_node_itself_may_use(tmp_path: Path) -> None:
    out = tmp_path / "truth.jsonl"
    record = SyncRecorder("node1", out)
    record(ProxySync(1, 2, ()))
    record(ProxySync(3, 4, service_ports([SERVICE], [slice_of(("10.244.1.2", "node1"), ("10.244.2.2", "node2"))])))
    first, second = map(json.loads, out.read_text().splitlines())
    assert first == {"kind": "sync", "node": "node1", "start_ns": 1, "end_ns": 2, "services": {}}
    assert second["services"] == {"10.96.7.7:80": ["10.244.1.2:8080"]}
