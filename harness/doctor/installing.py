"""A program that is missing -> the one command that installs it on this machine."""

from __future__ import annotations

import platform
import shutil
import sys
from collections.abc import Callable, Mapping

_MANAGERS = {
    "apt-get": "sudo apt-get install -y --no-install-recommends",
    "dnf": "sudo dnf install -y",
    "apk": "sudo apk add",
    "brew": "brew install",
}
"""Package managers in the order in which they are looked for, and how each installs."""

_PACKAGES: Mapping[str, Mapping[str, str]] = {
    "nginx": {"apt-get": "nginx-light", "dnf": "nginx", "apk": "nginx"},
    "nft": {"apt-get": "nftables", "dnf": "nftables", "apk": "nftables"},
    "ip": {"apt-get": "iproute2", "dnf": "iproute", "apk": "iproute2"},
    "unshare": {"apt-get": "util-linux", "dnf": "util-linux", "apk": "util-linux"},
    "nsenter": {"apt-get": "util-linux", "dnf": "util-linux", "apk": "util-linux"},
    "haproxy": {"apt-get": "haproxy", "dnf": "haproxy", "apk": "haproxy", "brew": "haproxy"},
    "traefik": {"apk": "traefik", "brew": "traefik"},
    "docker": {"apt-get": "docker.io", "dnf": "moby-engine", "apk": "docker"},
    "podman": {"apt-get": "podman", "dnf": "podman", "apk": "podman", "brew": "podman"},
    "kind": {"apk": "kind", "brew": "kind"},
    "kubectl": {"apk": "kubectl", "brew": "kubectl"},
    "chromium": {"apt-get": "chromium", "dnf": "chromium", "apk": "chromium"},
}
"""What has a program, where it is in the manager's own repositories."""

_TO_BIN = "&& sudo install -m 0755 {name} /usr/local/bin/{name}"
_KIND = "v0.33.0"
_TRAEFIK = "v3.7.13"
_ELSEWHERE = {
    "kind": f"curl -fLo kind https://kind.sigs.k8s.io/dl/{_KIND}/kind-{{system}}-{{arch}} {_TO_BIN}",
    "kubectl": "curl -fLo kubectl https://dl.k8s.io/release/$(curl -fsSL https://dl.k8s.io/release/stable.txt)"
    f"/bin/{{system}}/{{arch}}/kubectl {_TO_BIN}",
    "traefik": f"curl -fL https://github.com/traefik/traefik/releases/download/{_TRAEFIK}"
    f"/traefik_{_TRAEFIK}_{{system}}_{{arch}}.tar.gz | sudo tar -xz -C /usr/local/bin traefik",
    "docker": "curl -fsSL https://get.docker.com | sudo sh",
}
"""Where their makers say to get them: https://kind.sigs.k8s.io/docs/user/quick-start/#installing-from-release-binaries,
https://kubernetes.io/docs/tasks/tools/install-kubectl-linux, https://doc.traefik.io/traefik/getting-started/install-traefik,
https://docs.docker.com/engine/install."""

_ARCHITECTURES = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}


def install(*programs: str, which: Callable[[str], str | None] = shutil.which) -> str:
    """The command that installs them all; `which`: how a package manager is found."""
    manager = next((name for name in _MANAGERS if which(name)), "")
    packages = [_PACKAGES.get(program, {}).get(manager, "") for program in programs]
    if manager and all(packages):
        return f"{_MANAGERS[manager]} {' '.join(sorted(set(packages)))}"
    if len(programs) == 1 and programs[0] in _ELSEWHERE:
        machine = platform.machine().lower()
        return _ELSEWHERE[programs[0]].format(
            name=programs[0], system=sys.platform, arch=_ARCHITECTURES.get(machine, machine)
        )
    return f"install {', '.join(programs)} with this system's package manager"
