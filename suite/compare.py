"""Two results folders: did the outcomes change beyond noise, and what else changed?

Trials are paired by their keys, so both sides trained the very same recipes on the very same seeds;
their differences are averaged within a seed, and seeds are the pairs.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from suite.contrasts import TUNED
from suite.frame import HP
from suite.held import ordered_levels
from suite.reading import Reading
from suite.stats.intervals import Interval, bca_mean
from suite.stats.looks import holm
from suite.stats.paired import sign_flip
from suite.stats.verdict import Verdict, verdict
from suite.study import SMALLEST_EFFECT, Study
from suite.summary import Judged, of_task, ranking
from suite.tables.text import recipe_text


class Change(enum.StrEnum):
    """What became of an outcome."""

    IDENTICAL = "identical"  # every shared trial has the very same figure
    BETTER = "better"
    WORSE = "worse"
    SAME = "same"  # the whole interval is inside the region of practical equivalence
    UNDECIDED = "undecided"


OF_VERDICT = {
    Verdict.HELPS: Change.BETTER,
    Verdict.HURTS: Change.WORSE,
    Verdict.EQUIVALENT: Change.SAME,
    Verdict.UNDERPOWERED: Change.UNDECIDED,
}


@dataclass(frozen=True)
class Comparison:
    """What two runs have in common, and how they differ.

    Attributes:
        tasks: one row a shared task: `task`, `metric`, `trials_old`, `trials_new`,
            `trials_shared`, `identical` (shared trials of the very same figure), `best_test_old`,
            `best_test_new`, and as `levels` from `effect` on.
        levels: one row a level of a factor on a task: `task`, `factor`, `level`, `old`, `new` (mean
            test metric of the shared trials), `effect` (new - old), `low`, `high`, `pairs` (seeds),
            `p`, `p_holm`, `change`, `verdict_old`, `verdict_new` (tuned, against the first level).
        cause: whether the code, the environment, or both changed, in a sentence.
        warnings: why the two may not be comparable, a sentence each.
    """

    tasks: pd.DataFrame
    levels: pd.DataFrame
    cause: str
    warnings: Sequence[str]

    @property
    def regressed(self) -> bool:
        """Whether any task, or any level of a factor, is worse than before."""
        changes = [frame["change"] for frame in (self.tasks, self.levels) if not frame.empty]
        return any((own == Change.WORSE).any() for own in changes)


def compare(old: Reading, new: Reading) -> Comparison:
    """Compare what two results folders hold."""
    tasks: list[dict[str, Any]] = []
    parts = []
    for name in (name for name in old.judged if name in new.judged):
        judged = new.judged[name]
        sides = of_task(old.frame, judged), of_task(new.frame, judged)
        shared = _shared(*sides)
        rope = _rope(new, name)
        tasks.append(_task_row(judged, sides, shared) | _change(shared, rope))
        parts += [_levels(new, name, shared, rope)]
    levels = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()
    return Comparison(
        _settled(pd.DataFrame(tasks)),
        _with_verdicts(levels, old, new),
        cause_of(old.run, new.run),
        [*_warnings(old.run, new.run)],
    )


def _rope(reading: Reading, task: str) -> float:
    study = reading.study
    return study.smallest_effect_for(task) if isinstance(study, Study) else SMALLEST_EFFECT


def _shared(old: pd.DataFrame, new: pd.DataFrame) -> pd.DataFrame:
    """The rows of `new` whose trials `old` has, too, with `test_old` and `gain`."""
    both = new.merge(old[["trial", "test"]], on="trial", suffixes=("", "_old"))
    return both.assign(gain=both["test"] - both["test_old"])


def _task_row(
    judged: Judged, sides: tuple[pd.DataFrame, pd.DataFrame], shared: pd.DataFrame
) -> dict[str, Any]:
    best = [_best(side, judged) for side in sides]
    return {
        "task": judged.task,
        "metric": judged.metric,
        "trials_old": len(sides[0]),
        "trials_new": len(sides[1]),
        "trials_shared": len(shared),
        "identical": int((shared["gain"] == 0).sum()),
        **{f"best_test_{side}": b["test"] for side, b in zip(("old", "new"), best, strict=True)},
        **{f"recipe_{side}": b["recipe"] for side, b in zip(("old", "new"), best, strict=True)},
    }


def _best(rows: pd.DataFrame, judged: Judged) -> dict[str, Any]:
    ranked = ranking(rows, judged)
    if ranked.empty:
        return {"test": math.nan, "recipe": ""}
    best = ranked.iloc[0]
    recipe = {str(k): v for k, v in best.items() if str(k).startswith(HP)}
    return {"test": float(best["test"]), "recipe": recipe_text(recipe)}


def _change(shared: pd.DataFrame, rope: float) -> dict[str, Any]:
    """The mean gain over seeds, with its interval; what Holm decides comes later."""
    gains = shared.groupby("seed")["gain"].mean().to_numpy(float)
    interval = bca_mean(gains)
    return {
        "effect": interval.estimate,
        "low": interval.low,
        "high": interval.high,
        "pairs": len(gains),
        "p": sign_flip(gains),
        "rope": rope,
        "same": bool(len(shared)) and not shared["gain"].any(),
    }


def _settled(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows with Holm's p-values and what follows from them."""
    if rows.empty:
        return rows
    rows = rows.assign(p_holm=holm(rows["p"].to_numpy(float)))
    changes = [_word(row).value for row in rows.to_dict("records")]
    return rows.drop(columns="same").assign(change=changes)


