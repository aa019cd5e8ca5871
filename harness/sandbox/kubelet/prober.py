"""A probe's specification -> one attempt: succeeded or failed, with the words of the event Unhealthy.

Also serves hooks, whose httpGet is the same request. Source: pkg/probe/http, pkg/probe/tcp, pkg/kubelet/prober.
"""

from __future__ import annotations

import asyncio
import os
import re
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

import anyio

from harness.sandbox.kubelet.container import RuntimeFailure

if TYPE_CHECKING:
    from harness.sandbox.kubelet.container import Container
    from harness.sandbox.kubelet.records import Object


_BODY_BYTES = 10240
_REDIRECTS, _INFORMATIONAL = 10, 5  # as many as net/http puts up with
_NOT_FOUND = 127
_REDIRECTING, _SWITCHING = (301, 302, 303, 307, 308), 101


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """What one attempt showed. `errored`: nothing, for it could not be made: the kubelet says so and goes by what was
    before."""

    ok: bool
    message: str = ""
    errored: bool = False


def port_number(port: int | str, container: Object) -> int:
    """The number of a port that a manifest gives by number or by the name of a container port.

    Raises:
        ValueError: the container has no port of that name, or there is no port of that number; in Kubernetes' words.
    """
    named = [known["containerPort"] for known in container.get("ports") or () if known.get("name") == port]
    if not named and not isinstance(port, int) and not port.isdecimal():
        raise ValueError(f'strconv.Atoi: parsing "{port}": invalid syntax')
    number = int(named[0] if named else port)
    if not 0 < number < 65536:
        raise ValueError(f"invalid port number: {number}")
    return number


async def probe(handler: Object, container: Object, running: Container, timeout_s: float) -> ProbeResult:
    """Tries `handler` (httpGet, tcpSocket, exec or grpc) once, from the node, as the kubelet does."""
    try:
        if "httpGet" in handler:
            return await http_get(handler["httpGet"], container, running.network.address, timeout_s)
        if "tcpSocket" in handler:
            return await _tcp(handler["tcpSocket"], container, running.network.address, timeout_s)
        if "exec" in handler:
            return await _exec(tuple(handler["exec"]["command"]), running, timeout_s)
        if "grpc" in handler:
            return await _grpc(handler["grpc"], running.network.address, timeout_s)
    except ValueError as error:  # a port that there is not
        return ProbeResult(False, str(error), errored=True)
    return ProbeResult(False, f"the sandbox has no probe of the kind {', '.join(handler)}")


async def listens(container: Object, running: Container, timeout_s: float) -> ProbeResult:
    """Whether the container takes connections on the first TCP port that it declares; without one it need not."""
    declared = (port for port in container.get("ports") or () if port.get("protocol", "TCP") == "TCP")
    if (first := next(declared, None)) is None:
        return ProbeResult(True)
    return await _tcp({"port": first["containerPort"]}, container, running.network.address, timeout_s)


async def http_get(action: Object, container: Object, address: str, timeout_s: float) -> ProbeResult:
    """Sends the GET of a probe or hook; 200 to 399 is success. Never keeps its connection.

    A redirect is followed where it stays on the host, and is a success where it leads away: pkg/probe/http/request.go.
    """
    host, port = action.get("host") or address, port_number(action["port"], container)
    scheme, path = action.get("scheme", "HTTP").lower(), action.get("path", "/").removeprefix("/")
    url = f"{scheme}://{host}:{port}/{path}"
    headers = {"Host": f"{host}:{port}", "User-Agent": "kube-probe/1.36", "Accept": "*/*", "Connection": "close"}
    headers |= {header["name"]: header["value"] for header in action.get("httpHeaders") or ()}
    try:
        with anyio.fail_after(timeout_s):
            status = await _followed(url, headers)
    except TimeoutError:
        return ProbeResult(
            False, f'Get "{url}": context deadline exceeded (Client.Timeout exceeded while awaiting headers)'
        )
    except (OSError, EOFError, ValueError) as error:
        return ProbeResult(False, f'Get "{url}": {error}')
    if 200 <= status < 400:
        return ProbeResult(True)
    return ProbeResult(False, f"HTTP probe failed with statuscode: {status}")


async def _followed(url: str, headers: dict[str, str]) -> int:
    """The status of what the GET comes to."""
    host, here = urlsplit(url).hostname, url
    for _ in range(_REDIRECTS):
        status, location = await _answer(here, headers)
        there = urljoin(here, location)
        if status not in _REDIRECTING or not location or urlsplit(there).hostname != host:
            return status
        here, headers = there, headers | {"Host": urlsplit(there).netloc}
    raise ValueError(f"stopped after {_REDIRECTS} redirects")


