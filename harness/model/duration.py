"""Durations as people write them ("1m30s") <-> seconds, as Go and Kubernetes' configuration read them."""

import re

from harness.inputs.shown import shown

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_LONGEST_S = 3_600_000.0  # so that no sum of them is more than a float or a sleep can take
_PART = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|s|m|h)")


def seconds(text: str) -> float:
    """Seconds of a duration with units.

    >>> seconds("1m30s"), seconds("500ms"), seconds("0s")
    (90.0, 0.5, 0.0)

    Raises:
        ValueError: not a duration with units, a negative one, or one of more than 1000 hours.
    """
    parts = _PART.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        unit = "; it has no unit, write 5s" if re.fullmatch(r"[0-9.]+", text) else ""
        raise ValueError(f"{shown(text)} is not a duration such as 500ms, 5s or 1m30s{unit}")
    total_s = sum(float(number) * _UNITS[unit] for number, unit in parts)
    if total_s > _LONGEST_S:
        raise ValueError(f"{shown(text)} is too long: a duration is 1000h at most")
    return total_s


def duration(value_s: float) -> str:
    """The shortest usual spelling of a duration.

    >>> duration(1.0), duration(90), duration(0.2), duration(0)
    ('1s', '1m30s', '200ms', '0s')
    """
    if 0 < value_s < 1:
        return f"{value_s * 1000:g}ms"
    minutes, rest = divmod(value_s, 60)
    if not minutes:
        return f"{rest:g}s"
    return f"{minutes:g}m{rest:g}s" if rest else f"{minutes:g}m"
