"""Turns a Vega-Lite document into SVG that can stand inside a page: no script, no id that meets another picture's."""

import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping, Sequence
from typing import Any, Final

import altair as alt
import vl_convert

from harness.reporters.escaping import visible

_SVG: Final = "http://www.w3.org/2000/svg"
_XLINK: Final = "http://www.w3.org/1999/xlink"
_SPOKEN: Final = ("aria-label", "role", "aria-roledescription", "aria-hidden")
_REFERENCE: Final = re.compile(r"url\(#([^)]+)\)")

ElementTree.register_namespace("", _SVG)
ElementTree.register_namespace("xlink", _XLINK)


def picture(document: Mapping[str, Any], *, name: str, title: str, hatches: Sequence[str]) -> str:
    """An `<svg>` element as wide as what it stands in.

    `name` begins all ids in it. `title` is what a screen reader says. `hatches` are the colours of the patterns to
    which the document refers as `url(#hatch-0)` and so on. What a mark describes is shown when pointed at.
    """
    version = ".".join(alt.SCHEMA_VERSION.split(".")[:2])
    root = ElementTree.fromstring(vl_convert.vegalite_to_svg(dict(document), vl_version=version))
    for element in root.iter():
        _describe(element)
        _rename(element, name)
    for attribute in ("width", "height"):
        root.attrib.pop(attribute, None)
    root.set("role", "img")
    root.set("aria-labelledby", f"{name}-title")
    head = ElementTree.Element(f"{{{_SVG}}}title", {"id": f"{name}-title"})
    head.text = visible(title)
    root.insert(0, head)
    root.insert(1, _patterns(name, hatches))
    return ElementTree.tostring(root, encoding="unicode")


def _describe(element: ElementTree.Element) -> None:
    """Vega's words for screen readers, hundreds of them, become what is shown when a mark is pointed at."""
    words = element.attrib.get("aria-label")
    is_mark = element.attrib.get("role") == "graphics-symbol"
    for attribute in _SPOKEN:
        element.attrib.pop(attribute, None)
    if words and is_mark and element.tag in (f"{{{_SVG}}}path", f"{{{_SVG}}}line"):
        ElementTree.SubElement(element, f"{{{_SVG}}}title").text = words


def _rename(element: ElementTree.Element, name: str) -> None:
    for attribute, value in element.attrib.items():
        if attribute == "id":
            element.set(attribute, f"{name}-{value}")
        elif "url(#" in value:
            element.set(attribute, _REFERENCE.sub(rf"url(#{name}-\1)", value))


def _patterns(name: str, colours: Sequence[str]) -> ElementTree.Element:
    definitions = ElementTree.Element(f"{{{_SVG}}}defs")
    for index, colour in enumerate(colours):
        pattern = ElementTree.SubElement(
            definitions,
            f"{{{_SVG}}}pattern",
            {
                "id": f"{name}-hatch-{index}",
                "width": "5",
                "height": "5",
                "patternUnits": "userSpaceOnUse",
                "patternTransform": "rotate(45)",
            },
        )
        ElementTree.SubElement(
            pattern, f"{{{_SVG}}}rect", {"width": "5", "height": "5", "fill": "var(--paper, #ffffff)"}
        )
        ElementTree.SubElement(pattern, f"{{{_SVG}}}rect", {"width": "2.2", "height": "5", "fill": colour})
    return definitions
