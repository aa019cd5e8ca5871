"""A key that stands twice in one mapping is told, with both of its lines."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.manifests.repeated_keys import repeated, repeated_keys


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a: 1\nb: 2\n", []),
        ("a: 1\nb: 2\na: 3\na: 4\n", [("a", 1, 3), ("a", 3, 4)]),
        ("- {a: 1}\n- {a: 2}\n", []),
        ("x:\n- a: 1\n  'a': 2\n", [("a", 2, 3)]),
        ("a: 1\n---\na: 2\n", []),
        ("a: 1\n---\nb: 2\nb: 3\n", [("b", 3, 4)]),
        ("x: &x {a: 1}\ny: {<<: *x, a: 2}\nz: *x\n", []),
        ("x: &x {a: 1}\ny:\n  <<: *x\n  <<: *x\n", []),
        ("x: &x {a: 1, a: 2}\ny: *x\n", [("a", 1, 1)]),
        ('{"a": 1,\n "a": 2}\n', [("a", 1, 2)]),
        ("a: [\n", []),
    ],
)
def test_each_key_that_was_there_is_found(text: str, found: list[tuple[str, int, int]]) -> None:
    assert list(repeated(text)) == found


def test_the_sentence_names_file_and_lines(tmp_path: Path) -> None:
    file = tmp_path / "web.yaml"
    file.write_text("kind: A\nkind: B\n")
    assert list(repeated_keys([file, file])) == [
        f"{file}, line 2: the key 'kind' stands in line 1 already; the last one counts, as for kubectl apply -f "
        "(kubectl apply -k refuses it)"
    ]
