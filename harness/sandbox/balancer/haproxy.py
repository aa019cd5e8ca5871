"""What a balancer of layer 7 is to do -> the configuration of one HAProxy, and the commands for its runtime API.

Three proxies in one process, one behind the other. HAProxy closes a client's connection without a word where a kept
connection to a server ends under any but the first request of that client, for it leaves the repetition to the client
(src/http_ana.c, TX_NOT_FIRST). The balancers that it stands for say 502. So the outer one, which clients see, opens a
connection of its own to the middle one for each request, and so does that to the inner one, which sends to the servers:
to these two every request is a first one. What is open to a server when it is cut ends in the inner one without a word
too, be it a request that is still connecting: for that the middle one says 502.
https://docs.haproxy.org/2.6/configuration.html, https://docs.haproxy.org/2.6/management.html (9.3)
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from harness.sandbox.balancer.ingresses import Rule
    from harness.sandbox.balancer.settings import Http
    from harness.sandbox.balancer.targets import Key

PORT = 80
_MOST_KEPT = 1000
_REASONS = {502: "Bad Gateway", 503: "Service Temporarily Unavailable", 504: "Gateway Time-out"}
_UNCONNECTED, _CLIENT_PORT = "x-unconnected", "x-client-port"
_ROUNDING_MS = 50
_LOG = (
    '{"kind":"http-balancer","wall_ms":%Ts%ms,"took_ms":%Ta,"backend":"%b","server":"%s","status":%ST,"end":"%ts",'
    '"retries":"%rc","client_port":"%[var(txn.client_port)]","source":"%[bc_src]","source_port":"%[bc_src_port]"}'
)
"""`end`: https://docs.haproxy.org/2.6/configuration.html#8.5, two characters of the termination state. `client_port`:
whose request it was; `source`: its own end of the connection to the server."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proxy:
    """One HAProxy: where it listens, and what leads where. `directory`: of its sockets and files."""

    address: str
    rules: tuple[Rule, ...]
    directory: Path

    @property
    def admin(self) -> Path:
        """The socket of its runtime API."""
        return self.directory / "admin.sock"


def backend_name(backend: tuple[str, str | int]) -> str:
    """
    >>> backend_name(("web", 80))
    'web_80'
    """
    return f"{backend[0]}_{backend[1]}"


def server_name(key: Key) -> str:
    """
    >>> server_name(("10.244.16.2", 8080))
    '10.244.16.2:8080'
    """
    return f"{key[0]}:{key[1]}"


def configuration(proxy: Proxy, http: Http, serving: Mapping[str, Iterable[Key]]) -> str:
    """Its configuration. `serving`: by backend, the servers with which it begins."""
    middle, inner = proxy.directory / "middle.sock", proxy.directory / "inner.sock"
    attempts = 1 if http.retries else 0
    lines = [
        "global",
        "  nbthread 1",
        f"  stats socket {proxy.admin} mode 600 level admin",
        "  log stdout format raw local0",
        "defaults",
        "  mode http",
        f"  timeout client {_ms(http.idle_s)}",
        f"  timeout http-keep-alive {_ms(http.idle_s)}",
        f"  timeout connect {_ms(http.connect_s)}",
        f"  timeout server {_ms(http.answer_s)}",
        f"  retries {attempts}",
        "  no option redispatch",
        "frontend outer",
        f"  bind {proxy.address}:{PORT}",
        "  option forwardfor",
        "  http-request set-header X-Forwarded-Proto http",
        f"  http-request set-header X-Forwarded-Port {PORT}",
        f"  http-request set-header {_CLIENT_PORT} %[src_port]",  # to the inner one, and no further
        *_passing("middle", middle, http),
        "frontend middle",
        f"  bind unix@{middle}",
        *_added_header(http, " if ! { res.hdr({name}) -m found }"),
        *_passing("inner", inner, http),
        f"  errorfile 502 {proxy.directory / '502.http'}",
        "frontend inner",
        f"  bind unix@{inner}",
        "  log global",
        f"  log-format {quoted(_LOG)}",
        "  http-request set-var(txn.came) date(0,ms)",
        f"  http-request set-var(txn.client_port) req.hdr({_CLIENT_PORT})",
        f"  http-request del-header {_CLIENT_PORT}",
        *_answers(http),
        *(line for rule in proxy.rules for line in _uses(rule)),
        "  default_backend nothing",
        "backend nothing",
        f"  http-request return status 404 {_own_header(http)}",
    ]
    for name in dict.fromkeys(backend_name(rule.backend) for rule in proxy.rules):
        lines += [*_backend(name, proxy, http), *(f"  server {_server(key, http)}" for key in serving.get(name, ()))]
    return "\n".join(lines) + "\n"


