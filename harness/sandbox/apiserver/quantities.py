"""A quantity such as `500m` or `1Gi` -> the number it stands for."""

from __future__ import annotations

import re
from decimal import Decimal

# What the real API's decoder says where a text is none.
FORM_TEXT = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
_QUANTITY = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+))([KMGTPE]i|[numkMGTPE]?|[eE][+-]?\d{1,3})")
_POWERS = {"n": Decimal("1e-9"), "u": Decimal("1e-6"), "m": Decimal("1e-3"), "": Decimal(1), "k": Decimal(1000)}
_POWERS |= {unit: Decimal(1000) ** (n + 2) for n, unit in enumerate("MGTPE")}
_POWERS |= {f"{unit}i": Decimal(1024) ** (n + 1) for n, unit in enumerate("KMGTPE")}


def is_quantity(text: str) -> bool:
    """Whether it is one."""
    return len(text) <= 100 and _QUANTITY.fullmatch(text) is not None


def exact(quantity: str) -> Decimal:
    """The number; 0 where it is no quantity."""
    match = _QUANTITY.fullmatch(quantity) if len(quantity) <= 100 else None
    if match is None:
        return Decimal(0)
    number, unit = match.groups()
    return Decimal(number) * _POWERS[unit] if unit in _POWERS else Decimal(number + unit)


def amount(quantity: str) -> float:
    """The number, as near as a float comes; 0 where it is no quantity."""
    return float(exact(quantity))
