"""`rollout-harness trace record|replay|diff`: hold one cluster's rollouts against another's."""

from __future__ import annotations

import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness import os_errors
from harness.cli.ending import conclude
from harness.errors import SandboxError, UsageError
from harness.exit_codes import ExitCode
from harness.model.providers import choices_by_default
from harness.model.quantity import things

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager
    from typing import BinaryIO

    from harness.kube.client import Kube
    from harness.model.cluster_settings import ClusterSettings
    from harness.traces.replay import Script
    from harness.traces.trace import Mark

_NARROW, _WIDE = 80, 120

app = typer.Typer(help="Record rollouts, replay them on another cluster, and compare.", no_args_is_help=True)
Out = Annotated[Path, typer.Option(help="The file to write; it must not exist.")]
Where = Annotated[str | None, typer.Option("--cluster", help=f"{choices_by_default('sandbox')}.")]


@app.command()
def record(
    out: Out,
    namespace: Annotated[str, typer.Option(help="The namespace to watch.")],
    cluster: Where = None,
    seconds: Annotated[float | None, typer.Option(min=0, help="How long to record. Default: until Ctrl-C.")] = None,
) -> None:
    """Record what happens in a namespace, as JSON lines {t, kind, type, object}, with t in seconds.

    The default cluster is the sandbox that `sandbox up` started.
    """
    import anyio

    settings = _settings(cluster)
    with _new(out) as file:
        lines = anyio.run(_record, settings, namespace, file, seconds)
    typer.echo(f"{things(lines, 'line')} in {out}")


async def _record(settings: ClusterSettings, namespace: str, file: BinaryIO, seconds: float | None) -> int:
    import anyio

    from harness.traces.recorder import recording

    async with _api(settings) as kube, recording(kube, namespace, file) as recorder:
        typer.echo(f"Watching namespace {namespace}" + ("" if seconds else " until Ctrl-C"), err=True)
        with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
            with anyio.move_on_after(seconds):
                async for _ in signals:
                    break
        return recorder.lines


def _api(settings: ClusterSettings) -> AbstractAsyncContextManager[Kube]:
    """The API of a cluster that is there already."""
    from harness.kube.connection import from_context, from_kubeconfig_file
    from harness.sandbox.errors import SandboxFailed
    from harness.sandbox.kept import get

    if settings.context is not None:
        return from_context(settings.context)
    if settings.sandbox is None:
        raise UsageError("recording", "only an existing cluster can be watched", "Give --cluster context:NAME.")
    try:
        return from_kubeconfig_file(get("default").kubeconfig)
    except SandboxFailed as failed:
        raise SandboxError(failed.tried, failed.seen, failed.do) from failed


@app.command()
def replay(
    trace: Annotated[Path, typer.Argument(help="A recording with marks.")], out: Out, cluster: Where = None
) -> None:
    """Repeat what a recording's marks say was done, in a new namespace, and record what happens."""
    import anyio

    from harness.traces.replay import script
    from harness.traces.trace import read_trace

    settings, what = _settings(cluster), script(read_trace(trace))
    with _new(out) as file:
        if not anyio.run(_replay, settings, what, file):
            raise typer.Exit(ExitCode.of_signal(signal.SIGINT))
    typer.echo(f"Recorded in {out}. Compare: rollout-harness trace diff {trace} {out}")


async def _replay(settings: ClusterSettings, what: Script, file: BinaryIO) -> bool:
    """Whether it was played to its end, and not interrupted; the cluster is as it was before in any case."""
    import anyio

    from harness.clusters.choice import cluster
    from harness.traces.recorder import single_error
    from harness.traces.replay import replay as play

    def tell(mark: Mark) -> None:
        typer.echo(f"{mark.t:7.1f} s  {mark.type}", err=True)

    async def stop_on_signal(scope: anyio.CancelScope) -> None:
        with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
            async for _ in signals:
                scope.cancel()

    ended = False
    with single_error():
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(stop_on_signal, tasks.cancel_scope)
            async with cluster(settings, {}) as ours:
                await play(ours, what, file, on_mark=tell)
                ended = True
            tasks.cancel_scope.cancel()
    return ended


@app.command()
def diff(
    a: Annotated[Path, typer.Argument(help="The reference, on the left.")],
    b: Annotated[Path, typer.Argument(help="The recording to compare with it, on the right.")],
    width: Annotated[int | None, typer.Option(min=60, help="Columns. Default: the terminal's, from 80 to 120.")] = None,
    only_differences: Annotated[bool, typer.Option(help="Leave out what is equal.")] = False,
) -> None:
    """Show two recordings side by side; exit code 1 if they differ in what must be equal."""
    from harness.traces.comparison import compare
    from harness.traces.sidebyside import side_by_side
    from harness.traces.trace import read_trace

    comparison = compare(read_trace(a), read_trace(b))
    columns = width or min(_WIDE, max(_NARROW, shutil.get_terminal_size().columns))
    typer.echo(side_by_side(comparison, width=columns, only_differences=only_differences))
    if comparison.differences:
        conclude(ExitCode.NOT_AS_EXPECTED)


def _settings(text: str | None) -> ClusterSettings:
    from harness.clusters.choice import chosen
    from harness.model.cluster_settings import ClusterSettings, SandboxSettings

    return chosen(text, ClusterSettings(sandbox=SandboxSettings()))


@contextmanager
def _new(path: Path) -> Iterator[BinaryIO]:
    """The file to write; none is left where nothing came to be written."""
    try:
        file = path.open("xb")
    except OSError as error:
        raise UsageError(f"writing {path}", os_errors.seen(error), "Name a file that does not exist.") from None
    try:
        with file:
            yield file
    finally:
        if not path.stat().st_size:
            path.unlink()
