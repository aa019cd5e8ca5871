"""A container's image -> what is known of what runs in it: how the server in it stops, and whether there is a shell."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A server as docs/servers.md found it. `title`, `version`: as the page has them. `images`: the last part of the
    names under which it is shipped. `cuts`: it cuts at its stop signal what it has in hand. `deaf`: it does not end
    by it. `end_s`: when it had ended after the signal, with answers of up to 5 s in hand.
    """

    title: str
    version: str
    images: tuple[str, ...]
    end_s: float
    cuts: bool = False
    deaf: bool = False


SERVERS: tuple[Server, ...] = (
    Server(title="nginx", version="1.22.1", images=("nginx", "nginx-unprivileged"), end_s=4.9),
    Server(title="Apache httpd (event)", version="2.4.71", images=("httpd",), end_s=7.0),
    Server(title="lighttpd", version="1.4.69", images=("lighttpd",), end_s=0.0, cuts=True),
    Server(title="Caddy", version="2.11.7", images=("caddy",), end_s=5.2),
    Server(title="HAProxy", version="2.6.12", images=("haproxy",), end_s=4.9),
    Server(title="Traefik", version="3.7.15", images=("traefik",), end_s=5.2),
    Server(title="Tomcat", version="10.1.60", images=("tomcat",), end_s=2.4, cuts=True),
    Server(title="Jetty", version="9.4.57", images=("jetty",), end_s=3.0, cuts=True),
    Server(title="Node's http", version="20.20.2", images=("node",), end_s=30.1, deaf=True),
)
"""Those whose image says what runs in it: an application's own image, in which Go or gunicorn serves, does not."""

_SHELL_LESS = re.compile(r"(^|/)distroless/|^cgr\.dev/chainguard/|^registry\.k8s\.io/pause\b")
_WITH_SHELL = re.compile(r"[:-](debug|dev)\b|:.*-(debug|dev)\b")
_NAME = re.compile(r"(?:.*/)?([^/:@]+)(?::[^@/]*)?(?:@.*)?")


def server(image: str) -> Server | None:
    """The server that the image is named after; None where it is not known.

    >>> server("docker.io/library/nginx:1.28.0").title, server("registry.example:5000/shop/api:2")
    ('nginx', None)
    """
    name = _NAME.fullmatch(image)
    return next((each for each in SERVERS if name is not None and name[1] in each.images), None)


def has_no_shell(image: str) -> bool:
    """Whether the image is known to have neither a shell nor a `sleep`.

    https://github.com/GoogleContainerTools/distroless#debug-images

    >>> [has_no_shell(image) for image in ("gcr.io/distroless/java21", "gcr.io/distroless/java21:debug", "nginx")]
    [True, False, False]
    """
    return bool(_SHELL_LESS.search(image)) and not _WITH_SHELL.search(image)
