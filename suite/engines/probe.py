"""The probe: gradients, weights, steps and activations of a model on a fixed batch of train.

The same batch after every epoch, in training mode (dropout on, batches normalized by themselves),
and nothing of it stays: weights, optimizer and seed generators are as they were.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from suite.anatomy import Site

CONSTANT = 1e-6
"""A unit whose activation varies by no more over the rows puts out the same for each."""
SLOPES: dict[str, Callable[[Any], Any]] = {
    "sigmoid": lambda out: 4.0 * out * (1.0 - out),
    "hard_sigmoid": lambda out: ops.where((out > 0.0) & (out < 1.0), 1.0, 0.0),
    "tanh": lambda out: 1.0 - ops.square(out),
    "hard_tanh": lambda out: ops.where(ops.abs(out) < 1.0, 1.0, 0.0),
    "softsign": lambda out: ops.square(1.0 - ops.abs(out)),
    "relu6": lambda out: ops.where(out < 6.0, 1.0, 0.0),
    "elu": lambda out: ops.where(out < 0.0, out + 1.0, 1.0),
    "selu": lambda out: ops.where(out < 0.0, 1.0 + out / SELU_FLOOR, 1.0),
}
"""Activation -> its slope, as a share of its steepest (on the bounded side), given its output."""
SELU_FLOOR = 1.0507009873554805 * 1.6732632423543772
FLAT = 0.1
"""A slope below this share of the steepest is saturated."""


def probe_rows(rows: int, batch_size: int) -> NDArray[np.int64]:
    """The numbers of the probe's rows: a batch, evenly spread over the `rows` of train.

    >>> probe_rows(100, 4)
    array([ 0, 33, 66, 99])
    """
    return np.linspace(0, rows - 1, batch_size).astype(np.int64)


@contextmanager
def watched(sites: Sequence[Site]) -> Iterator[dict[int, Any]]:
    """While a model is called: number of a site -> what its layer put out."""
    seen: dict[int, Any] = {}
    before = [vars(site.layer).get("call") for site in sites]
    for number, site in enumerate(sites):
        vars(site.layer)["call"] = _watching(site.layer.call, seen, number)
    try:
        yield seen
    finally:
        for site, own in zip(sites, before, strict=True):
            vars(site.layer).pop("call")
            if own is not None:
                vars(site.layer)["call"] = own


def _watching(call: Callable[..., Any], seen: dict[int, Any], number: int) -> Callable[..., Any]:
    def watching(*args: Any, **kwargs: Any) -> Any:
        outputs = call(*args, **kwargs)
        seen[number] = outputs[0] if isinstance(outputs, list | tuple) else outputs
        return outputs

    return watching


def activity(sites: Sequence[Site], seen: dict[int, Any]) -> dict[str, list[Any]]:
    """By site, shape (units,): whether a unit is dead, and the share of rows where it saturates.

    Where the activation has no flat side, the share is NaN; so is all of a layer that was not
    called.
    """
    dead, saturated = [], []
    for number, site in enumerate(sites):
        if number not in seen:
            dead.append(ops.full((1,), np.nan))
            saturated.append(ops.full((1,), np.nan))
            continue
        out = ops.cast(ops.stop_gradient(seen[number]), "float32")
        spread = ops.max(out, axis=0) - ops.min(out, axis=0)
        places = tuple(range(len(spread.shape) - 1))
        dead.append(ops.cast(ops.max(spread, axis=places) <= CONSTANT, "float32"))
        slope = SLOPES.get(site.activation)
        flat = ops.cast(slope(out) < FLAT, "float32") if slope else ops.full_like(out, np.nan)
        saturated.append(ops.mean(flat, axis=tuple(range(len(out.shape) - 1))))
    return {"dead": dead, "saturated": saturated}


def data_loss(model: keras.Model, y: Any, outputs: Any, losses: Sequence[Any]) -> Any:
    """The compiled loss of a batch; the model's own `losses` where nothing was compiled."""
    return model._compile_loss(y, outputs) if model._compile_loss else sum(losses)


def penalties(variables: Sequence[keras.Variable], values: Sequence[Any]) -> Any:
    """The penalties on weights, as Keras adds them up."""
    terms = [
        variable.regularizer(value)
        for variable, value in zip(variables, values, strict=True)
        if variable.regularizer is not None
    ]
    return sum(terms) if terms else None


