"""A Docker API on a unix socket that is played: images, one container of k3s, and what is executed in it.

As https://docs.docker.com/reference/api/engine/version/v1.48 has it, as far as docker's client asks for it here. What
it does not know is answered with 501 and kept in `unexpected`.
"""

from __future__ import annotations

import base64
import fcntl
import io
import json
import os
import re
import struct
import tarfile
import termios
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import ThreadingMixIn, UnixStreamServer
from time import monotonic
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

ID = "0123456789abcdef" * 4


def meant(name: str) -> str:
    """The image that Docker takes a name for: a tag says nothing beside a digest."""
    repository, at, digest = name.partition("@")
    return re.sub(r":[^/:]+$", "", repository) + at + digest if at else name


@dataclass
class PlayedDocker:
    """What this machine's Docker has and does.

    `images`: here, by name, with their digest. `registry`: what can be pulled; a text is the error of a pull.
    `kubeconfig`: what k3s writes, after it was asked for `late` times. `status`: of the container once it is started.
    `start_error`: why it is not. `asked`: set when the kubeconfig is asked for.
    """

    images: dict[str, str] = field(default_factory=dict)
    registry: dict[str, str | int] = field(default_factory=dict)
    port: int = 0
    kubeconfig: str = ""
    late: int = 0
    status: str = "running"
    said: bytes = b""
    start_error: str = ""
    name: str = ""
    created: dict[str, Any] = field(default_factory=dict)
    on_node: dict[str, str] = field(default_factory=dict)
    imports: list[list[str]] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)
    steps: list[str] = field(default_factory=list)
    unexpected: list[str] = field(default_factory=list)
    asked: threading.Event = field(default_factory=threading.Event)
    _commands: list[list[str]] = field(default_factory=list)
    _ended: list[int] = field(default_factory=list)

    def executed(self, command: list[str]) -> tuple[int, bytes]:
        """Exit code and output of a command in the container."""
        match command:
            case ["crictl", "inspecti", name]:
                found = self.on_node.get(name)
                return (0, json.dumps({"status": {"id": found}}).encode()) if found else (1, b"no such image")
            case ["ctr", "images", "import", "--platform", _, file]:
                self.imports.append(command)
                with tarfile.open(fileobj=io.BytesIO(self.files[file])) as archive:
                    manifest = archive.extractfile("manifest.json")
                    assert manifest is not None
                    self.on_node |= {
                        name: self.images[name] for each in json.load(manifest) for name in each["RepoTags"]
                    }
                return 0, b""
            case ["rm", "-f", file]:
                del self.files[file]
                return 0, b""
        self.unexpected.append(f"exec {command}")
        return 127, b"not played"

    def saved(self, name: str) -> bytes:
        """The archive of an image."""
        return packed("manifest.json", json.dumps([{"RepoTags": [name]}]).encode())

    def inspected(self) -> dict[str, Any]:
        return {
            "Id": ID,
            "Name": f"/{self.name}",
            "State": {"Status": self.status if f"start {self.name}" in self.steps else "created"},
            "Config": {"Tty": False},
            "NetworkSettings": {"Ports": {"6443/tcp": [{"HostIp": "0.0.0.0", "HostPort": str(self.port)}]}},
        }


class _Server(ThreadingMixIn, UnixStreamServer):
    daemon_threads = True
    docker: PlayedDocker


