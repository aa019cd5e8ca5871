"""Recordings with the kernel's truth beside them -> a Markdown table of how often the judgement is right.

    python scripts/accuracy.py [DIR...] [--sandbox DIR] [--paths DIR] [--out docs/accuracy.md]

DIR holds run directories of format 1 with truth.csv, and expected.json beside them; by default `../shared/rich` beside
the checkout. Those of `--sandbox` are what scripts/sandbox_accuracy.py recorded, those of `--paths` what
scripts/path_accuracy.py did; each stand apart under that name.
Truth is read here and in tests alone, never by the judge. Each case is judged as it is, and again with less known:
(a) answers do not name their pod, (b) the proxy's period is unknown, (c) preStop and every other delay of the manifests
are unknown, (d) all of these. Every failed request of a run is scored, those before the control window too.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import accuracy_by_cause
import accuracy_by_path
import polars as pl
from accuracy_score import Score, score

from harness.analysis import judge
from harness.model.result import Verdict
from harness.model.run import ProxyFacts, Run
from harness.store.reader import read_run

DEFAULT = Path(__file__).resolve().parent.parent.parent / "shared" / "rich"
DELAYS = frozenset({"lifecycle", "command", "args", "initialDelaySeconds", "minReadySeconds"})


def without_pods(run: Run) -> Run:
    """(a) No answer names its pod."""
    return replace(run, requests=run.requests.with_columns(pod=pl.lit("")))


def without_period(run: Run) -> Run:
    """(b) The proxy's period could not be read."""
    mode = run.info.cluster.proxy.mode
    return replace(run, info=replace(run.info, cluster=replace(run.info.cluster, proxy=ProxyFacts(mode=mode))))


def without_delays(run: Run) -> Run:
    """(c) No preStop and no other delay in any manifest, nor in the specs that the watch showed."""
    return replace(
        run,
        info=replace(run.info, manifests=tuple(_stripped(manifest) for manifest in run.info.manifests)),
        timeline=tuple(replace(seen, object=_stripped(seen.object)) for seen in run.timeline),
    )


def without_all(run: Run) -> Run:
    """(d) Nothing of all that."""
    return without_pods(without_period(without_delays(run)))


def _stripped(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _stripped(inner) for key, inner in value.items() if key not in DELAYS}
    if isinstance(value, list):
        return [_stripped(inner) for inner in value]
    return value


KNOWLEDGE: dict[str, Callable[[Run], Run]] = {
    "all": lambda run: run,
    "a": without_pods,
    "b": without_period,
    "c": without_delays,
    "d": without_all,
}


def cases(folders: list[Path]) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Every recording with its expected verdict."""
    for folder in folders:
        known = json.loads((folder / "expected.json").read_text()) if (folder / "expected.json").is_file() else {}
        for case in sorted(child for child in folder.iterdir() if (child / "truth.csv").is_file()):
            yield case, known.get(case.name, {})


def table(folders: list[Path]) -> tuple[str, bool, list[accuracy_by_cause.Pairs]]:
    """The Markdown table, whether everything held what is promised, and what was judged with everything known."""
    lines = [
        "| case | known | verdict | rollouts right | failed | lost on the way, no cause to judge "
        "| true cause | wrong | unknown | pods named (wrong) | lag error | lags inside their interval "
        "| width (median, most) |",
        "|---|---|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    good = True
    inside = lags = 0
    told = []
    for folder, expected in cases(folders):
        run = read_run(folder)
        for knowledge, less in KNOWLEDGE.items():
            result = judge(less(run))
            scored = score(result, folder, expected)
            if knowledge == "all":
                told.append(accuracy_by_cause.pairs(result, folder / "truth.csv"))
            good &= not _mark(knowledge, scored).endswith("(wrong)") and scored.wrong <= 0.02 * scored.judged
            good &= scored.rollouts_right == scored.rollouts
            good &= knowledge != "all" or scored.right >= 0.95 * scored.judged
            good &= scored.inside == scored.lags
            inside, lags = inside + scored.inside, lags + scored.lags
            lines.append(_line(folder.name, knowledge, scored))
    return "\n".join([*lines, "", f"Lags inside their interval: {inside} of {lags}."]), good, told


def _mark(knowledge: str, scored: Score) -> str:
    """Where all that tells is left out, it is right to say so."""
    if scored.verdict_right:
        return ""
    return " (too little known)" if knowledge == "d" and scored.verdict == Verdict.INCONCLUSIVE else " (wrong)"


def _line(name: str, knowledge: str, scored: Score) -> str:
    share = [_percent(part, scored.judged) for part in (scored.right, scored.wrong)]
    unknown = _percent(scored.judged - scored.right - scored.wrong, scored.judged)
    lag = "" if scored.lag_error_s is None else f"{1000 * scored.lag_error_s:.0f} ms"
    held = f"{scored.inside} of {scored.lags}" if scored.lags else ""
    widths = scored.widths_s
    wide = f"{widths[len(widths) // 2]:.2f} s, {widths[-1]:.2f} s" if widths else ""
    return (
        f"| {name} | {knowledge} | {scored.verdict}{_mark(knowledge, scored)} "
        f"| {scored.rollouts_right} of {scored.rollouts} "
        f"| {scored.failed} | {scored.lost or ''} | {share[0]} | {share[1]} | {unknown} "
        f"| {scored.pods_named} ({scored.pods_wrong}) | {lag} | {held} | {wide} |"
    )


def _percent(part: int, whole: int) -> str:
    return "" if not whole else f"{100 * part / whole:.1f} %"


HEAD = """# How often the judgement is right

