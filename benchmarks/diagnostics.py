"""What looking into the trainings costs: the same fleets with and without a probe after each epoch.

    python benchmarks/diagnostics.py            a quarter of an hour on two cores
    python benchmarks/diagnostics.py --check    exit code 1 where a promise is not kept

Both kinds of fleet are compiled first, then trained in turns, so that whatever else the machine
does meets both alike. Single rounds scatter by ten points and more on a machine that others use,
so there are many of them.
"""

from __future__ import annotations

import statistics
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.box import SIMPLE_HEAD
from rich.table import Table

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # to be run as a file, too

from benchmarks.closing import AsData, Check, close
from suite.environment import settle, spare_tensorflow
from suite.plan import trials as planned
from suite.registry import discover, load
from suite.studyfiles import load_matrix

TASKS = ("churn", "digits", "stock", "text")
MOST = 0.10
"""Share of the training time that the probe may take."""


@dataclass(frozen=True)
class Cost:
    """Seconds of one task with and without the probe; medians over rounds."""

    task: str
    trials: int
    without: float
    probed: float
    compiling: float
    compiling_probed: float
    ratios: list[float]

    @property
    def share(self) -> float:
        """What the probe adds to the training time: the median over rounds."""
        return statistics.median(self.ratios) - 1

    @property
    def middle(self) -> tuple[float, float]:
        """Between which shares the middle half of the rounds lies."""
        low, _, high = statistics.quantiles(self.ratios, n=4, method="inclusive")
        return low - 1, high - 1


class Quiet:
    """A watcher that does not look."""

    def stage(self, text: str) -> None:
        """Nothing."""


def measured(name: str, trials: int, rounds: int) -> Cost:
    """Train the same trials of a task in turns."""
    from suite.engines.fleet import FleetEngine

    task = load(discover()[name], "embedded")
    study = load_matrix("techniques").at("standard")
    every = planned(study, name, "embedded", task.epochs)
    chosen = every[:: max(1, len(every) // trials)][:trials]
    engines = {probed: FleetEngine(probed=probed) for probed in (False, True)}
    ports = {probed: engine.port(task, expected=len(chosen)) for probed, engine in engines.items()}
    seconds: dict[bool, list[float]] = {False: [], True: []}
    compiling = {}
    for number in range(rounds + 1):
        turns = (False, True) if number % 2 else (True, False)
        for probed in turns:
            before = engines[probed].clock["training"]
            for _ in ports[probed].train(chosen, Quiet()):
                pass
            if number:
                seconds[probed].append(engines[probed].clock["training"] - before)
            else:
                compiling[probed] = engines[probed].clock["compiling"]
    return Cost(
        name,
        len(chosen),
        statistics.median(seconds[False]),
        statistics.median(seconds[True]),
        compiling[False],
        compiling[True],
        [b / a for a, b in zip(seconds[False], seconds[True], strict=True)],
    )


def table_of(costs: list[Cost]) -> Table:
    """All tasks."""
    table = Table(
        title="a probe after every epoch",
        title_justify="left",
        caption="seconds of training the same trials, programs compiled; cost: median over rounds, "
        "and where their middle half lies",
        caption_justify="left",
        box=SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
    )
    table.add_column("task")
    for name in ("trials", "without", "probed", "cost", "half of rounds", "compiling", "probed"):
        table.add_column(name, justify="right")
    for cost in costs:
        seconds = [f"{cost.without:.1f} s", f"{cost.probed:.1f} s"]
        low, high = cost.middle
        share = [f"{cost.share:+.1%}", f"{low:+.0%} to {high:+.0%}"]
        compiling = [f"{cost.compiling:.1f} s", f"{cost.compiling_probed:.1f} s"]
        table.add_row(cost.task, str(cost.trials), *seconds, *share, *compiling)
    return table


def diagnostics(
    trials: Annotated[int, typer.Option(min=8, help="Trials of a task.")] = 64,
    rounds: Annotated[int, typer.Option(min=3, help="Times that all are trained.")] = 15,
    task: Annotated[list[str] | None, typer.Option("--task", help="Default: all four.")] = None,
    as_data: AsData = False,
    check: Check = False,
) -> None:
    """Measure what the probe adds to the training time of each task."""
    settle()
    spare_tensorflow()
    costs = [measured(name, trials, rounds) for name in task or TASKS]
    missed = [
        f"{cost.task}: Expected at most {MOST:.0%}. Received: {cost.share:.1%}."
        for cost in costs
        if cost.share > MOST
    ]
    content = {"costs": [asdict(cost) | {"share": cost.share} for cost in costs]}
    close(content, missed, as_data=as_data, check=check, table=table_of(costs))


if __name__ == "__main__":
    typer.run(diagnostics)
