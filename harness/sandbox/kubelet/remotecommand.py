"""A client's streams and a container -> a command that runs in it, or its own program, with both ends connected.

Source: k8s.io/kubelet `pkg/cri/streaming/remotecommand`, k8s.io/apiserver `pkg/util/proxy/streamtranslator.go`.
"""

from __future__ import annotations

import json
import secrets
from abc import ABC, abstractmethod
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

import anyio

from harness.sandbox.kubelet.exec_process import NotExecuted
from harness.sandbox.kubelet.pipe import Pipe

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from harness.sandbox.kubelet.container import Container
    from harness.sandbox.kubelet.descriptors import Descriptor
    from harness.sandbox.kubelet.exec_process import ExecProcess
    from harness.sandbox.kubelet.records import Object

_RESIZE_BYTES = 1024


class Channel(IntEnum):
    """The streams of a command, by their number in a WebSocket's messages."""

    STDIN = 0
    STDOUT = 1
    STDERR = 2
    ERROR = 3
    RESIZE = 4


class OptionsError(ValueError):
    """What is asked for cannot be; the text is Kubernetes'."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Which streams a client wants."""

    stdin: bool
    stdout: bool
    stderr: bool
    tty: bool

    @classmethod
    def of(cls, query: Mapping[str, str]) -> Options:
        """The options of a request. Raises: OptionsError."""
        wants = {name: query.get(name, "").lower() in ("1", "true") for name in ("stdin", "stdout", "stderr", "tty")}
        if wants["tty"]:
            wants["stderr"] = False  # a terminal has one stream out
        if not any(wants[name] for name in ("stdin", "stdout", "stderr")):
            raise OptionsError("you must specify at least 1 of stdin, stdout, stderr")
        return cls(**wants)


class Streams(ABC):
    """A client's end: what it sends for the program's input, and what it is sent."""

    def __init__(self, *, in_json: bool = True, nested_errors: bool = False) -> None:
        self.stdin = Pipe(1)
        self.resized: Callable[[int, int], None] = lambda _columns, _rows: None
        self._in_json, self._nested_errors = in_json, nested_errors
        self._size = b""

    @abstractmethod
    async def serve(self) -> None:
        """Takes what the client sends, until it goes."""

    @abstractmethod
    async def write(self, channel: Channel, chunk: bytes) -> None:
        """Sends it. Raises: ConnectionError where the client has gone."""

    async def finish(self, status: Object) -> None:
        """Tells how the command ended: before the fourth protocol in words, and nothing of a success.

        Raises: ConnectionError where the client has gone.
        """
        if self._in_json:
            await self.write(Channel.ERROR, json.dumps({"metadata": {}, **status}).encode())
        elif status["status"] != "Success":
            await self.write(Channel.ERROR, str(status["message"]).encode())

    async def fail(self, why: str) -> None:
        """Tells that there was nothing that could end.

        With the fifth protocol the API server stands between, and says again that an error occurred.
        """
        prefix = "Internal error occurred: " * (2 if self._nested_errors else 1)
        causes = {"causes": [{"message": why}]}
        message = f"{prefix}{why}"
        await self.finish(
            {"status": "Failure", "message": message, "reason": "InternalError", "details": causes, "code": 500}
        )

    async def _take(self, channel: int, chunk: bytes) -> None:
        if channel == Channel.STDIN and chunk:
            await self.stdin.put(chunk)
        elif channel == Channel.RESIZE:
            self._resize(chunk)

    def _resize(self, chunk: bytes) -> None:
        """Sizes are JSON objects, one after the other; a message need not hold a whole one."""
        self._size = (self._size + chunk)[-_RESIZE_BYTES:]
        while b"}" in self._size:
            first, _, self._size = self._size.partition(b"}")
            try:
                size = json.loads(first + b"}")
                self.resized(int(size["Width"]), int(size["Height"]))
            except (ValueError, KeyError, TypeError):
                continue  # no size: the terminal keeps the one it has


