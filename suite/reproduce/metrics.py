"""Metrics of tasks in plain numpy, as source; what scikit-learn's scorers of the same name give."""

from __future__ import annotations

from collections.abc import Mapping

AREA = """\
def roc_auc(y, outputs):  # how often a positive row scores above a negative one; ties count half
    negative, positive = (np.sort(outputs[y == label]) for label in (0, 1))
    ranks = [np.searchsorted(negative, positive, side) for side in ("left", "right")]
    return np.mean(ranks) / len(negative)"""
ONE_OUTPUT = {
    "accuracy": "def accuracy(y, outputs):\n    return np.mean((outputs > 0.5) == y)",
    "roc_auc": AREA,
    "neg_mean_absolute_error": (
        "def neg_mean_absolute_error(y, outputs):\n    return -np.mean(np.abs(y - outputs))"
    ),
    "neg_mean_squared_error": (
        "def neg_mean_squared_error(y, outputs):\n    return -np.mean((y - outputs) ** 2)"
    ),
    "neg_root_mean_squared_error": (
        "def neg_root_mean_squared_error(y, outputs):\n"
        "    return -np.sqrt(np.mean((y - outputs) ** 2))"
    ),
}
"""Of targets and outputs of shape (rows, 1); classes are 0 and 1."""

MANY_OUTPUTS = {
    "accuracy": "def accuracy(y, outputs):\n    return np.mean(outputs.argmax(axis=1) == y)",
}
"""Of class numbers (rows,) and a probability a class (rows, classes)."""


def metric_lines(name: str, targets: tuple[int, ...], outputs: tuple[int | None, ...]) -> list[str]:
    """The metric's function for arrays of these shapes; empty for one that is not here."""
    known: Mapping[str, str] = {}
    if len(targets) == 2 and targets[1] == 1 and tuple(outputs[1:]) == (1,):
        known = ONE_OUTPUT
    elif len(targets) == 1 and len(outputs) == 2:
        known = MANY_OUTPUTS
    return known.get(name, "").splitlines()
