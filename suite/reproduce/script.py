"""The script of one trial, put together: model, initial weights, batches, selection, comparison."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import keras
import numpy as np

from suite.blueprint import Blueprint
from suite.errors import UsageError
from suite.reproduce.arrays import Part
from suite.reproduce.layers import model_lines, refuse_own
from suite.reproduce.metrics import metric_lines
from suite.reproduce.quantiles import Initial, initial
from suite.reproduce.recorded import backend_of
from suite.reproduce.source import WIDTH, call, laid_out, text
from suite.scoring import Judge
from suite.seeding import DROPOUT
from suite.trial import Outcome, Status
from suite.weights import draws_numbers, seed_generators

TOLERANCE = "1e-3"  # relative; what rounding on another backend may come to
RATES = ("rate", "dropout", "recurrent_dropout")
DRAWING = "Dropout draws other numbers on another backend than {backend}"
SUMMING = """\
# TensorFlow gives an embedding's gradient in slices, one for each row looked up. Adding 0 makes one
# array of them, as on the other backends, before the optimizer squares or clips them one by one.
apply = model.optimizer.apply
model.optimizer.apply = lambda gradients, *variables: apply(
    [keras.ops.add(gradient, 0.0) for gradient in gradients], *variables
)""".splitlines()


def script_of(outcome: Outcome, blueprint: Blueprint, judge: Judge, data_path: str) -> str:
    """The script that trains a trial again.

    Args:
        outcome: what was recorded; completed or diverged.
        blueprint: the trial's model, built and compiled.
        judge: of the trial's task and data.
        data_path: the source of the path of the data file.

    Raises UsageError where a script of Keras and numpy alone cannot hold the model.
    """
    refuse_own(blueprint.model, outcome.trial)
    model = model_lines(blueprint.model)
    starts = initial(blueprint.starts, outcome.trial)
    script = Script(outcome, blueprint, judge, data_path, model, starts)
    script.check()
    return "\n".join(script.lines()) + "\n"


@dataclass(frozen=True)
class Script:
    """What the script is made from; every method but `check` gives the lines of one part."""

    outcome: Outcome
    blueprint: Blueprint
    judge: Judge
    data_path: str
    model: Sequence[str]
    starts: Initial

    def check(self) -> None:
        """UsageError unless the model's source makes an equal model, its fixed weights equal."""
        trial = self.outcome.trial
        refusal = (
            f"Expected a model that follows from the arguments of its layers. "
            f"Received: trial={trial.key!r} of task {trial.task!r}, whose"
        )
        made: dict[str, Any] = {"keras": keras}
        try:
            exec("\n".join(self.model), made)
            same = model_lines(made["model"]) == self.model
        except Exception as error:  # Keras may raise anything
            reason = str(error).strip().partition("\n")[0]
            raise UsageError(f"{refusal} model cannot be made again ({reason}).") from error
        weights, starts = made["model"].weights, self.blueprint.starts
        if not same or [tuple(w.shape) for w in weights] != [s.shape for s in starts]:
            raise UsageError(f"{refusal} layers come out otherwise when made again.")
        for weight, start in zip(weights, starts, strict=True):
            value = keras.ops.convert_to_numpy(weight.value)
            if isinstance(start, np.ndarray) and not np.array_equal(start, value):
                raise UsageError(f"{refusal} weight {weight.path} was set to other values.")

    def lines(self) -> list[str]:
        """All of the script."""
        functions = [*self.starts.functions.values(), *([self.metric] if self.metric else [])]
        return [
            *self.heading(),
            *self.imports(),
            *(line for function in functions for line in _apart(function)),
            *(["", ""] if functions else [""]),
            *self.settings(),
            "",
            *self.model,
            *self.summing(),
            *self.weights(),
            *self.generators(),
            *self.training(),
            *(self.comparison() if self.completed else self.divergence()),
        ]

    @property
    def completed(self) -> bool:
        """Whether there is a figure to compare with."""
        return self.outcome.status is Status.COMPLETED

    @cached_property
    def metric(self) -> list[str]:
        """The task's metric as a function; empty where numpy alone does not give it."""
        targets = self.judge.data.train.y
        outputs = self.blueprint.model.output_shape
        single = isinstance(outputs, tuple)
        if (
            isinstance(targets, Mapping)
            or not single
            or not self.completed
            or not self.judge.judges
        ):
            return []
        return metric_lines(self.judge.name, targets.shape, outputs)

    @property
    def _parts(self) -> tuple[Part, Part]:
        train = self.judge.data.train
        return Part("x", train.x), Part("y", train.y)

    def heading(self) -> list[str]:
        """The docstring: which trial this is, and what it needs."""
        trial = self.outcome.trial
        recipe = ", ".join(f"{name} {level}" for name, level in trial.hp.items())
        recipe = recipe.replace("\\", "/").replace('"', "'")  # it stands in a docstring
        needs = "Needs Keras and numpy; KERAS_BACKEND may be jax or tensorflow."
        if self._drawing:
            needs += f" {DRAWING.format(backend=backend_of(self.outcome))}."
        return [
            f'"""Trial {trial.key} of task {trial.task}, trained again by Keras alone.',
            "",
            *textwrap.wrap(f"Seed {trial.seed}; {recipe or 'default hyperparameters'}.", WIDTH),
            *textwrap.wrap(needs, WIDTH),
            '"""',
            "",
        ]

    def imports(self) -> list[str]:
        """The standard library, Keras, numpy."""
        own = ["from pathlib import Path"] if "Path(" in self.data_path else []
        return [
            *(["import sys"] if self.completed else []),
            *own,
            *self.starts.imports,
            *([""] if self.completed or own or self.starts.imports else []),
            "import keras",
            "import numpy as np",
        ]

    def settings(self) -> list[str]:
        """The seed, how long, and the data."""
        trial, size = self.outcome.trial, self.blueprint.batch_size
        epochs = len(next(iter(self.outcome.curves.values()))) if self.completed else trial.epochs
        x, y = self._parts
        return [
            f"SEED, EPOCHS, BATCH_SIZE = {trial.seed}, {epochs}, {size}",
            *(self._goal() if self.completed else []),
            *laid_out(call("np.load", self.data_path), "data = "),
            *x.names(),
            *y.names(),
            f"x, y = {x.of('train')}, {y.of('train')}",
            f"val = ({x.of('val')}, {y.of('val')})",
        ]

    def summing(self) -> list[str]:
        """What makes embeddings train alike on all backends."""
        layers = self.blueprint.model._flatten_layers()
        return SUMMING if any(isinstance(layer, keras.layers.Embedding) for layer in layers) else []

    def weights(self) -> list[str]:
        """The initial weights, where some are random."""
        lines = self.starts.assignment()
        why = "# Initial weights: uniform numbers through the quantile function of the initializer."
        return ["", why, *lines] if lines else []

    @cached_property
    def _drawing(self) -> list[int]:
        """The numbers of the model's seed generators, in order; none where no rate is above 0."""
        model = self.blueprint.model
        if not any(_draws(layer) for layer in model._flatten_layers()):
            return []
        numbers = {id(state): number for number, state in seed_generators(model)}
        return [numbers[id(v)] for v in model.variables if id(v) in numbers]

    def generators(self) -> list[str]:
        """The starting states of dropout layers, where some drop."""
        if not self._drawing:
            return []
        return [
            "",
            "# Where the random numbers of each dropout layer begin.",
            'states = [v for v in model.variables if v.path.endswith("seed_generator_state")]',
            f"for number, state in zip({self._drawing}, states):",
            f"    word = np.random.SeedSequence([SEED, {DROPOUT}, number]).generate_state(1)[0]",
            '    state.assign(np.array([word >> 1, 0], "uint32"))',
        ]

    def training(self) -> list[str]:
        """The loop over epochs."""
        x, y = self._parts
        rows = "len(y)" if isinstance(y.arrays, np.ndarray) else str(len(self.judge.data.train))
        fit = call(
            "model.fit",
            x.rows("rows"),
            y.rows("rows"),
            "BATCH_SIZE",
            shuffle="False",
            validation_data="val",
            verbose="0",
        )
        sign, worst = ("<", "np.inf") if self.judge.objective[1] == "min" else (">", "-np.inf")
        loop = [
            "for epoch in range(EPOCHS):  # each with its own order of the rows",
            f"    order = np.random.default_rng([SEED, epoch]).permutation({rows})",
            "    rows = order[: len(order) // BATCH_SIZE * BATCH_SIZE]  # the rest sits it out",
            *laid_out(fit, "run = ", "", " " * 4),
        ]
        if not self.completed:
            return ["", *loop]
        return [
            "",
            f"best = {worst}",
            *loop,
            "    value = run.history[OBJECTIVE][0]",
            f"    if value {sign} best:",
            "        best, chosen, weights = value, epoch + 1, model.get_weights()",
        ]

    def _goal(self) -> list[str]:
        goal = self.judge.objective[0]
        value = self.outcome.curves[goal][int(self.outcome.epoch or 0) - 1]
        return [f"OBJECTIVE, RECORDED = {text(goal)}, {value:.8g}"]

    def comparison(self) -> list[str]:
        """What came out beside what was recorded; the exit code 1 where the objective differs."""
        recorded = f"recorded {{RECORDED:.6g}} in epoch {self.outcome.epoch}"
        return [
            "",
            f'print(f"{{OBJECTIVE}}: got {{best:.6g}} in epoch {{chosen}}, {recorded}")',
            *self._metrics(),
            *self._elsewhere(),
            f"sys.exit(not np.isclose(best, RECORDED, rtol={TOLERANCE}, atol=0))",
        ]

    def _metrics(self) -> list[str]:
        if not self.judge.judges:
            return []
        name, (x, y) = self.judge.name, self._parts
        recorded = f"{self.outcome.metrics[f'test.{name}']:.6g}"
        if not self.metric:
            return [
                f"# Recorded as well: {name} {recorded} on test, which numpy alone does not give."
            ]
        outputs = call("model.predict", x.of("test"), verbose="0")
        return [
            "model.set_weights(weights)",
            *laid_out(call(name, y.of("test"), outputs), "test = "),
            f'print(f"test {name}: got {{test:.6g}}, recorded {recorded}")',
        ]

    def _elsewhere(self) -> list[str]:
        """Another backend's random numbers make another training, which nothing was said about."""
        if not self._drawing:
            return []
        backend = backend_of(self.outcome)
        said = f"{DRAWING.format(backend=backend)}: not comparable."
        return [
            f"if keras.backend.backend() != {text(backend)}:",
            *laid_out(call("print", text(said)), indent="    "),
            "    sys.exit()",
        ]

    def divergence(self) -> list[str]:
        """The logs of every epoch, up to the one that is not finite."""
        return [
            "    print(epoch + 1, run.history)",
            "    if not np.isfinite(list(run.history.values())).all():",
            "        break",
            *laid_out(call("print", text(f"recorded: diverged, {self.outcome.message}"))),
        ]


def _apart(function: Sequence[str]) -> list[str]:
    """A function with the blank lines before it; a helper in one line needs one."""
    return ["", *([""] if len(function) > 1 else []), *function]


def _draws(layer: keras.layers.Layer) -> bool:
    """Whether a layer draws random numbers at the rates that it has."""
    rates = [getattr(layer, name, None) for name in RATES]
    known = [rate for rate in rates if isinstance(rate, int | float)]
    return draws_numbers(layer) and (any(known) or not known)
