"""What Docker's client or k3s said as it failed -> an error that says what is wrong, and what to do."""

from __future__ import annotations

from harness.clusters.docker_words import OF_THE_MACHINE, REACH, Sign, cure
from harness.errors import SetupError

_PULLED = "Put it on this machine (docker pull, docker load), or name one that is there: cluster: {k3s: {image: ...}}."
_SIGNS: tuple[Sign, ...] = (
    (r"[Pp]ermission ?denied", REACH),
    (
        r"fetching server API version|Connection ?refused|Cannot connect to the Docker",
        "Start Docker, or set DOCKER_HOST.",
    ),
    *OF_THE_MACHINE,
    (r"manifest unknown|pull access denied|no matching manifest|not found: manifest|[Nn]o such image", _PULLED),
    (r"no such host|dial tcp|i/o timeout|TLS handshake|registry|toomanyrequests", _PULLED),
    (r"cgroup", "See https://docs.k3s.io/advanced#running-k3s-in-docker; cgroup v2 needs k3s v1.20 or newer."),
    (r"privileged|[Oo]peration not permitted", "k3s needs a privileged container: a Docker that is not rootless."),
)


def trouble(tried: str, seen: str, do: str = "") -> SetupError:
    """The error of what failed; `do`: what to do where the words are not known.

    >>> trouble("starting k3s", "no space left on device").do
    'Free some of the disk: docker system df shows what Docker has on it.'
    """
    said = " ".join(seen.split()) or "nothing was said"
    return SetupError(tried, said, cure(said, _SIGNS, do) or "Is Docker up, and may this user reach it?")
