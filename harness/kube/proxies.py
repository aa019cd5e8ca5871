"""A server's address and the environment -> the HTTP proxy through which it is reached, as kubectl decides it.

Go's rules (golang.org/x/net/http/httpproxy), which differ from those of Python's clients: nothing on this machine is
proxied, and NO_PROXY may hold networks.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from urllib.parse import urlsplit

_PORTS = {"http": 80, "https": 443}


def proxy_of(url: str, environment: Mapping[str, str]) -> str | None:
    """The proxy's address, None where the server is reached directly.

    >>> environment = {"HTTPS_PROXY": "http://proxy:3128", "NO_PROXY": "10.0.0.0/8, .corp"}
    >>> proxy_of("https://staging.example:6443", environment)
    'http://proxy:3128'
    >>> [proxy_of(f"https://{host}", environment) for host in ("127.0.0.1:6443", "10.1.2.3", "api.corp")]
    [None, None, None]
    """
    parts = urlsplit(url)
    name = f"{parts.scheme}_proxy"
    proxy = environment.get(name.upper()) or environment.get(name)
    host = (parts.hostname or "").lower()
    if not proxy or not host or _is_here(host):
        return None
    words = (environment.get("NO_PROXY") or environment.get("no_proxy") or "").lower().replace(",", " ").split()
    if any(_means(word, host, parts.port or _PORTS.get(parts.scheme, 0)) for word in words):
        return None
    return proxy if "://" in proxy else f"http://{proxy}"


def _is_here(host: str) -> bool:
    if host == "localhost":
        return True
    address = _address(host)
    return address is not None and address.is_loopback


def _means(word: str, host: str, port: int) -> bool:
    """Whether a word of NO_PROXY means the host: all, a network, an address, or a name and those below it."""
    if word == "*":
        return True
    address = _address(host)
    if "/" in word:
        try:
            return address is not None and address in ipaddress.ip_network(word, strict=False)
        except ValueError:
            return False
    bare, own_port = _split(word)
    if own_port is not None and own_port != port:
        return False
    if (known := _address(bare)) is not None:
        return known == address
    bare = bare.removeprefix("*")
    return host.endswith(bare) if bare.startswith(".") else host == bare or host.endswith(f".{bare}")


def _split(word: str) -> tuple[str, int | None]:
    """A name or address, and its port where it has one."""
    if _address(word) is not None:
        return word, None
    host, colon, port = word.rpartition(":")
    return (host.strip("[]"), int(port)) if colon and port.isdecimal() else (word.strip("[]"), None)


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None
