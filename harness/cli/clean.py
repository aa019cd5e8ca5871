"""`rollout-harness clean`: what earlier runs left on a cluster -> a list of it, or its end."""

from __future__ import annotations

import json
import shlex
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from harness.cli.ending import tell, tell_error
from harness.errors import UsageError
from harness.exit_codes import ExitCode
from harness.redaction import door

if TYPE_CHECKING:
    from harness.kube.client import Kube
    from harness.model.cluster_settings import ClusterSettings
    from harness.runner.earlier_runs import EarlierRun, Found, State

_LOOK_S = 10.0


def clean(
    cluster: Annotated[str, typer.Option(help="The cluster to look at: kind or context:NAME.")],
    namespace: Annotated[
        list[str] | None, typer.Option(help="Look only in this namespace, if you may not look everywhere; repeatable.")
    ] = None,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Remove what is found; otherwise it is only listed.")
    ] = False,
    everything: Annotated[
        bool, typer.Option("--all", help="Also remove what may belong to a run in progress on another machine.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")] = False,
) -> None:
    """List what earlier runs left on a cluster, or remove it; a run in progress is left alone."""
    import anyio

    context = _context(cluster)
    code = anyio.run(_clean, context, tuple(namespace or ()), yes, everything, as_json)
    if code:
        raise typer.Exit(code)


async def _clean(context: str, namespaces: tuple[str, ...], yes: bool, everything: bool, as_json: bool) -> int:
    from harness.kube.connection import from_context
    from harness.kube.kinds import deletable_kinds
    from harness.runner.earlier_runs import SAFE, State, earlier_runs, state

    async with from_context(context) as kube:
        await kube.version()
        kinds = await deletable_kinds(kube)
        found = await earlier_runs(kube, kinds.found, namespaces=namespaces)
        now = datetime.now(UTC)
        states = [(run, state(run.ownership, now)) for run in found.runs]
        going = [run for run, known in states if known in SAFE or (everything and known is not State.RUNNING)]
        unread = (*kinds.unread, *found.unseen)
        if as_json:
            left = await _left(kube, going) if yes else None
            typer.echo(door().text(json.dumps(_as_object(states, going, left, found, unread), indent=1)))
            return ExitCode.INCONCLUSIVE if any((left or {}).values()) else ExitCode.AS_EXPECTED
        _tell_states(states, going, now)
        _tell_changed(found, context)
        _tell_unseen(found, unread, namespaces)
        if yes:
            return await _removed(kube, going)
        if going:
            more = "".join(f" --namespace {shlex.quote(name)}" for name in namespaces)
            more += " --all" if everything else ""
            tell(f"To remove it: {command(context)}{more} --yes")
        return ExitCode.AS_EXPECTED


def _tell_states(states: list[tuple[EarlierRun, State]], going: list[EarlierRun], now: datetime) -> None:
    from harness.runner.earlier_runs import State

    for run, known in states:
        tell(described(run, now))
        hint = "" if known is State.RUNNING else "; --all removes it too"
        tell(f"  {known.value}" if run in going else f"  left alone: {known.value}{hint}")


async def _left(kube: Kube, runs: list[EarlierRun]) -> dict[str, list[str]]:
    """Remove what these runs left; by run, what could not be, and why."""
    from harness.runner.earlier_runs import remove

    return {run.ownership.run: [str(error) for error in await remove(kube, run)] for run in runs}


def _as_object(
    states: list[tuple[EarlierRun, State]],
    going: list[EarlierRun],
    left: dict[str, list[str]] | None,
    found: Found,
    unread: tuple[str, ...],
) -> dict[str, Any]:
    """What was found, for machines. `going`: what is removed, or would be; `left`: None where nothing was to be."""
    runs = [
        {
            "run": run.ownership.run,
            "owner": run.ownership.owner,
            "created": run.created.isoformat(),
            "expiry": run.ownership.expiry.isoformat() if run.ownership.expiry else None,
            "state": known.value,
            "removable": run in going,
            "removed": left is not None and left.get(run.ownership.run) == [],
            "not_removed": (left or {}).get(run.ownership.run, []),
            "objects": [remnant.named for remnant in run.remnants],
        }
        for run, known in states
    ]
    changed = [{"kind": one.kind, "name": one.name, "namespace": one.namespace} for one in found.changed]
    return {"runs": runs, "changed_workloads": changed, "unread": list(unread)}


