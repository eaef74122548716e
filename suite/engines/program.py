"""One compiled program for a family: a member's training, mapped over configs, seeds and devices.

The axes of everything a program takes, from the outside in:

- lanes: one a device, no communication between them (`shard_map`);
- seeds: what a seed decides (batch order, dropout's random numbers) differs along this axis;
- configs: members of one seed. They share batches and random numbers, which are computed once a
  seed, and are compared under common random numbers.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding
from jax.sharding import PartitionSpec as Axes

from suite.data import Data
from suite.engines.template import Template
from suite.engines.training import Best, Carry, State, rows_of
from suite.families import Crew

LANES = "lanes"
QUICKLY = {"xla_backend_optimization_level": 1}
OVER_CONFIGS = Carry(State(0, 0, None, 0), Best(0, 0, 0, 0))  # type: ignore[arg-type]
"""Which parts of a carry have an axis of configs: all but the states of the seed generators."""


@dataclass(frozen=True)
class Shape:
    """Members of one call: `lanes` devices, on each `seeds` x `configs` members."""

    lanes: int
    seeds: int
    configs: int

    @property
    def members(self) -> int:
        """Members that train at once."""
        return self.lanes * self.seeds * self.configs

    @property
    def axes(self) -> tuple[int, int, int]:
        """The leading axes of every array of a member."""
        return (self.lanes, self.seeds, self.configs)


class Deck:
    """Devices, and a task's data on each of them.

    `judged_x` holds the inputs of val and test, one under the other, `val_rows` of them from val.
    """

    def __init__(self, data: Data, devices: Sequence[Any]) -> None:
        self.devices = devices
        self.mesh = Mesh(np.array(devices), (LANES,))
        self.by_lane = NamedSharding(self.mesh, Axes(LANES))
        everywhere = NamedSharding(self.mesh, Axes())
        train, val, test = (rows_of(split) for split in data.splits.values())
        judged_x = jax.tree.map(lambda a, b: np.concatenate([a, b]), val.x, test.x)
        self.train, self.val, self.judged_x = jax.device_put((train, val, judged_x), everywhere)
        self.rows = len(data.train)
        self.val_rows = len(data.val)


class Program:
    """A family's training, compiled for one shape.

    Args:
        quickly: compile in two thirds of the time, for a program that trains some 5 % slower.
        judged: whether the selected models' outputs will be asked for.

    Attributes:
        compile_seconds: what tracing and compiling took.
        bytes: memory of a call on all devices: inputs, outputs and temporaries.
    """

    def __init__(
        self,
        template: Template,
        deck: Deck,
        shape: Shape,
        *,
        quickly: bool = False,
        judged: bool = True,
    ) -> None:
        self.template = template
        self.deck = deck
        self.shape = shape
        started = time.perf_counter()
        sample = [[[template.sample] * shape.configs] * shape.seeds] * shape.lanes
        carry, knobs = self.placed(template.start(sample)), self.bound(sample)
        order = self.placed(np.zeros((*shape.axes[:2], *template.steps(deck.rows)), np.int32))
        options = QUICKLY if quickly else None
        epoch = self._mapped(template.training.epoch, (OVER_CONFIGS, 0), shared=2, donate=True)
        lowered = epoch.lower(carry, knobs, order, np.int32(1), deck.train, deck.val)
        self._epoch = lowered.compile(options)
        self.bytes = self._bytes(self._epoch)
        if judged:
            outputs = self._mapped(self._judged, 0, shared=1)
            self._outputs = outputs.lower(carry, knobs, deck.judged_x).compile(QUICKLY)
            self.bytes = max(self.bytes, self._bytes(self._outputs))
        self.compile_seconds = time.perf_counter() - started

    def bound(self, crew: Crew) -> Any:
        """The knobs of `crew`, on the devices."""
        return self.placed(self.template.bindings(crew))

    def epoch(self, carry: Carry, knobs: Any, crew: Crew, number: int) -> tuple[Carry, Any]:
        """Train epoch `number`, from 1; the next carry and the logs. `carry` is used up."""
        order = self.placed(self._order(crew, number - 1))
        result: tuple[Carry, Any] = self._epoch(
            carry, knobs, order, np.int32(number), self.deck.train, self.deck.val
        )
        return result

    def outputs(self, carry: Carry, knobs: Any) -> tuple[Any, Any, Any]:
        """What the models of the selected epochs say of every row of val, and of test.

        With it, how many of their weights are small (`Training.small`).
        """
        outputs, small = jax.device_get(self._outputs(carry, knobs, self.deck.judged_x))
        rows = self.deck.val_rows
        val = jax.tree.map(lambda a: a[:, :, :, :rows], outputs)
        return val, jax.tree.map(lambda a: a[:, :, :, rows:], outputs), small

    def _order(self, crew: Crew, epoch: int) -> np.ndarray[Any, Any]:
        rows = self.deck.rows
        orders = [
            [self.template.order(same[0].trial.seed, epoch, rows) for same in lane] for lane in crew
        ]
        return np.array(orders, np.int32)

    def placed(self, arrays: Any) -> Any:
        """Arrays of a crew on the devices, lane by lane."""
        return jax.device_put(arrays, self.deck.by_lane)

    def _judged(self, carry: Carry, knobs: Any, x: Any) -> Any:
        training = self.template.training
        outputs = training.outputs(carry.best, knobs, carry.state.seeds, x)
        return outputs, training.small(carry.best)

    def _mapped(
        self, function: Callable[..., Any], out: Any, *, shared: int, donate: bool = False
    ) -> Any:
        """`function` of (carry, knobs, [order, number,] rows, rows) over all three axes, jitted.

        The last `shared` arguments are the same everywhere; so is the number of the epoch.
        """
        middle_configs: tuple[None, ...] = (None, None) if donate else ()
        middle_seeds: tuple[int | None, ...] = (0, None) if donate else ()
        over_configs = jax.vmap(function, (OVER_CONFIGS, 0, *middle_configs, *[None] * shared), out)
        mapped = (0, 0, *middle_seeds, *[None] * shared)
        over_seeds = jax.vmap(over_configs, mapped) if self.shape.seeds > 1 else None
        inner = over_seeds or _alone(over_configs, mapped)
        specs = tuple(Axes() if axis is None else Axes(LANES) for axis in mapped)
        over_lanes = jax.shard_map(
            _alone(inner, mapped),
            mesh=self.deck.mesh,
            in_specs=specs,
            out_specs=Axes(LANES),
            check_vma=False,
        )
        return jax.jit(over_lanes, donate_argnums=(0,) if donate else ())

    def _bytes(self, compiled: Any) -> int:
        sizes = compiled.memory_analysis()
        each = (
            sizes.argument_size_in_bytes
            + sizes.output_size_in_bytes
            + sizes.temp_size_in_bytes
            - sizes.alias_size_in_bytes
        )
        return int(each) * self.shape.lanes


def _alone(function: Callable[..., Any], mapped: Sequence[int | None]) -> Callable[..., Any]:
    """`function` over a leading axis of length 1: taken off its arguments, put on its results."""

    def call(*arguments: Any) -> Any:
        inner = [
            argument if axis is None else jax.tree.map(lambda a: a[0], argument)
            for argument, axis in zip(arguments, mapped, strict=True)
        ]
        return jax.tree.map(lambda a: a[None], function(*inner))

    return call
