"""A figure on its way to the page and to files: the canvas that all charts share.

Charts are narrow small multiples, `WIDTH` pixels wide, so that they are read on a telephone without
being shrunk. One point of matplotlib's is one pixel of the page.
"""

from __future__ import annotations

import re
import textwrap
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.lines import Line2D
from matplotlib.textpath import text_to_path
from matplotlib.ticker import MaxNLocator
from matplotlib.typing import RcKeyType

from suite.report.palette import colour

WIDTH = 340
"""Pixels."""
TEXT = 11.5
"""Size of letters in pixels."""
TIMES = "\u00d7"
"""Between the two factors of an interaction."""
LETTER = 6.7
"""Mean width of a letter of that size in pixels."""
STYLE: dict[RcKeyType, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "suite",
    "text.parse_math": False,
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": TEXT,
    "path.simplify": True,
    "axes.unicode_minus": True,
}


@dataclass(frozen=True, eq=False)
class Drawing:
    """One chart, equal to itself alone.

    Attributes:
        name: file name without ending; unique within a report.
        title: what it is.
        note: how to read it, one sentence or two.
        figure: drawn in the light colours of the palette.
        tips: words on parts of it, by the part's `gid`.
    """

    name: str
    title: str
    note: str
    figure: Figure
    tips: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Margins:
    """Pixels between the edge of the figure and its axes."""

    left: float = 46
    right: float = 12
    top: float = 10
    bottom: float = 38


@contextmanager
def styled() -> Iterator[None]:
    """The settings that figures are made and written under."""
    with mpl.rc_context(STYLE), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph", category=UserWarning)
        yield


def canvas(height: float, margins: Margins) -> tuple[Figure, Axes]:
    """An empty figure of `height` pixels, its axes without a frame."""
    figure = Figure(figsize=(WIDTH / 72, height / 72), dpi=72)
    box = (
        margins.left / WIDTH,
        margins.bottom / height,
        (WIDTH - margins.left - margins.right) / WIDTH,
        (height - margins.top - margins.bottom) / height,
    )
    return figure, _dressed(figure.add_axes(box))


def panels(rows: int, height: float) -> tuple[Figure, list[Axes]]:
    """An empty figure of two columns of axes, row by row; 34 pixels are free at the bottom."""
    figure = Figure(figsize=(WIDTH / 72, height / 72), dpi=72)
    row = (height - 26) / rows
    boxes = [
        (left / WIDTH, (height - (i + 1) * row + 14) / height, 132 / WIDTH, (row - 42) / height)
        for i in range(rows)
        for left in (50, 198)
    ]
    return figure, [_dressed(figure.add_axes(box)) for box in boxes]


def _dressed(axes: Axes) -> Axes:
    axes.patch.set_visible(False)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(colour("line"))
    axes.tick_params(colors=colour("muted"), length=0, pad=5, labelsize=TEXT)
    axes.set_axisbelow(True)
    return axes


def ticks(axes: Axes, x: int = 5, y: int = 5) -> None:
    """At most so many ticks, at round numbers; 0 leaves an axis as it is."""
    for axis, count in ((axes.xaxis, x), (axes.yaxis, y)):
        if count:
            axis.set_major_locator(MaxNLocator(count, steps=[1, 2, 2.5, 5, 10]))


def name_axes(axes: Axes, x: str = "", y: str = "") -> None:
    """Names of the axes: x below it at the right, y above it at the left, where it is read."""
    if x:
        axes.set_xlabel(plain(x), color=colour("muted"), loc="right", fontsize=TEXT, labelpad=3)
    if y:
        axes.set_title(plain(y), color=colour("muted"), loc="left", fontsize=TEXT, pad=6)


def legend(axes: Axes, lines: Sequence[tuple[Line2D, str]], bottom: float, height: float) -> None:
    """A list of lines with their names below the axes, from `bottom` pixels above the edge down."""
    figure = axes.figure
    place = bottom
    for line, label in lines:
        for i, part in enumerate(label.split("\n")):
            if not i:
                key = Line2D([14 / WIDTH, 38 / WIDTH], [(place + 4) / height] * 2)
                key.update_from(line)
                key.set_transform(figure.transFigure)
                figure.add_artist(key)
            figure.text(46 / WIDTH, place / height, plain(part), color=colour("ink"), fontsize=TEXT)
            place -= LINE
        place -= 2


LINE = 15.0
"""Pixels from one line of text to the next."""


def legend_height(labels: Sequence[str]) -> float:
    """Pixels that `legend` takes for such labels."""
    return sum(LINE * (1 + label.count("\n")) + 2 for label in labels)


def wrapped(text: str, width: int = 42, most: int = 3) -> str:
    """The text in lines of `width` letters, at most so many; what does not fit is cut.

    A line ends behind a comma where there is one: `lr 0.01` stays together.
    """
    text = ", ".join(part.replace(" ", "\u00a0") for part in text.split(", "))
    return "\n".join(textwrap.wrap(plain(text), width, max_lines=most, placeholder=" …")) or "-"


UNFIT = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]"
)
"""What XML cannot hold, and what turns the direction of the text around it."""


def plain(text: object) -> str:
    """Text without control characters and lone surrogates.

    >>> plain("a\\x00b\\ud800")
    'a\\ufffdb\\ufffd'
    """
    return UNFIT.sub("\ufffd", str(text))


def width_of(texts: Sequence[str]) -> float:
    """Pixels that the longest of these texts takes."""
    return max(map(_width, texts), default=0.0)


@lru_cache(maxsize=4096)
def _width(text: str) -> float:
    with styled():
        width, _, _ = text_to_path.get_text_width_height_descent(text, _font(), ismath=False)
    return float(width)


@lru_cache(maxsize=1)
def _font() -> FontProperties:
    return FontProperties(family=STYLE["font.sans-serif"], size=TEXT)
