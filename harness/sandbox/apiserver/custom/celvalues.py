"""A value and its schema -> the value as rules see it: field names escaped, numbers of the kind that the schema gives.

Source: kubernetes.io/docs/reference/using-api/cel (escaping), apiserver `pkg/cel/common/values.go`.
"""

from __future__ import annotations

from typing import Any

Schema = dict[str, Any]

_RESERVED = frozenset(
    {
        "true", "false", "null", "in", "as", "break", "const", "continue", "else", "for", "function", "if", "import",
        "let", "loop", "package", "namespace", "return", "var", "void", "while",
    }
)  # fmt: skip


def cel_value(value: Any, schema: Schema) -> Any:
    """The value; fields that are null are not there, as `has` finds them."""
    if isinstance(value, dict):
        properties, more = schema.get("properties") or {}, schema.get("additionalProperties")
        inner = more if isinstance(more, dict) else {}
        seen: dict[str, Any] = {}
        for key, item in value.items():
            if key in properties:
                if item is not None:
                    seen[escaped(key)] = cel_value(item, properties[key])
            else:
                seen[key] = cel_value(item, inner)
        return seen
    if isinstance(value, list):
        items = schema.get("items")
        return [cel_value(item, items if isinstance(items, dict) else {}) for item in value]
    if isinstance(value, bool):
        return value
    if isinstance(value, int) and schema.get("type") == "number":
        return float(value)
    if isinstance(value, float) and schema.get("type") == "integer":
        return int(value)
    return value


def escaped(name: str) -> str:
    """A field's name as an identifier.

    >>> [escaped(name) for name in ("plain", "a-b", "x__y", "namespace", "k8s.io/name")]
    ['plain', 'a__dash__b', 'x__underscores__y', '__namespace__', 'k8s__dot__io__slash__name']
    """
    if name in _RESERVED:
        return f"__{name}__"
    for sign, word in (("__", "__underscores__"), (".", "__dot__"), ("-", "__dash__"), ("/", "__slash__")):
        name = name.replace(sign, word)
    return name
