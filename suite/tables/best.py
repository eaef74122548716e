"""The best recipes of a task, and the winners trained again."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from suite.frame import HP
from suite.summary import Judged
from suite.tables.table import Table
from suite.tables.text import number, recipe_text, seeds_text
from suite.trial import canonical

BEST = 5


def best_table(ranked: pd.DataFrame, judged: Judged) -> Table:
    """The best recipes of a task, as `suite.summary.ranking` has them, beside the trivial one."""
    seeds = int(ranked["seeds"].max()) if len(ranked) else 0
    shown = [
        _recipe_cells(i, row, seeds)
        for i, row in enumerate(ranked.head(BEST).to_dict("records"), start=1)
    ]
    trivial = [number(judged.trivial.get(s, math.nan)) for s in ("val", "test")]
    shown.append(["-", f"trivial: {judged.trivial_name}", *trivial])
    return Table(
        f"best-{judged.task}",
        f"{judged.task}: best recipes by {judged.metric} (higher is better)",
        ranked,
        ["#", "recipe", "val", "test"],
        shown,
        f"Ranked by mean {judged.objective} on validation over {seeds_text(seeds)}; ± is the "
        f"standard deviation over seeds. Selected on val, so val flatters; test does not.",
    )


def _recipe_cells(place: int, row: Mapping[Any, Any], seeds: int) -> list[str]:
    recipe = {str(k): v for k, v in row.items() if str(k).startswith(HP)}
    remarks = f" ({row['diverged']} diverged)" if row["diverged"] else ""
    if row["seeds"] < seeds:
        remarks += f" ({seeds_text(row['seeds'])} so far)"
    figures = (f"{number(row[s])} ±{number(row[f'{s}_sd'])}" for s in ("val", "test"))
    return [str(place), recipe_text(recipe) + remarks, *figures]


def winners_table(winners: Sequence[Mapping[str, Any]]) -> Table:
    """The selected recipes beside their retraining by `model.fit`, and what selection flattered."""
    rows = [{**w, "gap": w["fleet_val"] - w.get("fresh_val", math.nan)} for w in winners]
    shown = [
        [
            str(w["task"]),
            str(w["metric"]),
            number(w["fleet_val"]),
            number(w.get("fresh_val", math.nan)),
            f"{w['gap']:+.3f}" if math.isfinite(w["gap"]) else "-",
            f"{number(w['fresh_test'])} ±{number(w['fresh_test_sd'])}",
            number(w["trivial_test"]),
        ]
        for w in rows
    ]
    return Table(
        "winners",
        "winners: trained again by model.fit on TensorFlow",
        pd.DataFrame([{**w, "recipe": canonical(w["recipe"])} for w in rows]),
        ["task", "metric", "val", "fresh val", "gap", "fresh test", "trivial"],
        shown,
        "val: the best recipe's mean in the matrix, on the seeds that selected it. fresh: the mean "
        "of three seeds that did not. gap: val less fresh val, the winner's curse.",
    )
