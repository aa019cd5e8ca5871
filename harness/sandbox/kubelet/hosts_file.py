"""A pod -> the /etc/hosts of its containers, as a kubelet writes it.

Source: kubernetes `pkg/kubelet/kubelet_pods.go` (managedHostsFileContent, hostsEntriesFromHostAliases).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.sandbox.kubelet.records import Object


def hosts_file(spec: Object, address: str, name: str) -> str:
    """The text; the network has no IPv6, and no DNS to tell more names of the pod."""
    lines = ["# Kubernetes-managed hosts file.", "127.0.0.1\tlocalhost", f"{address}\t{name}"]
    if aliases := spec.get("hostAliases"):
        lines += ["", "# Entries added by HostAliases."]
        lines += ["\t".join((str(alias["ip"]), *(alias.get("hostnames") or ()))) for alias in aliases]
    return "\n".join(lines) + "\n"