def _word(row: Mapping[Any, Any]) -> Change:
    if row["same"]:
        return Change.IDENTICAL
    gain = Interval(row["effect"], row["low"], row["high"])
    return OF_VERDICT[verdict(gain, row["p_holm"], row["pairs"], row["rope"])]


def _levels(new: Reading, task: str, shared: pd.DataFrame, rope: float) -> pd.DataFrame:
    """The shared trials of one task by the levels of each factor."""
    own = new.evidence.tasks.get(task)
    rows: list[dict[str, Any]] = []
    for factor, order in (own.factors if own else {}).items():
        for level in ordered_levels(shared, factor, order):
            held = shared[shared[f"{HP}{factor}"] == level]
            means = {"old": held["test_old"].mean(), "new": held["test"].mean()}
            rows.append({"task": task, "factor": factor, "level": level, **means})
            rows[-1] |= _change(held, rope)
    return _settled(pd.DataFrame(rows))


def _with_verdicts(levels: pd.DataFrame, old: Reading, new: Reading) -> pd.DataFrame:
    """The levels with what each run says of them, tuned, against the factor's first level."""
    if levels.empty:
        return levels
    for side, reading in (("old", old), ("new", new)):
        said = reading.evidence.levels
        tuned = said[said["view"] == TUNED] if len(said) else said
        known = {
            (row["task"], row["factor"], row["level"]): row["verdict"]
            for row in tuned.to_dict("records")
        }
        keys = zip(levels["task"], levels["factor"], levels["level"], strict=True)
        levels = levels.assign(**{f"verdict_{side}": [known.get(key, "") for key in keys]})
    return levels


def cause_of(old: Mapping[str, Any], new: Mapping[str, Any]) -> str:
    """What changed between two runs beside their outcomes, by their provenance."""
    commits = [run.get("commit", "") for run in (old, new)]
    code = f"the code changed ({commits[0]} to {commits[1]})" if len({*commits}) > 1 else ""
    if not all(commits):
        code = "the code is of unknown commit"
    elif any(commit.endswith("+") for commit in commits):
        code = "the code was changed and not committed (" + ", ".join(commits) + ")"
    changed = [*_environment(old, new)]
    environment = f"the environment changed ({'; '.join(changed)})" if changed else ""
    if code and environment:
        return f"Between the runs {code}, and {environment}: which of them did it cannot be told."
    if code or environment:
        return f"Between the runs {code or environment}, and nothing else that is recorded."
    return "Both runs have the same code and the same environment."


def _environment(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    for part in ("versions", "hardware"):
        before, after = old.get(part, {}), new.get(part, {})
        for name in {**before, **after}:
            if before.get(name) != after.get(name):
                yield f"{name} {before.get(name, 'none')} to {after.get(name, 'none')}"


def _warnings(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    """Why the two sides may not be comparable."""
    studies = [run["study"].get("fingerprint", "") for run in (old, new)]
    if studies[0] != studies[1]:
        names = [run["study"]["name"] for run in (old, new)]
        yield (
            f"The studies differ: {names[0]} ({studies[0]}) and {names[1]} ({studies[1]}). "
            f"Only trials that both have are compared."
        )
    for task in old["tasks"]:
        if task not in new["tasks"]:
            continue
        prints = [run["tasks"][task].get("data", {}).get("fingerprint", "") for run in (old, new)]
        if prints[0] != prints[1]:
            yield f"The data of {task} differ ({prints[0]} and {prints[1]})."
    lost = [task for task in old["tasks"] if task not in new["tasks"]]
    if lost:
        yield f"Tasks of the old run that the new one lacks: {', '.join(lost)}."
