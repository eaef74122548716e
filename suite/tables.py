"""Tables for people: the same content to the terminal, to CSV and to Markdown."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pandas as pd
from rich.box import SIMPLE_HEAD
from rich.markup import escape
from rich.table import Table as RichTable

from suite.frame import HP
from suite.store import write_whole
from suite.summary import MATRIX, TUNED, Judged, levels, of_task, ranking
from suite.trial import Level, canonical

BEST = 5
WORDY = ("recipe", "factor", "task", "tuner")
"""Columns of words: left-justified."""
WRAPPED = ("recipe", "task")
"""Columns that are free to wrap."""
SHORT = {
    "initializer": "",
    "optimizer": "",
    "activation": "",
    "learning_rate": "lr ",
    "dropout": "dropout ",
    "l1": "L1 ",
    "l2": "L2 ",
    "batch_size": "batch ",
    "clipnorm": "clip ",
}
"""What a level is preceded by in a recipe; a factor that is not here, by its name."""


@dataclass(frozen=True)
class Table:
    """One table.

    Attributes:
        name: file name without ending.
        title: the line above it.
        full: every figure at full precision; becomes the CSV file.
        shown: header and rows of text; becomes the Markdown file and the terminal's table.
        note: what a reader must know to read it.
    """

    name: str
    title: str
    full: pd.DataFrame
    header: Sequence[str]
    shown: Sequence[Sequence[str]]
    note: str = ""

    def markdown(self) -> str:
        """The table with its title and note."""
        lines = [f"# {self.title}", ""]
        lines += [_line(self.header), _line(["---"] * len(self.header))]
        lines += [_line(row) for row in self.shown]
        return "\n".join([*lines, "", self.note, ""])

    def rich(self) -> RichTable:
        """The table for a terminal."""
        table = RichTable(
            title=escape(self.title),
            title_justify="left",
            caption=escape(self.note),
            caption_justify="left",
            box=SIMPLE_HEAD,
            show_edge=False,
            padding=(0, 0, 0, 0),
        )
        for name in self.header:
            side: Literal["left", "right"] = "left" if name in WORDY else "right"
            table.add_column(escape(name), justify=side, no_wrap=name not in WRAPPED)
        for row in self.shown:
            table.add_row(*map(escape, row))
        return table

    def write(self, folder: Path) -> None:
        """Write `<name>.csv` and `<name>.md` into `folder`."""
        write_whole(folder / f"{self.name}.csv", self.full.to_csv(index=False))
        write_whole(folder / f"{self.name}.md", self.markdown())


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def number(value: float, digits: int = 3) -> str:
    """A figure for reading; a dash where there is none.

    >>> number(0.12345), number(float("nan"))
    ('0.123', '-')
    """
    if not math.isfinite(value):
        return "-"
    return f"{value:.{digits}f}" if abs(value) < 10 else f"{value:.{digits}g}"


def level_text(level: Any) -> str:
    """A level as a person writes it.

    >>> level_text(True), level_text(0.0001), level_text("adam")
    ('on', '0.0001', 'adam')
    """
    if isinstance(level, bool) or str(level) in ("True", "False"):
        return "on" if str(level) == "True" else "off"
    return f"{level:g}" if isinstance(level, int | float) else str(level)


def recipe_text(recipe: Mapping[str, Any]) -> str:
    """A recipe in one line; techniques that are off are left out.

    >>> recipe_text({"hp.initializer": "he_normal", "hp.dropout": 0.0, "hp.batch_norm": True})
    'he_normal, batch_norm'
    """
    words = []
    named = {column.removeprefix(HP): level_text(level) for column, level in recipe.items()}
    for name in sorted(named, key=lambda name: name not in SHORT):  # the task's own come last
        if named[name] not in ("off", "0", "nan"):
            prefix = SHORT.get(name, f"{name} ")
            words.append(name if named[name] == "on" else f"{prefix}{named[name]}")
    return ", ".join(words) or "plain"


def seeds_text(count: int) -> str:
    """A number of seeds in words.

    >>> seeds_text(1), seeds_text(4)
    ('1 seed', '4 seeds')
    """
    return f"{count} seed" if count == 1 else f"{count} seeds"


def best_table(rows: pd.DataFrame, judged: Judged) -> Table:
    """The best recipes of a task beside the trivial predictor."""
    full = ranking(rows, judged)
    seeds = int(full["seeds"].max()) if len(full) else 0
    shown = []
    for i, row in enumerate(full.head(BEST).to_dict("records")):
        recipe = {str(k): v for k, v in row.items() if str(k).startswith(HP)}
        remarks = f" ({row['diverged']} diverged)" if row["diverged"] else ""
        if row["seeds"] < seeds:
            remarks += f" ({seeds_text(row['seeds'])} so far)"
        shown.append(
            [
                str(i + 1),
                recipe_text(recipe) + remarks,
                *(f"{number(row[s])} ±{number(row[f'{s}_sd'])}" for s in ("val", "test")),
            ]
        )
    trivial = [number(judged.trivial.get(s, math.nan)) for s in ("val", "test")]
    shown.append(["-", f"trivial: {judged.trivial_name}", *trivial])
    return Table(
        f"best-{judged.task}",
        f"{judged.task}: best recipes by {judged.metric} (higher is better)",
        full,
        ["#", "recipe", "val", "test"],
        shown,
        f"Ranked by mean {judged.objective} on validation over {seeds_text(seeds)}; ± is the "
        f"standard deviation over seeds. Selected on val, so val flatters; test does not.",
    )


def levels_table(
    rows: pd.DataFrame, judged: Judged, factors: Mapping[str, Sequence[Level]]
) -> Table:
    """The levels of each factor compared, in both views side by side."""
    full = levels(rows, judged, factors)
    shown = []
    for factor in factors:
        own = full[full["factor"] == factor]
        shown.append([factor, "", "", "", ""])
        for level in own["level"].unique():
            cells = []
            for view in (MATRIX, TUNED):
                row = own[(own["level"] == level) & (own["view"] == view)].iloc[0]
                cells += [number(row["test"]), effect_text(row)]
            shown.append([f" {level_text(level)}", *cells])
    pairs = int(full["pairs"].max()) if len(full) else 0
    return Table(
        f"levels-{judged.task}",
        f"{judged.task}: levels of each factor, {judged.metric} on test",
        full,
        ["factor", "matrix", "effect", "tuned", "effect"],
        shown,
        f"matrix: {MATRIX}; tuned: {TUNED}. effect: difference to the factor's first level with "
        f"its 95% interval, paired over {seeds_text(pairs)}. A diverged trial counts as the "
        f"trivial predictor.",
    )


def effect_text(row: Mapping[str, Any] | pd.Series[Any]) -> str:
    """An effect with its interval, `+0.012 [0.008, 0.017]`; empty where there is none."""
    if not math.isfinite(row["effect"]):
        return ""
    return f"{row['effect']:+.3f} [{number(row['low'])}, {number(row['high'])}]"


def winners_table(winners: Sequence[Mapping[str, Any]]) -> Table:
    """The selected recipes beside their retraining by `model.fit` on TensorFlow."""
    header = ["task", "metric", "val", "test", "fresh test", "trivial"]
    shown = [
        [
            str(w["task"]),
            str(w["metric"]),
            number(w["fleet_val"]),
            number(w["fleet_test"]),
            f"{number(w['fresh_test'])} ±{number(w['fresh_test_sd'])}",
            number(w["trivial_test"]),
        ]
        for w in winners
    ]
    return Table(
        "winners",
        "winners: trained again by model.fit on TensorFlow",
        pd.DataFrame([{**w, "recipe": canonical(w["recipe"])} for w in winners]),
        header,
        shown,
        "val, test: the best recipe's means in the matrix, on the seeds that selected it. fresh "
        "test: the mean of three seeds it was not selected on.",
    )


def tables_of(
    frame: pd.DataFrame, tasks: Mapping[str, Judged], factors: Mapping[str, Sequence[Level]]
) -> Iterator[Table]:
    """Best recipes and levels of every task that has trials."""
    for name, judged in tasks.items():
        if frame.empty or not ((frame["task"] == name) & (frame["status"] != "failed")).any():
            continue
        rows = of_task(frame, judged)
        yield best_table(rows, judged)
        varied = {
            name: order
            for name, order in factors.items()
            if f"{HP}{name}" in rows and rows[f"{HP}{name}"].nunique() > 1
        }
        if varied:
            yield levels_table(rows, judged, varied)
