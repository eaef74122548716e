"""Tables as people see them: golden files for every format, names whole at 80 columns.

The files in `tests/golden/` are what the tables of the hand-worked matrix (`example.py`) look like.
After a change that is meant, write them anew with `python tests/golden/renew.py`, and read the
difference before it is kept.
"""

from __future__ import annotations

import io
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import pandas as pd
import pytest
from example import JUDGED, matrix, outcome
from rich.console import Console
from unwell import looked_into

from suite.evidence import Evidence, TaskEvidence
from suite.factors import ACTIVATIONS, INITIALIZERS, OPTIMIZERS
from suite.frame import frame_of
from suite.held import Scale
from suite.summary import Judged, of_task
from suite.tables.matrix import matrix_tables
from suite.tables.table import Table
from suite.tables.text import level_text, number, recipe_text
from suite.tables.verdicts import sentence
from suite.trial import Outcome, Status

GOLDEN = Path(__file__).parent / "golden"
NAMES = (
    *("best-churn", "levels-churn", "importance-churn", "divergence-churn"),
    *("health", "costs", "winners", "across", "verdicts"),
)
WINNER = {
    "task": "churn",
    "metric": "auc",
    "recipe": {"optimizer": "adam", "dropout": 0.5},
    "fleet_val": 0.87,
    "fleet_test": 0.85,
    "fresh_val": 0.861,
    "fresh_test": 0.8412,
    "fresh_test_sd": 0.0049,
    "trivial_test": 0.5,
}


def evidence_of(
    outcomes: Iterable[Outcome],
    factors: Mapping[str, Sequence[object]],
    *judged: Judged,
    winners: Sequence[Mapping[str, object]] = (),
) -> Evidence:
    """The evidence of outcomes, one task for every `judged`."""
    every = {own.trial.key: own for own in outcomes}
    frame = frame_of(every.values(), "example")
    tasks = {}
    for own in judged:
        rows = of_task(frame, own)
        varied = {
            n: f for n, f in factors.items() if rows.get(f"hp.{n}", pd.Series()).nunique() > 1
        }
        if not rows.empty:
            tasks[own.task] = TaskEvidence(own, rows, Scale(0.005), varied, {}, every)
    return Evidence(frame, tasks, winners, {"training": 3.0, "total": 4.0})


def example() -> Evidence:
    """The hand-worked matrix on churn, and a task with an effect to be found."""
    other = Judged("text", "auc", "loss", "min", {"val": 0.5, "test": 0.5}, "majority class")
    helped = [
        outcome({"optimizer": o, "dropout": d}, seed, (0.5 - g, 0.8 + g, 0.8 + g), task="text")
        for o, gain in (("sgd", 0.0), ("adam", 0.05))
        for d in (0.0, 0.5)
        for seed in range(8)
        for g in [gain + 0.002 * (seed % 3)]
    ]
    factors = {"optimizer": ("sgd", "adam"), "dropout": (0.0, 0.5)}
    inside = [*looked_into(matrix()), *helped]
    return evidence_of(inside, factors, JUDGED, other, winners=[WINNER])


def tables() -> dict[str, Table]:
    """The tables of the example, by name, but for those of its second task."""
    return {t.name: t for t in matrix_tables(example()) if not t.name.endswith("-text")}


def tables_of(frame: object, judged: Mapping[str, Judged], factors: object) -> Iterator[Table]:
    """Best recipes and levels of outcomes."""
    found = matrix_tables(evidence_of(frame, factors, *judged.values()))
    yield from (table for table in found if table.name.startswith(("best", "levels")))


def terminal(table: Table, width: int = 80) -> str:
    """What a terminal of that width shows."""
    console = Console(file=io.StringIO(), width=width, force_terminal=False, legacy_windows=False)
    console.print(table.rich())
    return "".join(f"{line.rstrip()}\n" for line in console.file.getvalue().splitlines())


def renew() -> None:
    """Write every golden file anew."""
    for name, table in tables().items():
        table.write(GOLDEN)
        (GOLDEN / f"{name}.parquet").unlink()  # compared with the CSV file instead
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
def test_latex_is_as_agreed(name, tmp_path):
    """`<name>.tex`, byte by byte: booktabs rules, every special character escaped."""
    tables()[name].write(tmp_path)
    text = (tmp_path / f"{name}.tex").read_text(encoding="utf-8")
    assert text == golden(f"{name}.tex")
    for rule in ("toprule", "midrule", "bottomrule"):
        assert text.count(f"\\{rule}") == 1