def norms(gradients: Sequence[Any], before: Sequence[Any], after: Sequence[Any]) -> dict[str, Any]:
    """Sums of squares by variable, shape (variables,): of its gradient, itself, and its step."""
    sums = [_squares(*own) for own in zip(gradients, before, after, strict=True)]
    columns = ops.transpose(ops.stack(sums))
    return {name: columns[i] for i, name in enumerate(("gradient", "weight", "update"))}


def _squares(gradient: Any, before: Any, after: Any) -> Any:
    """Three sums at once: a third of the kernels to compile."""
    whole = ops.cast(ops.stack([gradient, before, after - before]), "float32")
    return ops.sum(ops.square(ops.reshape(whole, (3, -1))), axis=1)


class TracedProbe:
    """The probe as a pure function on JAX, beside `model.fit`.

    Args:
        model: built; with its knobs opened up where they vary.
        sites: as `suite.anatomy.sites_of` gives them.
    """

    def __init__(self, model: keras.Model, sites: Sequence[Site]) -> None:
        self.model = model
        self.sites = sites

    def __call__(
        self, trainable: list[Any], rest: list[Any], optimizer: list[Any], x: Any, y: Any
    ) -> dict[str, list[Any]]:
        """What is seen with these variables, in the order of the model's own lists."""
        import jax  # noqa: PLC0415  # the other backends need no JAX

        def loss(values: list[Any]) -> tuple[Any, Any]:
            with watched(self.sites) as seen:
                outputs, _, losses = self.model.stateless_call(
                    values, rest, x, training=True, return_losses=True
                )
            with keras.StatelessScope():
                found = data_loss(self.model, y, outputs, losses)
            return found, activity(self.sites, seen)

        gradients, active = jax.grad(loss, has_aux=True)(trainable)
        variables = self.model.trainable_variables
        whole = gradients
        if penalties(variables, trainable) is not None:
            extra = jax.grad(lambda values: penalties(variables, values))(trainable)
            whole = [own + more for own, more in zip(gradients, extra, strict=True)]
        after, _ = self.model.optimizer.stateless_apply(optimizer, whole, trainable)
        found: dict[str, list[Any]] = norms(gradients, trainable, after) | active
        return found


class TapeProbe:
    """The probe on TensorFlow, with `tf.GradientTape`; the model's variables are put back.

    Args:
        model: built, and trained where it is.
        sites: as `suite.anatomy.sites_of` gives them.
    """

    def __init__(self, model: keras.Model, sites: Sequence[Site]) -> None:
        import tensorflow as tf  # noqa: PLC0415  # the other backends need no TensorFlow

        self._tf = tf
        self.model = model
        self.sites = sites
        self.seen = tf.function(self._see, autograph=False)

    def __call__(self, x: Any, y: Any) -> dict[str, list[Any]]:
        """What is seen with the model's variables as they are."""
        kept = [*self.model.variables, *self.model.optimizer.variables]
        values = [ops.convert_to_numpy(v.value) for v in kept]
        found: dict[str, list[Any]] = keras.tree.map_structure(
            ops.convert_to_numpy, self.seen(x, y)
        )
        for variable, value in zip(kept, values, strict=True):
            variable.assign(value)
        return found

    def _see(self, x: Any, y: Any) -> dict[str, list[Any]]:
        model, tf = self.model, self._tf
        zero = tf.UnconnectedGradients.ZERO
        variables = model.trainable_variables
        values = [v.value for v in variables]
        with watched(self.sites) as seen, tf.GradientTape() as tape:
            outputs = model(x, training=True)
            loss = data_loss(model, y, outputs, model.losses)
        gradients = [
            tf.convert_to_tensor(own)
            for own in tape.gradient(loss, values, unconnected_gradients=zero)
        ]
        active = activity(self.sites, seen)
        with tf.GradientTape() as tape:
            extra = penalties(variables, values)
        whole = gradients
        if extra is not None:
            more = tape.gradient(extra, values, unconnected_gradients=zero)
            whole = [own + term for own, term in zip(gradients, more, strict=True)]
        before = [tf.identity(value) for value in values]
        model.optimizer.apply(whole, variables)
        return norms(gradients, before, [v.value for v in variables]) | active
