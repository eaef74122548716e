"""Tables as the page shows them: sortable columns, rows of text."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from suite.contrasts import MATRIX, TUNED
from suite.frame import HP
from suite.report.drawing import plain
from suite.stats.verdict import Verdict
from suite.summary import Judged
from suite.tables.table import WORDY, Table
from suite.tables.text import effect_text, level_text, number, recipe_text, seeds_text
from suite.tables.verdicts import SIGNS, verdict_text

MOST = 200
"""Rows of recipes or of choices."""
TRIAL = "trial"
"""The column whose cells are trial keys, to be copied as a command."""
TEXTS = {*WORDY, "level", "reference", TRIAL, "#"}


@dataclass(frozen=True)
class Sheet:
    """One table of the page.

    Attributes:
        caption: the line above it.
        header: a name a column.
        rows: of as many cells as the header has.
        note: what a reader must know to read it.
    """

    caption: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""

    @property
    def numeric(self) -> list[bool]:
        """Which columns are figures."""
        return [name not in TEXTS for name in self.header]


def recipes_sheet(judged: Judged, ranked: pd.DataFrame) -> Sheet:
    """The best recipes, beside the trivial predictor."""
    rows = [_recipe(i, row) for i, row in enumerate(_records(ranked.head(MOST)), start=1)]
    trivial = [number(judged.trivial.get(split, math.nan), 4) for split in ("val", "test")]
    rows.append(["-", f"trivial: {judged.trivial_name}", *trivial, "-", "-", "-", ""])
    cut = f"The best {MOST} of {len(ranked)}. " if len(ranked) > MOST else ""
    return Sheet(
        f"Best recipes by {judged.objective} on validation",
        ["#", "recipe", "val", "test", "sd of test", "seeds", "diverged", TRIAL],
        rows,
        f"{cut}val and test: {judged.metric}, mean over seeds. Selected on val, so val flatters; "
        f"test does not. trial: one of the recipe's trials; its button copies the command that "
        f"prints it as a plain Keras script.",
    )


def _recipe(place: int, row: Mapping[Any, Any]) -> list[str]:
    recipe = {str(k): v for k, v in row.items() if str(k).startswith(HP)}
    figures = [number(row[name], 4) for name in ("val", "test", "test_sd")]
    counts = [str(row["seeds"]), str(row["diverged"])]
    return [str(place), recipe_text(recipe), *figures, *counts, row[TRIAL]]


def levels_sheet(judged: Judged, levels: pd.DataFrame) -> Sheet:
    """Every level in the tuned view, with the matrix's effect beside it."""
    matrix = {
        (row["factor"], level_text(row["level"])): row
        for row in _records(levels[levels["view"] == MATRIX])
    }
    rows = [
        _level(row, matrix.get((row["factor"], level_text(row["level"]))))
        for row in _records(levels[levels["view"] == TUNED])
    ]
    return Sheet(
        f"Levels of each factor, {judged.metric} on test",
        ["factor", "level", "test", "effect", "p", "verdict", "matrix", "diverged"],
        rows,
        "test, effect, p, verdict: everything else tuned, on each side for itself; p after Holm. "
        "matrix: the effect averaged over the whole matrix. A level without effect is the one "
        "that the others are held against.",
    )


def _level(row: Mapping[Any, Any], matrix: Mapping[Any, Any] | None) -> list[str]:
    judged = bool(row["verdict"])
    return [
        str(row["factor"]),
        level_text(row["level"]),
        number(row["test"], 4),
        effect_text(row),
        number(row["p_holm"]) if judged else "",
        verdict_words(row) if judged else "reference",
        effect_text(matrix) if matrix else "",
        f"{row['diverged']:.1%}",
    ]


def verdict_words(row: Mapping[Any, Any]) -> str:
    """Sign and verdict: `▲ helps`, `? about 9 more seeds`."""
    verdict = Verdict(row["verdict"])
    words = verdict_text(row)
    return words if verdict is Verdict.UNDERPOWERED else f"{SIGNS[verdict]} {words}"


def choices_sheet(judged: Judged, choices: pd.DataFrame) -> Sheet:
    """What every search chose."""
    own = choices[choices["task"] == judged.task].head(MOST)
    rows = [
        [
            str(row["tuner"]),
            str(row["repeat"]),
            recipe_of(row["recipe"]),
            *(number(row[name], 4) for name in ("score", "val", "fresh_val", "fresh_test")),
            row[TRIAL] if isinstance(row[TRIAL], str) else "",
        ]
        for row in _records(own)
    ]
    fresh = int(own["fresh_seeds"].max()) if len(own) else 0
    return Sheet(
        "The choice of every search",
        ["tuner", "repeat", "recipe", "score", "val", "fresh val", "fresh test", TRIAL],
        rows,
        f"score: {judged.objective} that it was chosen with. fresh: {judged.metric} of the choice "
        f"trained again on {seeds_text(fresh)} that did not choose it.",
    )


def recipe_of(text: Any) -> str:
    """A recipe's JSON in words; the text itself where it is no JSON object."""
    try:
        content = json.loads(text)
    except (ValueError, TypeError):
        return plain(text)
    return recipe_text(content) if isinstance(content, dict) else plain(text)


def sheet_of(table: Table) -> Sheet:
    """A table of the run as it stands; headings among its rows go in front of the rows below."""
    grouped = any(row[0].startswith(" ") for row in table.shown)
    if not grouped:
        return Sheet(table.title, table.header, table.shown, table.note)
    header = [table.header[0], "level", *table.header[1:]]
    return Sheet(table.title, header, [*_ungrouped(table.shown)], table.note)


def _ungrouped(shown: Sequence[Sequence[str]]) -> Iterator[list[str]]:
    heading = ""
    for first, *rest in shown:
        if first.startswith(" "):
            yield [heading, first.strip(), *rest]
        else:
            heading = first


def _records(rows: pd.DataFrame) -> Sequence[Mapping[Any, Any]]:
    found: Sequence[Mapping[Any, Any]] = rows.to_dict("records")
    return found
