"""A whole epoch of one member as a pure function: Keras' own steps inside a scan.

Everything here is written for one member; `suite.engines.program` maps it over a fleet.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import keras
import numpy as np
from jax import lax

from suite.data import Arrays, each
from suite.engines.engine import evaluation_size
from suite.engines.eye import Eye, Heard
from suite.engines.knobs import Knobs
from suite.errors import PluginError
from suite.weights import SMALL

ACTIVE = "active"
"""The number that goes with the knobs: 0 for a member that has stopped and whose best stands."""


class State(NamedTuple):
    """A member's training state: values in the order of the model's own variable lists.

    `seeds` are the states of its seed generators, `weights` all other non-trainable variables.
    """

    trainable: list[jax.Array]
    weights: list[jax.Array]
    seeds: list[jax.Array]
    optimizer: list[jax.Array]


class Best(NamedTuple):
    """The selected epoch so far: its number from 1, its objective, the variables it had."""

    epoch: jax.Array
    objective: jax.Array
    trainable: list[jax.Array]
    weights: list[jax.Array]


class Carry(NamedTuple):
    """What goes from one epoch to the next."""

    state: State
    best: Best


class Rows(NamedTuple):
    """Inputs and targets on the device."""

    x: Any
    y: Any


def rows_of(split: Any) -> Rows:
    """A split's arrays in the types that Keras trains on: floating point as float32."""
    return Rows(each(_narrow, split.x), each(_narrow, split.y))


