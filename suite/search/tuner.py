"""FleetTuner: a KerasTuner tuner whose trials train as fleets."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import keras
import keras_tuner
import numpy as np
import pandas as pd

from suite.blueprint import build_state
from suite.engines.fleet import FleetEngine
from suite.engines.port import Port
from suite.engines.states import StateFolder
from suite.environment import sparing_tensorflow
from suite.errors import PluginError, RecordError, SuiteError, UsageError
from suite.search.conversation import Conversation, Suggestion
from suite.search.explore import check_logs, drawn, explore, largest
from suite.search.fitting import Arguments, arguments_of
from suite.search.hypertask import HyperTask
from suite.search.project import (
    Progress,
    Project,
    declarations,
    empty,
    forms_of,
    report_logs,
)
from suite.store import Store
from suite.trial import Outcome, Status, Trial

BATCH = 32
"""Trials asked at once where the oracle learns from what it is told."""

UNLEARNING = ("RandomSearchOracle", "GridSearchOracle", "GridOracle")
"""Oracles that ask the same whatever they are told: all their trials are asked at once."""

MANY = 200
"""Trials that are expected of an oracle that does not say how many it will ask for."""


@dataclass(frozen=True)
class Execution:
    """One training of one trial of the tuner.

    Attributes:
        trial_id: the oracle's; `execution` counts from 0.
        score: the objective at the selected epoch; NaN where the training diverged or failed.
        epoch: the selected one, from 1; `epochs` are those trained.
        key: of its trial in the record.
    """

    trial_id: str
    execution: int
    seed: int
    status: str
    score: float
    epoch: int
    epochs: int
    seconds: float
    message: str
    key: str


class _Silent:
    """A watcher that says nothing."""

    def stage(self, text: str) -> None:
        """Nothing is shown."""


class FleetTuner(keras_tuner.Tuner):  # type: ignore[misc]  # keras_tuner ships no types
    """A `keras_tuner.Tuner` that trains its trials many at a time, as compiled fleets.

    Use it as any tuner of KerasTuner: with a `HyperModel` or a `build(hp)` function, an oracle, and
    NumPy arrays.

        tuner = FleetTuner(build, oracle=keras_tuner.oracles.RandomSearchOracle(
            objective="val_accuracy", max_trials=100))
        tuner.search(x, y, validation_data=(x_val, y_val), epochs=20, batch_size=32)
        model = tuner.get_best_models()[0]

    What differs from KerasTuner: the rows left over after the last full batch of an epoch sit it
    out (another order, other rows, each epoch); an epoch's order, initial weights and dropout
    follow from the seed alone; `executions_per_trial` are seeds `seed`, `seed + 1`, ..., whose
    scores are all kept (`executions()`); a promoted trial of Hyperband goes on from its own state.
    The record in the project's folder is the truth: a search that was killed goes on where it
    was, and trains nothing again.

    Args:
        hypermodel: a `keras_tuner.HyperModel`, a `suite.Task`, or a function of `hp`.
        oracle: any `keras_tuner.Oracle` of one objective.
        executions_per_trial: trainings of each trial, on seeds of their own; their mean objective
            is the trial's score.
        seed: the first of these seeds.
        batch: trials that are asked at once; by default all for an oracle that does not learn, 32
            for others. The larger, the faster, and the less an oracle knows when it is asked.
        engine: a `suite.engines.fleet.FleetEngine` with settings of its own.
        **kwargs: of `keras_tuner.Tuner`: directory, project_name, overwrite, loss, ...

    Raises:
        UsageError: Keras runs on another backend than JAX; an argument cannot be honoured.
        PluginError: the hypermodel cannot be built.
        RecordError: the project was begun with something else.
    """

    def __init__(
        self,
        hypermodel: Any = None,
        oracle: keras_tuner.Oracle | None = None,
        *,
        executions_per_trial: int = 1,
        seed: int = 0,
        batch: int | None = None,
        engine: FleetEngine | None = None,
        **kwargs: Any,
    ) -> None:
        if keras.backend.backend() != "jax":
            raise UsageError(
                "Expected Keras on JAX: set KERAS_BACKEND=jax before importing Keras. "
                f"Received: KERAS_BACKEND={keras.backend.backend()}."
            )
        if hypermodel is None:
            raise UsageError("Expected a hypermodel. Received: hypermodel=None.")
        for name in ("distribution_strategy", "tuner_id", "logger"):
            if kwargs.get(name) is not None:
                raise UsageError(f"Expected no {name}. Received: {name}={kwargs[name]!r}.")
        self.seed = int(seed)
        self.batch = batch or (BATCH if _learns(oracle) else None)
        self.engine = engine or FleetEngine()
        self._executions: list[Execution] = []
        self._pending: list[Suggestion] = []
        super().__init__(
            oracle=oracle,
            hypermodel=hypermodel,
            executions_per_trial=executions_per_trial,
            **kwargs,
        )
        self.declared = declarations(self.oracle.get_space())
        self.project = Project(Path(self.project_dir))
        if self.project.begun:
            reseed(self.oracle, self.project.begun["oracle_seed"])
            self._take_up(self.project.begun)
        self.conversation = Conversation(self.oracle, seed=self.seed)
        if self.project.begun:
            self._recall()

    def _take_up(self, begun: Mapping[str, Any]) -> None:
        """Go on with what a project was begun with; RecordError where that has changed."""
        now = self._settings()
        self.project.check_same({key: begun[key] for key in now}, now)
        for name in sorted({*begun["declared"], *self.declared}):
            title = f"hyperparameter {name!r}"
            both = [own.get(name) for own in (begun["declared"], self.declared)]
            self.project.check_same({title: both[0]}, {title: both[1]})
        self.batch = begun["batch"]
        self.oracle.hyperparameters = keras_tuner.HyperParameters.from_config(begun["space"])

    def _settings(self) -> dict[str, Any]:
        """What must be the same whenever a project is taken up."""
        return {
            "executions": self.executions_per_trial,
            "seed": self.seed,
            "oracle": type(self.oracle).__name__,
            "objective": f"{self.oracle.objective.name} ({self.oracle.objective.direction})",
        }

    def _populate_initial_space(self) -> None:
        """As KerasTuner does; PluginError where the hypermodel cannot be built."""
        try:
            super()._populate_initial_space()
        except SuiteError:
            raise
        except Exception as error:
            raise PluginError(
                f"Expected a hypermodel that can be built. "
                f"Received: {type(error).__name__}: {error}."
            ) from error

    def search(self, *fit_args: Any, **fit_kwargs: Any) -> None:
        """Search until the oracle is through; arguments as of `keras.Model.fit`.

        `x`, `y`, `validation_data` or `validation_split`, `epochs`, `batch_size`, `verbose`, and
        `callbacks=[keras.callbacks.EarlyStopping(...)]` are honoured; UsageError names what is not.
        """
        arguments = arguments_of(fit_args, fit_kwargs, self.oracle.objective)
        with sparing_tensorflow():
            self._search(arguments)

    def _search(self, arguments: Arguments) -> None:
        task = HyperTask(self, arguments, self.project_name)
        check_logs(task, arguments, self.oracle)
        if not self.project.begun:
            explore(self.oracle, task)
        with Store(self.project.folder) as store:
            self.project.begin(self._description(task, arguments))
            self.on_search_begin()
            port = self._port(task, arguments)
            say = Progress(self.oracle, arguments.verbose)
            while batch := self._pending or self._ask():
                self._pending = batch
                self._train(batch, task, port, store)
                say.batch(self._tell(batch), self.conversation.seconds)
            self.on_search_end()

    def _description(self, task: HyperTask, arguments: Arguments) -> dict[str, Any]:
        return {
            **self._settings(),
            "source": task.source,
            "data": arguments.data.fingerprint,
            "batch_size": arguments.options.batch_size,
            "early_stopping": repr(arguments.patience),
            "epochs": arguments.options.epochs,
            "oracle_seed": self.oracle.seed,
            "batch": self.batch,
            "declared": self.declared,
            "space": self.oracle.get_space().get_config(),
            "forms": forms_of(arguments.data),
        }

    def _port(self, task: HyperTask, arguments: Arguments) -> Port:
        """A port that knows which models will come, from recipes drawn at random."""
        last = getattr(self.oracle, "max_epochs", arguments.options.epochs)
        port = self.engine.port(
            task,
            patience=arguments.patience,
            states=StateFolder(self.project.folder / "states", last),
            weights=self.project.weights,
            expected=(self.oracle.max_trials or MANY) * self.executions_per_trial,
        )
        if self.batch is not None:
            epochs = arguments.options.epochs
            scouts = [*drawn(self.oracle), *largest(self.oracle)]
            port.expect([Trial(task.name, task.source, v, self.seed, epochs) for v in scouts])
        return port

    def _ask(self) -> list[Suggestion]:
        return self.conversation.ask(self.batch or self.oracle.max_trials or BATCH)

    def _trials(self, suggestion: Suggestion, epochs: int) -> list[Trial]:
        """The executions of a suggestion, one a seed."""
        source = self.project.begun["source"]
        return [
            Trial(self.project_name, source, dict(suggestion.values), self.seed + n, epochs)
            for n in range(self.executions_per_trial)
        ]

    def _train(
        self, batch: Sequence[Suggestion], task: HyperTask, port: Port, store: Store
    ) -> None:
        """Train what the record does not hold; weights and states are on the disk before it."""
        wanted: dict[str, Trial] = {}
        for suggestion in batch:
            epochs = suggestion.epochs or task.options(suggestion.hp.copy()).epochs
            wanted |= {trial.key: trial for trial in self._trials(suggestion, epochs)}
        waiting = [trial for key, trial in wanted.items() if key not in self.project.done]
        failed: list[Outcome] = []
        for outcomes in port.train(waiting, _Silent()):
            self.project.keep(outcomes)
            store.append(outcomes)
            self.project.learn(outcomes)
            failed += [outcome for outcome in outcomes if outcome.status is Status.FAILED]
        if failed and self.project.nothing_but_failures:
            raise PluginError(
                f"Expected at least one of {len(failed)} trials to train. "
                f"Received: {failed[0].message}."
            )
        for suggestion in batch:
            task.complete(suggestion.hp)

    def _outcomes(self, suggestion: Suggestion) -> list[Outcome] | None:
        """What the record holds of a suggestion; None where an execution is missing."""
        found = [
            self.project.find(trial, exact=suggestion.epochs is not None)
            for trial in self._trials(suggestion, suggestion.epochs or self.project.begun["epochs"])
        ]
        return None if None in found else [outcome for outcome in found if outcome]

    def _tell(self, batch: Sequence[Suggestion]) -> list[Outcome]:
        """Tell the oracle the mean objective of each suggestion's executions, and keep them all."""
        scores: dict[str, float | None] = {}
        steps: dict[str, int] = {}
        everything = []
        for suggestion in batch:
            outcomes = self._outcomes(suggestion) or []
            own = [self._execution(suggestion, n, o) for n, o in enumerate(outcomes)]
            values = [execution.score for execution in own]
            scores[suggestion.trial_id] = float(np.mean(values)) if values else None
            steps[suggestion.trial_id] = max((execution.epoch for execution in own), default=0)
            report_logs(self.oracle.trials[suggestion.trial_id], outcomes, self.oracle.objective)
            self._executions += own
            everything += outcomes
        self.conversation.tell(scores, steps)
        self._pending = []
        return everything

    def _execution(self, suggestion: Suggestion, number: int, outcome: Outcome) -> Execution:
        name = self.oracle.objective.name
        return Execution(
            trial_id=suggestion.trial_id,
            execution=number,
            seed=outcome.trial.seed,
            status=outcome.status.value,
            score=outcome.metrics.get(f"val.{name.removeprefix('val_')}", math.nan),
            epoch=outcome.epoch or 0,
            epochs=len(next(iter(outcome.curves.values()), ())),
            seconds=outcome.seconds,
            message=outcome.message,
            key=outcome.trial.key,
        )

    def _recall(self) -> None:
        """Tell the oracle, batch by batch, what the record holds; stop where it ends."""
        while batch := self._ask():
            if any(self._outcomes(suggestion) is None for suggestion in batch):
                self._pending = batch
                return
            self._tell(batch)

    def executions(self) -> pd.DataFrame:
        """One row a training: `trial_id`, `execution`, `seed`, `status`, `score`, `epoch`
        (selected), `epochs` (trained), `seconds`, `message`, `key` (in the record).
        """
        names = [own.name for own in fields(Execution)]
        return pd.DataFrame(map(asdict, self._executions), columns=names)

    def load_model(self, trial: Any) -> keras.Model:
        """The model of a trial with the weights of its best execution's selected epoch."""
        own = [e for e in self._executions if e.trial_id == trial.trial_id and e.epoch]
        if not own:
            raise RecordError(f"Expected a trial that was trained. Received: {trial.trial_id}.")
        sign = 1 if self.oracle.objective.direction == "min" else -1
        best = min(own, key=lambda execution: sign * execution.score)
        model = self._build_hypermodel(trial.hyperparameters)
        if not model.built:
            build_state(model, empty(self.project.begun["forms"]))
        model.set_weights(self.project.weights_of(best.key))
        return model

    def save(self) -> None:
        """Nothing: the record is written as trials end."""

    def reload(self) -> None:
        """Nothing: the project was read when the tuner was made."""


def _learns(oracle: Any) -> bool:
    return type(oracle).__name__ not in UNLEARNING


def reseed(oracle: keras_tuner.Oracle, seed: int) -> None:
    """Put an oracle that has asked nothing at the start that `seed` gives it."""
    oracle.seed = oracle._seed_state = seed
    if isinstance(oracle, keras_tuner.oracles.BayesianOptimizationOracle):
        oracle._random_state = np.random.RandomState(seed)  # as KerasTuner does
        oracle.gpr = oracle._make_gpr()
