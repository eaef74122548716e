"""Do two arms differ when each takes the cell that is best on validation?

A technique is compared with another "everything else tuned": each arm's cell is the one with the
best mean objective on validation, and the two chosen cells are compared on test, seed by seed. A
test of those pairs alone asks whether two recipes differ, and answers yes for two arms of the very
same technique whenever noise makes them choose different cells (13 to 58% of such comparisons at a
nominal 5%, simulated). The question is about the technique, so choosing is repeated, too.

So the seeds are resampled, the tuning is repeated on every resample, and the effect is the mean
over the repeats: the smoothed (bagged) estimate of Efron 2014, "Estimation and Accuracy After Model
Selection", with his infinitesimal jackknife for its standard error, corrected for the number of
resamples (Wager, Hastie & Efron 2014). With one cell an arm it is the paired t test.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student

from suite.stats.intervals import Interval

Floats = NDArray[np.float64]
RESAMPLES = 2000
ROUNDING = 1e-9


@lru_cache(maxsize=64)
def resamples(pairs: int) -> NDArray[np.int64]:
    """How often each pair is drawn in each resample, shape (`RESAMPLES`, pairs); the same always.

    `numpy.random.default_rng(0).multinomial(pairs, [1 / pairs] * pairs, RESAMPLES)`.
    """
    return np.random.default_rng(0).multinomial(pairs, np.full(pairs, 1 / pairs), RESAMPLES)


@dataclass(frozen=True)
class Arm:
    """One arm: its cells on its seeds.

    Attributes:
        loss: the objective on validation, less is better, shape (cells, seeds); infinite for a
            training that diverged.
        score: the metric on test, shape (cells, seeds).
    """

    loss: Floats
    score: Floats

    @cached_property
    def _finite(self) -> Floats:
        """The losses with a number that loses against every other in the place of infinity."""
        known = np.isfinite(self.loss)
        if known.all():
            return self.loss
        finite = self.loss[known] if known.any() else np.zeros(1)
        top = float(finite.max())
        worst = top + self.loss.shape[1] * (abs(top) + float(np.ptp(finite)) + 1.0)
        return np.where(known, self.loss, worst)

    @property
    def chosen(self) -> int:
        """The cell of the best mean objective; the first of equals."""
        means: Floats = self._finite.mean(axis=1)
        return int(means.argmin())

    @property
    def best(self) -> Floats:
        """The chosen cell's metric, shape (seeds,)."""
        own: Floats = self.score[self.chosen]
        return own

    def tuned(self, draws: NDArray[np.int64]) -> Floats:
        """The mean metric of the cell that each resample of the seeds chooses, shape (draws,)."""
        choices = np.argmin(draws.astype(float) @ self._finite.T, axis=1)  # a row a draw: quicker
        means: Floats = (self.score[choices] * draws).sum(axis=1) / draws.shape[1]
        return means


@dataclass(frozen=True)
class Duel:
    """Two arms on the same seeds; they need not have the same cells."""

    a: Arm
    b: Arm

    @property
    def pairs(self) -> int:
        """Number of seeds; 0 where an arm has no cells."""
        return int(self.a.loss.shape[1]) if len(self.a.loss) and len(self.b.loss) else 0

    @property
    def differences(self) -> Floats:
        """a - b of the cells that all seeds together choose, shape (seeds,)."""
        return self.a.best - self.b.best if self.pairs else np.empty(0)

    @cached_property
    def _repeats(self) -> Floats:
        """The difference that each repeat of the tuning finds, shape (`RESAMPLES`,)."""
        draws = resamples(self.pairs)
        return self.a.tuned(draws) - self.b.tuned(draws)

    @property
    def effect(self) -> float:
        """The mean difference over repeats of the tuning; NaN without seeds."""
        return float(self._repeats.mean()) if self.pairs else math.nan

    @cached_property
    def error(self) -> float:
        """Standard error of the effect, the choosing included; NaN below two pairs."""
        n = self.pairs
        if n < 2:
            return math.nan
        away = self._repeats - self._repeats.mean()
        slopes = (resamples(n) - 1.0).T @ away / RESAMPLES
        noise = n / RESAMPLES * float(np.mean(away**2))
        variance = float((slopes**2).sum())
        if variance > noise:  # else the correction, itself an estimate, would claim certainty
            variance -= noise
        return math.sqrt(variance * n / (n - 1))

    def p_value(self, side: float = 0.0) -> float:
        """P-value of no effect; `side` 1 for "greater", -1 for "less", 0 for either.

        Where all repeats of the tuning agree, nothing is known of the spread, and the p-value is
        that of as many equal signs. NaN below two pairs, and where a score is NaN.
        """
        if self.pairs < 2 or not math.isfinite(self.error):
            return math.nan
        if self.error <= ROUNDING * abs(self.effect):  # all repeats agree
            agree = self.effect * (side or self.effect) > 0
            return (1.0 if side else 2.0) / 2.0**self.pairs if agree else 1.0
        ratio = self.effect / self.error
        if side:
            return float(student.sf(side * ratio, self.pairs - 1))
        return float(2 * student.sf(abs(ratio), self.pairs - 1))

    def interval(self, level: float = 0.95) -> Interval:
        """The effect with Student's interval around it; no bounds below two pairs."""
        if self.pairs < 2:
            return Interval(self.effect, math.nan, math.nan)
        reach = float(student.ppf((1 + level) / 2, self.pairs - 1)) * self.error
        return Interval(self.effect, self.effect - reach, self.effect + reach)