class _Answers(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    server: _Server

    def log_message(self, *_: object) -> None:
        pass

    def address_string(self) -> str:
        return "unix"

    def _answer(self) -> None:
        url = urlsplit(self.path)
        path, query = re.sub(r"^/v[\d.]+", "", unquote(url.path)), parse_qs(url.query)
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length) if length else b""
        if self.headers.get("Transfer-Encoding") == "chunked":
            while size := int(self.rfile.readline(), 16):
                body += self.rfile.read(size + 2)[:-2]
            self.rfile.readline()
        for method, pattern, answer in _TABLE:
            if method == self.command and (found := re.fullmatch(pattern, path)):
                answer(self, self.server.docker, found.groupdict(), {"query": query, "body": body})
                return
        self.server.docker.unexpected.append(f"{self.command} {path}")
        self.json({"message": "not played"}, 501)

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = _answer  # noqa: N815 - http.server's names

    def json(self, body: Any, status: int = 200) -> None:
        text = json.dumps(body).encode() if body is not None else b""
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def chunks(self, *parts: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        for part in parts:
            self.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
        self.wfile.write(b"0\r\n\r\n")


Given = dict[str, Any]


def _image(http: _Answers, docker: PlayedDocker, at: dict[str, str], _: Given) -> None:
    if (digest := docker.images.get(meant(at["name"]))) is None:
        http.json({"message": f"No such image: {at['name']}"}, 404)
    else:
        http.json({"Id": digest, "Os": "linux", "Architecture": "amd64", "RepoTags": [at["name"]]})


def _pull(http: _Answers, docker: PlayedDocker, _: dict[str, str], given: Given) -> None:
    (repository,), (tag,) = given["query"]["fromImage"], given["query"]["tag"]
    name = f"{repository}{'@' if tag.startswith('sha256:') else ':'}{tag}"
    docker.steps.append(f"pull {name}")
    answer = docker.registry.get(name, "manifest unknown")
    if isinstance(answer, int):
        message = 'Get "https://registry-1.docker.io/v2/": dial tcp: lookup registry-1.docker.io: no such host'
        http.json({"message": message}, answer)
    elif answer.startswith("sha256:"):
        docker.images[name] = answer
        http.chunks(*(json.dumps({"status": said}).encode() for said in ("Pulling", "Downloaded")))
    else:
        http.chunks(json.dumps({"errorDetail": {"message": answer}, "error": answer}).encode())


def _create(http: _Answers, docker: PlayedDocker, _: dict[str, str], given: Given) -> None:
    docker.created = json.loads(given["body"])
    (docker.name,) = given["query"]["name"]
    docker.steps.append(f"create {docker.created['Image']}")
    http.json({"Id": ID, "Warnings": []}, 201)


def _start(http: _Answers, docker: PlayedDocker, _: dict[str, str], __: Given) -> None:
    if docker.start_error:
        http.json({"message": docker.start_error}, 500)
        return
    docker.steps.append(f"start {docker.name}")
    http.json(None, 204)


def _exec(http: _Answers, docker: PlayedDocker, _: dict[str, str], given: Given) -> None:
    docker._commands.append(json.loads(given["body"])["Cmd"])
    docker._ended.append(0)
    http.json({"Id": str(len(docker._commands) - 1)}, 201)


def _run(http: _Answers, docker: PlayedDocker, at: dict[str, str], _: Given) -> None:
    code, output = docker.executed(docker._commands[int(at["n"])])
    docker._ended[int(at["n"])] = code
    http.send_response(200)
    http.send_header("Content-Type", "application/vnd.docker.raw-stream")
    http.send_header("Connection", "close")
    http.end_headers()
    _until_read(http)
    http.wfile.write(_frame(output))
    http.close_connection = True


def _until_read(http: _Answers) -> None:
    """A program says something only after Docker's answer: docker's client loses what comes together with that."""
    until = monotonic() + 60
    while struct.unpack("i", fcntl.ioctl(http.connection, termios.TIOCOUTQ, b"\0" * 4))[0] and monotonic() < until:
        os.sched_yield()


def _put(http: _Answers, docker: PlayedDocker, _: dict[str, str], given: Given) -> None:
    (folder,) = given["query"]["path"]
    with tarfile.open(fileobj=io.BytesIO(given["body"])) as archive:
        for entry in archive:
            file = archive.extractfile(entry)
            assert file is not None
            docker.files[f"{folder}/{entry.name}"] = file.read()
    http.json(None, 200)


def _get(http: _Answers, docker: PlayedDocker, _: dict[str, str], given: Given) -> None:
    (path,) = given["query"]["path"]
    docker.asked.set()
    docker.late -= 1
    if path != "/etc/rancher/k3s/k3s.yaml" or docker.late >= 0 or not docker.kubeconfig:
        http.json({"message": f"Could not find the file {path} in container {ID}"}, 404)
        return
    stat = base64.b64encode(json.dumps({"name": "k3s.yaml"}).encode()).decode()
    http.chunks(packed("k3s.yaml", docker.kubeconfig.encode()), headers={"X-Docker-Container-Path-Stat": stat})


def packed(name: str, text: bytes) -> bytes:
    """An archive with one file."""
    whole = io.BytesIO()
    with tarfile.open(fileobj=whole, mode="w") as archive:
        entry = tarfile.TarInfo(name)
        entry.size = len(text)
        archive.addfile(entry, io.BytesIO(text))
    return whole.getvalue()


def _remove(http: _Answers, docker: PlayedDocker, _: dict[str, str], given: Given) -> None:
    with_all = given["query"].get("v") == ["True"] and given["query"].get("force") == ["True"]
    docker.steps.append(f"remove {docker.name}{' with its volumes, by force' if with_all else ''}")
    http.json(None, 204)


def _frame(output: bytes) -> bytes:
    return struct.pack(">BxxxL", 1, len(output)) + output


_VERSION = {"ApiVersion": "1.48", "MinAPIVersion": "1.24", "Version": "28.0.0", "Os": "linux", "Arch": "amd64"}
_TABLE: tuple[tuple[str, str, Callable[[_Answers, PlayedDocker, dict[str, str], Given], None]], ...] = (
    ("GET", "/version", lambda http, *_: http.json(_VERSION)),
    ("GET", "/images/(?P<name>.+)/json", _image),
    ("GET", "/images/(?P<name>.+)/get", lambda http, docker, at, _: http.chunks(docker.saved(at["name"]))),
    ("POST", "/images/create", _pull),
    ("POST", "/containers/create", _create),
    ("POST", f"/containers/{ID}/start", _start),
    ("GET", f"/containers/{ID}/json", lambda http, docker, *_: http.json(docker.inspected())),
    ("POST", f"/containers/{ID}/exec", _exec),
    ("POST", r"/exec/(?P<n>\d+)/start", _run),
    ("GET", r"/exec/(?P<n>\d+)/json", lambda http, docker, at, _: http.json({"ExitCode": docker._ended[int(at["n"])]})),
    ("PUT", f"/containers/{ID}/archive", _put),
    ("GET", f"/containers/{ID}/archive", _get),
    ("GET", f"/containers/{ID}/logs", lambda http, docker, *_: http.chunks(_frame(docker.said))),
    ("DELETE", f"/containers/{ID}", _remove),
)


@contextmanager
def playing(docker: PlayedDocker, socket: Path) -> Iterator[None]:
    """The API while it listens."""
    with _Server(str(socket), _Answers) as server:
        server.docker = docker
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join()
