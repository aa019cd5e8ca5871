"""The servers of fixtures/servers: their names in print, how one asks each for its version, and what must be built."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from harness.fixture_files import fixtures

_BIN = Path(sys.executable).parent
_JETTY = ":".join(
    f"/usr/share/java/{part}.jar" for part in ("jetty9-server", "jetty9-util", "jetty9-http", "servlet-api")
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A server. `version`: the command that tells it, or a Python distribution's name. `build`: run in its folder."""

    title: str
    version: tuple[str, ...] | str
    build: tuple[str, ...] = ()
    passes_on: bool = False


SERVERS = {
    "nginx": Server(title="nginx", version=("/usr/sbin/nginx", "-v"), passes_on=True),
    "httpd": Server(title="Apache httpd (event)", version=("/usr/sbin/apache2", "-v"), passes_on=True),
    "lighttpd": Server(title="lighttpd", version=("/usr/sbin/lighttpd", "-v"), passes_on=True),
    "caddy": Server(title="Caddy", version=(f"{_BIN}/caddy", "version"), passes_on=True),
    "haproxy": Server(title="HAProxy", version=("/usr/sbin/haproxy", "-v"), passes_on=True),
    "traefik": Server(title="Traefik", version=(f"{_BIN}/traefik", "version"), passes_on=True),
    "tomcat": Server(title="Tomcat", version=("dpkg-query", "-W", "-f", "${Version}", "tomcat10-common")),
    "jetty": Server(
        title="Jetty",
        version=("dpkg-query", "-W", "-f", "${Version}", "libjetty9-java"),
        build=("javac", "-cp", _JETTY, "-d", "build", "App.java"),
    ),
    "puma": Server(title="Puma", version=("/usr/bin/puma", "--version")),
    "gunicorn-sync": Server(title="gunicorn (sync)", version="gunicorn"),
    "gunicorn-gthread": Server(title="gunicorn (gthread)", version="gunicorn"),
    "uvicorn": Server(title="uvicorn", version="uvicorn"),
    "node": Server(title="Node's http", version=("/usr/bin/node", "--version")),
    "go": Server(
        title="Go's net/http",
        version=(f"{_BIN}/go", "version"),
        build=(f"{_BIN}/go", "build", "-o", "build/server", "."),
    ),
}


def version(name: str) -> str:
    """Of the program on this machine, as numbers and dots."""
    asked = SERVERS[name].version
    if isinstance(asked, str):
        return metadata.version(asked)
    answer = subprocess.run(asked, capture_output=True, text=True, timeout=30, check=True)
    found = re.search(r"\d+\.\d+(\.\d+)?", answer.stdout + answer.stderr)
    if found is None:
        raise ValueError(f"asking {name} for its version: {asked} said {answer.stdout!r}")
    return found.group()


def build(name: str) -> None:
    """Compile what the server's image runs, where there is something to compile."""
    command = SERVERS[name].build
    if command:
        subprocess.run(command, cwd=fixtures() / "servers" / name, check=True, timeout=300)
