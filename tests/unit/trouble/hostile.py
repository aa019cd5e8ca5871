"""A good document and a few spoilt places -> a document that somebody could have written: strategies for hypothesis."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import Any

from hypothesis import strategies as st

Place = tuple[str | int, ...]

VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 25, 2**31, 2**63, 10**40, 10**400, -0.5, 1.5, 1e300,
    "", " ", "x", "25", "25%", "-5%", "%", "5", "5s", "-5s", "0s", "1e9s", "9" * 400 + "s", "9" * 5000, "x" * 100_000,
    "\x00", "a\x00b", "\x1b[2J", "\u202eabc", "a\nb", "{{ .Values.x }}", "{{", "$(X)", "../..", "/dev/zero", "/",
    "null", "~", "yes", "2026-13-45", "0x", "<<", "*", "deployment/", "Deployment/web", "sandbox", "ünïcödé", "\ufffd",
    [], [[]], [None], ["x"], [0], [{}], ["a", "a"], {}, {"": ""}, {"x": None}, {"x": []}, {"name": None}, {"image": 5},
    [{"name": "x"}], [{"port": 80}, {"port": 80}],
)  # fmt: skip
PIECES = (
    "", "\t", "{", "}", "[", "]", ":", ": ", "- ", "&a ", "*a", "<<: *a\n", "!!int ", "!!binary ", "? ", "|\n", "\n",
    "---\n", "...\n", "%YAML 3\n", "'", '"', "#", "\x00", "\x85", "\u2028", "{{ .x }}", "\ufeff", "@", "`",
)  # fmt: skip
WORDS = ("containers", "spec", "items", "prestop", "image", "env", "<<", "", "rolouts", "\u202e", "x" * 300)


def places(value: Any, at: Place = ()) -> list[Place]:
    """Where something stands in it."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [at, *(place for key, below in inner for place in places(below, (*at, key)))]


@st.composite
def spoilt(draw: st.DrawFn, good: Any) -> Any:
    """The document with one to three things changed: a value of another kind, a key renamed, gone, or doubled."""
    document = deepcopy(good)
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.sampled_from(places(document)))
        if not place:
            continue
        holder = document
        for key in place[:-1]:
            holder = holder[key]
        key = place[-1]
        match draw(st.sampled_from(["value", "value", "value", "gone", "renamed", "wrapped"])):
            case "gone":
                del holder[key]
            case "renamed" if isinstance(holder, dict):
                holder[draw(st.sampled_from(WORDS))] = holder.pop(key)
            case "wrapped":
                holder[key] = draw(st.sampled_from([[holder[key]], {"x": holder[key]}]))
            case _:
                holder[key] = deepcopy(draw(st.sampled_from(VALUES)))
    return document


@st.composite
def torn(draw: st.DrawFn, text: str) -> str:
    """The text with a few characters put in, taken out, or its end cut off."""
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(text)))
        upto = draw(st.integers(at, min(len(text), at + 12)))
        put = draw(st.sampled_from(PIECES))
        text = text[:at] + put + text[upto:]
    return text if draw(st.integers(0, 5)) else text[: draw(st.integers(0, len(text)))]


def written(documents: list[Any]) -> str:
    """As YAML, of which JSON is a part (but for a number or a text of its own length)."""
    return "\n---\n".join(json.dumps(document, ensure_ascii=True) for document in documents) + "\n"