@pytest.mark.parametrize("name", NAMES)
def test_parquet_holds_what_the_csv_file_holds(name, tmp_path):
    """`<name>.parquet`, read with pandas: the same columns and figures."""
    tables()[name].write(tmp_path)
    (tmp_path / "again.csv").write_text(
        pd.read_parquet(tmp_path / f"{name}.parquet").to_csv(index=False)
    )
    whole, again = (pd.read_csv(tmp_path / file) for file in (f"{name}.csv", "again.csv"))
    texts = {"level", "reference"} & set(whole.columns)
    assert list(again.columns) == list(whole.columns)
    pd.testing.assert_frame_equal(again.drop(columns=texts), whole.drop(columns=texts))


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
    assert "| sgd | 0.790 | | | | |" in levels
    assert "| adam | 0.860 | +0.070 [-0.189, 0.330] | 0.360 | ? 6 more seeds | +0.030 |" in levels
    verdicts = " ".join(golden("verdicts.md").split())
    assert "| adam | ? +0.070 | ▲ +0.050 |" in verdicts
    divergence = " ".join(golden("divergence-churn.md").split())
    assert "| adam | 1/4 | 25.0% |" in divergence
    health = " ".join(golden("health.md").split())
    assert "| adam | dense 1 | 1.0e-04 | 0.01 | 12.5% | - | 4 |" in health
    assert "0.870 | 0.861 | +0.009 | 0.841 ±0.005 |" in " ".join(golden("winners.md").split())


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
    yield from tables_of(outcomes, {"churn": judged}, dict.fromkeys(levels, ()))


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
    table = next(tables_of(done, {"churn": JUDGED}, {}))
    shown = terminal(table)
    assert max(map(len, shown.splitlines())) <= 80
    assert "…" not in shown
    for word in ("truncated_normal", "leaky_relu", "0.0003", *table.shown[0][2:]):
        assert word in shown


def test_tasks_without_trials_have_no_table():
    """A task whose every trial failed, or that has none, is left out; an empty frame gives none."""
    failed = [outcome({"dropout": 0.5}, status=Status.FAILED)]
    assert list(tables_of(failed, {"churn": JUDGED}, {"dropout": ()})) == []
    assert list(tables_of([], {"churn": JUDGED}, {"dropout": ()})) == []


def test_a_factor_of_one_level_has_no_levels_table():
    """There is nothing to compare."""
    one = [outcome({"dropout": 0.5}, 0, (0.5, 0.8, 0.7))]
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


def test_a_verdict_is_a_sentence_with_its_evidence():
    """Technique, task, effect with interval and unit, pairs, and how it was compared."""
    found = example().levels
    helped = found[(found["task"] == "text") & (found["view"] == "tuned")]
    rows = {(row["factor"], row["level"]): row for row in helped.to_dict("records")}
    said = sentence(rows["optimizer", "adam"], "auc")
    assert said.startswith("optimizer adam (against sgd) helps text: +0.050 [0.0")
    assert said.endswith("auc, 8 pairs, both arms tuned")
    same = sentence(rows["dropout", 0.5], "auc")
    assert "dropout 0.5 (against 0) makes no difference worth knowing to text" in same


def test_an_open_verdict_asks_for_seeds():
    """Two pairs settle nothing; the sentence says so, and what would."""
    found = example().levels
    open_ = found[(found["task"] == "churn") & (found["verdict"] != "")].to_dict("records")
    assert {row["verdict"] for row in open_} == {"underpowered"}
    assert all("more seeds would probably settle it" in sentence(row, "auc") for row in open_)


def test_many_tasks_are_shown_a_few_at_a_time():
    """Eleven tasks: three tables of verdicts, none wider than 80 columns, no task left out."""
    tasks = [f"long_sequence_{i}" for i in range(11)]
    judged = [Judged(t, "auc", "loss", "min", JUDGED.trivial, "majority class") for t in tasks]
    done = [
        outcome({"optimizer": o}, seed, (0.5, 0.8, 0.8), task=t)
        for t in tasks
        for o in ("sgd", "adam")
        for seed in range(2)
    ]
    found = list(matrix_tables(evidence_of(done, {"optimizer": ("sgd", "adam")}, *judged)))
    verdicts = [table for table in found if table.name.startswith("verdicts")]
    assert [name for table in verdicts for name in table.header[1:]] == tasks
    for table in verdicts:
        assert max(map(len, terminal(table).splitlines())) <= 80
