"""A family made ready to compile: its template model, and where each member's training starts."""

from __future__ import annotations

from typing import Any

import numpy as np

from suite.blueprint import build_state
from suite.data import Data
from suite.engines.convolution import patched
from suite.engines.knobs import LEARNING_RATE, Knobs
from suite.engines.training import Best, Carry, State, Training
from suite.families import Crew, Family, Member
from suite.weights import seed_generators, seed_state, start_weights


class Template:
    """A family's model with its knobs opened up, and the start of any of its members.

    Args:
        family: its template model is changed in place and belongs to this object from then on.
        data: the task's data, for the shape of a batch.
        objective: name and direction of the log that selects the epoch.
        on_cpu: whether convolutions run as matrix products.
    """

    def __init__(
        self, family: Family, data: Data, objective: tuple[str, str], *, on_cpu: bool
    ) -> None:
        self.family = family
        self.epochs = family.epochs
        self.batch_size = family.template.batch_size
        model = family.template.model
        self.knobs = Knobs(model, family.varying)
        if on_cpu:
            patched(model)
        build_state(model, data.train.take(slice(0, self.batch_size)))
        self.training = Training(model, self.knobs, objective)
        self._trainable = [bool(variable.trainable) for variable in model.weights]
        self._generators = [number for number, _ in seed_generators(model)]
        self._optimizer = [np.asarray(v.value) for v in model.optimizer.variables]
        rate = model.optimizer._learning_rate
        self._is_rate = [v is rate for v in model.optimizer.variables]

    @property
    def sample(self) -> Member:
        """Any member."""
        return self.family.members[0]

    def steps(self, rows: int) -> tuple[int, int]:
        """Steps of an epoch, and rows of a step."""
        return rows // self.batch_size, self.batch_size

    def start(self, crew: Crew) -> tuple[Carry, dict[str, np.ndarray[Any, Any]]]:
        """The carry and the knobs with which the members of `crew` begin.

        Arrays start with the axes (lanes, seeds, configs); seed states with (lanes, seeds).
        """
        members = [member for lane in crew for same in lane for member in same]
        axes = (len(crew), len(crew[0]), len(crew[0][0]))
        columns = zip(*(start_weights(m.starts, m.trial.seed) for m in members), strict=True)
        weights = [np.stack(column).reshape(*axes, *column[0].shape) for column in columns]
        pairs = list(zip(weights, self._trainable, strict=True))
        trainable = [w for w, is_trainable in pairs if is_trainable]
        fixed = [w for w, is_trainable in pairs if not is_trainable]
        seeds = [
            np.array([[seed_state(same[0].trial.seed, number) for same in lane] for lane in crew])
            for number in self._generators
        ]
        knobs = {
            name: np.array([m.knobs[name] for m in members], np.float32).reshape(axes)
            for name in self.family.varying
        }
        state = State(trainable, fixed, seeds, self._optimizer_start(knobs, axes))
        best = Best(
            np.zeros(axes, np.int32),
            np.full(axes, self.training.worst, np.float32),
            [w.copy() for w in trainable],
            [w.copy() for w in fixed],
        )
        return Carry(state, best), knobs

    def _optimizer_start(
        self, knobs: dict[str, np.ndarray[Any, Any]], axes: tuple[int, ...]
    ) -> list[Any]:
        values = [np.broadcast_to(value, (*axes, *value.shape)) for value in self._optimizer]
        if LEARNING_RATE in knobs:
            return [
                knobs[LEARNING_RATE] if is_rate else value
                for value, is_rate in zip(values, self._is_rate, strict=True)
            ]
        return values
