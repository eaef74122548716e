"""A drawing as SVG: plain for a file, and fit for a page with a strict content security policy.

The page's policy forbids `style` attributes and `<style>` inside the picture, so every property
becomes an attribute of its own; colours become the page's variables; ids get the drawing's name in
front, so that two pictures in one page do not share any.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping
from functools import partial
from weakref import WeakKeyDictionary
from xml.etree import ElementTree as Xml

from markupsafe import Markup

from suite.report.drawing import Drawing, plain, styled
from suite.report.palette import VARIABLES

WORDS = ("text", "tspan")
KEPT = {"svg", "g", "path", "text", "tspan", "use", "defs", "clipPath", "rect", "line", "circle"}
DROPPED = {"version", "type"}
GEOMETRY = {"d", "x", "y", "transform", "points"}
REFERENCE = re.compile(r"url\(#([^)]+)\)|^#(.+)$")
LONG = re.compile(r"-?\d+\.\d{2,}(?!e)")
FONT_SIZE = re.compile(r"([\d.]+)px")


_SVGS: WeakKeyDictionary[Drawing, str] = WeakKeyDictionary()
"""What has been rendered once: the page and the files take the same pictures."""
PNG = {"compress_level": 1}
"""A fraction of the default's time, for files a quarter larger."""


def svg_of(drawing: Drawing) -> str:
    """The drawing as a whole SVG file, the same bytes every time."""
    if drawing not in _SVGS:
        _SVGS[drawing] = _rendered(drawing)
    return _SVGS[drawing]


def _rendered(drawing: Drawing) -> str:
    buffer = io.StringIO()
    with styled():
        drawing.figure.savefig(
            buffer, format="svg", transparent=True, metadata={"Date": None, "Creator": None}
        )
    return buffer.getvalue()


def png_of(drawing: Drawing, dpi: int = 150) -> bytes:
    """The drawing as PNG on white; `dpi` at 72 is one dot a pixel of the page."""
    buffer = io.BytesIO()
    with styled():
        drawing.figure.savefig(buffer, format="png", dpi=dpi, facecolor="white", pil_kwargs=PNG)
    return buffer.getvalue()


def inline(svg: str, number: int, label: str, tips: Mapping[str, str]) -> Markup:
    """An SVG file of matplotlib's as a part of a page.

    Args:
        number: of the picture in the page.
        label: what a screen reader says.
        tips: words on parts of the picture, by id.
    """
    root = Xml.fromstring(svg)
    used = {name for node in root.iter() for name in _referred(node)}
    _clean(root, partial("f{}-{}".format, number), used, tips)
    root.set("role", "img")
    root.set("aria-label", plain(label))
    root.set("class", "chart")
    return Markup(Xml.tostring(root, encoding="unicode"))


def _referred(node: Xml.Element) -> Iterator[str]:
    for value in node.attrib.values():
        if found := REFERENCE.search(value):
            yield found[1] or found[2]


def _clean(node: Xml.Element, named: partial[str], used: set[str], tips: Mapping[str, str]) -> None:
    """Rewrite a node and all below it."""
    node.tag = _local(node.tag)
    own = node.attrib.pop("id", None)
    attributes = {k: v for k, v in _attributes(node) if k not in DROPPED}
    node.attrib.clear()
    for key, value in attributes.items():
        node.set(key, _value(key, value, named))
    if own is not None and own in used:
        node.set("id", named(own))
    node.tail = None
    if node.tag not in WORDS:
        node.text = None
    for child in list(node):
        if _local(child.tag) in KEPT:
            _clean(child, named, used, tips)
        else:
            node.remove(child)
    if own is not None and own in tips:
        title = Xml.Element("title")
        title.text = plain(tips[own])
        node.insert(0, title)


def _local(tag: object) -> str:
    """A tag without its namespace; "" for a comment."""
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def _attributes(node: Xml.Element) -> Iterator[tuple[str, str]]:
    """Attributes, those of `style` among them."""
    for key, value in node.attrib.items():
        if key != "style":
            yield _local(key), value
    for declaration in node.attrib.get("style", "").split(";"):
        key, _, value = (part.strip() for part in declaration.partition(":"))
        if key == "font":
            size = FONT_SIZE.search(value)
            yield "font-size", size[1] if size else "11.5"
            if "bold" in value or "700" in value:
                yield "font-weight", "bold"
        elif key:
            yield key, value


def _value(key: str, value: str, named: partial[str]) -> str:
    if value in VARIABLES:
        return VARIABLES[value]
    if found := REFERENCE.search(value):
        return f"url(#{named(found[1])})" if found[1] else f"#{named(found[2])}"
    return " ".join(LONG.sub(_short, value).split()) if key in GEOMETRY else value


def _short(number: re.Match[str]) -> str:
    return f"{float(number[0]):.1f}".removesuffix(".0")
