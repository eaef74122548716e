"""Are the verdicts as sure as they say? The suite's own statistics on arms whose truth is known.

    python benchmarks/calibration.py            about ten minutes on two cores
    python benchmarks/calibration.py --check    exit code 1 where a promise is not kept

Recipes of churn are trained once, each on 160 seeds (kept in results/calibration). Arms are then
drawn from the recorded trials, a thousand times: identical arms must be told apart in 5% of the
comparisons, a planted effect must be found as often as the table claims, and 95% intervals must
hold the truth in 95%.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # to be run as a file, too

from benchmarks.closing import AsData, Check, close
from benchmarks.recording import recorded
from benchmarks.resampled import Draw, Pool, compared
from suite.contrasts import TUNED, VIEWS
from suite.held import Scale
from suite.secondlook import SecondLook
from suite.stats.verdict import ALPHA, Verdict

RECORD = Path("results") / "calibration"

PAIRS = 10
FIRST, MOST = 8, 12
"""Seeds of a first look, and the most that a second one adds here."""
EFFECTS = (0.75, 1.0, 1.5)
"""Planted effects, in standard deviations of a seed's score."""
FALSE = (0.03, 0.07)
COVERED = (0.93, 0.97)
OFF = 0.05
"""By how much the rate of findings may miss the power that was claimed."""
FAMILY = 2
"""Factors of a family, so four arms of as many seeds each."""


@dataclass(frozen=True)
class Figure:
    """One measured rate, and the bounds that it was promised to keep."""

    what: str
    view: str
    rate: float
    count: int
    low: float
    high: float

    @property
    def kept(self) -> bool:
        """Whether the promise is kept."""
        return self.low <= self.rate <= self.high


def nominal(count: int) -> float:
    """The most that a rate of at most `ALPHA` may come out as, by two standard errors."""
    return ALPHA + 2 * float(np.sqrt(ALPHA * (1 - ALPHA) / count))


def identical(pool: Pool, seed: int) -> Draw:
    """Two identical arms."""
    drawn = pool.drawn(np.random.default_rng([1, seed]), 1, PAIRS, 0.0)
    return Draw(compared(pool, drawn, Scale(0.0)), 0.0)


def family(pool: Pool, seed: int) -> Draw:
    """Some factors at once, none of which does anything."""
    drawn = pool.drawn(np.random.default_rng([2, seed]), FAMILY, PAIRS, 0.0)
    return Draw(compared(pool, drawn, Scale(0.0)), 0.0)


def planted(pool: Pool, effect: float, stream: int, seed: int) -> Draw:
    """Two arms that differ by `effect`, which is the smallest one worth knowing."""
    drawn = pool.drawn(np.random.default_rng([3, stream, seed]), 1, PAIRS, effect)
    return Draw(compared(pool, drawn, Scale(effect)), effect)


def twice(pool: Pool, seed: int) -> Draw:
    """Two identical arms, looked at again with the seeds that the first look asked for."""
    whole = pool.drawn(np.random.default_rng([4, seed]), 1, FIRST + MOST, 0.0)
    first = compared(pool, whole[whole["seed"] < FIRST], Scale(0.0, SecondLook(FIRST, {})))
    (tuned,) = Draw(first, 0.0).of(TUNED)
    if tuned["verdict"] != Verdict.UNDERPOWERED:
        return Draw(first, 0.0)
    more = int(min(np.nan_to_num(tuned["more_seeds"], nan=MOST, posinf=MOST), MOST))
    look = SecondLook(FIRST, {(pool.judged.task, "technique_0", "b"): more})
    return Draw(compared(pool, whole, Scale(0.0, look)), 0.0)


def drawn(
    make: Callable[[int], Draw], draws: int, workers: ProcessPoolExecutor, say: Console, what: str
) -> list[Draw]:
    """Many draws, on all cores."""
    say.print(f"{what}: {draws} draws")
    return [*workers.map(make, range(draws), chunksize=10)]


