"""Tables as people see them: golden files for every format, names whole at 80 columns.

The files in `tests/golden/` are what the tables of the hand-worked matrix (`example.py`) look like.
After a change that is meant, write them anew with `python tests/golden/renew.py`, and read the
difference before it is kept.
"""

from __future__ import annotations

import io
import math
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from example import JUDGED, matrix, outcome
from rich.console import Console

from suite.factors import ACTIVATIONS, INITIALIZERS, OPTIMIZERS
from suite.frame import frame_of
from suite.summary import Judged
from suite.tables import Table, level_text, number, recipe_text, tables_of, winners_table
from suite.trial import Status

GOLDEN = Path(__file__).parent / "golden"
NAMES = ("best-churn", "levels-churn", "winners")
WINNER = {
    "task": "churn",
    "metric": "auc",
    "recipe": {"optimizer": "adam", "dropout": 0.5},
    "fleet_val": 0.87,
    "fleet_test": 0.85,
    "fresh_test": 0.8412,
    "fresh_test_sd": 0.0049,
    "trivial_test": 0.5,
}


def tables() -> dict[str, Table]:
    """The tables of the example, by name."""
    frame = frame_of(matrix(), "example")
    found = [*tables_of(frame, {"churn": JUDGED}, {"optimizer": (), "dropout": ()})]
    return {table.name: table for table in [*found, winners_table([WINNER])]}


def terminal(table: Table, width: int = 80) -> str:
    """What a terminal of that width shows."""
    console = Console(file=io.StringIO(), width=width, force_terminal=False, legacy_windows=False)
    console.print(table.rich())
    return "".join(f"{line.rstrip()}\n" for line in console.file.getvalue().splitlines())


def renew() -> None:
    """Write every golden file anew."""
    for name, table in tables().items():
        table.write(GOLDEN)
        (GOLDEN / f"{name}.txt").write_text(terminal(table), encoding="utf-8")


def golden(name: str) -> str:
    return (GOLDEN / name).read_text(encoding="utf-8")


# The golden files.


def test_the_example_has_all_tables():
    """Best recipes, levels, winners: each has its golden files."""
    assert tuple(tables()) == NAMES
    assert {path.stem for path in GOLDEN.iterdir() if path.suffix != ".py"} >= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_markdown_is_as_agreed(name, tmp_path):
    """`<name>.md`, byte by byte."""
    tables()[name].write(tmp_path)
    assert (tmp_path / f"{name}.md").read_text(encoding="utf-8") == golden(f"{name}.md")


