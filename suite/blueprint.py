"""Blueprint: what one recipe's model is, split into its structure and its knobs.

The structure (layers, shapes, loss, optimizer class) decides which compiled program can train the
model. The knobs (learning rate, dropout rates, L1/L2 strengths) and the starting weights are
numbers that the program takes as inputs. Both are read off the model's own configs, so nothing is
assumed about the task that built it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import FunctionType
from typing import Any

import keras
import keras_tuner

from suite import usermodel
from suite.anatomy import Part, parts_of
from suite.data import Data
from suite.schedules import is_known, lasting, numbers_of
from suite.task import Task
from suite.trial import Level, canonical
from suite.weights import Start, recorded_initializers, starts_of

_INPUT = keras.Input((1,))
CONFIGURED = (keras.Sequential, type(keras.Model(_INPUT, _INPUT)))
"""The classes of models whose config says all: sequential and functional ones."""

OFF = 1e30
"""The norm or size of gradients that counts as no clipping."""

build_state = usermodel.build_state

REGULARIZERS = (keras.regularizers.L1, keras.regularizers.L2, keras.regularizers.L1L2)


@dataclass(frozen=True)
class Blueprint:
    """A built, compiled model with what distinguishes it from others of its structure.

    Attributes:
        model: built and compiled.
        structure: canonical JSON, equal for models that one program can train.
        knobs: name -> number, such as "rate/0" (first dropout layer) or "l2/3".
        starts: how each weight starts, in the order of `model.weights`.
        batch_size: rows a step, at most the rows there are.
        parts: its layers with trained weights.
        drawing: the number of each layer that draws random numbers, where the model is a hull and
            does not count them itself.
    """

    model: keras.Model
    structure: str
    knobs: Mapping[str, float]
    starts: Sequence[Start]
    batch_size: int
    parts: Sequence[Part]
    drawing: Sequence[int] | None = None


def hyperparameters(values: Mapping[str, Level]) -> keras_tuner.HyperParameters:
    """A `HyperParameters` in which every declaration of `build(hp)` finds the given value."""
    hp = keras_tuner.HyperParameters()
    hp.values = dict(values)
    return hp


def draw_up(
    task: Task, values: Mapping[str, Level], data: Data, epochs: int | None = None
) -> Blueprint:
    """Build `task` with the given hyperparameters and read its blueprint off the model.

    `epochs` of the training decide how long a schedule lasts; the task's own by default.
    """
    hp = hyperparameters(values)
    whole = epochs or task.epochs
    lasting(hp, lambda: whole * max(1, len(data.train) // task.batch_size_of(hp)))
    with recorded_initializers() as initializers:
        model = usermodel.compiled(task.build(hp), f"build(hp) of task {task.name!r}")
        batch_size = min(task.batch_size_of(hp), len(data.train))
        if not model.built:  # a subclassed model has no weights before it sees a batch
            build_state(model, data.train.take(slice(0, batch_size)))
    return blueprint_of(model, initializers, values, batch_size)


def blueprint_of(
    model: keras.Model,
    initializers: Mapping[int, Any],
    values: Mapping[str, Level],
    batch_size: int,
    drawing: Sequence[int] | None = None,
) -> Blueprint:
    """The blueprint of a built, compiled model, given what `recorded_initializers` recorded."""
    starts = starts_of(model, initializers)
    return Blueprint(
        model=model,
        structure=_structure(model, values, batch_size),
        knobs=_knobs(model),
        starts=[starts[id(variable)] for variable in model.weights],
        batch_size=batch_size,
        parts=parts_of(model),
        drawing=drawing,
    )


def compiled_structure(model: keras.Model) -> str:
    """Loss, metrics and optimizer class as canonical JSON, the knobs left out.

    Raises what Keras raises where one of them has no config.
    """
    config = model.get_compile_config()
    names: dict[str, str] = {}
    _collect_names(config, names)
    return canonical(_masked(config, names))


def dropouts(model: keras.Model) -> list[keras.layers.Dropout]:
    """The plain dropout layers of a model, nested ones included, in order."""
    return [layer for layer in model._flatten_layers() if type(layer) is keras.layers.Dropout]


def penalised(model: keras.Model) -> list[keras.Variable]:
    """The variables that carry a plain L1, L2 or L1L2 penalty, in order."""
    return [v for v in model.trainable_variables if type(v.regularizer) in REGULARIZERS]


def _knobs(model: keras.Model) -> dict[str, float]:
    knobs = {f"rate/{i}": float(layer.rate) for i, layer in enumerate(dropouts(model))}
    for i, variable in enumerate(penalised(model)):
        for strength in ("l1", "l2"):
            knobs[f"{strength}/{i}"] = float(getattr(variable.regularizer, strength, 0.0))
    return knobs | _optimizer_knobs(model.optimizer)


def _optimizer_knobs(optimizer: keras.optimizers.Optimizer) -> dict[str, float]:
    knobs: dict[str, float] = {}
    numbers = numbers_of(optimizer._learning_rate)
    if numbers is not None:
        knobs |= {"learning_rate": numbers[0], **numbers[1]}
    if type(optimizer) is keras.optimizers.SGD:
        knobs["momentum"] = float(optimizer.momentum)
        knobs["nesterov"] = float(optimizer.nesterov)
    for name in ("clipnorm", "clipvalue"):
        limit = getattr(optimizer, name)
        knobs[name] = OFF if limit is None else float(limit)
    knobs["weight_decay"] = float(optimizer.weight_decay or 0.0)
    return knobs


def _structure(model: keras.Model, values: Mapping[str, Level], batch_size: int) -> str:
    weights = [[list(v.shape), str(v.dtype), bool(v.trainable)] for v in model.weights]
    return canonical([_config(model, values), weights, batch_size])


def _config(model: keras.Model, values: Mapping[str, Level]) -> Any:
    """The model's own configs without the knobs; the recipe itself where there are none.

    A subclassed model may hold anything in its attributes, and a loss made inside `build` anything
    from around it, so only their seeds share a program.
    """
    if type(model) not in CONFIGURED or hides(model):
        return dict(values)
    try:
        configs = [model.get_config(), model.get_compile_config()]
    except (NotImplementedError, TypeError, ValueError):  # something in it has no config
        return dict(values)
    names: dict[str, str] = {}
    _collect_names(configs, names)
    return _masked(configs, names)


def functions(model: keras.Model) -> list[FunctionType]:
    """The functions of a user's own (losses, metrics, activations), which configs merely name."""
    held = [value for layer in model._flatten_layers() for value in vars(layer).values()]
    compiled = keras.tree.flatten(model._compile_config.config)
    return [f for f in (*held, *compiled) if isinstance(f, FunctionType) and _is_own(f)]


