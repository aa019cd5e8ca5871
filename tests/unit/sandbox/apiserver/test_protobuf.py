"""Kubernetes' protobuf envelope, byte by byte."""

from __future__ import annotations

import pytest

from harness.sandbox.apiserver.api_errors import StatusError
from harness.sandbox.apiserver.protobuf import decoded


def field(number: int, value: bytes | int | str) -> bytes:
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    raw = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(raw)) + raw


def varint(value: int) -> bytes:
    out = b""
    while value > 127:
        out, value = out + bytes([value & 127 | 128]), value >> 7
    return out + bytes([value])


def envelope(kind: str, raw: bytes) -> bytes:
    meta = field(1, "v1") + field(2, kind)
    return b"k8s\x00" + field(1, meta) + field(2, raw) + field(3, "") + field(4, "")


def test_a_config_map_is_read_with_its_maps() -> None:
    entries = [field(1, "color") + field(2, "blue"), field(1, "empty") + field(2, "")]
    metadata = field(1, "settings") + field(2, "") + field(3, "shop") + field(7, 0) + field(8, b"")
    raw = field(1, metadata) + b"".join(field(2, entry) for entry in entries)
    assert decoded(envelope("ConfigMap", raw)) == {
        "kind": "ConfigMap",
        "apiVersion": "v1",
        "metadata": {"name": "settings", "namespace": "shop"},
        "data": {"color": "blue", "empty": ""},
    }


def test_bytes_numbers_and_numbers_or_strings_are_read() -> None:
    port = field(1, "http") + field(3, 80) + field(4, field(1, 1) + field(3, "web"))
    other = field(3, 81) + field(4, field(1, 0) + field(2, 8081))
    raw = field(2, field(1, port) + field(1, other))
    ports = decoded(envelope("Service", raw))["spec"]["ports"]
    assert ports == [{"name": "http", "port": 80, "targetPort": "web"}, {"port": 81, "targetPort": 8081}]


def test_zeros_are_what_json_makes_of_them() -> None:
    """A pointer to a zero is a value; a number that was never set is not, though Go writes it too."""
    probe = field(2, 0) + field(4, 0) + field(7, 0)
    container = field(1, "web") + field(10, probe) + field(16, 0)
    spec = field(2, container) + field(4, 0)
    assert decoded(envelope("Pod", field(2, spec)))["spec"] == {
        "containers": [{"name": "web", "livenessProbe": {"terminationGracePeriodSeconds": 0}}],
        "terminationGracePeriodSeconds": 0,
    }


def test_what_go_embeds_stands_one_level_higher() -> None:
    source = field(19, field(1, field(1, "settings")))
    spec = field(1, field(1, "config") + field(2, source))
    volumes = decoded(envelope("Pod", field(2, spec)))["spec"]["volumes"]
    assert volumes == [{"name": "config", "configMap": {"name": "settings"}}]


def test_times_are_read() -> None:
    metadata = field(1, "web") + field(8, field(1, 1767225600) + field(2, 0)) + field(9, b"")
    expected = {"name": "web", "creationTimestamp": "2026-01-01T00:00:00Z"}
    assert decoded(envelope("Pod", field(1, metadata)))["metadata"] == expected


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"", 400),
        (b"k8s\x00", 400),
        (envelope("ConfigMap", field(1, field(1, "a")))[:-6], 400),
        (envelope("ConfigMap", b"\x09\x01\x02"), 400),
        (b"k8s\x00\xff\xff", 400),
        (envelope("ConfigMap", b"\x0a\x7f"), 400),
        (envelope("Gateway", b""), 415),
        (envelope("ConfigMap", field(9, "what is this")), 415),
    ],
)
def test_what_cannot_be_read_whole_is_refused(raw: bytes, code: int) -> None:
    with pytest.raises(StatusError) as refused:
        decoded(raw)
    assert refused.value.code == code
