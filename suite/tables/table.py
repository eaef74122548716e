"""A table for people: the same content to the terminal, CSV, Markdown, LaTeX and parquet."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pandas as pd
from rich.box import SIMPLE_HEAD
from rich.console import Group
from rich.markup import escape
from rich.table import Table as RichTable
from rich.text import Text

from suite.csvtext import csv_text
from suite.files import replacing, write_whole
from suite.trial import canonical
from suite.words import slug

WORDY = (
    "recipe",
    "factor",
    "task",
    "tuner",
    "verdict",
    "technique",
    "source",
    "layer",
    "claim",
    "answer",
    "evidence",
)
"""Columns of words: left-justified."""
WRAPPED = ("recipe", "task", "claim", "evidence")
"""Columns that are free to wrap."""
TEX = {
    **{sign: f"\\{sign}" for sign in "&%$#_{}"},
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "±": r"$\pm$",
    "≈": r"$\approx$",
    "▲": r"$\blacktriangle$",
    "▼": r"$\blacktriangledown$",
}
"""Characters that LaTeX reads otherwise; the triangles need amssymb."""


@dataclass(frozen=True)
class Table:
    """One table.

    Attributes:
        name: file name without ending.
        title: the line above it.
        full: every figure at full precision; becomes the CSV and the parquet file.
        shown: header and rows of text; becomes the Markdown and LaTeX file and what a terminal
            shows. A leading space in a first cell is an indent.
        note: what a reader must know to read it.
        detail: whether it is in the files alone, and not shown at the end of a run.
    """

    name: str
    title: str
    full: pd.DataFrame
    header: Sequence[str]
    shown: Sequence[Sequence[str]]
    note: str = ""
    detail: bool = False

    def markdown(self) -> str:
        """The table with its title and note."""
        lines = [f"# {_markdown(self.title)}", ""]
        lines += [_line(self.header), _line(["---"] * len(self.header))]
        lines += [_line(row) for row in self.shown]
        return "\n".join([*lines, "", _markdown(self.note), ""])

    def latex(self) -> str:
        """A `table` with booktabs rules, to be `\\input`; the note stands below it."""
        sides = "".join("l" if name in WORDY else "r" for name in self.header)
        body = [_tex_row(row) for row in self.shown]
        lines = [
            "\\begin{table}",
            "\\centering",
            f"\\caption{{{_tex(self.title)}}}",
            f"\\label{{tab:{self.name}}}",
            f"\\begin{{tabular}}{{{sides}}}",
            *("\\toprule", _tex_row(self.header), "\\midrule", *body, "\\bottomrule"),
            "\\end{tabular}",
            *([f"\\par\\smallskip\\footnotesize {_tex(self.note)}"] if self.note else []),
            "\\end{table}",
        ]
        return "\n".join(lines) + "\n"

    def rich(self) -> Group:
        """The table for a terminal, between its title and its note."""
        table = RichTable(box=SIMPLE_HEAD, show_edge=False, padding=(0, 0, 0, 0))
        for name in self.header:
            side: Literal["left", "right"] = "left" if name in WORDY else "right"
            table.add_column(escape(name), justify=side, no_wrap=name not in WRAPPED)
        for row in self.shown:
            table.add_row(*map(escape, row))
        return Group(Text(self.title, "bold"), table, *([Text(self.note, "dim")] * bool(self.note)))

    def write(self, folder: Path) -> None:
        """Write `<name>.csv`, `.md`, `.tex` and `.parquet` into `folder`."""
        name = slug(self.name)
        write_whole(folder / f"{name}.csv", csv_text(self.full))
        write_whole(folder / f"{name}.md", self.markdown())
        write_whole(folder / f"{name}.tex", self.latex())
        with replacing(folder / f"{name}.parquet") as beside:
            _one_type_a_column(self.full).to_parquet(beside, index=False)


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(map(_markdown, cells)) + " |"


def _markdown(text: str) -> str:
    """Text that opens neither a cell nor an element of HTML."""
    return re.sub(r"<(?=[A-Za-z/!?])", r"\<", text.replace("|", "\\|"))


def _tex(text: str) -> str:
    return "".join(TEX.get(sign, sign) for sign in text)


def _tex_row(cells: Sequence[str]) -> str:
    first, *rest = cells
    indent = "\\quad " if first.startswith(" ") else ""
    return " & ".join([indent + _tex(first.strip()), *map(_tex, rest)]) + r" \\"


def _one_type_a_column(frame: pd.DataFrame) -> pd.DataFrame:
    """Columns of mixed types (levels: on, 0.5, adam) as text; parquet knows no such columns."""
    mixed = {
        name: column.map(_text)
        for name, column in frame.items()
        if column.dtype == object and len({type(value) for value in column}) > 1
    }
    return frame.assign(**{str(name): column for name, column in mixed.items()})


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    return "" if pd.isna(value) else canonical(value)