async def _answer(url: str, headers: dict[str, str]) -> tuple[int, str]:
    """Status and Location of one GET; what is only informational is passed over, as Go's client does."""
    parts = urlsplit(url)
    tls, path = parts.scheme == "https", (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    request = f"GET {path} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in headers.items()) + "\r\n"
    host, port = str(parts.hostname), parts.port or (443 if tls else 80)
    reader, writer = await _connected(host, port, tls=tls)
    try:
        writer.write(request.encode())
        for _ in range(1 + _INFORMATIONAL):
            status, location = await _head(reader)
            if not 100 <= status < 200 or status == _SWITCHING:
                await reader.read(_BODY_BYTES)
                return status, location
        raise ValueError("net/http: HTTP/1.x transport connection broken: too many 1xx informational responses")
    except ConnectionError as error:
        raise OSError(f"read tcp {host}:{port}: read: {_lower(error)}") from None
    finally:
        writer.close()


async def _head(reader: asyncio.StreamReader) -> tuple[int, str]:
    first = await reader.readline()
    if not first:
        raise EOFError("EOF")
    version, _, rest = first.decode("latin-1").partition(" ")
    if not version.startswith("HTTP/") or not rest[:3].isdigit():
        raise ValueError(f'net/http: HTTP/1.x transport connection broken: malformed HTTP response "{first[:80]!r}"')
    location = ""
    while line := (await reader.readline()).decode("latin-1").strip():
        name, _, value = line.partition(":")
        if name.lower() == "location":
            location = value.strip()
    return int(rest[:3]), location


async def _connected(host: str, port: int, *, tls: bool) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    context = None
    if tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        return await asyncio.open_connection(host, port, ssl=context)
    except ssl.SSLError as error:
        raise OSError(f"tls: {error.reason}") from None
    except OSError as error:
        raise OSError(f"dial tcp {host}:{port}: connect: {_lower(error)}") from None


async def _tcp(action: Object, container: Object, address: str, timeout_s: float) -> ProbeResult:
    host, port = action.get("host") or address, port_number(action["port"], container)
    try:
        with anyio.fail_after(timeout_s):
            _, writer = await _connected(host, port, tls=False)
    except TimeoutError:
        return ProbeResult(False, f"dial tcp {host}:{port}: i/o timeout")
    except OSError as error:
        return ProbeResult(False, str(error))
    writer.close()
    return ProbeResult(True)


async def _exec(command: tuple[str, ...], running: Container, timeout_s: float) -> ProbeResult:
    try:
        code, output = await running.exec(command, timeout_s)
    except TimeoutError:
        return ProbeResult(False, f'command timed out: "{" ".join(command)}" timed out after {timeout_s:g}s')
    except RuntimeFailure as error:
        return ProbeResult(False, str(error), errored=True)
    if code == _NOT_FOUND and _absent(command[0], output):  # what starts it here found none
        why = f'OCI runtime exec failed: exec failed: unable to start container process: exec: "{command[0]}": '
        return ProbeResult(False, f"{why}executable file not found in $PATH", errored=True)
    return ProbeResult(code == 0, output)


def _absent(program: str, output: str) -> bool:
    """Whether `env`, which starts it here, says that there is no such program; what the program says is its own.

    >>> _absent("healthy", "env: 'healthy': No such file or directory"), _absent("sh", "env: 'bash': No such file")
    (True, False)
    """
    return (
        program != "env"
        and re.match(rf"env: (?:can't execute )?['\u2018]?{re.escape(program)}['\u2019]?:", output) is not None
    )


async def _grpc(action: Object, address: str, timeout_s: float) -> ProbeResult:
    from harness.sandbox.kubelet.grpc_health import SERVING, health  # few pods ask for it, and HTTP/2 takes its time

    where = f"{address}:{action['port']}"
    try:
        with anyio.fail_after(timeout_s):
            reader, writer = await _connected(address, int(action["port"]), tls=False)
            try:
                status = await health(reader, writer, where, action.get("service") or "")
            finally:
                writer.close()
    except TimeoutError:
        return ProbeResult(False, f'timeout: failed to connect service "{where}" within {timeout_s:g}s')
    except (OSError, ValueError) as error:
        return ProbeResult(False, f"error: health rpc failed: {error}")
    return ProbeResult(status == SERVING, f'service unhealthy (responded with "{status}")')


def _lower(error: OSError) -> str:
    """The error as Go spells it: "connection refused"."""
    return os.strerror(error.errno).lower() if error.errno else str(error)
