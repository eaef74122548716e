"""What a reader should know first: counts of verdicts, the largest findings, each task's best."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from suite.evidence import Evidence
from suite.frame import HP
from suite.report.comparisons import Comparison
from suite.search.tables import REFERENCE
from suite.stats.verdict import Verdict
from suite.tables.table import Table
from suite.tables.text import number, recipe_text

MOST = 8
FEWER = 4
"""Findings of a list, and of the lists that stand in where there is no finding."""
COUNTED = {
    Verdict.HELPS: ("helps", "help"),
    Verdict.HURTS: ("hurts", "hurt"),
    Verdict.EQUIVALENT: (
        "makes no difference worth knowing",
        "make no difference worth knowing",
    ),
    Verdict.UNDERPOWERED: ("is underpowered", "are underpowered"),
}
"""Words for one, and for several."""
FOUND = (Verdict.HELPS, Verdict.HURTS)


@dataclass(frozen=True)
class Findings:
    """The sentences at the top.

    Attributes:
        counts: how many comparisons have each verdict.
        found: what helps or hurts, the largest effect first.
        equivalent: what makes no difference worth knowing, shown where nothing helps or hurts.
        cheapest: underpowered comparisons that the fewest seeds would settle.
        searches: sentences on tuners.
    """

    counts: Mapping[str, int] = field(default_factory=dict)
    found: Sequence[Comparison] = ()
    equivalent: Sequence[Comparison] = ()
    cheapest: Sequence[Comparison] = ()
    searches: Sequence[str] = ()

    @property
    def summary(self) -> str:
        """All verdicts in one sentence; empty where nothing was compared."""
        total = sum(self.counts.values())
        if not total:
            return ""
        parts = [
            f"{count} {words[count != 1]}"
            for verdict, words in COUNTED.items()
            if (count := self.counts.get(verdict.value, 0)) or verdict in FOUND
        ]
        head = "The one comparison" if total == 1 else f"Of {total} comparisons"
        return f"{head}, both sides tuned: {', '.join(parts)}."


def findings_of(comparisons: Sequence[Comparison]) -> Findings:
    """What a matrix says."""
    by_verdict: dict[str, list[Comparison]] = {}
    for own in sorted(comparisons, key=lambda c: -c.size):
        by_verdict.setdefault(own.row["verdict"], []).append(own)
    effects = [c for v in FOUND for c in by_verdict.get(v.value, [])]
    effects.sort(key=lambda c: -c.size)
    open_ones = [
        c for c in by_verdict.get(Verdict.UNDERPOWERED.value, []) if _finite(c.row["more_seeds"])
    ]
    open_ones.sort(key=lambda c: c.row["more_seeds"])
    equivalent = by_verdict.get(Verdict.EQUIVALENT.value, [])
    return Findings(
        Counter(c.row["verdict"] for c in comparisons),
        effects[:MOST],
        () if effects else equivalent[::-1][:FEWER],
        open_ones[:FEWER],
    )


def _finite(value: object) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)


def search_findings(tables: Sequence[Table], metrics: Mapping[str, str]) -> Findings:
    """What the tables `choice-<task>` of a search say of tuners against random search."""
    sentences = []
    for task, metric in metrics.items():
        rows = next((t.full for t in tables if t.name == f"choice-{task}"), None)
        for row in [] if rows is None else rows.to_dict("records"):
            low, high = row["effect_low"], row["effect_high"]
            if math.isfinite(low) and (low > 0 or high < 0):
                better = "better" if low > 0 else "worse"
                sentences.append(
                    f"{row['tuner']} chooses {better} than {REFERENCE} search on {task}: "
                    f"{row['effect']:+.4f} [{number(low, 4)}, {number(high, 4)}] {metric} on test, "
                    f"{row['repeats']} searches"
                )
    return Findings(searches=sentences)


@dataclass(frozen=True)
class Best:
    """The best recipe of a task, in a card.

    Attributes:
        test, trivial: the metric on test, as text.
        trial: the key of one of its trials.
    """

    task: str
    metric: str
    recipe: str
    test: str
    trivial: str
    trivial_name: str
    trial: str


def bests(evidence: Evidence) -> Iterator[Best]:
    """A card a task."""
    for own in evidence.tasks.values():
        if own.ranked.empty:
            continue
        first = own.ranked.iloc[0]
        recipe = {k: v for k, v in first.items() if str(k).startswith(HP)}
        spread = f" ±{number(first['test_sd'])}" if _finite(float(first["test_sd"])) else ""
        yield Best(
            own.judged.task,
            own.judged.metric,
            recipe_text({str(k): v for k, v in recipe.items()}),
            f"{number(first['test'])}{spread}",
            number(own.judged.trivial["test"]),
            own.judged.trivial_name,
            str(first["trial"]),
        )
