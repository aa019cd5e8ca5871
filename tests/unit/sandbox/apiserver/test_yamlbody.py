"""Bodies in YAML, of which JSON is a part."""

from __future__ import annotations

import pytest

from harness.sandbox.apiserver.yamlbody import loads


def test_yaml_is_read_as_kubernetes_reads_it() -> None:
    text = b"a: 2026-01-01\nb: on\nc: 0o7\nd: '1'\n1: {x: &k [1]}\ne: *k\nf: 10:30\ng: 190:20:30.15\nh: 12\ni: 1.5\n"
    assert loads(text) == (
        {
            "f": "10:30",
            "g": "190:20:30.15",
            "h": 12,
            "i": 1.5,
            "a": "2026-01-01",
            "b": True,
            "c": "0o7",
            "d": "1",
            "1": {"x": [1]},
            "e": [1],
        },
        [],
    )


def test_json_is_read_as_it_is_with_half_characters_replaced() -> None:
    assert loads(b'{"a":"2026-01-01","b":1.5}')[0] == {"a": "2026-01-01", "b": 1.5}
    assert loads(b'{"a":"\\ud800x"}')[0] == {"a": "\ufffdx"}


@pytest.mark.parametrize(("text", "line"), [(b"a: 1\nb: 2\na: 3\n", 3), (b'{"a":1,"a":2}', 1)])
def test_what_is_said_twice_is_told(text: bytes, line: int) -> None:
    _, twice = loads(text)
    words = "error converting YAML to JSON: yaml: unmarshal errors:\n"
    assert twice == [f'{words}  line {line}: key "a" already set in map']


BOMB = b"a: &a [x,x,x,x,x,x,x,x,x,x]\n" + b"".join(
    b"%c: &%c [%s]\n" % (n, n, b",".join([b"*%c" % (n - 1)] * 10)) for n in range(ord("b"), ord("j"))
)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (b"{a: [", "yaml: line 2: did not find"),
        (b"a: \x00", "yaml"),
        (b"\xff\xfe\x00", "yaml|JSON"),
        (b"a: !!python/object:os.system {}", "could not determine a constructor"),
        (b"a: !!binary aGk=", "not JSON serializable"),
        (b"a: .inf", "not JSON compliant"),
        (b"a: &x [*x]", "contains itself"),
        (b"[" * 100_000, "nested|JSON"),
        (b"a:\n" + b"".join(b" " * n + b"- \n" for n in range(1, 400)), "nested"),
        (BOMB, "excessive aliasing"),
        (b"? [a, b]\n: 1", "line 1: a key of a map"),
    ],
)
def test_what_cannot_be_read_is_a_value_error_with_the_reason(text: bytes, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        loads(text)
