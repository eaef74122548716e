"""Tables of searches as people see them: golden files for every format, whole at 80 columns.

After a change that is meant, write the golden files anew with `python tests/golden/renew.py`, and
read the difference before it is kept.
"""

from __future__ import annotations

import math
from dataclasses import replace

import pandas as pd
import pytest
from test_tables import GOLDEN, golden, terminal

from suite.search.log import Ask, Choice, asks_frame, choices_frame
from suite.search.tables import curves_frame, search_tables
from suite.summary import Judged
from suite.tables.table import Table

JUDGED = Judged("churn", "auc", "loss", "min", {"val": 0.5, "test": 0.5}, "majority class")
BUDGETS = {"random": 4, "tpe": 4, "random x2": 8}
LOSSES = {  # tuner, repeat -> the loss of each trial; None diverged
    ("random", 0): [0.50, 0.44, 0.48, 0.42],
    ("random", 1): [None, 0.46, 0.52, 0.44],
    ("tpe", 0): [0.50, 0.42, 0.40, 0.41],
    ("tpe", 1): [0.48, None, 0.41, 0.40],
    ("random x2", 0): [0.50, 0.46, 0.44, 0.46, 0.42, 0.48, 0.40, 0.46],
    ("random x2", 1): [0.48, 0.52, None, 0.43, 0.43, 0.44, 0.41, 0.42],
}
NAMES = ("search-churn", "choice-churn")


def asked(tuner: str, repeat: int, i: int, loss: float | None) -> Ask:
    """Trial i of a search; its AUC is 1 less the loss, a hundredth less on test."""
    score = math.nan if loss is None else loss
    return Ask(
        task="churn",
        tuner=tuner,
        repeat=repeat,
        number=i + 1,
        round=i + 1,
        trial=f"{tuner}-{repeat}-{i}",
        recipe="{}",
        epochs=20,
        cost=i + 1.0,
        status="diverged" if loss is None else "completed",
        score=score,
        val=1 - score,
        test=0.99 - score,
        oracle_seconds=0.01,
        train_seconds=0.5,
    )


ASKS = [asked(*search, i, x) for search, own in LOSSES.items() for i, x in enumerate(own)]
CHOICES = [
    Choice("churn", tuner, repeat, "key", "{}", best, 1 - best, 0.98 - best, 0.97 - best, 3)
    for (tuner, repeat), losses in LOSSES.items()
    for best in [min(loss for loss in losses if loss is not None)]
]


def tables(
    asks: list[Ask] = ASKS, choices: list[Choice] = CHOICES, judged: Judged = JUDGED, **options
) -> dict[str, Table]:
    """The tables by name."""
    frames = asks_frame(asks), choices_frame(choices)
    found = search_tables(*frames, {judged.task: judged}, BUDGETS, **options)
    return {table.name: table for table in found}


def renew() -> None:
    """Write every golden file anew."""
    for name, table in tables().items():
        table.write(GOLDEN)
        (GOLDEN / f"{name}.parquet").unlink()
        (GOLDEN / f"{name}.txt").write_text(terminal(table), encoding="utf-8")


def row(name: str, tuner: str, **options) -> pd.Series:
    """The figures of one row of a table."""
    full = tables(**options)[name].full.set_index("tuner")
    return full.loc[tuner]


# The golden files.


@pytest.mark.parametrize("name", NAMES)
def test_every_format_is_as_agreed(name, tmp_path):
    """Markdown and terminal byte by byte, figures to twelve digits on any machine."""
    table = tables()[name]
    table.write(tmp_path)
    assert (tmp_path / f"{name}.md").read_text(encoding="utf-8") == golden(f"{name}.md")
    assert terminal(table) == golden(f"{name}.txt")
    found, agreed = (pd.read_csv(folder / f"{name}.csv") for folder in (tmp_path, GOLDEN))
    pd.testing.assert_frame_equal(found, agreed, rtol=1e-12)


# The figures, by hand.


def test_searches_are_looked_at_after_a_quarter_half_and_the_whole_of_the_budget():
    """Random search's two: 0.50 and par (0.48), 0.44 and 0.46, 0.42 and 0.44.

    Par is the median of 0.42, 0.44, 0.44, 0.46, 0.48, 0.50, 0.52 and the diverged one: 0.48; so
    0.50 counts as 0.48, too.
    """
    random = row("search-churn", "random")
    assert random["quarter"] == pytest.approx(0.48)
    assert random["half"] == pytest.approx(0.45)
    assert random["whole"] == pytest.approx(0.43)
    assert (random["repeats"], random["asks"], random["diverged"]) == (2, 4, 1 / 8)


def test_a_yardstick_is_looked_at_after_as_large_a_share_of_its_own_budget():
    """Twice the budget: after 2, 4 and 8 trainings where the others had 1, 2 and 4."""
    more = row("search-churn", "random x2")
    assert more["quarter"] == pytest.approx((0.46 + 0.48) / 2)
    assert more["half"] == pytest.approx((0.44 + 0.43) / 2)
    assert more["whole"] == pytest.approx((0.40 + 0.41) / 2)
    for table in tables().values():
        assert "random x2 is a yardstick" in table.note


def test_regret_is_measured_from_the_best_score_known():
    """The best of all asks, 0.40; or what is given, by repeat."""
    random = row("search-churn", "random")
    by_repeat = [(0.48 + 0.44 + 0.44 + 0.42) / 4 - 0.4, (0.48 + 0.46 + 0.46 + 0.44) / 4 - 0.4]
    assert random["regret"] == pytest.approx(sum(by_repeat) / 2)
    given = row("search-churn", "random", known={"churn": {0: 0.3, 1: 0.4}})
    assert given["regret"] == pytest.approx(random["regret"] + 0.05)