Made by `python scripts/accuracy.py DIR --sandbox DIR --paths DIR --out docs/accuracy.md`. Each case is judged with
everything known (`all`), with the pod's name blanked (`a`), without the proxy's period (`b`), without preStop and the
other delays of the manifests (`c`), and without all of these (`d`). A failed request is right where its cause is the
true one, wrong where another is named, else `unknown`. One that was lost on the way has no cause even by the kernel: it
is counted apart, unless a rollout is blamed for it, which is wrong. A lag is an interval; the true one is that of the
first (addition) or last (removal) new connection that the kernel really sent to the pod. The lag error is how far the
worst one lies outside.
"""

REAL = """
## A real cluster

Rollouts on a real Kubernetes 1.36.2, recorded with the kernel's truth of every connection.

"""

SANDBOX = """
## The sandbox

Rollouts on the embedded cluster, recorded by `python scripts/sandbox_accuracy.py DIR` with the truth of its kernel:
when the proxy synced, when a program listened and accepted, and where conntrack sent each connection. A case that the
script does not have is a run of the same experiments, kept for what happened in it.

"""

PATHS = """
## Other ways in

Rollouts of the embedded cluster behind node ports, load balancers and Ingress, recorded by
`python scripts/path_accuracy.py DIR` with the truth of its kernel and of HAProxy's and Traefik's own logs: each profile
of a balancer, as it is, with what outlasts its delays, and with other faults. A verdict is right by that truth.

"""

CAUSES = """
## By cause

All of these cases with everything known, and the recorded rollouts of fourteen real servers (`tests/servers`), whose
truth is that of the kernel and of their own request logs. Recall: of the requests that failed by a cause, those that
were told so. Precision: of those that were told so, those that did.

A request on a kept connection that ended without an answer as its pod stopped was on its way when the pod closed it
(`idle-close`), or with the pod before: read, or taken by its kernel and never read, `in-flight-kill` both. The truth
tells it by the time: an end that comes within 1 ms of the send was under way before it, one that comes after more than
20 ms was not; in between not even the kernel's events tell, and it is not counted. Of a server that was seen, as it was
stopped, to close a connection when a request comes (Tomcat), all that ended so were killed.

"""


def main(arguments: list[str]) -> int:
    """Print the table, or write the page; 1 where a promise was not held."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="*", type=Path, default=[DEFAULT], metavar="DIR")
    parser.add_argument("--sandbox", type=Path, metavar="DIR")
    parser.add_argument("--paths", type=Path, metavar="DIR")
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args(arguments)
    groups = [*asked.folders, *filter(None, (asked.sandbox, asked.paths))]
    missing = [str(folder) for folder in groups if not folder.is_dir()]
    if missing:
        print(f"reading recordings: there is no folder {', '.join(missing)}", file=sys.stderr)
        return 2
    rows, good, told = table(asked.folders)
    page = HEAD + REAL + rows + "\n"
    if asked.sandbox:
        more, fine, there = table([asked.sandbox])
        told += there
        rows, good = f"{rows}\n\n{more}", good and fine
        page += SANDBOX + more + "\n"
    if asked.paths:
        more, fine, there = accuracy_by_path.table(asked.paths)
        told += there
        rows, good = f"{rows}\n\n{more}", good and fine
        page += PATHS + more + "\n"
    causes, fine = accuracy_by_cause.table([*told, *accuracy_by_cause.of_servers()])
    rows, good, page = f"{rows}\n\n{causes}", good and fine, page + CAUSES + causes + "\n"
    if asked.out:
        asked.out.write_text(page)
    else:
        print(rows)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
