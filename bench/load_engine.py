"""The load engine beside others, against one nginx: CPU per request at the same rate, lags, and what one core holds.

    python bench/load_engine.py [--rounds 5] [--seconds 2] [--rates 1000 4000] [--no-limits] [--out reports/bench.json]

CPU time per request is the measure that survives a machine that others use too: figures of one round differ from the
next by some tens of per cent, but rounds are interleaved and medians taken, so the *ratio* of two holds. Lags
and the rate that one core holds say something only where nothing else runs.

k6 sends at a constant arrival rate, as we do; hey and h2load wait for each answer before a connection's next request.
wrk knows no rate and sends as fast as it can: what it takes is the floor. Goals: at most what the best of those takes
that keep a rate, and 25,000 kept and 10,000 new a second on one core with a p99 lag below 3 ms.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
from collections import defaultdict
from pathlib import Path
from typing import Any

from engines.generators import GENERATORS, Generator, Load
from engines.measure import Pace, cpu_us, pace
from engines.server import Server, nginx

HELD_LAG_MS = 3.0
PACES = (1000, 2000, 10000)
STEPS = {True: (5000, 10000, 15000, 20000, 25000, 30000, 35000), False: (2000, 4000, 6000, 8000, 10000, 12000)}

Costs = dict[int, dict[str, dict[str, float]]]


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--seconds", type=float, default=2.0, help="of each measurement")
    arguments.add_argument("--rates", type=int, nargs="*", default=[1000, 4000], help="the first goes to `engine`")
    arguments.add_argument("--no-limits", action="store_true", help="do not look for the rates that one core holds")
    arguments.add_argument("--out", type=Path, default=Path("reports/bench.json"))
    asked = arguments.parse_args()
    there = _there()
    with nginx() as server:
        costs = _costs(there, server, asked.rates, asked.rounds, asked.seconds)
        paces = {str(rate): _pace(Load(url=server.url, rate_per_s=rate, kept=True), asked.seconds) for rate in PACES}
        limits = {} if asked.no_limits else _limits(server, asked.seconds)
    found = {"engine": costs.get(asked.rates[0], {}) if asked.rates else {}}
    found |= {f"engine_{rate}": costs[rate] for rate in asked.rates[1:]}
    found |= {"pacing": paces, "one_core": limits, "load_average": os.getloadavg()[0]}
    asked.out.parent.mkdir(parents=True, exist_ok=True)
    asked.out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    print(f"\nWritten to {asked.out}. Load of the machine: {os.getloadavg()[0]:.0f} on {os.cpu_count()} cores.")


def _there() -> list[Generator]:
    """The generators that this machine has; of each that it lacks, how it is had."""
    missing = [each for each in GENERATORS if not each.found()]
    for each in missing:
        print(f"without {each.name}, which is not installed: {each.install}")
    return [each for each in GENERATORS if each not in missing]


def _costs(there: list[Generator], server: Server, rates: list[int], rounds: int, seconds: float) -> Costs:
    """{rate: {generator: {kept_us, new_us}}}, printed too."""
    seen: dict[tuple[int, bool, str], list[tuple[float, float]]] = defaultdict(list)
    for _ in range(rounds):
        for rate in rates:
            for kept in (True, False):
                for each in there:
                    load = Load(url=server.url, rate_per_s=rate, kept=kept)
                    if (measured := cpu_us(each, load, server, seconds)) is not None:
                        seen[rate, kept, each.name].append(measured)
    costs: Costs = {}
    print(f"CPU time per request in us, medians of {rounds} (requests/s that the server had)")
    for rate in rates:
        print(f"{rate}/s".ljust(10) + f"{'kept':>18}{'new':>18}")
        for each in there:
            medians: dict[str, float] = {}
            line = f"  {each.name:<8}"
            for kept, key in ((True, "kept_us"), (False, "new_us")):
                runs = seen[rate, kept, each.name]
                if runs:
                    medians[key] = round(statistics.median(us for us, _ in runs), 1)
                    per_s = statistics.median(per_s for _, per_s in runs)
                    line += f"{medians[key]:>8.1f} {f'({per_s:.0f}/s)':>9}"
                else:
                    line += f"{'-':>8}{'':>10}"
            costs.setdefault(rate, {})[each.name] = medians
            print(line)
    return costs


def _pace(load: Load, seconds: float) -> dict[str, float]:
    found = pace(load, max(seconds, 3.0))
    print(_words(load, found))
    return {"p50_ms": round(found.p50_ms, 3), "p99_ms": round(found.p99_ms, 3), "max_ms": round(found.max_ms, 3)}


def _words(load: Load, found: Pace) -> str:
    return (
        f"{'kept' if load.kept else 'new':<5}{load.rate_per_s:>6}/s  lag p50 {found.p50_ms:.2f}, "
        f"p99 {found.p99_ms:.2f}, max {found.max_ms:.1f} ms; {found.failed} failed, {found.unsent} unsent; "
        f"{found.cpu:.0%} of a core"
    )


def _limits(server: Server, seconds: float) -> dict[str, Any]:
    """The highest of the rates at which all is sent, in time, by a worker that has one core, and nginx another."""
    print("\nOn one core:")
    server.pin(0)
    held: dict[str, Any] = {}
    for kept, steps in STEPS.items():
        name = "kept_per_s" if kept else "new_per_s"
        held[name] = 0
        for rate in steps:
            load = Load(url=server.url, rate_per_s=rate, kept=kept)
            found = pace(load, max(seconds, 3.0), core=(os.cpu_count() or 1) - 1)
            print(_words(load, found))
            if found.p99_ms >= HELD_LAG_MS or found.unsent or found.failed:
                break
            held[name] = rate
    return held


if __name__ == "__main__":
    main()
