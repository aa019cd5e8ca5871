"""Where a probe goes."""

from __future__ import annotations

import pytest

from harness.sandbox.kubelet.prober import port_number


def test_ports_are_found_by_name_or_number() -> None:
    container = {"ports": [{"name": "http", "containerPort": 8080}]}
    assert port_number("http", container) == 8080
    assert port_number(80, container) == 80
    assert port_number("80", container) == 80
    with pytest.raises(ValueError, match="couldn't find port: admin"):
        port_number("admin", container)
