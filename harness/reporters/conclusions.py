"""Turns a result into the sentences that a reader wants first, and into those that say what the numbers rest on."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from harness.model.advice import Sizing
from harness.model.lags import Interval, Lags, Propagation
from harness.model.quantity import things
from harness.model.result import Outage, RolloutFindings, ScenarioResult, Verdict
from harness.model.run import RunInfo
from harness.reporters.escaping import label, visible
from harness.reporters.figures import count, interval, number_ms, seconds, three_digits

_SAYS = {
    Verdict.DROPPING: "drops calls",
    Verdict.SEAMLESS: "is seamless",
    Verdict.INCONCLUSIVE: "cannot be judged",
}

MOST_ROLLOUTS = 40
"""How many rollouts a table lists one by one; of more, those that lost most."""

MOST_OUTAGES = 60


def conclusion(result: ScenarioResult) -> str:
    """The verdict in one sentence, with the numbers behind it."""
    requests = sum(r.window.requests for r in result.rollouts)
    failed = sum(r.window.failed for r in result.rollouts)
    numbers = f"{count(failed)} of {things(requests, 'request')} failed meanwhile"
    return f"{result.variant} {_SAYS[result.verdict]}: {result.sentence}; {numbers}."


def cost(info: RunInfo, result: ScenarioResult) -> str:
    """What it takes to mend, and what that costs: "To fix it: preStop 5 s. A rollout then takes 17.6 s ..."."""
    sizing = result.sizing
    if result.verdict is not Verdict.DROPPING or sizing is None:
        return ""
    asked = [*sizing.cure, *(_asked(sizing, name, one.recommended) for name, one in sizing.raised.items())]
    left = [one for one in sizing.remedies if not one.by_settings]
    if not asked:
        return f"No setting fixes it. What has to change: {left[0].needed}." if left else ""
    longer = sizing.predicted_rollout_s
    then, now = f"{three_digits(longer.recommended)} s", f"{three_digits(longer.have)} s"
    took = f"A {result.words.noun} then takes {then} {f'instead of {now}' if then != now else 'as before'} (predicted)."
    # What the application has to do is asked already, be it beside settings for a part of what was lost.
    besides = [one.needed for one in left if one.needed.partition("; for ")[0] not in asked]
    more = f" That does not fix all of it: {besides[0]}." if besides and not info.applied else ""
    return f"To fix it: {', '.join(asked)}. {took}{more}"


def _asked(sizing: Sizing, name: str, value_s: int) -> str:
    return f"{name} {value_s} s{sizing.application.place_of(name)}"


def load_in_words(info: RunInfo) -> str:
    """What was sent: "Load: 100 requests/s on stream new, 50 requests/s on stream kept."."""
    rates = (f"{rate:g} requests/s on stream {name}" for name, rate in info.streams.items())
    told = ", ".join(rates)
    return f"Load: {told}." if told else ""


def share(result: ScenarioResult) -> str:
    """The share of rollouts that drop calls, between what it lies: "29 % to 100 %"; empty without any rollout."""
    found = result.statistics.get("interval")
    if not found or not result.rollouts:
        return ""
    low, high = (f"{100 * bound:.0f}" for bound in found)
    return f"{low} % to {high} %"


def per_rollout(result: ScenarioResult) -> str:
    """How many requests a rollout lost by its own fault, on average: "73.7 (64 to 81)"."""
    found = result.statistics.get("failed_per_rollout")
    if not found or not result.rollouts:
        return ""
    low, high = found["interval"]
    return f"{three_digits(found['mean'])} ({three_digits(low)} to {three_digits(high)})"


def basis(result: ScenarioResult) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """What the numbers rest on, in sentences under headings; headings without any are left out."""
    parts = (
        ("Statistics", _statistics(result)),
        ("How long changes took to reach the client", _propagation(result.propagation)),
        ("What the settings were derived from", _sizing(result.sizing)),
        ("Load", _load(result.load)),
    )
    return tuple((heading, tuple(found)) for heading, said in parts if (found := list(said)))


def _statistics(result: ScenarioResult) -> Iterable[str]:
    facts, words = result.statistics, result.words
    if share(result):
        level = f"{100 * facts['level']:g} %"
        yield (
            f"{facts['dropping']} of {things(facts['rollouts'], words.noun)} dropped calls: with {level} confidence, "
            f"{share(result)} of {words.plural} do."
        )
        yield f"Lost by the fault of one {words.noun}, on average ({level} interval): {per_rollout(result)}."
    if "needed" in facts:
        met = "there were enough" if facts.get("enough") else "there were too few"
        yield f"The confidence asked for takes {things(facts['needed'], f'clean {words.noun}')}: {met}."


def _propagation(found: Propagation | None) -> Iterable[str]:
    if found is None:
        return
    yield from _lags("Removal, from the EndpointSlice to the last new connection", found.removal)
    yield from _lags("Addition, from Ready to the first new connection", found.addition)
    if found.note:
        yield found.note[0].upper() + found.note[1:] + "."


def _lags(name: str, lags: Lags) -> Iterable[str]:
    if lags.p50 and lags.p90 and lags.max:
        parts = ((lags.p50, "half of them within"), (lags.p90, "nine in ten within"), (lags.max, "the longest"))
        told = ", ".join(f"{words} {_interval(one)}" for one, words in parts)
        yield f"{name}: measured on {things(lags.n, 'pod')}; {told}."


def _interval(one: Interval) -> str:
    return interval(one.earliest_s, one.latest_s)


def _sizing(sizing: Sizing | None) -> Iterable[str]:
    if sizing is None:
        return
    found, app = sizing.measured, sizing.application
    facts = (
        (found.start_s, f"from creation to Ready, at most, of {things(found.starts, 'pod')}"),
        (found.end_s, f"from deletion to the end of the containers, at most, of {things(found.ends, 'pod')}"),
        (found.stop_s, "of that, from the end of preStop"),
        (found.answer_s, "the slowest good answer"),
    )
    yield from (f"{words[0].upper()}{words[1:]}: {seconds(value)}." for value, words in facts if value is not None)
    if found.killed:
        yield f"{things(found.killed, 'pod')} had not ended when the grace period was over."
    if app.replaced:
        yield f"{things(app.replicas, 'replica')}, of which {app.replaced} replaced in {things(app.steps, 'step')}."
    if app.gap:
        yield f"{app.gap[0].upper()}{app.gap[1:]}."
    if found.plane:
        yield f"Of the data plane: {found.plane}."


def _load(load: Mapping[str, Any]) -> Iterable[str]:
    for stream, rate in load.get("per_s", {}).items():
        yield f"Stream {stream}: {rate['sent']:.4g} requests/s sent, {rate['planned']:g} planned."
    lag = load.get("lag_ms", {})
    if lag.get("p50") is not None and lag.get("max") is not None:
        yield (
            f"Requests went out {number_ms(lag['p50'])} ms after they were due (median), 99 % within "
            f"{number_ms(lag['p99'])} ms, the last {number_ms(lag['max'])} ms."
        )
    if load.get("unsent"):
        yield f"{things(load['unsent'], 'request')} not sent: it was too late for them, or all slots were taken."
    if load.get("unfinished"):
        yield f"The end of {things(load['unfinished'], 'request')} is not known."
    if "cpu_max" in load:
        yield f"The busiest worker took {100 * load['cpu_max']:.0f} % of a core."
    if load.get("why"):
        yield f"The load generator did not keep its schedule: {load['why']}."


def again(info: RunInfo) -> str:
    """The command that makes such a run again."""
    cluster = info.cluster.kind
    known = cluster in ("sandbox", "kind", "k3s") or cluster.startswith("context:")
    return f"rollout-harness run EXPERIMENT --cluster {cluster if known else 'context:NAME'}"


def listed_rollouts(result: ScenarioResult, most: int = MOST_ROLLOUTS) -> tuple[RolloutFindings, ...]:
    """The rollouts that a table lists: all, or those that lost most, in their order."""
    chosen = sorted(result.rollouts, key=lambda r: (not r.dropping, -r.window.failed, r.rollout))[:most]
    return tuple(sorted(chosen, key=lambda r: r.rollout))


def unlisted(result: ScenarioResult, most: int = MOST_ROLLOUTS) -> str:
    """What is said of the rollouts that a table leaves out; empty where it has them all."""
    listed = listed_rollouts(result, most)
    rest = [r for r in result.rollouts if r not in listed] if len(listed) < len(result.rollouts) else []
    if not rest:
        return ""
    dropping = sum(r.dropping for r in rest)
    failed = sum(r.window.failed for r in rest)
    return (
        f"And {things(len(rest), f'other {result.words.noun}')}: {count(dropping)} dropped calls, "
        f"{count(failed)} requests failed. result.json has them all."
    )


def listed_outages(result: ScenarioResult, most: int = MOST_OUTAGES) -> tuple[tuple[RolloutFindings, Outage], ...]:
    """The longest outages, in the order in which they came."""
    every = [(r, one) for r in result.rollouts for one in r.outages]
    longest = sorted(every, key=lambda pair: pair[1].start - pair[1].end)[:most]
    return tuple(sorted(longest, key=lambda pair: (pair[0].rollout, pair[1].start, pair[1].stream)))


def side_by_side(results: Sequence[ScenarioResult]) -> list[dict[str, Any]]:
    """The rows of the picture that holds variants against each other."""
    return [
        {
            "variant": label(f"{result.variant} ({result.path})"),
            "share": 100 * sum(r.dropping for r in result.rollouts) / len(result.rollouts),
            "low": 100 * result.statistics["interval"][0],
            "high": 100 * result.statistics["interval"][1],
            "lost": result.statistics["failed_per_rollout"]["mean"],
            "least": result.statistics["failed_per_rollout"]["interval"][0],
            "most": result.statistics["failed_per_rollout"]["interval"][1],
            "tip": f"{share(result)} of {result.words.plural} drop calls; lost in each: {per_rollout(result)}",
        }
        for result in results
        if share(result) and per_rollout(result)
    ]


MOST_LAGS = 300


def lag_rows(found: Propagation | None) -> list[dict[str, Any]]:
    """The rows of the picture of lags as distributions: every pod's, or evenly chosen ones, the shortest first."""
    rows: list[dict[str, Any]] = []
    for side, lags in _sides(found):
        known = sorted((one.lag.latest_s, one.lag.earliest_s, one.pod) for one in lags.pods if one.lag is not None)
        step = max(1, -(-len(known) // MOST_LAGS))
        for rank, (latest, earliest, pod) in enumerate(known, start=1):
            if rank % step == 0 or rank == len(known):
                rows.append(
                    {
                        "side": side,
                        "from": round(earliest, 3),
                        "to": round(latest, 3),
                        "rank": round(100 * rank / len(known), 2),
                        "tip": f"{visible(pod)}: {interval(earliest, latest)}",
                    }
                )
    return rows


def lag_table(found: Propagation | None) -> tuple[tuple[str, str, str, str], ...]:
    """The lags of the pods as rows of a table: pod, side, rollout, lag; the longest ones where they are many."""
    rows = [
        (one.pod, side, "" if one.rollout is None else str(one.rollout + 1), one.lag)
        for side, lags in _sides(found)
        for one in lags.pods
        if one.lag is not None
    ]
    longest = sorted(rows, key=lambda row: -row[3].latest_s)[:MOST_OUTAGES]
    return tuple((pod, side, rollout, _interval(lag)) for pod, side, rollout, lag in longest)


def _sides(found: Propagation | None) -> tuple[tuple[str, Lags], ...]:
    return (("removal", found.removal), ("addition", found.addition)) if found else ()
