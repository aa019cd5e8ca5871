"""`rollout-harness sandbox up|exec|down`: keep an embedded cluster for playing."""

from __future__ import annotations

import os
import shlex
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli.ending import tell
from harness.errors import SandboxError, UsageError
from harness.sandbox.netns import MOST_NODES

if TYPE_CHECKING:
    from harness.sandbox.images import Image
    from harness.sandbox.kept import Ended

app = typer.Typer(help="Run an embedded cluster to try things out on.", no_args_is_help=True)
Name = Annotated[str, typer.Option(help="Which sandbox, if there are several.")]


@app.command()
def up(
    kubeconfig: Annotated[Path | None, typer.Option(help="Where to write the kubeconfig.")] = None,
    name: Name = "default",
    nodes: Annotated[int, typer.Option(help="The number of nodes.", min=1, max=MOST_NODES)] = 1,
    min_sync_period: Annotated[str, typer.Option(help="kube-proxy's minSyncPeriod, or `instant`: no delay.")] = "1s",
    balancer: Annotated[
        str | None,
        typer.Option(
            help="Its load balancer, such as aws-nlb-ip for Services or aws-alb-ip for Ingresses.", metavar="PROFILE"
        ),
    ] = None,
    images: Annotated[
        Path | None,
        typer.Option(help="An experiment file whose `images:` the sandbox is to know.", metavar="EXPERIMENT"),
    ] = None,
) -> None:
    """Start an embedded cluster that runs until `sandbox down`."""
    from harness.model.duration import seconds
    from harness.sandbox.balancer.profiles import PROFILES
    from harness.sandbox.errors import SandboxFailed
    from harness.sandbox.keeping import up as keep
    from harness.sandbox.kept import command, end_of
    from harness.sandbox.settings import Settings

    if balancer not in (None, *PROFILES):
        seen = f"there is no load balancer {balancer}"
        raise UsageError("starting the sandbox", seen, f"There are {', '.join(sorted(PROFILES))} (docs/paths.md).")
    try:
        period_s = 0.0 if min_sync_period == "instant" else seconds(min_sync_period)
    except ValueError as error:
        raise UsageError(f"reading --min-sync-period {min_sync_period}", str(error)) from None
    try:
        settings = Settings(
            nodes=nodes,
            proxy_min_sync_period_s=period_s,
            balancer=PROFILES.get(balancer or ""),
            images=_images(images),
        )
    except ValueError as error:
        raise SandboxError("starting the sandbox", str(error)) from None
    if (word := end_of(name)) is not None:
        tell(f"The last sandbox of that name ended by itself, {word}.")
    try:
        with keep(name, kubeconfig, settings) as info:
            typer.echo("The sandbox is up. To use it, and to open a shell on its client host, which reaches Services:")
            typer.echo(f"  export KUBECONFIG={shlex.quote(str(info.kubeconfig))}")
            typer.echo(f"  {command('exec', name, ' -- sh')}")
            # From here on it stays, and no signal makes this command say anything else.
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM, signal.SIGHUP})
    except SandboxFailed as failed:
        raise SandboxError(failed.tried, failed.seen, failed.do) from failed


def _images(experiment: Path | None) -> tuple[Image, ...]:
    if experiment is None:
        return ()
    from harness.clusters.sandbox import sandbox_images
    from harness.runner.experiment_file import read_experiment

    return sandbox_images(read_experiment(experiment).images)


@app.command(context_settings={"ignore_unknown_options": True})
def exec(  # noqa: A001 - the command's name
    command: Annotated[list[str], typer.Argument(help="The command to run on the client host.")], name: Name = "default"
) -> None:
    """Run a command on the sandbox's client host, from which Services can be reached."""
    from harness.sandbox.errors import SandboxFailed
    from harness.sandbox.kept import exec_argv

    try:
        argv = exec_argv(name, command)
    except SandboxFailed as failed:
        raise SandboxError(failed.tried, failed.seen, failed.do) from failed
    os.execvp(argv[0], argv)


@app.command()
def down(
    name: Annotated[str | None, typer.Option(help="Which sandbox, if there are several.")] = None,
    everything: Annotated[
        bool,
        typer.Option("--all", help="All sandboxes, and what killed programs left behind; not what a run is using."),
    ] = False,
) -> None:
    """Stop the sandbox and everything in it, even while it is starting."""
    from harness.sandbox import kept, state_folder
    from harness.sandbox.errors import SandboxFailed

    if everything and name is not None:
        raise UsageError("stopping sandboxes", "both --all and --name were given", "Give one of them.")
    try:
        if everything:
            _tell_all(kept.down_all())
            return
        name = kept.DEFAULT if name is None else name
        word = state_folder.word_of(name)
        if kept.down(name):
            typer.echo("The sandbox is gone.")
        else:
            tell(f"The sandbox had already ended{f', {word}' if word else ''}; what it left has been removed.")
    except SandboxFailed as failed:
        raise SandboxError(failed.tried, failed.seen, failed.do) from failed


def _tell_all(done: Ended) -> None:
    for what in done.ended:
        tell(f"Ended: {what}.")
    for what in done.left_alone:
        tell(f"Left alone: {what}.")
    if not done.ended:
        tell("There was no sandbox to stop.")
