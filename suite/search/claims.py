"""Claims about tuners, held against what searches reached and chose, beside random search."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from suite.claims import Answer
from suite.search.merit import area, paired_difference, regret
from suite.search.study import TunerClaim
from suite.search.tables import DIGITS, REFERENCE, Searches
from suite.stats.looks import holm
from suite.stats.paired import fewest_pairs, sign_flip
from suite.stats.verdict import ALPHA
from suite.tables.claims import SIGNS
from suite.tables.table import Table
from suite.tables.text import number, p_text

WORDS = {
    "choice": "the metric on test of what was chosen, trained again on fresh seeds",
    "regret": "the mean distance to the best objective known, over the whole budget",
}
NOTE = (
    "Each tuner against plain random search of the same budget, paired over repeats. confirmed: "
    "the difference lies on the claimed side, p of at most .05 after Holm over all claims. "
    "undecided: the searches say neither; so they do below six repeats."
)
COLUMNS = (
    *("claim", "task", "answer", "measure", "tuner", "reference", "direction"),
    *("effect", "low", "high", "pairs", "p", "p_holm"),
)


def tuner_claims(claims: Sequence[TunerClaim], found: Sequence[Searches]) -> Table | None:
    """The table `claims` of a search; None where nothing is claimed or was searched."""
    rows = [row for claim in claims for searches in found for row in _rows(claim, searches)]
    if not rows:
        return None
    table = pd.DataFrame(rows, columns=[*COLUMNS])
    table["p_holm"] = holm(table["p"].to_numpy(float))
    table["answer"] = [_answer(row).value for row in table.to_dict("records")]
    shown = [
        [row["claim"], row["task"], f"{SIGNS[Answer(row['answer'])]} {row['answer']}", _text(row)]
        for row in table.to_dict("records")
    ]
    header = ["claim", "task", "answer", "evidence"]
    return Table("claims", "claims: what the searches say of each", table, header, shown, NOTE)


def _rows(claim: TunerClaim, searches: Searches) -> Iterator[dict[str, Any]]:
    if claim.tuner not in searches.budgets or REFERENCE not in searches.budgets:
        return
    one, two = (_figure(claim.measure, searches, name) for name in (claim.tuner, REFERENCE))
    interval = paired_difference(one, two)
    away = (one - two).dropna()
    yield {
        "claim": claim.claim,
        "task": searches.judged.task,
        "measure": claim.measure,
        "tuner": claim.tuner,
        "reference": REFERENCE,
        "direction": "higher" if claim.measure == "choice" else "lower",
        "effect": interval.estimate,
        "low": interval.low,
        "high": interval.high,
        "pairs": len(away),
        "p": sign_flip(away),
    }


def _figure(measure: str, searches: Searches, tuner: str) -> pd.Series[float]:
    """A measure of each repeat of a tuner's search."""
    if measure == "choice":
        return searches.chosen(tuner)["fresh_test"].astype(float)
    regrets = regret(searches.curves(tuner), searches.known, searches.judged.direction)
    return area(regrets)


def _answer(row: Mapping[Any, Any]) -> Answer:
    if row["pairs"] < fewest_pairs(ALPHA) or not row["p_holm"] <= ALPHA:
        return Answer.UNDECIDED
    sign = 1.0 if row["direction"] == "higher" else -1.0
    return Answer.CONFIRMED if sign * row["effect"] > 0 else Answer.NOT_CONFIRMED


def _text(row: Mapping[Any, Any]) -> str:
    if not math.isfinite(row["effect"]):
        return "-"
    bounds = ", ".join(number(row[end], DIGITS) for end in ("low", "high"))
    return (
        f"{row['tuner']} less {row['reference']}, {WORDS[row['measure']]}: "
        f"{row['effect']:+.{DIGITS}f} [{bounds}], p {p_text(row['p_holm'])}, {row['pairs']} repeats"
    )