def error_files(http: Http) -> dict[str, str]:
    """By name, the answers that a balancer gives where a target gave none: after the name of HAProxy's own status.

    One that could not be connected to is 503 to HAProxy. An ALB says 502 where it was refused, and 504 where the time
    to connect was over.
    https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-troubleshooting.html
    """
    found = {f"{status}.http": _answer(http, status) for status in (502, 504)}
    return {**found, "503.http": _answer(http, 502, f"{_UNCONNECTED}: 1\r\n")}


def added(backend: str, key: Key, http: Http) -> str:
    """The commands by which a backend gets a server; a new one is in maintenance."""
    return f"add server {backend}/{_server(key, http)}; enable server {backend}/{server_name(key)}"


def state(backend: str, key: Key, wanted: str) -> str:
    """The command that makes a server `ready`, or has it `drain`: no more requests, those that are open go on."""
    return f"set server {backend}/{server_name(key)} state {wanted}"


def cut(backend: str, key: Key) -> str:
    """The commands that end what is still open to a server, and forget it."""
    server = f"{backend}/{server_name(key)}"
    return f"set server {server} state maint; shutdown sessions server {server}; del server {server}"


def quoted(text: str) -> str:
    """One word of a configuration.

    >>> quoted("/shop")
    "'/shop'"
    """
    return "'" + text.replace("'", "'\\''") + "'"


def _ms(seconds: float) -> str:
    return f"{round(seconds * 1000)}ms"


def _server(key: Key, http: Http) -> str:
    # Without a number of them, a server that is added keeps no idle connection (tried with 2.6.12).
    kept = f"pool-max-conn {_MOST_KEPT} pool-purge-delay {_ms(http.kept_s)}"
    return f"{server_name(key)} {server_name(key)} {kept}"


def _own_header(http: Http) -> str:
    return "" if http.own is None else f"hdr {http.own[0]} {quoted(http.own[1])}"


def _answers(http: Http) -> list[str]:
    late = f"{{ date(0,ms),sub(txn.came) ge {round(http.connect_s * 1000) - _ROUNDING_MS} }}"
    lines = [
        f"  http-after-response set-status 504 if {{ res.hdr({_UNCONNECTED}) -m found }} {late}",
        f"  http-after-response del-header {_UNCONNECTED}",
    ]
    return [*lines, *_added_header(http)]


def _added_header(http: Http, unless: str = "") -> list[str]:
    if http.added is None:
        return []
    name, value = http.added
    return [f"  http-after-response add-header {name} {quoted(value)}{unless.replace('{name}', name)}"]


def _passing(name: str, socket: Path, http: Http) -> list[str]:
    """What ends a frontend that passes each request on to the next one, on a connection of its own."""
    return [
        f"  default_backend {name}",
        f"backend {name}",
        "  option http-server-close",
        "  http-reuse never",
        "  retries 0",
        f"  timeout server {_ms(2 * (http.answer_s + http.connect_s))}",  # it is the inner one that gives up
        f"  server {name} unix@{socket}",
    ]


def _uses(rule: Rule) -> list[str]:
    wild = rule.host.startswith("*.")
    host = f"^[^.]+{re.escape(rule.host[1:])}$" if wild else rule.host
    match = "reg" if wild else "str"
    asked = f"{{ req.hdr(host),field(1,:),lower -m {match} {quoted(host)} }} " if host else ""
    use, path = f"  use_backend {backend_name(rule.backend)} if {asked}", rule.path.rstrip("/")
    if rule.exact:
        return [f"{use}{{ path -m str {quoted(rule.path)} }}"]
    if not path:
        return [f"{use}{{ always_true }}"]
    return [f"{use}{{ path -m str {quoted(path)} }}", f"{use}{{ path -m beg {quoted(path + '/')} }}"]


def _backend(name: str, proxy: Proxy, http: Http) -> list[str]:
    lines = [f"backend {name}", "  balance roundrobin", "  http-reuse always"]
    if http.retries:
        lines += [
            "  option redispatch 1",
            "  retry-on conn-failure empty-response response-timeout 502 503 504",
            "  http-request disable-l7-retry if !{ method GET HEAD OPTIONS }",
        ]
    lines.append(f"  http-request return status 503 {_own_header(http)} if {{ nbsrv eq 0 }}")
    lines += [f"  errorfile {status} {proxy.directory / f'{status}.http'}" for status in (502, 503, 504)]
    return lines


def _answer(http: Http, status: int, more: str = "") -> str:
    own = "" if http.own is None else f"{http.own[0]}: {http.own[1]}\r\n"
    body = f"<html><head><title>{status} {_REASONS[status]}</title></head></html>\r\n"
    head = f"HTTP/1.1 {status} {_REASONS[status]}\r\n{own}{more}Content-Type: text/html\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n{body}"