def _narrow(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return array.astype(keras.config.floatx()) if array.dtype.kind == "f" else array


def _take(arrays: Arrays, rows: Any) -> Any:
    return jax.tree.map(lambda a: a[rows], arrays)


def _batches(rows: Any) -> tuple[Any, Any]:
    """Rows as equal full batches (batches, size, ...), and the few left over, or None."""
    count = jax.tree.leaves(rows)[0].shape[0]
    size = evaluation_size(count)
    batches = count // size
    full = jax.tree.map(lambda a: a[: batches * size].reshape(batches, size, *a.shape[1:]), rows)
    return full, _take(rows, slice(batches * size, None)) if count % batches else None


def _own(values: Any, state: State) -> Any:
    """`values`, one of them for each member, though they are the same for all.

    What a loop carries is mapped over members in the end. Where it does not begin so, `vmap` finds
    out by tracing the loop again and again, which takes longer than the model's own trace.
    """
    own = state.trainable[0].reshape(-1)[0]
    nothing = jnp.where(False, own, 0.0)
    return jax.tree.map(lambda value: value + nothing.astype(value.dtype), values)


class Training:
    """The pure functions that train, evaluate and apply one member of a family.

    Args:
        model: the family's template, built, with its knobs opened up.
        knobs: the template's varying knobs.
        objective: the log that selects the epoch, with its direction, "min" or "max".
        eye: looks into the model after every epoch; None: it is not looked into.
    """

    def __init__(
        self,
        model: keras.Model,
        knobs: Knobs,
        objective: tuple[str, str],
        eye: Eye | None,
    ) -> None:
        self.model = model
        self.knobs = knobs
        self.eye = eye
        self.objective, self.direction = objective
        states = {id(variable) for variable in model.weights}
        self.is_weight = [id(v) in states for v in model.non_trainable_variables]
        model.reset_metrics()
        self._metrics = [np.asarray(v.value) for v in model.metrics_variables]

    @property
    def worst(self) -> float:
        """An objective that every finite one beats."""
        return float("inf") if self.direction == "min" else float("-inf")

    def _non_trainable(self, state: State) -> list[jax.Array]:
        weights, seeds = iter(state.weights), iter(state.seeds)
        return [next(weights) if own else next(seeds) for own in self.is_weight]

    def _split(self, values: list[jax.Array]) -> tuple[list[jax.Array], list[jax.Array]]:
        pairs = list(zip(values, self.is_weight, strict=True))
        return [v for v, own in pairs if own], [v for v, own in pairs if not own]

    def epoch(
        self,
        carry: Carry,
        knobs: Mapping[str, jax.Array],
        order: jax.Array,
        number: jax.Array,
        train: Rows,
        val: Rows,
    ) -> tuple[Carry, dict[str, jax.Array]]:
        """Train one epoch, evaluate on `val`, keep the best.

        Args:
            carry: as the epoch before left it.
            knobs: the varying knobs, and `ACTIVE`.
            order: row numbers, shape (steps, batch_size); the last step is the probe's, if any.
            number: of this epoch, from 1.
            train, val: all rows of the two splits.

        Returns:
            The next carry, and Keras' logs: `loss`, `val_loss`, ... as scalars; with them what the
            probe saw (`suite.engines.sight.flat`).
        """
        self.knobs.bind(knobs)
        state, logs, seen = self._train(carry.state, order, train)
        state, judged = self._evaluate(state, val)
        logs |= {f"val_{name}": log for name, log in judged.items()}
        if self.objective not in logs:
            raise PluginError(
                f"Expected the objective to be one of the model's logs, {', '.join(sorted(logs))}. "
                f"Received: objective={self.objective!r}."
            )
        best = self._better(carry.best, state, logs[self.objective], number, knobs[ACTIVE])
        return Carry(state, best), logs | seen

    def _train(
        self, state: State, order: jax.Array, train: Rows
    ) -> tuple[State, dict[str, jax.Array], dict[str, jax.Array]]:
        """The state after all steps, the logs, and what was seen in the last step if it is a probe.

        The probe is a step like the others, so it runs in their loop, which is compiled once: first
        over the steps that train, then over the probe alone, after which all is as before it.
        """
        first = _own(self._metrics, state)
        if self.eye is None:
            state, metrics = lax.scan(partial(self._step, train), (state, first), order)[0]
            return state, self._logs(metrics), {}
        last = order.shape[0] - 1

        def step(number: Any, carried: Any) -> Any:
            before, seen = carried
            after, found = self._watched_step(train, before, order[number], seen, number == last)
            return after, found

        def phase(carried: Any, probing: jax.Array) -> tuple[Any, None]:
            begin, end = jnp.where(probing, last, 0), jnp.where(probing, last + 1, last)
            (after, metrics), seen = lax.fori_loop(begin, end, step, carried)
            before = carried[0]
            kept = jax.tree.map(
                lambda old, new: jnp.where(probing, old, new), before, (after, metrics)
            )
            return (kept, seen), None

        start = ((state, first), _own(self.eye.nothing(), state))
        ((state, metrics), seen), _ = lax.scan(phase, start, jnp.array([False, True]))
        return state, self._logs(metrics), seen if self.eye.open else {}

    def _step(
        self, train: Rows, carried: Any, rows: jax.Array, heard: Heard | None = None
    ) -> tuple[Any, None]:
        state, metrics = carried
        batch = (_take(train.x, rows), _take(train.y, rows))
        full = (state.trainable, self._non_trainable(state), state.optimizer, metrics)
        _, (trainable, rest, optimizer, metrics) = self.model.train_step(full, batch)
        rest = heard.without(rest) if heard else rest
        return (State(list(trainable), *self._split(rest), list(optimizer)), list(metrics)), None

    def _watched_step(
        self, train: Rows, carried: Any, rows: jax.Array, seen: Any, looking: jax.Array
    ) -> tuple[Any, Any]:
        assert self.eye is not None
        before = carried[0].trainable
        with self.eye.overheard() as heard:
            (state, metrics), _ = self._step(train, carried, rows, heard)
        return (state, metrics), self.eye.look(looking, heard, before, state.trainable, seen)

    def _evaluate(self, state: State, rows: Rows) -> tuple[State, dict[str, jax.Array]]:
        """The state after an evaluation, and its logs.

        Keras' recurrent cells draw dropout masks whether they train or not: seed states move on.
        """

        def step(carried: Any, batch: Any) -> tuple[Any, None]:
            metrics, seeds = carried
            rest = self._non_trainable(state._replace(seeds=seeds))
            full = (state.trainable, rest, metrics)
            _, (_, rest, metrics) = self.model.test_step(full, tuple(batch))
            return (list(metrics), self._split(list(rest))[1]), None

        full, rest = _batches(rows)
        carried, _ = lax.scan(step, (self._metrics, state.seeds), full)
        if rest is not None:
            carried, _ = step(carried, rest)
        metrics, seeds = carried
        return state._replace(seeds=seeds), self._logs(metrics)

    def _logs(self, metrics: list[jax.Array]) -> dict[str, jax.Array]:
        """What Keras would print for these metric variables."""
        mapping = zip(self.model.metrics_variables, metrics, strict=True)
        with keras.StatelessScope(state_mapping=mapping):
            results = self.model.get_metrics_result()
        return {name: jnp.asarray(value) for name, value in results.items()}

    def _better(
        self, best: Best, state: State, objective: jax.Array, number: jax.Array, active: jax.Array
    ) -> Best:
        lower = objective < best.objective
        better = lower if self.direction == "min" else objective > best.objective
        better &= active > 0
        new = Best(number, objective, state.trainable, state.weights)
        chosen: Best = jax.tree.map(lambda a, b: jnp.where(better, a, b), new, best)
        return chosen

    def small(self, best: Best) -> jax.Array:
        """How many entries of the selected epoch's kernels and embeddings are below `SMALL`."""
        kernels = [w for w in best.trainable if w.ndim >= 2]
        return sum((jnp.sum(jnp.abs(w) < SMALL) for w in kernels), jnp.zeros((), jnp.int32))

    def outputs(
        self, best: Best, knobs: Mapping[str, jax.Array], seeds: list[jax.Array], x: Any
    ) -> Any:
        """What the model of the selected epoch says of every row of `x`."""
        self.knobs.bind(knobs)
        rest = self._non_trainable(State(best.trainable, best.weights, seeds, []))

        def call(batch: Any) -> Any:
            outputs, _ = self.model.stateless_call(best.trainable, rest, batch, training=False)
            return outputs

        full, left = _batches(x)
        outputs = jax.tree.map(lambda a: a.reshape(-1, *a.shape[2:]), lax.map(call, full))
        if left is None:
            return outputs
        return jax.tree.map(lambda a, b: jnp.concatenate([a, b]), outputs, call(left))
