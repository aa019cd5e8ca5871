"""The machine -> what a node says of it, its nodeInfo."""

from __future__ import annotations

import platform
from functools import cache
from pathlib import Path
from uuid import NAMESPACE_DNS, uuid5

_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}  # the kernel's names -> Go's
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def architecture() -> str:
    """The machine's, in Go's word, as Kubernetes has it."""
    return _ARCHITECTURES.get(platform.machine(), platform.machine())


@cache
def node_info(node: str) -> dict[str, str]:
    """All fields of a NodeSystemInfo: generated clients refuse a node that leaves one out.

    A sandbox's node is no machine, so its identity comes from its name.
    """
    identity = uuid5(NAMESPACE_DNS, node)
    return {
        "architecture": architecture(),
        "bootID": _BOOT_ID.read_text().strip(),
        "containerRuntimeVersion": "namespaces://1",
        "kernelVersion": platform.release(),
        "kubeProxyVersion": "",
        "kubeletVersion": "v1.36.2",
        "machineID": identity.hex,
        "operatingSystem": "linux",
        "osImage": "sandbox",
        "systemUUID": str(identity),
    }
