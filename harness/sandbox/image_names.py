"""Image names as people write them -> the parts that they mean, and whether a name of the table fits one.

Source: distribution/reference (the grammar, and what goes without saying: docker.io, library/, latest).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Self

IS_PATTERN = re.compile(r"[*?\[]")
_NAME = re.compile(r"(?P<path>[^\s@]+?)(?::(?P<tag>\w[\w.-]{0,127}))?(?:@(?P<digest>[a-z0-9+._-]+:[0-9a-fA-F]{32,}))?")
_DOCKER = ("docker.io", "index.docker.io")

# How well a name of the table fits: what it is by, and how many characters of it say something.
Fit = tuple[int, int]
_BY_PATTERN, _ANY_TAG, _BY_TAG, _BY_DIGEST = range(4)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """An image's name in its parts; `repository` always with its registry: `docker.io/library/nginx`."""

    repository: str
    tag: str | None = None
    digest: str | None = None

    @classmethod
    def of(cls, name: str) -> Self | None:
        """The parts of a name; None where it is no image's name."""
        if (found := _NAME.fullmatch(name)) is None:
            return None
        return cls(repository=_with_registry(found["path"]), tag=found["tag"], digest=found["digest"])

    @property
    def meant_tag(self) -> str | None:
        """The tag that is pulled: `latest` where neither a tag nor a digest is named."""
        return self.tag or (None if self.digest else "latest")


def fits(known: str, name: str) -> Fit | None:
    """How well the table's name `known` fits the image `name`, to be compared; None where it does not.

    Without a tag `known` stands for every tag and digest; with `*`, `?` or `[` it is a pattern of the name as it is
    written, as it is meant, or without its tag.

    >>> fits("nginx", "docker.io/library/nginx:1.28.0") < fits("nginx:1.28.0", "docker.io/library/nginx:1.28.0")
    True
    >>> fits("nginx:latest", "nginx") is not None, fits("ghcr.io/*/shop", "ghcr.io/acme/shop:2") is not None
    (True, True)
    """
    if IS_PATTERN.search(known):
        if any(fnmatchcase(spelling, known) for spelling in _spellings(name)):
            return _BY_PATTERN, len(re.sub(r"[*?]", "", known))
        return None
    ours, asked = Reference.of(known), Reference.of(name)
    if ours is None or asked is None or ours.repository != asked.repository:
        return None
    if ours.digest is not None:
        return (_BY_DIGEST, 0) if ours.digest == asked.digest else None
    if ours.tag is not None:
        return (_BY_TAG, 0) if ours.tag == asked.meant_tag else None
    return _ANY_TAG, 0


def short_name(name: str) -> str:
    """The name as people write it: `docker.io/library/nginx:1.28.0` -> `nginx:1.28.0`."""
    return re.sub(r"^(index\.)?docker\.io/(library/)?|^library/", "", name)


def full_name(name: str) -> str:
    """The name as a container runtime reports it: `nginx` -> `docker.io/library/nginx:latest`."""
    reference = Reference.of(name)
    if reference is None:
        return name
    tag = f":{reference.meant_tag}" if reference.meant_tag else ""
    return f"{reference.repository}{tag}" + (f"@{reference.digest}" if reference.digest else "")


def _with_registry(path: str) -> str:
    registry, slash, rest = path.partition("/")
    if not slash or not re.search(r"[.:]|^localhost$", registry):
        registry, rest = "docker.io", path
    if registry not in _DOCKER:
        return path
    return f"docker.io/{rest if '/' in rest else f'library/{rest}'}"


def _spellings(name: str) -> frozenset[str]:
    full, bare = full_name(name), name.partition("@")[0]
    repository = re.sub(r":[^/:]+$", "", bare)
    return frozenset((name, bare, short_name(bare), short_name(repository), full, full.partition("@")[0]))
