"""What the variants cost -> a table in Markdown, and a picture."""

from __future__ import annotations

from collections.abc import Sequence

import altair as alt
import vl_convert

from scripts.side_by_side.findings import Finding, took

_CI_TIMEOUTS_S = (60.0, 120.0)
_WORDS = {60.0: "1m", 120.0: "2m"}


def matrix_table(findings: Sequence[Finding]) -> str:
    """A row a variant."""
    statuses = " | ".join(f"`rollout status --timeout={_WORDS[timeout]}`" for timeout in _CI_TIMEOUTS_S)
    lines = [
        f"| variant | failed, each rollout | of causes | verdict | until complete | {statuses} | control's lag p99 |",
        "|---|---|---|---|---|" + "---|" * (len(_CI_TIMEOUTS_S) + 1),
    ]
    for one in findings:
        causes = ", ".join(f"{cause} {number}" for cause, number in one.causes.items()) or "none"
        said = " | ".join(one.said(timeout) for timeout in _CI_TIMEOUTS_S)
        failed = ", ".join(map(str, one.own))
        lines.append(
            f"| `{one.variant}` | {failed} | {causes} | {one.verdict} | {took(one)} | {said} | {one.lag_ms:.1f} ms |"
        )
    return "\n".join(lines) + "\n"


def dose_table(findings: Sequence[Finding]) -> str:
    """A row a variant, a column a place: the calls that its rollouts lost, and the lag of the worst control window."""
    places = list(dict.fromkeys(one.place for one in findings))
    by = {(one.variant, one.place): one for one in findings}
    lines = [f"| | {' | '.join(places)} |", "|---|" + "---|" * len(places)]
    for variant in dict.fromkeys(one.variant for one in findings):
        cells = [by.get((variant, place)) for place in places]
        lines.append(f"| `{variant}` | {' | '.join('' if one is None else _cell(one) for one in cells)} |")
    worst = [max(one.lag_ms for one in findings if one.place == place) for place in places]
    lines.append(f"| control's lag p99, at most | {' | '.join(f'{lag:.1f} ms' for lag in worst)} |")
    return "\n".join(lines) + "\n"


def _cell(one: Finding) -> str:
    lost = sum(one.own)
    return f"{lost}" if one.verdict != "inconclusive" else f"{lost} (inconclusive: {one.reason})"


def picture(findings: Sequence[Finding], title: str) -> str:
    """The same as SVG: lost calls per rollout, by cause; in several places a panel each."""
    some = next((cause for one in findings for cause in one.causes), "none")  # who lost nothing has a row all the same
    rows = [
        {"variant": one.variant, "place": one.place, "cause": cause, "lost": number / max(1, len(one.own))}
        for one in findings
        for cause, number in (one.causes or {some: 0}).items()
    ]
    order = list(dict.fromkeys(one.variant for one in findings))
    bars = (
        alt.Chart(alt.Data(values=rows))
        .mark_bar()
        .encode(
            x=alt.X("lost:Q", title="calls lost per rollout"),
            y=alt.Y("variant:N", sort=order, title=None),
            color=alt.Color("cause:N", title="cause"),
        )
        .properties(width=260, height=18 * len(order))
    )
    if len({one.place for one in findings}) > 1:
        bars = bars.facet(facet=alt.Facet("place:N", title=None), columns=2)
    svg: str = vl_convert.vegalite_to_svg(
        bars.properties(title=title).to_dict(), vl_version=".".join(alt.SCHEMA_VERSION.split(".")[:2])
    )
    return svg
