"""A compiled Keras model as the source that makes it: constructors with what is not default."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Mapping
from pprint import pformat
from typing import Any

import keras

from suite.blueprint import CONFIGURED, functions, hides
from suite.errors import UsageError
from suite.reproduce.source import WIDTH, Group, Source, by_name, call, laid_out, listed, literal
from suite.trial import Trial

PACKAGES = (
    "layers",
    "initializers",
    "regularizers",
    "constraints",
    "optimizers",
    "optimizers.schedules",
    "losses",
    "metrics",
)
KERNEL = ("kernel_initializer=", "kernel_regularizer=")
COMPILED = ("loss_weights", "metrics", "weighted_metrics")
"""Arguments of `compile` beside optimizer and loss that say what is trained, not how fast."""


class _UnwritableError(Exception):
    """Something that has no constructor call here; the config of the whole model may still do."""


def refuse_own(model: keras.Model, trial: Trial) -> None:
    """UsageError where a model computes with what a script of Keras alone could not name."""
    own = sorted({name for name in _own(model) if name})
    if own:
        raise UsageError(
            f"Expected a sequential or functional model of Keras' own layers, losses and metrics. "
            f"Received: trial={trial.key!r} of task {trial.task!r}, which also needs "
            f"{', '.join(own)}; a script without the task file cannot hold that."
        )


def _own(model: keras.Model) -> Iterator[str]:
    if type(model) not in CONFIGURED:
        yield type(model).__name__
        return
    yield from (function.__name__ for function in functions(model))
    try:
        configs = [model.get_config(), model.get_compile_config()]
    except (NotImplementedError, TypeError, ValueError) as error:  # something in it has no config
        yield str(error).partition("\n")[0]
        return
    yield from _foreign(configs)
    if hides(model):
        yield "what its config does not tell"


def _foreign(config: Any) -> Iterator[str]:
    """The class names in a config that are not of Keras itself."""
    if isinstance(config, list | tuple):
        for item in config:
            yield from _foreign(item)
    if not isinstance(config, Mapping):
        return
    if "class_name" in config and "config" in config:
        known = str(config.get("module") or "").partition(".")[0] in ("keras", "builtins")
        if not known and config["class_name"] != "__keras_tensor__":
            yield str(config["class_name"])
    for item in config.values():
        yield from _foreign(item)


def model_lines(model: keras.Model) -> list[str]:
    """`model = ...` and `model.compile(...)`: source that makes an equal, compiled model.

    A sequential model is written as constructors; what all its kernels have in common comes first.
    A functional one, and whatever holds one, comes from its config.
    """
    try:
        shared, layers = _factored(_layers(model.get_config()))
        lines = [*shared, *laid_out(call("keras.Sequential", listed(layers)), "model = ")]
    except _UnwritableError:
        config = pformat(_lean(model.get_config()), width=WIDTH - 4, sort_dicts=False, compact=True)
        inner = [f"    {line}" for line in config.splitlines()]
        lines = ["model = keras.Model.from_config(", *inner, ")"]
    return [*lines, *laid_out(_compile(model.get_compile_config()))]


def _layers(config: Mapping[str, Any]) -> list[Source]:
    if "input_layers" in config:
        raise _UnwritableError
    return [source_of(layer) for layer in config["layers"] if not _idle(layer)]


def _factored(layers: list[Source]) -> tuple[list[str], list[Source]]:
    """The lines that name the initializer and penalty that all kernels share; the layers with it.

    No lines, and the layers as they are, where fewer than two layers say it or they differ.
    """
    common = {str(own): own for layer in layers if (own := _of_kernel(layer)).items}
    if len(common) != 1 or sum(bool(_of_kernel(layer).items) for layer in layers) < 2:
        return [], layers
    (shared,) = common.values()
    named = [
        Group(layer.opening, [*kept, ("**", "kernel")], layer.closing)
        if isinstance(layer, Group) and (kept := _others(layer)) != layer.items
        else layer
        for layer in layers
    ]
    return laid_out(shared, "kernel = "), named


def _of_kernel(layer: Source) -> Group:
    items = layer.items if isinstance(layer, Group) else ()
    return Group("dict(", [item for item in items if item[0] in KERNEL], ")")


def _others(layer: Group) -> list[tuple[str, Source]]:
    return [item for item in layer.items if item[0] not in KERNEL]


def _idle(layer: Mapping[str, Any]) -> bool:
    """Dropout of nothing, which is there to give recipes one structure."""
    return layer["class_name"] == "Dropout" and not layer["config"]["rate"]


def _compile(config: Mapping[str, Any]) -> Source:
    more = {name: source_of(config[name]) for name in COMPILED if config.get(name) is not None}
    return call(
        "model.compile", source_of(config["optimizer"]), source_of(config.get("loss")), **more
    )


def source_of(value: Any) -> Source:
    """The source of a value in a config: plain, or an object of Keras as its constructor call."""
    if isinstance(value, list):
        return listed([source_of(item) for item in value])
    if isinstance(value, Mapping) and {"class_name", "config"} <= set(value):
        return _object(value)
    if isinstance(value, Mapping):
        return by_name({str(name): source_of(item) for name, item in value.items()})
    return literal(value)


def _object(serialized: Mapping[str, Any]) -> Source:
    match serialized["class_name"], serialized["config"]:
        case ("function", str(name)) | ("DTypePolicy", {"name": name}):
            return literal(name)
        case "InputLayer", config:
            return _input(config)
        case "Sequential", config:
            return call("keras.Sequential", listed(_layers(config)))
        case "L1" | "L2" | "L1L2", config if not any(config.values()):
            return "None"  # the penalty of strength 0 is there to give recipes one structure
    return _constructor(serialized)


def _input(config: Mapping[str, Any]) -> Source:
    named = {}
    if _dtype(config["dtype"]) != keras.config.floatx():
        named["dtype"] = literal(_dtype(config["dtype"]))
    if config.get("sparse") or config.get("ragged"):
        raise _UnwritableError
    return call("keras.Input", literal(tuple(config["batch_shape"][1:])), **named)


def _dtype(dtype: Any) -> str:
    return str(dtype["config"]["name"]) if isinstance(dtype, Mapping) else str(dtype)


def _constructor(serialized: Mapping[str, Any]) -> Source:
    kind = _class_of(serialized)
    required, changed = _arguments(kind, serialized["config"])
    name = f"keras.{_package(kind)}.{kind.__name__}"
    if _package(kind) == "initializers" and not required and not changed:
        short = re.sub(r"(?<!^)(?=[A-Z])", "_", kind.__name__).lower()
        if type(keras.initializers.get(short)) is kind:
            return literal(short)
    return call(
        name,
        *(_scalar(source_of(value)) for value in required.values()),
        **{key: source_of(value) for key, value in changed.items()},
    )


def _scalar(source: Source) -> Source:
    """A window that is as wide as high by its side, as one usually writes it."""
    same = re.fullmatch(r"\((\d+)(?:, \1)*,?\)", str(source))
    return same[1] if same else source


def _class_of(serialized: Mapping[str, Any]) -> type:
    for package in PACKAGES:
        found = inspect.getattr_static(_module(package), serialized["class_name"], None)
        if isinstance(found, type) and serialized.get("module") == f"keras.{package}":
            return found
    raise _UnwritableError


def _module(package: str) -> Any:
    module: Any = keras
    for name in package.split("."):
        module = getattr(module, name)
    return module


def _package(kind: type) -> str:
    return next(p for p in PACKAGES if getattr(_module(p), kind.__name__, None) is kind)


def _arguments(kind: type, config: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The arguments of a config that the constructor requires, and those that are not default."""
    parameters = list(inspect.signature(kind.__init__).parameters.values())[1:]  # type: ignore[misc]
    wanted = [
        p.name
        for p in parameters
        if p.kind is p.POSITIONAL_OR_KEYWORD
        and (p.default is p.empty or p.name == "learning_rate")  # which one wants to see
    ]
    if not set(wanted) <= set(config):
        raise _UnwritableError
    required = {name: config[name] for name in wanted}
    values = {n: keras.saving.deserialize_keras_object(v) for n, v in required.items()}
    try:
        default = kind(**values).get_config()
    except (TypeError, ValueError) as error:
        raise _UnwritableError from error
    changed = {
        name: value
        for name, value in config.items()
        if name not in required and not _equal(kind, name, value, default)
    }
    return required, changed


def _equal(kind: type, name: str, value: Any, default: Mapping[str, Any]) -> bool:
    if name not in default:
        return False
    if name == "name" and not issubclass(kind, keras.metrics.Metric):  # as Keras counts them up
        return bool(_uncounted(str(value)) == _uncounted(str(default[name])))
    return str(source_of(value)) == str(source_of(default[name]))


def _uncounted(name: str) -> str:
    return re.sub(r"_\d+$", "", name)


def _lean(config: Any) -> Any:
    """A config without what deserializing fills in by itself."""
    if isinstance(config, list | tuple):
        return type(config)(_lean(item) for item in config)
    if not isinstance(config, Mapping):
        return config
    return {
        key: _lean(value)
        for key, value in config.items()
        if not (key == "build_config" or (key == "registered_name" and value is None))
    }
