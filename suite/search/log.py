"""The log of searches: one row an ask, one row a search's choice, as data classes and as files."""

from __future__ import annotations

import io
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import pandas as pd

from suite.csvtext import csv_text, unmarked
from suite.errors import RecordError
from suite.files import replacing, write_whole
from suite.foreign import text_of

ASKS = "asks"
CHOICES = "choices"
MOST_BYTES = 256 << 20
"""Of a log."""


@dataclass(frozen=True)
class Ask:
    """One trial that a tuner asked for, and what came of it.

    Attributes:
        task, tuner, repeat: the search; repeats of a tuner count from 0.
        number: from 1, in the order of asking within the search.
        round: from 1: the batch it was asked in.
        trial: key of its trial in the record.
        recipe: canonical JSON of its hyperparameters.
        epochs: epochs that this ask trained; of a promoted Hyperband trial the further ones only.
        cost: full trainings that the search has spent up to and with this ask: epochs so far
            divided by the epochs of a full training.
        status: a `suite.trial.Status` value.
        score: the objective at the selected epoch; NaN where it diverged or failed.
        val, test: the task's metric at the selected epoch; NaN likewise, and where the record does
            not hold them (a recorded training that a replay looks into before its end).
        oracle_seconds: the time of the oracle that falls to this ask.
        train_seconds: the time of its training.
    """

    task: str
    tuner: str
    repeat: int
    number: int
    round: int
    trial: str
    recipe: str
    epochs: int
    cost: float
    status: str
    score: float
    val: float
    test: float
    oracle_seconds: float
    train_seconds: float


@dataclass(frozen=True)
class Choice:
    """What a search would hand to its user: its trial of best score, and how that does afresh.

    Attributes:
        task, tuner, repeat: the search.
        trial, recipe: the chosen trial; both empty where every trial diverged or failed.
        score, val: the objective and the metric that it was chosen with.
        fresh_val, fresh_test: means of the metric over fresh seeds, trained in full. A training
            that diverged counts as the trivial predictor, and so does a search without a choice.
        fresh_seeds: how many fresh seeds; 0 where there was none.
    """

    task: str
    tuner: str
    repeat: int
    trial: str
    recipe: str
    score: float
    val: float
    fresh_val: float
    fresh_test: float
    fresh_seeds: int


def best_of(asks: Iterable[Ask], direction: str) -> Ask | None:
    """The ask of best score, the first one of equals; None where no score is a finite number.

    `direction` is "min" or "max".
    """
    sign = 1.0 if direction == "min" else -1.0
    scored = [ask for ask in asks if math.isfinite(ask.score)]
    return min(scored, key=lambda ask: sign * ask.score, default=None)


def asks_frame(asks: Sequence[Ask]) -> pd.DataFrame:
    """One row an ask; columns as the attributes of `Ask`."""
    return pd.DataFrame(map(asdict, asks), columns=[field.name for field in fields(Ask)])


def choices_frame(choices: Sequence[Choice]) -> pd.DataFrame:
    """One row a search; columns as the attributes of `Choice`."""
    return pd.DataFrame(map(asdict, choices), columns=[field.name for field in fields(Choice)])


def write_log(folder: Path, asks: pd.DataFrame, choices: pd.DataFrame) -> None:
    """Write `asks.csv`, `asks.parquet` and `choices.csv` into `folder`."""
    write_whole(folder / f"{ASKS}.csv", csv_text(asks))
    with replacing(folder / f"{ASKS}.parquet") as beside:
        asks.to_parquet(beside, index=False)
    write_whole(folder / f"{CHOICES}.csv", csv_text(choices))


def read_log(folder: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The asks and the choices that `write_log` wrote; RecordError where there are none."""
    paths = [folder / f"{name}.csv" for name in (ASKS, CHOICES)]
    if not all(path.is_file() for path in paths):
        raise RecordError(
            f"Expected a folder of searches, with {ASKS}.csv and {CHOICES}.csv in it. "
            f"Received: {folder}."
        )
    texts = {"task": str, "tuner": str, "trial": str, "recipe": str}
    asks, choices = (_read(path, folder, texts) for path in paths)
    chosen = ["trial", "recipe"]  # an empty text is a search without a choice, not a gap
    choices[chosen] = choices[chosen].astype("str").fillna("")
    return asks, choices


def _read(path: Path, folder: Path, texts: Mapping[str, type]) -> pd.DataFrame:
    """A file as `csv_text` wrote it; RecordError where it is no such file."""
    wanted = [field.name for field in fields(Ask if path.stem == ASKS else Choice)]
    try:
        frame = pd.read_csv(io.StringIO(text_of(path, folder, MOST_BYTES)), dtype=texts)
        numbers = [name for name in wanted if name not in {*texts, "status"}]
        frame[numbers] = frame[numbers].apply(pd.to_numeric)
    except (ValueError, KeyError) as error:
        raise RecordError(f"Expected the log of a search in {path}. Received: {error}.") from error
    columns = frame.select_dtypes(exclude="number").columns
    return frame.assign(**{name: frame[name].map(unmarked) for name in columns})
