"""Turns outcomes and revisions into colours that people who see colours differently can tell apart.

Failures are warm, pods are cool, and neighbours differ in lightness as well as in hue, so that the picture also works
in grey. What is returned is a CSS variable, which the report may set for dark paper, with the colour as its fall-back.
"""

from collections.abc import Iterable
from typing import Final

from harness.model.request import Outcome

OUTCOMES: Final[dict[str, str]] = {
    Outcome.CONNECT_REFUSED: "#a3200d",
    Outcome.CONNECT_TIMEOUT: "#f2a03d",
    Outcome.UNREACHABLE: "#d9c24a",
    Outcome.RESET_BEFORE_RESPONSE: "#7a1f5c",
    Outcome.EOF_BEFORE_RESPONSE: "#d77fa8",
    Outcome.RESET_MID_RESPONSE: "#4d1238",
    Outcome.EOF_MID_RESPONSE: "#f0b7c9",
    Outcome.READ_TIMEOUT: "#8a5a2b",
    Outcome.STATUS: "#5c4b9a",
    Outcome.TLS_ERROR: "#b9a9e0",
    Outcome.DNS_ERROR: "#6f6f6f",
    Outcome.PROTOCOL_ERROR: "#c9c9c9",
}
"""In the order in which they are stacked and listed."""

_OTHER: Final = "#6f6f6f"
_REVISIONS: Final = ("#2166ac", "#5fb3a6", "#7a86c8", "#9fc5e8", "#2f7d6b", "#b5b9c9")


def outcome_colour(outcome: str) -> str:
    """The colour of one outcome; those that this version does not know share a grey."""
    return f"var(--{outcome}, {OUTCOMES[outcome]})" if outcome in OUTCOMES else _OTHER


def outcome_rank(outcome: str) -> int:
    """Where an outcome stands in the stack and in the legend."""
    return list(OUTCOMES).index(outcome) if outcome in OUTCOMES else len(OUTCOMES)


def revision_colours(revisions: Iterable[str]) -> dict[str, str]:
    """A colour for every revision, in the order in which they came; after six they repeat."""
    names = dict.fromkeys(revisions)
    slots = [(i % len(_REVISIONS), name) for i, name in enumerate(names)]
    return {name: f"var(--revision-{slot}, {_REVISIONS[slot]})" for slot, name in slots}


_STREAMS: Final = ("#1b1f24", "#0072b2", "#007a5a", "#7a5195")


def stream_colours(streams: Iterable[str]) -> dict[str, str]:
    """A colour for every stream's line, by name, so that a stream has the same one in every rollout."""
    names = sorted(set(streams))
    return {name: f"var(--stream-{i % len(_STREAMS)}, {_STREAMS[i % len(_STREAMS)]})" for i, name in enumerate(names)}
