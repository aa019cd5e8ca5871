"""Where a probe goes."""

from __future__ import annotations

import pytest

from harness.sandbox.kubelet.prober import port_number


def test_ports_are_found_by_name_or_number() -> None:
    container = {"ports": [{"name": "http", "containerPort": 8080}]}
    assert port_number("http", container) == 8080
    assert port_number(80, container) == 80
    assert port_number("80", container) == 80
    with pytest.raises(ValueError, match=r'strconv\.Atoi: parsing "admin": invalid syntax'):
        port_number("admin", container)
    with pytest.raises(ValueError, match="invalid port number: 70000"):
        port_number(70000, container)
