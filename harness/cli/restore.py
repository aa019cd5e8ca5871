"""`rollout-harness restore`: what a killed run changed of an application or a node -> both as they were."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli.ending import tell, tell_error
from harness.errors import ClusterError, UsageError
from harness.exit_codes import ExitCode
from harness.model.providers import CONTEXT

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from harness.kube.client import Kube
    from harness.model.undo import Cordon, Undo


def restore(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A run directory: of an experiment or of a scenario.")],
    cluster: Annotated[
        str | None, typer.Option(help="The cluster, as context:NAME. Default: the one that undo.json in the run names.")
    ] = None,
) -> None:
    """Undo what a run changed on an existing application or a node, after a kill -9 or a lost connection."""
    from harness.store.output import not_in_progress
    from harness.store.reader import scenario_folders
    from harness.store.undo import read_cordon, read_undo

    with ExitStack() as held:
        folders = scenario_folders(run)
        for folder in dict.fromkeys((run, *(scenario.parent for scenario in folders))):
            held.enter_context(not_in_progress(folder))
        undos = [(folder, undo) for folder in folders if (undo := read_undo(folder)) is not None]
        cordons = [(folder, cordon) for folder in folders if (cordon := read_cordon(folder)) is not None]
        unknown = [words for folder in folders if (words := _of_a_command(folder))]
        for words in unknown:
            tell(words)
        if not (unknown or undos or cordons):
            tell(f"{run}: this run changed nothing that has to be undone.")
        done = [not unknown]
        done += [_put_back(folder, undo, cluster) for folder, undo in undos]
        done += [_let_pods_in(folder, cordon, cluster) for folder, cordon in cordons]
    if not all(done):
        raise typer.Exit(ExitCode.INCONCLUSIVE)


def _put_back(folder: Path, undo: Undo, cluster: str | None) -> bool:
    """Whether the workload is as it was before the run."""
    import anyio

    from harness.manifests.patch import restarted_at

    if undo.done:
        only = all(map(restarted_at, undo.written))
        tell(f"{undo.workload}: {'it was only restarted' if only else 'it has already been put back'}.")
        return True
    return anyio.run(_restored, folder.absolute(), undo, _context(undo.cluster, undo.workload, cluster))


def _let_pods_in(folder: Path, cordon: Cordon, cluster: str | None) -> bool:
    """Whether the node is as it was before the run."""
    import anyio

    if cordon.done:
        tell(f"node {cordon.node}: it has already been put back.")
        return True
    return anyio.run(_uncordoned, folder, cordon, _context(cordon.cluster, f"node {cordon.node}", cluster))


def _of_a_command(folder: Path) -> str:
    """What a deploy command may have left that the run did not see the end of: nobody knows what it changed."""
    from harness.store.reader import read_info

    info = read_info(folder, [])
    if info.disruption != "command" or info.finished or len(info.commands) >= len(info.rollouts):
        return ""
    return (
        f"{info.target}: a deploy command was running when this run ended, and may still be. What it changed is not "
        f"known and was not undone. Look at {folder / f'command-{info.rollouts[-1].rollout}.log'}; "
        f"kubectl rollout history {info.target} shows what can be undone."
    )


async def _restored(folder: Path, undo: Undo, context: str) -> bool:
    from harness.runner.restore import restore as put_back

    def words(kubectl: str) -> tuple[str, ...]:
        follow = f"{kubectl} -n {undo.namespace} rollout status {undo.kind.lower()}/{undo.name}"
        return f"{undo.workload}: put back as it was before the run.", f"Its pods follow: {follow}"

    return await _taken_back(context, lambda kube: put_back(kube, folder, undo), words)


async def _uncordoned(folder: Path, cordon: Cordon, context: str) -> bool:
    from harness.runner.restore import uncordon

    words = (f"node {cordon.node}: it takes pods again.",)
    return await _taken_back(context, lambda kube: uncordon(kube, folder, cordon), lambda _: words)


async def _taken_back(
    context: str, change: Callable[[Kube], Awaitable[None]], words: Callable[[str], tuple[str, ...]]
) -> bool:
    """Whether the change was made; `words`: the lines to say of it, given how kubectl reaches that cluster."""
    from harness.kube.connection import from_context

    async with from_context(context) as kube:
        try:
            await kube.version()
            await change(kube)
        except ClusterError as error:
            tell_error(error)
            return False
        for line in words(kube.kubectl):
            tell(line)
    return True


def _context(of_run: str, what: str, cluster: str | None) -> str:
    """The context of the kubeconfig in which that is; `of_run`: the cluster of the run that changed it."""
    named = cluster or of_run
    kind, _, context = named.partition(":")
    if kind != CONTEXT or not context:
        raise UsageError(
            f"looking for the cluster {named} of {what}",
            "it is not a kubeconfig context" if cluster else "it was removed with its run",
            "Give --cluster context:NAME.",
        )
    return context
