"""`report.html`: one file that needs no network, from a results folder that was read.

Everything that comes from results is data of strangers. Jinja escapes it; scripts and styles run
only if their hash is in the page's content security policy.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from suite.files import write_whole
from suite.reading import Reading
from suite.report.comparisons import WORDS
from suite.report.content import Content, content_of
from suite.report.drawing import plain
from suite.report.files import write_drawings
from suite.report.gallery import Gallery, gallery_of
from suite.report.palette import css_variables
from suite.report.sheets import verdict_words
from suite.tables.claims import NOTE
from suite.tables.text import level_text

HERE = Path(__file__).parent
POLICY = (
    "default-src 'none'; script-src '{script}'; style-src '{style}'; img-src data:; "
    "base-uri 'none'; form-action 'none'"
)


def write_report(reading: Reading, path: Path) -> None:
    """Write the report of a run to `path`, whole or not at all."""
    write_whole(path, page(reading, gallery_of(reading)))


def write_both(
    reading: Reading, path: Path, figures: Path, formats: Sequence[str] = ("svg", "png")
) -> None:
    """Write the report to `path` and its figures into the folder `figures`, drawn once for both."""
    gallery = gallery_of(reading)
    write_whole(path, page(reading, gallery))
    write_drawings(gallery, figures, formats)


def page(reading: Reading, gallery: Gallery) -> str:
    """The report's HTML, with figures that have been drawn."""
    return rendered(content_of(reading, gallery))


def rendered(content: Content) -> str:
    """The page of some content."""
    environment = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals |= {
        "claims_note": NOTE,
        "words": verdict_words,
        "level": level_text,
        "views": WORDS,
    }
    css, js = stylesheet(), (HERE / "report.js").read_text(encoding="utf-8")
    policy = POLICY.format(script=fingerprint(js), style=fingerprint(css))
    template = environment.get_template("report.html")
    parts = {part.name: getattr(content, part.name) for part in fields(content)}
    parts |= {"sections": content.sections, "policy": policy}
    return plain(template.render(**parts, css=Markup(css), js=Markup(js)))


def stylesheet() -> str:
    """The page's styles behind the colours of both schemes."""
    light, dark = css_variables(dark=False), css_variables(dark=True)
    schemes = (
        f":root{{color-scheme:light;{light}}}\n"
        f"@media screen and (prefers-color-scheme:dark){{"
        f":root:not([data-theme=light]){{color-scheme:dark;{dark}}}}}\n"
        f"@media screen{{:root[data-theme=dark]{{color-scheme:dark;{dark}}}}}\n"
    )
    return schemes + (HERE / "report.css").read_text(encoding="utf-8")


def fingerprint(text: str) -> str:
    """A script or a style as a content security policy names it."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
