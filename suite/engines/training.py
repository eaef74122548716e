"""A whole epoch of one member as a pure function: Keras' own steps inside a scan.

Everything here is written for one member; `suite.engines.program` maps it over a fleet.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import keras
import numpy as np
from jax import lax

from suite.anatomy import Site
from suite.data import Arrays, each
from suite.engines.knobs import Knobs
from suite.engines.probe import Overheard, activity, norms, overheard, without_penalties
from suite.engines.sight import flat
from suite.errors import PluginError

ACTIVE = "active"
"""The number that goes with the knobs: 0 for a member that has stopped and whose best stands."""

EVALUATION_ROWS = 1024
"""Rows of one evaluation step at most: bounds the activations of a whole fleet."""


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
    fewest = -(-count // EVALUATION_ROWS)
    even = (n for n in range(fewest, 2 * fewest) if count % n == 0)
    batches = next(even, fewest)  # an even number saves compiling a second, smaller batch
    size = count // batches
    full = jax.tree.map(lambda a: a[: batches * size].reshape(batches, size, *a.shape[1:]), rows)
    return full, _take(rows, slice(batches * size, None)) if count % batches else None


class Training:
    """The pure functions that train, evaluate and apply one member of a family.

    Args:
        model: the family's template, built, with its knobs opened up.
        knobs: the template's varying knobs.
        objective: the log that selects the epoch, with its direction, "min" or "max".
        sites: where to look into the model after every epoch; None: it is not looked into.
    """

    def __init__(
        self,
        model: keras.Model,
        knobs: Knobs,
        objective: tuple[str, str],
        sites: Sequence[Site] | None,
    ) -> None:
        self.model = model
        self.knobs = knobs
        self.sites = sites
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
        logs |= {f"val_{name}": log for name, log in self._evaluate(state, val).items()}
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

        The probe is a step like the others, so it compiles with them; then all is as before it.
        """
        count = order.shape[0]

        def step(carried: Any, scanned: Any) -> tuple[Any, dict[str, jax.Array]]:
            (state, metrics), (rows, number) = carried, scanned
            batch = (_take(train.x, rows), _take(train.y, rows))
            full = (state.trainable, self._non_trainable(state), state.optimizer, metrics)
            if self.sites is None:
                _, after = self.model.train_step(full, batch)
                return self._parted(after), {}
            with overheard(self.model, self.sites) as heard:
                _, (trainable, rest, *others) = self.model.train_step(full, batch)
                after = (trainable, heard.split(rest), *others)
            looking = number == count - 1
            kept = jax.tree.map(
                lambda old, new: jnp.where(looking, old, new), carried, self._parted(after)
            )
            return kept, self._look(looking, heard, state.trainable, trainable)

        numbers = jnp.arange(count)
        (state, metrics), seen = lax.scan(step, (state, self._metrics), (order, numbers))
        return state, self._logs(metrics), {name: every[-1] for name, every in seen.items()}

    def _parted(self, after: Any) -> tuple[State, list[jax.Array]]:
        """Keras' variables after a step as a state, and the metrics."""
        trainable, rest, optimizer, metrics = after
        return State(list(trainable), *self._split(list(rest)), list(optimizer)), list(metrics)

    def _look(
        self, looking: jax.Array, heard: Overheard, before: list[jax.Array], after: list[jax.Array]
    ) -> dict[str, jax.Array]:
        """What the probe let slip; zeros in any other step, and nothing where nothing slips."""
        assert self.sites is not None
        if heard.gradients is None:
            return {}

        def look(gradients: Any, seen: Any, before: Any, after: Any) -> dict[str, jax.Array]:
            own = without_penalties(gradients, self.model.trainable_variables, before)
            return flat(norms(own, before, after) | activity(self.sites or [], seen))

        inputs = (list(heard.gradients), heard.seen, before, list(after))
        shapes = jax.eval_shape(look, *inputs)

        def nothing(*_: Any) -> dict[str, jax.Array]:
            return {name: jnp.zeros(own.shape, own.dtype) for name, own in shapes.items()}

        found: dict[str, jax.Array] = lax.cond(looking, look, nothing, *inputs)
        return found

    def _evaluate(self, state: State, rows: Rows) -> dict[str, jax.Array]:
        fixed = (state.trainable, self._non_trainable(state))

        def step(metrics: Any, batch: Any) -> tuple[Any, None]:
            _, (*_, metrics) = self.model.test_step((*fixed, metrics), tuple(batch))
            return list(metrics), None

        full, rest = _batches(rows)
        metrics, _ = lax.scan(step, self._metrics, full)
        if rest is not None:
            metrics, _ = step(metrics, rest)
        return self._logs(metrics)

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