@pytest.mark.parametrize("name", NAMES)
def test_csv_is_as_agreed(name, tmp_path):
    """`<name>.csv`: the same header and cells; figures to twelve digits on any machine."""
    tables()[name].write(tmp_path)
    found, agreed = (pd.read_csv(folder / f"{name}.csv") for folder in (tmp_path, GOLDEN))
    pd.testing.assert_frame_equal(found, agreed, rtol=1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_the_terminal_shows_what_was_agreed(name):
    """80 columns, no colours where there is no terminal."""
    assert terminal(tables()[name]) == golden(f"{name}.txt")


def test_figures_of_the_golden_files_are_those_worked_out_by_hand():
    """The files hold what `example.py` says, not only what the code gave once."""
    best, levels = (" ".join(golden(f"{name}-churn.md").split()) for name in ("best", "levels"))
    assert "| 1 | adam, dropout 0.5 | 0.870 ±0.014 | 0.850 ±0.014 |" in best
    assert "| - | trivial: majority class | 0.500 | 0.500 |" in best
    assert "| sgd | 0.740 | | 0.790 | |" in levels
    assert "0.770 | +0.030 [-1.241, 1.301] | 0.850 | +0.060 [0.060, 0.060] |" in levels


# What holds for any table.


def rough(levels: dict[str, tuple], scale: float = 1.0) -> Iterator[Table]:
    """The tables of a matrix of one factor whose effects are negative and uncertain."""
    judged = Judged("churn", "auc", "loss", "min", {"val": -scale, "test": -scale}, "x")
    outcomes = [
        outcome({name: level}, seed, (0.5, -scale, -scale * (1 + 0.01 * i * (seed + 1))))
        for name, own in levels.items()
        for i, level in enumerate(own)
        for seed in range(3)
    ]
    yield from tables_of(frame_of(outcomes, "s"), {"churn": judged}, dict.fromkeys(levels, ()))


@pytest.mark.parametrize("scale", [0.9, 12.0])
@pytest.mark.parametrize(
    "levels",
    [{"initializer": INITIALIZERS}, {"optimizer": OPTIMIZERS}, {"activation": ACTIVATIONS}],
)
def test_no_level_is_cut_at_80_columns(levels, scale):
    """Every level of every named factor stands whole in one line, every figure beside it."""
    *_, table = rough(levels, scale)
    shown = terminal(table)
    assert max(map(len, shown.splitlines())) <= 80
    assert "…" not in shown
    (own,) = levels.values()
    words = [line.split() for line in shown.splitlines()]
    for level in own:
        assert any(level in line for line in words), level
    for cell in (cell for row in table.shown for cell in row[1:] if cell):
        assert cell in shown, cell


def test_best_recipes_fit_80_columns():
    """A recipe of every technique wraps; its figures stay whole."""
    hp = {
        "initializer": "truncated_normal",
        "optimizer": "momentum",
        "learning_rate": 0.0003,
        "batch_size": 128,
        "dropout": 0.25,
        "batch_norm": True,
        "l1": 0.0001,
        "l2": 0.0001,
        "activation": "leaky_relu",
        "clipnorm": 1.0,
    }
    done = [outcome(hp, seed, (0.5, -123.456, -124.5)) for seed in (0, 1)]
    table = next(tables_of(frame_of(done, "s"), {"churn": JUDGED}, {}))
    shown = terminal(table)
    assert max(map(len, shown.splitlines())) <= 80
    assert "…" not in shown
    for word in ("truncated_normal", "leaky_relu", "0.0003", *table.shown[0][2:]):
        assert word in shown


def test_tasks_without_trials_have_no_table():
    """A task whose every trial failed, or that has none, is left out; an empty frame gives none."""
    failed = frame_of([outcome({"dropout": 0.5}, status=Status.FAILED)], "s")
    assert list(tables_of(failed, {"churn": JUDGED}, {"dropout": ()})) == []
    assert list(tables_of(frame_of([], "s"), {"churn": JUDGED}, {"dropout": ()})) == []


def test_a_factor_of_one_level_has_no_levels_table():
    """There is nothing to compare."""
    one = frame_of([outcome({"dropout": 0.5}, 0, (0.5, 0.8, 0.7))], "s")
    assert [t.name for t in tables_of(one, {"churn": JUDGED}, {"dropout": ()})] == ["best-churn"]


def test_names_are_shown_as_they_are():
    """Brackets are no markup, a bar is no column: a task's own words reach the reader."""
    table = Table("x", "of [b]it[/c]", pd.DataFrame(), ["a|b"], [["[red]x[/nope]"]], "n [/z]")
    shown = terminal(table)
    for text in ("of [b]it[/c]", "[red]x[/nope]", "n [/z]"):
        assert text in shown
    assert "| a\\|b |" in table.markdown()


def test_every_recipe_has_words():
    """A recipe with every technique off is named, too; an empty cell says nothing."""
    assert recipe_text({"hp.dropout": 0.0, "hp.batch_norm": False}).strip()


@pytest.mark.parametrize(
    ("recipe", "text"),
    [
        ({"hp.initializer": "he_normal", "hp.l1": 0.0001, "hp.l2": 0.0}, "he_normal, L1 0.0001"),
        ({"hp.units": 16, "hp.optimizer": "adam"}, "adam, units 16"),
        ({"hp.batch_norm": True, "hp.batch_size": 64}, "batch 64, batch_norm"),
        ({"hp.learning_rate": 0.1, "hp.other": math.nan}, "lr 0.1"),
    ],
)
def test_a_recipe_is_one_line(recipe, text):
    """What is on, the standard techniques before the task's own."""
    assert recipe_text(recipe) == text


@pytest.mark.parametrize(
    ("level", "text"),
    [(True, "on"), (False, "off"), ("adam", "adam"), (1e-4, "0.0001"), (32, "32"), (0.3, "0.3")],
)
def test_levels_are_written_as_a_person_would(level, text):
    """`on`, `0.0001`, `adam`."""
    assert level_text(level) == text


@pytest.mark.parametrize(
    ("value", "text"), [(0.12345, "0.123"), (-2.0, "-2.000"), (math.nan, "-"), (math.inf, "-")]
)
def test_a_figure_that_is_none_is_a_dash(value, text):
    """NaN and infinity are not printed."""
    assert number(value) == text