async def execute(container: Container, command: tuple[str, ...], options: Options, streams: Streams) -> None:
    """Runs `command` in the container; it is killed when the client goes, and ends with its container."""
    try:
        process = container.begin(command, stdin=options.stdin, tty=options.tty)
    except (NotExecuted, OSError) as error:
        why = _not_started(str(error))
        with _unless_gone():
            await _until_gone(streams, lambda: streams.fail(why))
        return
    if options.tty:
        streams.resized = process.stdout.resize
    if not options.stdin:
        streams.stdin.drop()
    try:
        with _unless_gone():
            await _until_gone(streams, lambda: _run(process, command, options, streams))
    finally:
        with anyio.CancelScope(shield=True):
            await process.close()


async def attach(container: Container, options: Options, streams: Streams, *, stdin_once: bool) -> None:
    """Connects the client with the container's own program, until either goes; the program goes on."""

    async def connected() -> None:
        async with anyio.create_task_group() as group:
            if options.stdin:
                group.start_soon(_feed, streams, container.write, container.end_input if stdin_once else _nothing)
            with container.attached() as output:
                async for chunk in output:
                    if options.stdout:
                        await streams.write(Channel.STDOUT, chunk)
            group.cancel_scope.cancel()
        await streams.finish({"status": "Success"})

    if options.tty:
        streams.resized = container.resize
    if not options.stdin:
        streams.stdin.drop()
    try:
        with _unless_gone():
            await _until_gone(streams, connected)
    finally:
        if options.stdin and stdin_once:
            container.end_input()


async def _run(process: ExecProcess, command: tuple[str, ...], options: Options, streams: Streams) -> None:
    async with anyio.create_task_group() as group:
        if process.stdin is not None and options.stdin:
            group.start_soon(_feed, streams, process.stdin.send, process.end_input)
        async with anyio.create_task_group() as outputs:
            outputs.start_soon(_pass_on, process.stdout, Channel.STDOUT, options.stdout, streams)
            if process.stderr is not None:
                outputs.start_soon(_pass_on, process.stderr, Channel.STDERR, options.stderr, streams)
        code = await process.wait()
        group.cancel_scope.cancel()
    await streams.finish(_ended(command, code))


async def _until_gone(streams: Streams, work: Callable[[], Awaitable[None]]) -> None:
    """Does the work while the client stays."""
    async with anyio.create_task_group() as group:

        async def serve() -> None:
            await streams.serve()
            group.cancel_scope.cancel()

        group.start_soon(serve)
        await work()
        group.cancel_scope.cancel()


async def _feed(streams: Streams, send: Callable[[bytes], Awaitable[None]], end: Callable[[], None]) -> None:
    async for chunk in streams.stdin:
        try:
            await send(chunk)
        except OSError:
            streams.stdin.drop()  # nobody reads it
            return
    end()


async def _pass_on(source: Descriptor, channel: Channel, wanted: bool, streams: Streams) -> None:
    while chunk := await source.receive():
        if wanted:
            await streams.write(channel, chunk)


class _unless_gone:  # noqa: N801  (reads as a statement)
    """Lets pass that the client went away in the middle of something, also out of task groups."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, _: object, error: BaseException | None, __: object) -> bool:
        if isinstance(error, BaseExceptionGroup):
            return error.split(ConnectionError)[1] is None
        return isinstance(error, ConnectionError)


def _nothing() -> None:
    return None


def _not_started(why: str) -> str:
    """In the words of containerd and runc."""
    where = f'failed to exec in container: failed to start exec "{secrets.token_hex(32)}"'
    what = f"OCI runtime exec failed: exec failed: unable to start container process: {why}"
    return f"error executing command in container: {where}: {what}"


def _ended(command: tuple[str, ...], code: int) -> Object:
    if code == 0:
        return {"status": "Success"}
    why = f"error executing command [{' '.join(command)}], exit code {code}"
    return {
        "status": "Failure",
        "reason": "NonZeroExitCode",
        "message": f"command terminated with non-zero exit code: {why}",
        "details": {"causes": [{"reason": "ExitCode", "message": str(code)}]},
    }