async def _removed(kube: Kube, runs: list[EarlierRun]) -> int:
    from harness.runner.earlier_runs import remove

    code = ExitCode.AS_EXPECTED
    for run in runs:
        left = await remove(kube, run)
        for error in left:
            tell_error(error)
            code = ExitCode.INCONCLUSIVE
        if not left:
            tell(f"removed: run {run.ownership.run}")
    return code


def described(run: EarlierRun, now: datetime) -> str:
    """What a run left, of whom, how old it is, and until when it could have lasted, in one line."""
    owner = run.ownership
    by = f" of {owner.owner}" if owner.owner else ""
    until = f", expiry {owner.expiry:%Y-%m-%d %H:%M} UTC" if owner.expiry else ""
    what = ", ".join(remnant.named for remnant in run.remnants)
    return f"run {owner.run}{by}, {age((now - run.created).total_seconds())} old{until}: {what}"


def age(seconds: float) -> str:
    """A time in its largest unit.

    >>> age(-2), age(59), age(3600), age(200_000)
    ('0 s', '59 s', '60 min', '2 d')
    """
    for size, unit in ((86_400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{max(0.0, seconds):.0f} s"


def command(context: str) -> str:
    """What lists it, as people paste it."""
    return f"rollout-harness clean --cluster {shlex.quote(f'context:{context}')}"


async def tell_of_earlier_runs(kube: Kube, settings: ClusterSettings, namespace: str | None) -> None:
    """Say in one line that something is left, where it is; what cannot be seen soon is not waited for."""
    import anyio

    from harness.errors import ClusterError
    from harness.runner.earlier_runs import USUAL_KINDS, State, earlier_runs, state

    context = _of_settings(settings)
    if context is None:
        return
    now = datetime.now(UTC)
    with anyio.move_on_after(_LOOK_S):
        try:
            found = await earlier_runs(kube, USUAL_KINDS, namespaces=())
            if found.unseen and namespace is not None:  # who may not look everywhere may look here
                found = await earlier_runs(kube, USUAL_KINDS, namespaces=(namespace,))
        except ClusterError:
            return
        maybe = (State.RUNNING, State.MAYBE_RUNNING)
        left = [run for run in found.runs if state(run.ownership, now) not in maybe]
        if left:
            runs = f"{len(left)} earlier runs" if len(left) > 1 else "an earlier run"
            tell(f"mind: {runs} left something on this cluster; to list it: {command(context)}", error=True)


def _tell_changed(found: Found, context: str) -> None:
    """What only `restore` takes back."""
    from harness.model.providers import CONTEXT
    from harness.preflight.left_changed import how_to_restore
    from harness.runner.undos import recorded, restores

    beside = recorded() if found.changed else ()
    for each in found.changed:
        commands = restores(
            beside, cluster=f"{CONTEXT}:{context}", kind=each.kind, name=each.name, namespace=each.namespace
        )
        how = how_to_restore(each.lease, commands)
        tell(f"{each.kind.lower()}/{each.name} in {each.namespace}: changed by a run and not put back. {how}")


def _tell_unseen(found: Found, unseen: tuple[str, ...], namespaces: tuple[str, ...]) -> None:
    if not found.runs and not found.changed:
        tell("No earlier run left anything here.")
    if unseen:
        where = "" if namespaces else "; --namespace looks where you have access"
        rest = f" and {len(unseen) - 1} more" if len(unseen) > 1 else ""
        tell(f"mind: not everything could be listed: {unseen[0]}{rest}{where}", error=True)


def _context(cluster: str) -> str:
    """The context that `--cluster` means."""
    from harness.clusters.choice import chosen
    from harness.model.cluster_settings import ClusterSettings

    settings = chosen(cluster, ClusterSettings.model_validate({"sandbox": {}}))
    context = _of_settings(settings)
    if context is None:
        raise UsageError(
            f"looking for what runs left on {settings.provider}",
            "that cluster exists only as long as its run",
            "Give kind or context:NAME (a kept sandbox is reached by the context of its kubeconfig).",
        )
    return context


def _of_settings(settings: ClusterSettings) -> str | None:
    if settings.context is not None:
        return settings.context
    return None if settings.kind is None else f"kind-{settings.kind.name}"
