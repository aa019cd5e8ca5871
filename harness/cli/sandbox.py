"""`rollout-harness sandbox up|exec|down`: keep an embedded cluster for playing."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from harness.errors import SandboxError

app = typer.Typer(help="Keep an embedded cluster for playing.", no_args_is_help=True)
Name = Annotated[str, typer.Option(help="Which one, where several are kept.")]


@app.command()
def up(
    kubeconfig: Annotated[Path | None, typer.Option(help="Where to write the kubeconfig.")] = None,
    name: Name = "default",
    min_sync_period: Annotated[str, typer.Option(help="kube-proxy's minSyncPeriod, or `instant`.")] = "1s",
) -> None:
    """Start one that goes on until `down`."""
    from harness.model.duration import seconds
    from harness.sandbox.errors import SandboxFailed
    from harness.sandbox.kept import up as keep
    from harness.sandbox.settings import Settings

    try:
        period_s = 0.0 if min_sync_period == "instant" else seconds(min_sync_period)
        info = keep(name, kubeconfig, Settings(proxy_min_sync_period_s=period_s))
    except ValueError as error:
        raise SandboxError("starting the sandbox", str(error)) from None
    except SandboxFailed as failed:
        raise SandboxError(failed.tried, failed.seen, failed.do) from failed
    typer.echo(f"The sandbox is up. KUBECONFIG={info.kubeconfig}")
    typer.echo("Its client host reaches Services: rollout-harness sandbox exec -- curl http://CLUSTER-IP/")


@app.command(context_settings={"ignore_unknown_options": True})
def exec(  # noqa: A001 - the command's name
    command: Annotated[list[str], typer.Argument(help="What to run on the client host.")], name: Name = "default"
) -> None:
    """Run a command on its client host, from which Services can be reached."""
    from harness.sandbox.errors import SandboxFailed
    from harness.sandbox.kept import exec_argv

    try:
        argv = exec_argv(name, command)
    except SandboxFailed as failed:
        raise SandboxError(failed.tried, failed.seen, failed.do) from failed
    os.execvp(argv[0], argv)


@app.command()
def down(name: Name = "default") -> None:
    """End it, with everything in it."""
    from harness.sandbox.errors import SandboxFailed
    from harness.sandbox.kept import down as end

    try:
        end(name)
    except SandboxFailed as failed:
        raise SandboxError(failed.tried, failed.seen, failed.do) from failed
    typer.echo("The sandbox is gone.")