def _is_own(function: FunctionType) -> bool:
    """Whether a user wrote it: not Keras, also not where Keras wraps a layer's `build`."""
    return not str(function.__module__).startswith("keras.") and not hasattr(
        function, "__wrapped__"
    )


def hides(model: keras.Model) -> bool:
    """Whether a model computes with something that its config does not tell."""
    parts = [*functions(model), *_judges(model)]
    excluding = hasattr(model.optimizer, "_exclude_from_weight_decay_pattern")
    return excluding or any(_hides(part) for part in parts)


def _judges(model: keras.Model) -> list[Any]:
    """The losses and metrics that are objects."""
    compiled = keras.tree.flatten(model._compile_config.config)
    return [j for j in compiled if isinstance(j, keras.losses.Loss | keras.metrics.Metric)]


def _hides(part: Any) -> bool:
    """Whether a config leaves out what `part` computes with.

    A function's config is its name: what it holds of the place where it was made is not told.
    An object's tells nothing of arguments that its class takes beyond those of its `get_config`.
    """
    if isinstance(part, FunctionType):
        return bool(part.__closure__ or part.__defaults__ or part.__kwdefaults__)
    order = type(part).__mro__
    made, told = (
        next(i for i, owner in enumerate(order) if name in vars(owner))
        for name in ("__init__", "get_config")
    )
    return made < told and not order[made].__module__.startswith("keras.")


def _collect_names(config: Any, names: dict[str, str]) -> None:
    """Number every layer name in order of appearance; Keras counts them up from build to build."""
    if isinstance(config, Mapping):
        name = config.get("name")
        if isinstance(name, str):
            names.setdefault(name, f"name {len(names)}")
        for value in config.values():
            _collect_names(value, names)
    elif isinstance(config, list | tuple):
        for value in config:
            _collect_names(value, names)


HIDDEN = {"Dropout": {"rate"}, "SGD": {"momentum", "nesterov"}}
"""Knobs in the configs of some classes; every optimizer has more of them."""


def _masked(config: Any, names: Mapping[str, str]) -> Any:
    """The config with names numbered, and with initializers and knobs taken out."""
    if isinstance(config, Mapping):
        kind = config.get("class_name")
        if kind in ("L1", "L2", "L1L2"):
            return "penalty"
        hidden = HIDDEN.get(str(kind), set()) | {"seed"}
        if isinstance(config.get("config"), Mapping) and "learning_rate" in config["config"]:
            hidden |= {"clipnorm", "clipvalue", "weight_decay"}  # an optimizer
        if kind == "AdamW":  # Adam with a weight decay
            config = {key: "Adam" if value == "AdamW" else value for key, value in config.items()}
        return {
            key: _masked(_without(value, hidden) if key == "config" else value, names)
            for key, value in config.items()
            if not key.endswith("_initializer") and not _is_rate(key, value)
        }
    if isinstance(config, list | tuple):
        return [_masked(value, names) for value in config]
    if isinstance(config, str):
        return names.get(config, config)
    return config if isinstance(config, int | float | bool | None) else repr(config)


def _is_rate(key: str, value: Any) -> bool:
    """A learning rate that numbers tell; another schedule's config stays in the structure."""
    return key == "learning_rate" and (isinstance(value, int | float) or is_known(value))


def _without(config: Any, hidden: set[str]) -> Any:
    if not isinstance(config, Mapping):
        return config
    return {key: value for key, value in config.items() if key not in hidden}
