"""What a node says of its machine: all of it, and of each node the same every time."""

from __future__ import annotations

from kubernetes.client import ApiClient, V1NodeSystemInfo

from harness.sandbox.kubelet.system_info import node_info


def test_the_official_client_takes_it_for_a_nodes() -> None:
    """The generated model refuses one that lacks a field."""
    told = node_info("node1")
    read = ApiClient()._ApiClient__deserialize(told, V1NodeSystemInfo)
    assert (read.operating_system, read.kubelet_version, read.boot_id) == ("linux", "v1.36.2", told["bootID"])
    assert None not in (read.architecture, read.kernel_version, read.machine_id, read.system_uuid)


def test_a_node_keeps_its_identity_and_shares_it_with_no_other() -> None:
    assert node_info("node1") == node_info("node1")
    assert node_info("node1")["systemUUID"] != node_info("node2")["systemUUID"]
