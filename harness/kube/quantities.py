"""A quantity as Kubernetes writes it ("250m", "64Mi") -> an exact number."""

from __future__ import annotations

from decimal import Decimal

from kubernetes.utils.quantity import parse_quantity


def exact(quantity: str | float) -> Decimal:
    """In cores, bytes or pieces.

    >>> exact("250m"), exact("64Mi")
    (Decimal('0.250'), Decimal('67108864'))

    Raises:
        ValueError: it is none.
    """
    return Decimal(parse_quantity(str(quantity)))
