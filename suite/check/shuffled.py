"""Shuffled: trained on labels that were shuffled, a model knows no more than the trivial predictor.

The test: for each of several shuffles of the training targets, a few seeds of their own are trained
by the fleet and scored on the real test split, at the epoch of the least training loss, so that val
has no say; their mean is one number a shuffle. Student's one-sided t-test holds these numbers
against the trivial predictor's score. (On the same seeds they would depend on each other: a model
that has learned little still scores as its initial weights happen to.)
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy.stats import ttest_1samp

from suite.check.full import SEEDS
from suite.check.note import Finding, Note, Remark
from suite.check.subject import Subject
from suite.data import Data, Split, each
from suite.scoring import Judge

SHUFFLES = 8
LEVEL = 0.001
"""Of the test: one sound task in a thousand is suspected, if chance is all there is."""
SHARE = 0.2
"""Share of what real labels teach beyond which more than chance must have been at work."""
LEAST = 0.02
"""Least margin, in parts of the trivial score: its constant need not be the best one."""


def examine(subject: Subject) -> Iterator[Note]:
    """See `suite.check.examine`."""
    full = subject.full
    if not full.judge.judges:
        yield Remark("No metric, so the score on shuffled labels was not examined.")
        return
    trivial, real = Judge(subject.task, subject.data).trivial()["test"], full.score(full.real)
    trained = [full.trained_on(_shuffled(full.data, i), i * SEEDS) for i in range(SHUFFLES)]
    scores = [full.score(outcomes) for outcomes in trained]
    got = np.array([score for score in scores if score is not None])
    if real is None or len(got) < SHUFFLES:
        yield Remark("Some trainings on shuffled labels failed or diverged; nothing was compared.")
        return
    margin = max(SHARE * (real - trivial), LEAST * abs(trivial))
    mean, metric = float(got.mean()), full.judge.name
    p = _p_value(got, trivial)
    if mean > trivial + margin and p < LEVEL:
        yield Finding(
            f"Trained on shuffled labels, the model still scores {mean:.3f} on test ({metric}; "
            f"{SHUFFLES} shuffles of {SEEDS} seeds, {got.min():.3f} to {got.max():.3f}), the "
            f"trivial predictor {trivial:.3f}, a model on real labels {real:.3f}. One-sided "
            f"t-test: p = {p:.1g}.",
            "What the model knows does not come from its training rows: the answers are in its "
            "layers or inputs, or the trivial predictor is too weak.",
            "Look for weights or tables in build(hp) that were made from held rows, for a target "
            "that is passed through, and for a better constant as `trivial`.",
        )
    else:
        yield Remark(
            f"On shuffled labels: {mean:.3f} ({metric}), the trivial predictor {trivial:.3f}, on "
            f"real labels {real:.3f}."
        )


def _shuffled(data: Data, seed: int) -> Split:
    order = np.random.default_rng(seed).permutation(len(data.train))
    return Split(data.train.x, each(lambda a: a[order], data.train.y))


def _p_value(scores: np.ndarray[tuple[int], np.dtype[np.float64]], trivial: float) -> float:
    """Of the one-sided t-test that `scores` are above `trivial`."""
    if np.ptp(scores) < 1e-9:  # a model that never changes: no spread to divide by
        return 0.0 if scores.mean() > trivial else 1.0
    return float(ttest_1samp(scores, trivial, alternative="greater").pvalue)
