"""One search: asks a tuner in batches until its budget is spent, and logs every ask.

The search trains nothing. Whoever holds it asks for a batch, gets the trials trained (live: many
searches' batches as one fleet) or looks them up (replay), and tells it the outcomes:

    while not search.finished:
        wanted = search.ask()
        search.tell({w.trial_id: outcome for w, outcome in trained(wanted)})
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from suite.search.conversation import Conversation, Suggestion
from suite.search.log import Ask, Choice, best_of
from suite.summary import Judged
from suite.trial import Level, Outcome, Status


@dataclass(frozen=True)
class Wanted:
    """A training that a search wants.

    Attributes:
        trial_id: the oracle's name of it.
        hp: `keras_tuner.HyperParameters` with the values, to build from.
        values: the active values by name.
        epochs: train up to this epoch.
        initial_epoch: epochs that its parent has trained already; 0 for a new training.
        parent: trial_id of the training that this one goes on from, or None.
    """

    trial_id: str
    hp: Any
    values: Mapping[str, Level]
    epochs: int
    initial_epoch: int
    parent: str | None

    @property
    def cost(self) -> int:
        """The epochs that it trains."""
        return self.epochs - self.initial_epoch


class Search:
    """One seeded search of one tuner on one task.

    Attributes:
        asks: the log so far, in the order of asking.
        spent: epochs trained so far, those of the batch under way included.
        finished: the budget is spent, or the tuner has nothing left to ask.
    """

    def __init__(
        self,
        conversation: Conversation,
        judged: Judged,
        *,
        tuner: str,
        repeat: int,
        budget_epochs: int,
        batch: int,
        epochs: int,
    ) -> None:
        """Start a search.

        Args:
            conversation: with an oracle that has asked nothing yet.
            judged: how the task is judged; names the objective and the metric in outcomes.
            tuner, repeat: what the log calls this search.
            budget_epochs: epochs that the search may train in all.
            batch: trials asked at once.
            epochs: epochs of a full training.
        """
        self.conversation = conversation
        self.judged = judged
        self.tuner = tuner
        self.repeat = repeat
        self.budget_epochs = budget_epochs
        self.batch = batch
        self.epochs = epochs
        self.asks: list[Ask] = []
        self.spent = 0
        self.finished = budget_epochs < 1
        self._round = 0
        self._clock = 0.0
        self._cheapest = min(epochs, budget_epochs)
        self._waiting: list[Wanted] = []

    @property
    def best(self) -> Ask | None:
        """The ask of best score so far; None where nothing finite came."""
        return best_of(self.asks, self.judged.direction)

    def ask(self) -> list[Wanted]:
        """The next batch, within what is left of the budget; empty when the search is finished.

        A training that would go beyond the budget is not begun, and ends the search after the
        trainings that were asked before it.
        """
        if self._waiting:
            raise RuntimeError(
                f"Expected the outcomes of the last batch before the next ask(). "
                f"Received: none of {len(self._waiting)} trials."
            )
        if self.finished:
            return []
        left = self.budget_epochs - self.spent
        offered = [self._wanted(one) for one in self.conversation.ask(self._count(left))]
        self._waiting = _affordable(offered, left)
        self.finished = len(self._waiting) < len(offered) or not offered
        self._round += bool(self._waiting)
        self.spent += sum(wanted.cost for wanted in self._waiting)
        self._cheapest = min([self._cheapest, *(wanted.cost for wanted in offered)])
        return list(self._waiting)

    def _count(self, left: int) -> int:
        """How many to ask for: a batch, or as many of the cheapest kind as can be paid."""
        return max(1, min(self.batch, left // self._cheapest))

    def _wanted(self, one: Suggestion) -> Wanted:
        epochs = self.epochs if one.epochs is None else one.epochs
        return Wanted(one.trial_id, one.hp, one.values, epochs, one.initial_epoch, one.parent)

    def tell(self, outcomes: Mapping[str, Outcome]) -> list[Ask]:
        """Pass on the outcomes of the last batch, all of them, by trial_id; return their log."""
        batch, self._waiting = self._waiting, []
        if not batch:
            return []
        scores = {w.trial_id: score_of(outcomes[w.trial_id], self.judged) for w in batch}
        steps = {w.trial_id: outcomes[w.trial_id].epoch or w.epochs for w in batch}
        self.conversation.tell(scores, steps)
        share = (self.conversation.seconds - self._clock) / len(batch)
        self._clock = self.conversation.seconds
        before = self.spent - sum(wanted.cost for wanted in batch)
        costs = before + np.cumsum([wanted.cost for wanted in batch])
        logged = [
            self._logged(wanted, outcomes[wanted.trial_id], int(cost), share)
            for wanted, cost in zip(batch, costs, strict=True)
        ]
        self.finished |= self.spent + self._cheapest > self.budget_epochs
        self.finished |= self.conversation.finished
        return logged

    def _logged(self, wanted: Wanted, outcome: Outcome, spent: int, seconds: float) -> Ask:
        judged = self.judged
        score = score_of(outcome, judged)
        ask = Ask(
            task=judged.task,
            tuner=self.tuner,
            repeat=self.repeat,
            number=len(self.asks) + 1,
            round=self._round,
            trial=outcome.trial.key,
            recipe=outcome.trial.recipe,
            epochs=wanted.cost,
            cost=spent / self.epochs,
            status=outcome.status.value,
            score=math.nan if score is None else score,
            val=outcome.metrics.get(f"val.{judged.metric}", math.nan),
            test=outcome.metrics.get(f"test.{judged.metric}", math.nan),
            oracle_seconds=seconds,
            train_seconds=outcome.seconds,
        )
        self.asks.append(ask)
        return ask

    def choice(self, fresh: Iterable[Outcome] = ()) -> Choice:
        """What the search hands to its user; `fresh`: that recipe's outcomes on fresh seeds."""
        best = self.best
        ended = [o for o in fresh if best and o.status is not Status.FAILED]
        return Choice(
            task=self.judged.task,
            tuner=self.tuner,
            repeat=self.repeat,
            trial=best.trial if best else "",
            recipe=best.recipe if best else "",
            score=best.score if best else math.nan,
            val=best.val if best else self._trivial("val"),
            fresh_val=self._fresh(ended, "val"),
            fresh_test=self._fresh(ended, "test"),
            fresh_seeds=len(ended),
        )

    def _fresh(self, outcomes: Sequence[Outcome], split: str) -> float:
        """Mean of the metric over outcomes; a diverged one counts as the trivial predictor."""
        trivial = self._trivial(split)
        if self.best is None:
            return trivial
        column = f"{split}.{self.judged.metric}"
        figures = [outcome.metrics.get(column, trivial) for outcome in outcomes]
        return float(np.mean(figures)) if figures else math.nan

    def _trivial(self, split: str) -> float:
        trivial = self.judged.trivial
        return trivial.get(split, trivial["test"])


def score_of(outcome: Outcome, judged: Judged) -> float | None:
    """The objective at the selected epoch; None where the trial diverged or failed."""
    if outcome.status is not Status.COMPLETED:
        return None
    return outcome.metrics[f"val.{judged.objective}"]


def seed_of(tuner: str, repeat: int, seed: int = 0) -> int:
    """The seed of one repeat of one tuner, below 2**30: tuners search independently.

    >>> seed_of("tpe", 0) != seed_of("random", 0) != seed_of("random", 1)
    True
    """
    return zlib.crc32(f"{seed}/{tuner}/{repeat}".encode()) >> 2


def _affordable(offered: list[Wanted], left: int) -> list[Wanted]:
    """The first of `offered` whose cost together is within `left` epochs."""
    total = np.cumsum([wanted.cost for wanted in offered])
    return offered[: int(np.searchsorted(total, left, side="right"))]
