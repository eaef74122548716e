"""Early stopping: which members of a crew have waited long enough for something better."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Patience:
    """When a training stops: the rule of `keras.callbacks.EarlyStopping`.

    Attributes:
        monitor: the log that is watched; `direction` is "min" or "max".
        epochs: how many epochs without improvement are borne.
        min_delta: what counts as one, at least.
        start_from_epoch: epochs at the beginning that are not looked at.
    """

    monitor: str
    direction: str
    epochs: int
    min_delta: float = 0.0
    start_from_epoch: int = 0

    def improves(self, value: float, best: float | None) -> bool:
        """Whether `value` is better than `best` by more than `min_delta`; the first always is."""
        if best is None:
            return True
        if self.direction == "min":
            return value + self.min_delta < best
        return value - self.min_delta > best


@dataclass
class Wait:
    """How long one member has waited."""

    rule: Patience
    best: float | None = None
    waited: int = 0

    def over(self, epoch: int, value: float) -> bool:
        """Take note of the log of `epoch`, from 1; whether the training stops after it."""
        if epoch <= self.rule.start_from_epoch:
            return False
        self.waited += 1
        if self.rule.improves(value, self.best):
            self.best, self.waited = value, 0
            return False
        return self.waited >= self.rule.epochs and epoch > 1
