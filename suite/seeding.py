"""What follows from a seed, by rules that a short script can repeat on any Keras backend.

Three things depend on the seed of a trial, and nothing else does:

- batch order: epoch `e` (from 0) visits the rows in the order
  `numpy.random.default_rng([seed, e]).permutation(n)`; the rows left over after the last full batch
  of that order sit the epoch out (another order, other rows), in both engines;
- initial weights: variable number `i` is drawn from the uniform numbers
  `numpy.random.default_rng([seed, WEIGHTS, i]).random(shape)`, sent through the quantile function
  of its initializer (`suite.weights`). Numbers are given to variables of rank two or more (kernels,
  embeddings) in the order of `model.weights`, so batch normalization does not shift them;
- dropout: seed generator number `j` of the model starts from the state
  `[dropout_state(seed, j), 0]`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

WEIGHTS = 1
DROPOUT = 2


def batch_order(seed: int, epoch: int, rows: int, batch_size: int) -> NDArray[np.int32]:
    """Row numbers of one epoch, shape (steps, batch_size); leftover rows are dropped."""
    steps = rows // batch_size
    order = np.random.default_rng([seed, epoch]).permutation(rows)[: steps * batch_size]
    return order.astype(np.int32).reshape(steps, batch_size)


def weight_uniforms(seed: int, number: int, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """The uniform numbers in [0, 1) that variable `number` is made from, in the given shape."""
    return np.random.default_rng([seed, WEIGHTS, number]).random(shape)


def dropout_state(seed: int, number: int) -> int:
    """The first word of the starting state of seed generator `number`; below 2**31."""
    word = np.random.SeedSequence([seed, DROPOUT, number]).generate_state(1)[0]
    return int(word) >> 1
