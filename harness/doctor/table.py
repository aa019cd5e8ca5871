"""Everything that the harness may need of a machine, one row each, and what of it makes up a way to roll something."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import anyio

from harness.doctor import looking
from harness.doctor.finding import Finding, State
from harness.doctor.looking import Look
from harness.errors import HarnessError, UsageError
from harness.sandbox.preflight import PATH


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One thing: its name, what it is needed for, and how it is looked for."""

    name: str
    serves: str
    look: Look


ROWS = (
    Row(name="sandbox", serves="rollouts without Docker and without a cluster", look=looking.sandbox),
    Row(name="rootless", serves="the sandbox without root", look=looking.rootless),
    Row(name="nginx", serves="the sandbox's demo images", look=looking.program("nginx", "-v", path=PATH)),
    Row(name="nft", serves="the sandbox's kube-proxy", look=looking.program("nft", "--version", path=PATH)),
    Row(name="conntrack", serves="the sandbox's Services", look=looking.conntrack),
    Row(
        name="haproxy", serves="layer 7 load balancers in the sandbox", look=looking.program("haproxy", "-v", path=PATH)
    ),
    Row(name="traefik", serves="Ingress and Gateway in the sandbox", look=looking.program("traefik", "version")),
    Row(name="kind", serves="rollouts on a kind cluster", look=looking.container_engine),
    Row(
        name="docker",
        serves="kind and k3s",
        look=looking.program("docker", "info", "--format", "Docker {{.ServerVersion}}", alive=True),
    ),
    Row(
        name="podman",
        serves="kind without Docker",
        look=looking.program("podman", "info", "--format", "Podman {{.Version.Version}}", alive=True),
    ),
    Row(
        name="kubectl",
        serves="scripts/kind-up.sh, and looking at clusters",
        look=looking.program("kubectl", "version", "--client"),
    ),
    Row(name="browser", serves="the tests of the HTML report", look=looking.program("chromium", "--version")),
)

WAYS = ("sandbox", "kind")
"""Each is enough by itself to roll something on this machine."""


async def examine(rows: Iterable[Row] = ROWS) -> tuple[Finding, ...]:
    """What is found of every row, in their order; all are looked for at once."""
    rows = tuple(rows)
    found: dict[str, Finding] = {}

    async def one(row: Row) -> None:
        try:
            state, seen, mend = await row.look()
        except (HarnessError, OSError) as error:
            state, seen, mend = State.BROKEN, str(error), ""
        found[row.name] = Finding(name=row.name, state=state, seen=seen, mend=mend, serves=row.serves)

    async with anyio.create_task_group() as group:
        for row in rows:
            group.start_soon(one, row)
    return tuple(found[row.name] for row in rows)


def fit(findings: Iterable[Finding], wanted: Iterable[str] = ()) -> bool:
    """Whether all that is wanted works; without a wish, whether there is any way to roll something here.

    Raises:
        UsageError: something is wanted that is not in the table.
    """
    known = {finding.name: finding.works for finding in findings}
    names = tuple(wanted)
    for name in names:
        if name not in known:
            raise UsageError(
                f"reading --for {name}", "there is no check of that name", f"Choose from {', '.join(known)}."
            )
    return all(known[name] for name in names) if names else any(known.get(way, False) for way in WAYS)