def false_rates(draws: Sequence[Draw], view: str) -> Iterator[Figure]:
    """Verdicts on identical arms, and how often their intervals hold the truth."""
    rows = [row for draw in draws for row in draw.of(view)]
    wrong = np.mean([row["p"] <= ALPHA for row in rows])
    yield Figure("identical arms: p <= 5%", view, float(wrong), len(rows), *FALSE)
    said = np.mean([row["verdict"] in ("helps", "hurts") for row in rows])
    yield Figure("identical arms: helps or hurts", view, float(said), len(rows), *FALSE)
    held = np.mean([row["low"] <= 0 <= row["high"] for row in rows])
    yield Figure("identical arms: interval holds 0", view, float(held), len(rows), *COVERED)


def family_rate(draws: Sequence[Draw], view: str) -> Figure:
    """How often any of a family's verdicts is wrong."""
    wrong = [any(r["verdict"] in ("helps", "hurts") for r in draw.of(view)) for draw in draws]
    what = f"{FAMILY} factors: any helps or hurts"
    return Figure(what, view, float(np.mean(wrong)), len(wrong), 0.0, nominal(len(wrong)))


def planted_rates(draws: Sequence[Draw], view: str, times: float) -> Iterator[Figure]:
    """How often a planted effect is found, against the power that the rows claim."""
    rows = [row for draw in draws for row in draw.of(view)]
    effect = draws[0].effect
    found = float(np.mean([row["p_holm"] <= ALPHA and row["effect"] > 0 for row in rows]))
    power = float(np.mean([row["power"] for row in rows]))
    what = f"effect of {times:g} sd: found, claimed {power:.1%}"
    yield Figure(what, view, found, len(rows), power - OFF, power + OFF)
    held = np.mean([row["low"] <= effect <= row["high"] for row in rows])
    what = f"effect of {times:g} sd: interval holds it"
    yield Figure(what, view, float(held), len(rows), *COVERED)


def twice_rates(draws: Sequence[Draw], view: str) -> Figure:
    """Wrong verdicts after a second look."""
    rows = [row for draw in draws for row in draw.of(view)]
    wrong = float(np.mean([row["verdict"] in ("helps", "hurts") for row in rows]))
    what = "looked at twice: helps or hurts"
    return Figure(what, view, wrong, len(rows), 0.0, nominal(len(rows)))


def figures_of(pool: Pool, draws: int, say: Console) -> list[Figure]:
    """Everything that is measured."""
    spread = float(
        pool.frame.groupby("hp.learning_rate")[f"test.{pool.judged.metric}"].std().mean()
    )
    with ProcessPoolExecutor() as workers:
        same = drawn(partial(identical, pool), draws, workers, say, "identical arms")
        families = drawn(partial(family, pool), draws, workers, say, "families")
        effects = {
            times: drawn(
                partial(planted, pool, times * spread, i), draws, workers, say, f"{times:g} sd"
            )
            for i, times in enumerate(EFFECTS)
        }
        looks = drawn(partial(twice, pool), draws, workers, say, "second looks")
    found: list[Figure] = []
    for view in VIEWS:
        found += [*false_rates(same, view), family_rate(families, view)]
        for times, own in effects.items():
            found += planted_rates(own, view, times)
    return [*found, twice_rates(looks, TUNED)]


def table_of(figures: Sequence[Figure]) -> Table:
    """The figures beside what was promised."""
    table = Table(title="calibration", title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for name in ("what", "view", "rate", "promised", "of", ""):
        table.add_column(name, justify="left" if name in ("what", "view", "") else "right")
    for own in figures:
        promised = f"{own.low:.1%} to {own.high:.1%}"
        kept = "" if own.kept else "missed"
        table.add_row(own.what, own.view, f"{own.rate:.1%}", promised, str(own.count), kept)
    return table


def calibration(
    draws: Annotated[int, typer.Option(min=20, help="Comparisons of each kind.")] = 1000,
    record: Annotated[Path, typer.Option(help="Where the trials are kept.")] = RECORD,
    as_data: AsData = False,
    check: Check = False,
) -> None:
    """Hold the suite's verdicts against arms whose truth is known."""
    errors = Console(stderr=True)
    figures = figures_of(recorded(record), draws, errors)
    content = {"figures": [asdict(own) | {"kept": own.kept} for own in figures]}
    missed = [f"{own.what}: missed" for own in figures if not own.kept]
    close(content, missed, as_data=as_data, check=check, table=table_of(figures))


if __name__ == "__main__":
    typer.run(calibration)