def test_choices_are_compared_with_random_search_s_repeat_by_repeat():
    """0.40 against 0.42, 0.40 against 0.44: 0.03 better; random search has nothing beside it."""
    tpe = row("choice-churn", "tpe")
    assert tpe["val"] == pytest.approx(0.6)
    assert tpe["fresh_val"] == pytest.approx(0.58)
    assert tpe["fresh_test"] == pytest.approx(0.57)
    assert tpe["effect"] == pytest.approx(0.03)
    assert tpe["effect_low"] < 0.03 < tpe["effect_high"]
    assert math.isnan(row("choice-churn", "random")["effect"])


def test_seconds_are_those_of_one_search():
    """Four asks of a hundredth and of half a second; eight of the yardstick."""
    assert row("choice-churn", "tpe")["oracle_seconds"] == pytest.approx(0.04)
    assert row("choice-churn", "random x2")["train_seconds"] == pytest.approx(4.0)


def test_higher_may_be_better():
    """Signs turned round, the same figures come out."""
    turned = [replace(ask, score=-ask.score) for ask in ASKS]
    judged = replace(JUDGED, direction="max")
    for what in ("quarter", "half", "whole"):
        found = row("search-churn", "tpe", asks=turned, judged=judged)[what]
        assert found == pytest.approx(-row("search-churn", "tpe")[what])
    found = row("search-churn", "tpe", asks=turned, judged=judged)["regret"]
    assert found == pytest.approx(row("search-churn", "tpe")["regret"])
    assert "higher is better" in tables(turned, judged=judged)["search-churn"].title


# What holds for any searches.


@pytest.mark.parametrize("scale", [1.0, -0.9, 1000.0, -12.0])
def test_tables_fit_80_columns(scale):
    """Every figure whole, in one line with its tuner, whatever its size and sign."""
    asks = [replace(ask, score=scale * ask.score) for ask in ASKS]
    choices = [
        replace(one, val=scale, fresh_val=scale * one.fresh_val, fresh_test=scale * one.fresh_test)
        for one in CHOICES
    ]
    for table in tables(asks, choices).values():
        lines = terminal(table).splitlines()
        assert max(map(len, lines)) <= 80
        assert not any("…" in line for line in lines)
        for cells in table.shown:
            assert any(all(cell in line for cell in cells) for line in lines), cells


def test_one_search_of_each_has_figures_and_no_intervals():
    """There is nothing to be said about another one."""
    asks = [ask for ask in ASKS if ask.repeat == 0]
    choices = [choice for choice in CHOICES if choice.repeat == 0]
    found = tables(asks, choices)
    assert "±" not in "".join(map("".join, found["search-churn"].shown))
    assert row("choice-churn", "tpe", asks=asks, choices=choices)["effect"] == pytest.approx(0.02)


def test_searches_that_all_diverged_have_dashes():
    """And the tables stand all the same."""
    asks = [replace(ask, score=math.nan, val=math.nan) for ask in ASKS]
    choices = [replace(c, trial="", recipe="", fresh_seeds=0, score=math.nan) for c in CHOICES]
    found = tables(asks, choices)
    assert found["search-churn"].shown[0][1:] == ["-", "-", "-", "-"]
    assert (found["choice-churn"].full["undecided"] == 2).all()


def test_a_choice_without_fresh_seeds_has_no_fresh_score():
    """The note says why."""
    none = {"fresh_val": math.nan, "fresh_test": math.nan, "fresh_seeds": 0}
    found = tables(choices=[replace(choice, **none) for choice in CHOICES])["choice-churn"]
    assert found.shown[1][2:5] == ["-", "-", ""]
    assert "want of seeds" in found.note


def test_tuners_that_have_not_begun_are_left_out():
    """A run that was interrupted shows what there is; random search may be what is missing."""
    asks = [ask for ask in ASKS if ask.tuner == "tpe"]
    choices = [choice for choice in CHOICES if choice.tuner == "tpe"][:1]
    found = tables(asks, choices)
    for table in found.values():
        assert [cells[0] for cells in table.shown] == ["tpe"]
    assert tables(asks, [])["choice-churn"].shown[0][1:5] == ["-", "-", "-", ""]
    assert tables([], []) == {}


def test_searches_that_stopped_early_are_compared_by_what_they_have():
    """A search without an ask in the log has no curve; the others have."""
    asks = [ask for ask in ASKS if (ask.tuner, ask.repeat) != ("tpe", 1)]
    assert row("search-churn", "tpe", asks=asks)["repeats"] == 1


def test_curves_are_there_to_be_plotted():
    """A row a tuner and training; the yardstick at twice the cost; draws for random search."""
    frames = asks_frame(ASKS), choices_frame(CHOICES)
    curves = curves_frame(*frames, {"churn": JUDGED}, BUDGETS)
    assert len(curves) == 3 * 4
    more = curves[curves["tuner"] == "random x2"]
    assert list(more["spent"]) == [2, 4, 6, 8]
    random = curves[curves["tuner"] == "random"].set_index("trainings")
    assert random.loc[4, "best"] == pytest.approx(0.43)
    scores = [0.42, 0.44, 0.44, 0.46, 0.48, 0.48, 0.48, 0.48]
    assert random.loc[1, "draws"] == pytest.approx(sum(scores) / 8)
    assert more["draws"].isna().all()
    assert curves_frame(asks_frame([]), choices_frame([]), {"churn": JUDGED}, BUDGETS).empty
