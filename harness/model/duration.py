"""Durations as people write them ("1m30s") <-> seconds, as Go and Kubernetes' configuration read them."""

import re

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h)")


def seconds(text: str) -> float:
    """Seconds of a duration with units.

    >>> seconds("1m30s"), seconds("500ms"), seconds("0s")
    (90.0, 0.5, 0.0)

    Raises:
        ValueError: not a duration with units, or a negative one.
    """
    parts = _PART.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise ValueError(f"{text!r} is not a duration such as 500ms, 5s or 1m30s")
    return sum(float(number) * _UNITS[unit] for number, unit in parts)


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
