"""Anatomy: which of a model's variables and activations belong to which of its layers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import keras
from keras.src.utils.naming import to_snake_case

ACTIVATIONS = (
    keras.layers.Activation,
    keras.layers.ReLU,
    keras.layers.LeakyReLU,
    keras.layers.PReLU,
    keras.layers.ELU,
)
"""Layers that are an activation and nothing else."""


@dataclass(frozen=True)
class Part:
    """A layer with weights that are trained.

    Attributes:
        name: its class and its number among those of the class: "dense 1".
        weights: positions of its trained weights in `model.weights`.
        kernel: the first of them that is no vector; None where all are.
        activation: the name of the one that follows, before the next kernel; "" where none does,
            and behind the last kernel: what a model puts out tells how sure it is.
    """

    name: str
    weights: tuple[int, ...]
    kernel: int | None
    activation: str = ""


@dataclass(frozen=True)
class Site:
    """An activation inside a model: the layer that computes it, and the kernel that it follows.

    `activation` is its name; `kernel` a position in `model.weights`.
    """

    layer: Any
    kernel: int
    activation: str


def inner_layers(model: keras.Model) -> Iterator[keras.layers.Layer]:
    """The layers of a model in order, those of models inside it in their place."""
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from inner_layers(layer)
        else:
            yield layer


def parts_of(model: keras.Model) -> tuple[Part, ...]:
    """The layers with trained weights, in order, and the hidden activations behind them."""
    activations = {site.kernel: site.activation for site in reversed(sites_of(model))}
    return tuple(
        replace(part, activation=activations.get(part.kernel, ""))
        if part.kernel is not None
        else part
        for part in _weighted(model)
    )


def _weighted(model: keras.Model) -> list[Part]:
    """The layers with trained weights; one that is used twice counts once."""
    position = {id(v): i for i, v in enumerate(model.weights)}
    seen: set[int] = set()
    counts: Counter[str] = Counter()
    parts = []
    for layer in inner_layers(model):
        own = [v for v in layer.trainable_weights if id(v) in position and id(v) not in seen]
        if not own:
            continue
        seen |= {id(v) for v in own}
        kind = to_snake_case(type(layer).__name__)
        counts[kind] += 1
        kernels = [position[id(v)] for v in own if len(v.shape) >= 2]
        places = tuple(position[id(v)] for v in own)
        parts.append(Part(f"{kind} {counts[kind]}", places, kernels[0] if kernels else None))
    return parts


def sites_of(model: keras.Model) -> list[Site]:
    """The activations of the hidden layers.

    A hull has several behind one kernel, of which each member takes its own.
    """
    kernels = {
        id(model.weights[place]): place
        for part in _weighted(model)
        for place in part.weights
        if place == part.kernel
    }
    last = _outermost(model)
    kernel: int | None = None
    sites: list[Site] = []
    for layer in inner_layers(model):
        kernel = next((kernels[id(v)] for v in layer.weights if id(v) in kernels), kernel)
        name = activation_of(layer)
        if name and kernel is not None and id(layer) not in last:
            sites.append(Site(layer, kernel, name))
    return sites


def activation_of(layer: keras.layers.Layer) -> str:
    """The name of a layer's activation; "" where it has none or a linear one."""
    function = getattr(layer, "activation", None)
    if function is None:
        kind = to_snake_case(type(layer).__name__) if isinstance(layer, ACTIVATIONS) else ""
        return {"re_lu": "relu", "leaky_re_lu": "leaky_relu", "p_re_lu": "prelu"}.get(kind, kind)
    name = getattr(function, "__name__", type(function).__name__)
    return "" if name == "linear" else str(name)


def _outermost(model: keras.Model) -> set[int]:
    """The layers whose outputs are the model's."""
    layers = [*inner_layers(model)]
    outputs = {id(tensor) for tensor in keras.tree.flatten(getattr(model, "outputs", None) or [])}
    found = {
        id(layer)
        for layer in layers
        for tensor in keras.tree.flatten(_output(layer))
        if id(tensor) in outputs
    }
    return found or {id(layer) for layer in layers[-1:]}


def _output(layer: keras.layers.Layer) -> Any:
    """A layer's output; nothing where it was never part of a graph."""
    return layer._inbound_nodes[-1].output_tensors if layer._inbound_nodes else []
